"""Whichever way a batch is read, it gives the same records and the same refusals."""

import json
import operator

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alert_contracts.events import LEVELS, decode_batch
from api_gateway.domain.ingest import take_array, take_lines
from api_gateway.testing import plain_event

ARRIVAL = 1_800_000_000_000
HOUR = 3_600_000


def ndjson(*events: object) -> bytes:
    """Return NDJSON."""
    return b"\n".join(json.dumps(event).encode() for event in events)


REGULAR = st.fixed_dictionaries(
    {
        "timestamp": st.integers(ARRIVAL - HOUR, ARRIVAL),
        "service": st.text(min_size=1, max_size=3),
        "message": st.text(max_size=5),
    },
    optional={
        "level": st.sampled_from([*sorted(LEVELS), "warn"]),
        "statusCode": st.integers(0, 999),
        "responseTime": st.floats(0, 1e6),
        "host": st.text(min_size=1, max_size=3),
        "attributes": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
    },
)
JUST_NOT = st.builds(
    operator.or_,
    REGULAR,
    st.sampled_from(
        [
            {"timestamp": "2026-01-31T10:00:00Z"},
            {"timestamp": -1},
            {"level": "Loud"},
            {"level": 5},
            {"service": " "},
            {"source": "b"},
            {"extra": [1, {"a": None}]},
            {"statusCode": 1_000},
            {"responseTime": -0.5},
            {"attributes": {"a": {"b": 1}}},
            {"traceId": "x" * 257},
        ]
    ),
)
SENT = plain_event(timestamp=ARRIVAL - HOUR)


@settings(deadline=None)
@given(events=st.lists(REGULAR | JUST_NOT, max_size=6))
@example(events=[SENT | {"timestamp": ARRIVAL + HOUR}])
@example(events=[SENT | {"timestamp": ARRIVAL // 1_000}, SENT | {"timestamp": ARRIVAL * 1_000}])
@example(events=[SENT | {"timestamp": float(ARRIVAL)}, SENT | {"timestamp": ARRIVAL + 0.5}])
@example(events=[SENT | {"service": "\t"}, SENT | {"message": "\ud800"}])
@example(events=[SENT | {"message": "x" * 262_144}, SENT | {"message": "x" * 262_000}])
@example(events=[SENT, SENT | {"level": None}, SENT | {"host": ""}, SENT | {"source": "b"}])
@example(events=[SENT] * 5_001)
def test_all_ways_give_the_same_records_and_the_same_refusals(events: list[object]) -> None:
    for form, body in ((take_array, json.dumps(events).encode()), (take_lines, ndjson(*events))):
        careful = form.one_by_one(body, ARRIVAL)
        for quick in (form.unchanged(body, ARRIVAL), form.adopted(body, ARRIVAL)):
            if quick is not None and b"\\u0000" not in body:
                assert quick[1:] == careful[1:]
                assert decode_batch(quick.lines) == decode_batch(careful.lines)


def test_events_that_are_as_they_shall_be_are_not_changed() -> None:
    events = [SENT, SENT | {"level": "INFO", "attributes": {"a": 1}}, SENT | {"service": "b"}]
    body = ndjson(*events)
    assert take_lines.unchanged(body, ARRIVAL) == take_lines.adopted(body, ARRIVAL)
    assert take_lines.unchanged(body, ARRIVAL) is not None
    assert take_lines.unchanged(ndjson(SENT | {"level": "warn"}), ARRIVAL) is None
