"""The provisioning files hold what Grafana's documentation knows, and nothing else.

Grafana ignores a key that it does not know, so a typo would go unseen: the models forbid extras.
"""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

ROOT = Path(__file__).parents[2]
PROVISIONING = ROOT / "grafana/provisioning"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PrometheusData(Strict):
    """https://grafana.com/docs/grafana/latest/datasources/prometheus/configure/."""

    timeInterval: str = Field(pattern=r"^\d+[smh]$")  # noqa: N815 - Grafana's name
    httpMethod: Literal["GET", "POST"]  # noqa: N815


class DataSource(Strict):
    """https://grafana.com/docs/grafana/latest/administration/provisioning/#data-sources."""

    name: str
    uid: str
    type: Literal["prometheus"]
    access: Literal["proxy"]
    url: str
    isDefault: bool  # noqa: N815
    editable: bool
    jsonData: PrometheusData  # noqa: N815


class DataSources(Strict):
    apiVersion: Literal[1]  # noqa: N815
    datasources: list[DataSource]


class FileOptions(Strict):
    path: str


class Provider(Strict):
    """https://grafana.com/docs/grafana/latest/administration/provisioning/#dashboards."""

    name: str
    type: Literal["file"]
    folder: str
    folderUid: str  # noqa: N815
    disableDeletion: bool  # noqa: N815
    allowUiUpdates: bool  # noqa: N815
    updateIntervalSeconds: int = Field(gt=0)  # noqa: N815
    options: FileOptions


class Providers(Strict):
    apiVersion: Literal[1]  # noqa: N815
    providers: list[Provider]


def read(name: str) -> object:
    content: object = yaml.safe_load((PROVISIONING / name).read_text())
    return content


def grafana() -> dict[str, Any]:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    service: dict[str, Any] = compose["services"]["grafana"]
    return service


def test_the_data_source_is_the_prometheus_that_compose_names() -> None:
    (source,) = DataSources.model_validate(read("datasources/prometheus.yml")).datasources
    assert source.url == "$TOCSIN_PROMETHEUS_URL"
    assert grafana()["environment"]["TOCSIN_PROMETHEUS_URL"] == "http://prometheus:9090"


def test_rates_are_taken_over_the_interval_that_prometheus_scrapes_at() -> None:
    (source,) = DataSources.model_validate(read("datasources/prometheus.yml")).datasources
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert source.jsonData.timeInterval == prometheus["global"]["scrape_interval"]


def test_dashboards_come_from_where_compose_mounts_them() -> None:
    (provider,) = Providers.model_validate(read("dashboards/tocsin.yml")).providers
    mounts = dict(volume.split(":")[:2] for volume in grafana()["volumes"])
    assert mounts["./grafana/dashboards"] == provider.options.path
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"


def test_grafana_opens_with_a_dashboard_that_exists() -> None:
    home = grafana()["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana/dashboards" / Path(home).name).exists()
