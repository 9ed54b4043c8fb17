"""A dashboard is rows of panels; everything around them is the same on all."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    Row,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
)

from tocsin_dashboards.panels import Panel

TAG = "tocsin"
JOBS = "api-gateway|rule-evaluate|rule-aggregate|alert-manager|notification-service"


@dataclass(frozen=True, slots=True)
class Board:
    """What one dashboard says; `uid` is its address in Grafana and its file's name."""

    uid: str
    title: str
    about: str
    rows: Sequence[tuple[str, Sequence[Panel]]]

    def build(self) -> Dashboard:
        """Lay the rows out and number the panels."""
        board = (
            Dashboard(self.title)
            .uid(self.uid)
            .description(self.about)
            .tags([TAG])
            .timezone("browser")
            .time("now-1h", "now")
            .refresh("10s")
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .with_variable(_source())
            .link(_siblings())
        )
        number = 0
        for title, panels in self.rows:
            number += 1
            board = board.with_row(Row(title).id(number))
            for panel in panels:
                number += 1
                board = board.with_panel(panel.id(number))
        return board


def _source() -> DatasourceVariable:
    return (
        DatasourceVariable("datasource")
        .label("Prometheus")
        .type("prometheus")
        .current(VariableOption(text="Prometheus", value="prometheus", selected=True))
    )


def _siblings() -> DashboardLink:
    return (
        DashboardLink("Tocsin")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)  # noqa: FBT003 - the SDK's only form
        .include_vars(True)  # noqa: FBT003
    )
