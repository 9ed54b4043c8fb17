"""Trace context as W3C writes it."""

import pytest

from service_runtime import tracing

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_callers_trace_goes_on_under_a_new_span() -> None:
    ours = tracing.resume(GOOD)
    assert ours.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert ours.span_id != "00f067aa0ba902b7"
    assert tracing.parse(ours.header()) == ours


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        GOOD.upper(),
        "ff" + GOOD[2:],
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
    ],
)
def test_an_invalid_header_begins_a_new_trace(header: str | None) -> None:
    assert tracing.parse(header) is None
    assert tracing.parse(tracing.resume(header).header()) is not None


def test_a_later_version_with_more_fields_is_understood() -> None:
    assert tracing.parse("01" + GOOD[2:] + "-extra") is not None
