"""Requests: every event is either accepted or refused, alone, and what is accepted reads back."""

import gzip
import json
from collections.abc import Callable
from math import inf
from typing import Any, NoReturn

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alert_contracts.events import LEVELS, Event, decode_batch
from api_gateway.domain.ingest import (
    Intake,
    MalformedError,
    OversizedError,
    take_array,
    take_lines,
    take_one,
)
from api_gateway.domain.normalise import normalise
from api_gateway.domain.refusals import FieldError
from api_gateway.testing import plain_event

ARRIVAL = 1_800_000_000_000
HOUR = 3_600_000
Take = Callable[[bytes, int], Intake]


def array(*events: object) -> bytes:
    """Return a JSON array."""
    return json.dumps(events).encode()


def ndjson(*events: object) -> bytes:
    """Return NDJSON."""
    return b"\n".join(json.dumps(event).encode() for event in events)


def why(intake: Intake) -> list[tuple[int, str]]:
    """Return index and pointer of each refusal."""
    return [(refusal.index, refusal.pointer) for refusal in intake.refusals]


def test_a_well_formed_batch_is_taken_whole() -> None:
    events = [plain_event(message=str(number)) for number in range(3)]
    for intake in (take_array(array(*events), ARRIVAL), take_lines(ndjson(*events), ARRIVAL)):
        assert (intake.accepted, intake.rejected, intake.refusals) == (3, 0, [])
        assert [event.message for event in decode_batch(intake.lines)] == ["0", "1", "2"]


def test_one_event_is_taken() -> None:
    intake = take_one(json.dumps(plain_event()).encode(), ARRIVAL)
    assert decode_batch(intake.lines)[0].service == "payment-service"
    assert intake.accepted == 1


def test_a_record_shows_one_readable_event_a_line() -> None:
    intake = take_array(array(plain_event(), plain_event(level="x")), ARRIVAL)
    first, second = intake.lines.decode().splitlines()
    assert first == (
        '{"timestamp":1769853600123,"service":"payment-service","message":"Database connection '
        'failed","level":"ERROR","statusCode":500,"responseTime":5000.0}'
    )
    assert second.endswith('"originalLevel":"x"}')


@pytest.mark.parametrize(
    "bad",
    [
        '{"service":"a"}',
        '{"service":"a","message":"m","level":7}',
        '{"service":"a","message":"m","responseTime":NaN}',
        '{"service":"a","message":"m","x":1e999}',
        '{"service":"a","message":"m\\u0000"}',
        '{"service":"a","message":"\\ud800"}',
        '{"service":"a","message":"m","x":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"service":"a","message":"m","x":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
        '{"service":"a","message":"' + "x" * 262_145 + '"}',
        '"text"',
        "nonsense",
        '{"service":"a","message":"m" "level":1}',
    ],
    ids=lambda text: text[:44],
)
def test_a_bad_event_never_spoils_its_neighbours(bad: str) -> None:
    good = json.dumps(plain_event())
    for take, body in (
        (take_array, f"[{good},{bad},{good}]"),
        (take_lines, f"{good}\n{bad}\n{good}"),
    ):
        intake = take(body.encode(), ARRIVAL)
        assert (intake.accepted, intake.rejected) == (2, 1)
        assert [refusal.index for refusal in intake.refusals] == [1]
        assert len(decode_batch(intake.lines)) == 2


def test_bytes_that_are_no_utf_8_spoil_one_event() -> None:
    body = ndjson(plain_event(), plain_event()) + b'\n{"service":"a","message":"\xff"}'
    assert why(take_lines(body, ARRIVAL)) == [(2, "/message")]
    body = b'[{"service":"a","message":"\xff"},' + array(plain_event())[1:]
    assert why(take_array(body, ARRIVAL)) == [(0, "/message")]


def test_what_is_not_plain_is_read_the_slow_way() -> None:
    intake = take_array(
        array(
            plain_event(pod={"name": "x"}),
            plain_event(source="b"),
            {"source": "c", "message": "m"},
            plain_event(service=" "),
            plain_event(message="a\x00"),
        ),
        ARRIVAL,
    )
    events = decode_batch(intake.lines)
    assert [event.service for event in events] == ["payment-service", "payment-service", "c"]
    assert [event.attributes for event in events] == [{"pod": {"name": "x"}}, {"source": "b"}, {}]
    assert why(intake) == [(3, "/service"), (4, "/message")]


@pytest.mark.parametrize(
    "event", [{"message": "m"}, {"message": "m", "source": " "}, plain_event(service="\t")]
)
def test_a_blank_service_is_refused_whoever_is_asked(event: dict[str, Any]) -> None:
    assert why(take_array(array(event), ARRIVAL)) == [(0, "/service")]


def test_source_is_read_as_service_the_fast_way_too() -> None:
    (event,) = decode_batch(take_array(array({"source": "c", "message": "m"}), ARRIVAL).lines)
    assert (event.service, event.attributes) == ("c", {})


def test_what_is_unusual_is_marked_the_fast_way_too() -> None:
    body = array(
        plain_event(level="Loud", attributes={"a": 1}),
        plain_event(timestamp=ARRIVAL + HOUR, level="err"),
        plain_event(timestamp="2099-01-01T00:00:00Z"),
    )
    loud, ahead, far = decode_batch(take_array(body, ARRIVAL).lines)
    assert (loud.level, loud.original_level, loud.attributes) == ("UNKNOWN", "Loud", {"a": 1})
    assert (ahead.timestamp, ahead.clamped_from, ahead.level) == (ARRIVAL, ARRIVAL + HOUR, "ERROR")
    assert (far.timestamp, far.clamped_from) == (ARRIVAL, 4_070_908_800_000)


def test_a_time_before_1970_is_refused_in_every_form() -> None:
    body = array(
        plain_event(timestamp="1960-01-01T00:00:00Z"),
        plain_event(timestamp="1960-01-01T00:00:00Z", level="Loud"),
        plain_event(timestamp=-5),
        plain_event(timestamp=9_404_112_000_000_000),
    )
    intake = take_array(body, ARRIVAL)
    assert why(intake) == [(index, "/timestamp") for index in range(4)]
    assert why(take_array(array(plain_event(timestamp=-5)), ARRIVAL)) == [(0, "/timestamp")]


def test_events_beyond_the_bound_are_refused_and_the_first_are_kept() -> None:
    body = array(*({"service": "a", "message": str(number)} for number in range(5_003)))
    intake = take_array(body, ARRIVAL)
    assert (intake.accepted, intake.rejected) == (5_000, 3)
    assert intake.refusals[0].index == 5_000
    assert "at most 5000" in intake.refusals[0].reason
    slow = take_array(body.replace(b'"a"', b"5", 1), ARRIVAL)
    assert (slow.accepted, slow.rejected) == (4_999, 4)
    assert why(slow) == [(0, "/service"), (5_000, "")]


def test_an_answer_lists_a_hundred_refusals_and_counts_all() -> None:
    intake = take_array(array(*([5] * 150), plain_event()), ARRIVAL)
    assert (intake.accepted, intake.rejected, len(intake.refusals)) == (1, 150, 100)


def test_a_long_event_is_refused_by_its_size() -> None:
    long = plain_event(message="x" * 262_144)
    intake = take_array(array(plain_event(), long, plain_event(), {}), ARRIVAL)
    assert why(intake) == [(1, ""), (3, "/service")]
    assert "larger than 262144 bytes" in intake.refusals[0].reason
    assert intake.accepted == 2


def test_a_large_batch_of_short_events_is_taken() -> None:
    intake = take_array(array(*([plain_event(message="x" * 300)] * 1_000)), ARRIVAL)
    assert (intake.accepted, len(intake.lines) > 262_144) == (1_000, True)


@pytest.mark.parametrize("body", [b"", b"{}", b"x", b'{"service":"a","message":"m"}'])
def test_a_body_that_is_no_array_is_refused_whole(body: bytes) -> None:
    with pytest.raises(MalformedError, match="is no JSON array"):
        take_array(body, ARRIVAL)


def test_an_empty_request_holds_nothing() -> None:
    assert take_array(b"[]", ARRIVAL) == (b"", 0, 0, [])
    assert take_lines(b"\n \r\n", ARRIVAL) == (b"", 0, 0, [])


def test_an_event_that_is_far_too_long_is_not_even_read() -> None:
    intake = take_array(b'["' + b"\\n" * 2_000_000 + b'",' + array(plain_event())[1:], ARRIVAL)
    assert (intake.accepted, why(intake)) == (1, [(0, "")])
    assert intake.refusals[0].reason == "is larger than 2097152 bytes as sent"


def test_a_long_body_of_few_values_is_no_danger() -> None:
    assert take_array(array(plain_event()) + b" " * 600_000, ARRIVAL).accepted == 1


def test_a_small_body_cannot_become_gigabytes() -> None:
    for take, body in ((take_array, b"[" + b"{}," * 250_001), (take_lines, b"\n" * 250_001)):
        with pytest.raises(OversizedError, match="250000 JSON values"):
            take(body, ARRIVAL)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\x00", "2026-01-31T10:00:00Z", "ERROR", "warn"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "service": JSON | st.text(min_size=1, max_size=5),
        "source": JSON | st.text(min_size=1, max_size=5),
        "message": JSON | st.text(max_size=5),
        "level": st.text(max_size=5) | st.sampled_from(["error", "Warn", None]),
        "timestamp": st.integers(-10, 2**64) | st.floats() | st.datetimes().map(str) | JSON,
        "statusCode": st.integers(-1, 1_001) | JSON,
        "responseTime": st.floats() | JSON,
        "attributes": JSON | st.dictionaries(st.text(max_size=3), JSON, max_size=3),
        "extra": JSON,
    },
)


def is_canonical(event: Event) -> bool:
    """Tell whether a reader may rely on the event."""
    return (
        bool(event.service.strip())
        and event.level in LEVELS
        and 0 <= event.timestamp <= ARRIVAL + 10 * 60_000
        and "\x00" not in event.message
    )


@given(events=st.lists(EVENTS, max_size=6))
def test_count_in_is_count_accepted_and_refused_and_all_that_is_accepted_reads_back(
    events: list[dict[str, Any]],
) -> None:
    for intake in (take_array(array(*events), ARRIVAL), take_lines(ndjson(*events), ARRIVAL)):
        assert intake.accepted + intake.rejected == len(events)
        assert len(intake.refusals) == intake.rejected
        read = decode_batch(intake.lines)
        assert len(read) == intake.accepted
        assert all(map(is_canonical, read))


def no_json(constant: str) -> NoReturn:
    raise FieldError(pointer="", reason=f"{constant} is no JSON")


@given(event=EVENTS | JSON)
@example(event={"service": "a", "message": "m", "attributes": {}, "host": ""})
@example(event={"timestamp": inf})
def test_the_fast_way_and_the_slow_way_agree(event: object) -> None:
    taken = take_one(json.dumps(event).encode(), ARRIVAL)
    try:
        slow = normalise(json.loads(json.dumps(event), parse_constant=no_json), ARRIVAL)
    except FieldError:
        assert taken.rejected == 1
    else:
        assert decode_batch(taken.lines) == [slow]


@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@example(body=gzip.compress(b"[]"))
@example(body=b"[" * 2_000)
@example(body=b'"\\')
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    for take in (take_one, take_lines, take_array):
        try:
            intake = take(body, ARRIVAL)
        except MalformedError:
            assert take is take_array
        else:
            assert len(decode_batch(intake.lines)) == intake.accepted
