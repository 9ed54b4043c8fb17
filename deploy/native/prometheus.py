"""Prometheus: scrapes every service of the stack every few seconds."""

from native import ports
from native.layout import Layout
from native.ports import Port
from native.programs import Program

CONFIGURATION = """\
# Written by setup.sh.
global:
  scrape_interval: 5s
  evaluation_interval: 5s
rule_files: [{rules}]
scrape_configs:
"""

JOB = """\
  - job_name: {name}
    static_configs:
      - targets: ["{host}:{port}"]
"""


def program(layout: Layout, targets: dict[str, Port]) -> Program:
    """Write the scrape configuration for `targets` (job name → port); describe the process."""
    port = ports.read("TOCSIN_PROMETHEUS_PORT")
    data = layout.data("prometheus")
    jobs = {"prometheus": port, **targets}
    rules = layout.state / "config" / "prometheus-rules.yml"
    rules_text = (layout.project / "deploy/prometheus/rules.yml").read_text()
    layout.write(rules, rules_text)
    text = CONFIGURATION.format(rules=rules) + "".join(
        JOB.format(name=name, host=ports.HOST, port=at.number) for name, at in jobs.items()
    )
    path = layout.state / "config" / "prometheus.yml"
    layout.write(path, text)
    return Program(
        name="prometheus",
        command=(
            "prometheus",
            f"--config.file={path}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=7d",
            "--storage.tsdb.retention.size=1GB",
            f"--web.listen-address={ports.HOST}:{port.number}",
            "--log.level=warn",
        ),
        directory=data,
        content=text + rules_text,
    )
