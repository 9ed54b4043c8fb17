"""What the tests need to know of the expressions: which ones there are, and what they name."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_NOISE = re.compile(
    r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring)\s*\([^)]*\)|\b[0-9][0-9a-z.-]*\b'
)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()\b(?!\s*\()")
_WORDS = {"and", "or", "unless", "bool", "offset"}
_SERIES = re.compile(r"_(?:bucket|sum|count)$")


def expressions(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the panel's title and the expression of every query of a dashboard."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def metrics(expression: str) -> set[str]:
    """Return the metrics that an expression reads; of a histogram, its own name."""
    names = set(_NAME.findall(_NOISE.sub(" ", expression))) - _WORDS
    return {_SERIES.sub("", name) for name in names}


def concrete(expression: str, *, rate_interval: str, span: str) -> str:
    """Return the expression as Grafana sends it, its variables replaced by durations."""
    return expression.replace("$__rate_interval", rate_interval).replace("$__range", span)


def load(directory: Path) -> dict[str, dict[str, Any]]:
    """Return the dashboards of a directory by file name."""
    return {path.name: json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))}
