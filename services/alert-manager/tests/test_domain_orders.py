"""What receivers are told, and under which identity."""

from dataclasses import replace

from alert_contracts.alerts import Sample
from alert_contracts.events import Event
from alert_contracts.ids import notification_id
from alert_contracts.notifications import decode_notification, encode
from alert_contracts.topics import MAX_RECORD_BYTES
from alert_manager.domain.dedup import Closer, Standing, State, Verdict
from alert_manager.domain.orders import MAX_MESSAGE, MAX_SAMPLES, write_orders
from alert_manager.testing import NOON, an_alert

URL = "http://tocsin.example"
FIRING = Standing(an_alert().id, State.FIRING, "firing", 1, notified_at=NOON)


def test_every_receiver_gets_an_order_of_its_own() -> None:
    alert = an_alert()
    first, second = write_orders(
        alert, FIRING, Verdict.FIRST_SEEN, ["pagerduty", "slack"], url=URL, now=NOON
    )
    assert first.notification.receiver == "pagerduty"
    assert second.notification.id == notification_id(
        alert=alert.id, transition="firing", receiver="slack"
    )
    assert second.notification.group_key == f"default/slack/{alert.fingerprint}"
    (told,) = second.notification.alerts
    assert (told.status, told.url) == ("firing", f"{URL}/api/alerts/{alert.id}")
    assert decode_notification(encode(second.notification)) == second.notification


def test_an_end_is_the_same_order_whoever_ended_it() -> None:
    alert = an_alert("resolved", 2)
    over = replace(FIRING, state=State.RESOLVED, closed_by=Closer.ENGINE)
    (by_engine,) = write_orders(alert, over, Verdict.RESOLVED, ["slack"], url=URL, now=NOON)
    (by_ada,) = write_orders(alert, over, Verdict.RESOLVED_BY_PERSON, ["slack"], url=URL, now=NOON)
    assert by_engine.notification.id == by_ada.notification.id
    assert by_engine.notification.alerts[0].ends_at == alert.ends_at
    assert by_ada.notification.reason == "resolved_by_person"


def test_a_notification_fits_into_a_record_however_large_the_samples_are() -> None:
    attributes = {"blob": "y" * 250_000}
    huge = Event(NOON, "checkout", "x" * 250_000, attributes=attributes)
    alert = an_alert(samples=[Sample(huge, 0, n) for n in range(10)])
    (order,) = write_orders(alert, FIRING, Verdict.FIRST_SEEN, ["slack"], url=URL, now=NOON)
    samples = order.notification.alerts[0].samples
    assert len(samples) == MAX_SAMPLES
    assert samples[0].message == "x" * MAX_MESSAGE
    assert samples[0].attributes == {}
    assert len(encode(order.notification)) < MAX_RECORD_BYTES / 10
