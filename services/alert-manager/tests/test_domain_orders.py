"""What receivers are told, and under which identity."""

from dataclasses import replace
from typing import Any, Literal

from alert_contracts.alerts import Alert, Sample
from alert_contracts.events import Event
from alert_contracts.ids import notification_id
from alert_contracts.notifications import NotifiedAlert, decode_notification, encode
from alert_contracts.topics import MAX_RECORD_BYTES
from alert_manager.domain.dedup import Closer, Standing, State, Verdict
from alert_manager.domain.history import AlertRecord, Stamps
from alert_manager.domain.orders import MAX_MESSAGE, MAX_SAMPLES, write_orders
from alert_manager.handlers.texts import MAX_ANNOTATION, MAX_ANNOTATIONS
from alert_manager.testing import NOON, an_alert

URL = "http://tocsin.example"
FIRING = Standing(an_alert().id, State.FIRING, "firing", 1, notified_at=NOON)


def kept(alert: Alert, standing: Standing = FIRING, **changes: Any) -> AlertRecord:  # noqa: ANN401
    return AlertRecord(standing, alert, Stamps(), NOON, **changes)


def told(alert: Alert) -> NotifiedAlert:
    (order,) = write_orders(kept(alert), Verdict.FIRST_SEEN, ["slack"], url=URL, now=NOON)
    return order.notification.alerts[0]


def test_every_receiver_gets_an_order_of_its_own() -> None:
    alert = an_alert()
    first, second = write_orders(
        kept(alert), Verdict.FIRST_SEEN, ["pagerduty", "slack"], url=URL, now=NOON
    )
    assert first.notification.receiver == "pagerduty"
    assert second.notification.id == notification_id(
        alert=alert.id, transition="firing", receiver="slack"
    )
    assert second.notification.group_key == f"default/slack/{alert.fingerprint}"
    (one,) = second.notification.alerts
    assert (one.status, one.url) == ("firing", f"{URL}/api/alerts/{alert.id}")
    assert decode_notification(encode(second.notification)) == second.notification


def test_an_end_is_the_same_order_whoever_ended_it() -> None:
    alert = an_alert("resolved", 2)
    closed = replace(FIRING, state=State.RESOLVED, closed_by=Closer.ENGINE)
    over = kept(alert, closed, resolved_reason="quiet for 5m")
    (by_engine,) = write_orders(over, Verdict.RESOLVED, ["slack"], url=URL, now=NOON)
    (by_ada,) = write_orders(over, Verdict.RESOLVED_BY_PERSON, ["slack"], url=URL, now=NOON)
    assert by_engine.notification.id == by_ada.notification.id
    assert by_engine.notification.alerts[0].ends_at == alert.ends_at
    assert by_ada.notification.reason == "resolved_by_person"
    (shown,) = by_ada.notification.alerts
    assert (shown.reason, shown.resolved_reason) == (alert.reason, "quiet for 5m")


def test_a_reader_hears_what_the_type_found_and_how_late_it_was() -> None:
    alert = an_alert(found={"old": "1.4", "new": "x" * 5_000}, late_by=1_200)
    shown = told(alert)
    assert shown.found == {"old": "1.4", "new": "x" * 1_000}
    assert (shown.late_by, shown.rule_type) == (1_200, "ERROR_THRESHOLD")
    assert shown.group == {"service": "checkout"}


def test_the_sample_that_crossed_comes_first() -> None:
    roles: list[Literal["first", "crossing", "last", "other"]]
    roles = ["first", "other", "other", "other", "other", "other", "crossing", "last"]
    samples = [
        Sample(Event(NOON + at, "checkout", f"{role} {at}"), 0, at, role)
        for at, role in enumerate(roles)
    ]
    shown = told(an_alert(samples=samples)).samples
    assert [event.message for event in shown] == [
        "crossing 6",
        "first 0",
        "last 7",
        "other 1",
        "other 2",
    ]


def test_a_link_is_one_whatever_the_id_holds() -> None:
    assert told(an_alert(id="a|b> c")).url == f"{URL}/api/alerts/a%7Cb%3E%20c"


def test_a_notification_fits_into_a_record_however_large_the_alert_is() -> None:
    control = "\x01"  # six bytes in JSON
    attributes = {"blob": "y" * 250_000}
    huge = Event(NOON, "checkout", control * 250_000, attributes=attributes)
    alert = an_alert(
        samples=[Sample(huge, 0, n) for n in range(10)],
        annotations={f"a{n}": control * MAX_ANNOTATION for n in range(MAX_ANNOTATIONS)},
        found={"old": control * 250_000, "new": control * 250_000},
    )
    (order,) = write_orders(kept(alert), Verdict.FIRST_SEEN, ["slack"], url=URL, now=NOON)
    samples = order.notification.alerts[0].samples
    assert len(samples) == MAX_SAMPLES
    assert samples[0].message == control * MAX_MESSAGE
    assert samples[0].attributes == {}
    assert len(encode(order.notification)) < MAX_RECORD_BYTES / 2
