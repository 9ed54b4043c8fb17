"""One event: what is read into which field, and which reason names which field."""

from typing import Any

import pytest

from api_gateway.domain.normalise import normalise
from api_gateway.domain.refusals import FieldError
from api_gateway.testing import plain_event

ARRIVAL = 1_800_000_000_000
MINUTE = 60_000


def refused(document: object) -> tuple[str, str]:
    """Return pointer and reason."""
    with pytest.raises(FieldError) as caught:
        normalise(document, ARRIVAL)
    return caught.value.pointer, caught.value.reason


def test_a_whole_event_is_read() -> None:
    event = normalise(
        plain_event(host="pay-3", traceId="4bf92f", attributes={"region": "eu"}), ARRIVAL
    )
    assert event.service == "payment-service"
    assert event.level == "ERROR"
    assert event.timestamp == 1_769_853_600_123
    assert (event.status_code, event.response_time) == (500, 5000.0)
    assert (event.host, event.trace_id) == ("pay-3", "4bf92f")
    assert event.attributes == {"region": "eu"}
    assert (event.original_level, event.clamped_from) == (None, None)


def test_service_and_message_suffice_and_arrival_is_the_time() -> None:
    event = normalise({"service": "a", "message": ""}, ARRIVAL)
    assert event.timestamp == ARRIVAL
    assert event.level == ""
    assert event.attributes == {}


def test_null_is_absent() -> None:
    nothing = dict.fromkeys(
        ("level", "host", "statusCode", "responseTime", "traceId", "timestamp", "attributes")
    )
    assert normalise({"service": "a", "message": "m", **nothing}, ARRIVAL) == normalise(
        {"service": "a", "message": "m"}, ARRIVAL
    )


def test_source_is_read_as_service() -> None:
    assert normalise({"source": "a", "message": "m"}, ARRIVAL).service == "a"


def test_source_beside_a_service_is_an_attribute() -> None:
    event = normalise({"source": "b", "service": "a", "message": "m"}, ARRIVAL)
    assert (event.service, event.attributes) == ("a", {"source": "b"})


def test_an_unknown_level_is_kept_and_unknown_to_rules() -> None:
    event = normalise(plain_event(level="Loud"), ARRIVAL)
    assert (event.level, event.original_level) == ("UNKNOWN", "Loud")


def test_a_time_too_far_ahead_is_clamped_and_marked() -> None:
    ahead = ARRIVAL + 10 * MINUTE
    assert normalise(plain_event(timestamp=ahead), ARRIVAL).timestamp == ahead
    clamped = normalise(plain_event(timestamp=ahead + 1), ARRIVAL)
    assert (clamped.timestamp, clamped.clamped_from) == (ARRIVAL, ahead + 1)


def test_members_that_we_do_not_know_are_attributes_and_never_overwrite_one() -> None:
    event = normalise(
        plain_event(attributes={"region": "eu"}, region="us", pod={"name": "x"}), ARRIVAL
    )
    assert event.attributes == {"region": "eu", "pod": {"name": "x"}}


def test_our_own_marks_cannot_be_forged() -> None:
    event = normalise(plain_event(originalLevel="x", clampedFrom=5), ARRIVAL)
    assert (event.original_level, event.clamped_from) == (None, None)
    assert event.attributes == {"originalLevel": "x", "clampedFrom": 5}


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"service": None}, "/service", "is required"),
        ({"service": ""}, "/service", "is required"),
        ({"service": " \t"}, "/service", "is blank"),
        ({"service": 5}, "/service", "is a text, not a number"),
        ({"service": "x" * 257}, "/service", "has more than 256 characters"),
        ({"service": "", "source": ["a"]}, "/source", "is a text, not an array"),
        ({"message": None}, "/message", "is required"),
        ({"message": {"a": 1}}, "/message", "is a text, not an object"),
        ({"message": "a\x00b"}, "/message", "holds a NUL character"),
        ({"level": 50}, "/level", "is a text, not a number"),
        ({"host": False}, "/host", "is a text, not true or false"),
        ({"traceId": "x" * 300}, "/traceId", "has more than 256 characters"),
        ({"statusCode": "500"}, "/statusCode", "is an integer, not a text"),
        ({"statusCode": True}, "/statusCode", "is an integer, not true or false"),
        ({"statusCode": 1000}, "/statusCode", "lies outside 0 to 999"),
        ({"statusCode": 200.5}, "/statusCode", "is an integer, not a number"),
        ({"responseTime": "1s"}, "/responseTime", "is a number of milliseconds, not a text"),
        ({"responseTime": -1}, "/responseTime", "is negative"),
        ({"responseTime": 10**400}, "/responseTime", "is an integer of more than 64 bits"),
        ({"responseTime": float("inf")}, "/responseTime", "is not a finite number"),
        ({"timestamp": [1]}, "/timestamp", "is an RFC 3339 text or a number, not an array"),
        ({"timestamp": True}, "/timestamp", "is an RFC 3339 text or a number, not true or false"),
        ({"attributes": [1]}, "/attributes", "is a JSON object, not an array"),
        ({"attributes": {"a/b": 2**64}}, "/attributes/a~1b", "is an integer of more than 64 bits"),
        ({"attributes": {"a\x00": 1}}, "/attributes/a\x00", "holds a NUL character"),
        ({"x": [1, {"y": "\x00"}]}, "/x/1/y", "holds a NUL character"),
        ({"x\x00": 1}, "/x\x00", "holds a NUL character"),
    ],
)
def test_a_refusal_names_the_field(changes: dict[str, Any], pointer: str, reason: str) -> None:
    assert refused(plain_event(**changes)) == (pointer, reason)


@pytest.mark.parametrize(
    ("document", "kind"),
    [(None, "null"), ([], "an array"), ("x", "a text"), (1, "a number"), (True, "true or false")],
)
def test_an_event_is_an_object(document: object, kind: str) -> None:
    assert refused(document) == ("", f"an event is a JSON object, not {kind}")


def test_the_year_300000_is_refused() -> None:
    assert refused(plain_event(timestamp="300000-01-01T00:00:00Z"))[0] == "/timestamp"
    assert refused(plain_event(timestamp=9_404_112_000_000_000))[0] == "/timestamp"


def nested(depth: int) -> object:
    """Return containers within each other."""
    value: object = 1
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value


def test_attributes_nest_up_to_the_bound() -> None:
    assert normalise(plain_event(attributes={"a": nested(7)}), ARRIVAL).attributes
    pointer, reason = refused(plain_event(attributes={"a": nested(8)}))
    assert pointer.startswith("/attributes/a/")
    assert reason == "is nested more than 8 deep"
    assert normalise(plain_event(a=nested(7)), ARRIVAL).attributes
    assert refused(plain_event(a=nested(8)))[1] == "is nested more than 8 deep"


def test_attributes_are_bounded_in_number_wherever_they_stand() -> None:
    many = {f"a{number}": number for number in range(100)}
    more = {f"b{number}": number for number in range(28)}
    assert len(normalise(plain_event(attributes=many, **more), ARRIVAL).attributes) == 128
    pointer, reason = refused(plain_event(attributes=many, b=1, **more))
    assert (pointer, reason[:18]) == ("/attributes", "are more than 128 ")


def test_null_is_a_value_of_an_attribute() -> None:
    event = normalise(plain_event(attributes={"a": None, "b": [None]}), ARRIVAL)
    assert event.attributes == {"a": None, "b": [None]}


def test_integers_of_64_bits_are_kept_exactly() -> None:
    exact = {"low": -(2**63), "high": 2**64 - 1}
    assert normalise(plain_event(attributes=exact), ARRIVAL).attributes == exact
