"""The three kinds of panel that the dashboards are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
GOOD: Final = "green"
WARN: Final = "orange"
BAD: Final = "red"
PLAIN: Final = "blue"
Step = tuple[float | None, str]
Panel = stat.Panel | timeseries.Panel | statetimeline.Panel
ANY_IS_BAD: Final[Sequence[Step]] = ((None, GOOD), (1, BAD))


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and what its series are called."""

    expr: str
    legend: str


def big_number(
    title: str, expr: str, *, unit: str, about: str, steps: Sequence[Step], width: int = 4
) -> stat.Panel:
    """Return one figure with its recent course; `steps` colour it."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(4)
        .thresholds(_thresholds(steps))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(Query(expr, title), "A"))
    )


def graph(
    title: str,
    *queries: Query,
    unit: str,
    about: str,
    width: int = 12,
    stacked: bool = False,
) -> timeseries.Panel:
    """Return lines over time, with a legend that tells the last and the highest value."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(width)
        .height(8)
        .fill_opacity(20 if stacked else 8)
        .line_width(1)
        .show_points(VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(
            common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
        )
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for query, name in zip(queries, "ABCDEF", strict=False):
        panel = panel.with_target(_target(query, name))
    return panel


def states(
    title: str, query: Query, *, about: str, names: Sequence[tuple[str, str]], width: int = 12
) -> statetimeline.Panel:
    """Return a band for each series; `names` are text and colour of the values 0, 1, 2 ..."""
    results = {
        str(value): ValueMappingResult(text=text, color=colour, index=value)
        for value, (text, colour) in enumerate(names)
    }
    mappings: list[ValueMapping] = [ValueMap(options=results)]
    return (
        statetimeline.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .span(width)
        .height(8)
        .mappings(mappings)
        .show_value(VisibilityMode.NEVER)
        .row_height(0.8)
        .with_target(_target(query, "A"))
    )


def _target(query: Query, name: str) -> Dataquery:
    return (
        Dataquery()
        .datasource(SOURCE)
        .expr(query.expr)
        .legend_format(query.legend)
        .range()
        .ref_id(name)
    )


def _thresholds(steps: Sequence[Step]) -> dashboard.ThresholdsConfig:
    listed = [Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(listed)


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)  # noqa: FBT003 - the SDK's only form
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )
