"""What is kept of each record, and the rows of the timeline."""

from dataclasses import replace

from alert_contracts.alerts import WindowSpan
from alert_contracts.notifications import DeliveryResult
from alert_manager.domain import history
from alert_manager.domain.dedup import Standing, State, Verdict
from alert_manager.domain.history import AlertRecord, Stamps
from alert_manager.testing import NOON, an_alert

FIRST = an_alert(starts_at=NOON + 5)
STANDING = Standing(FIRST.id, State.FIRING, "firing", 1, notified_at=NOON)
KNOWN = AlertRecord(STANDING, FIRST, Stamps(NOON, NOON + 1, NOON + 2, NOON + 3), NOON + 2)


def test_a_new_alert_begins_its_way() -> None:
    kept = history.keep(None, FIRST, STANDING, Verdict.FIRST_SEEN, now=NOON + 9)
    assert kept.stamps == Stamps(FIRST.accepted_at, FIRST.decided_at, NOON + 9)
    assert history.keep(KNOWN, FIRST, STANDING, Verdict.FIRST_SEEN, now=NOON + 9) == kept


def test_newer_evidence_replaces_the_older_but_not_its_beginning() -> None:
    newer = an_alert("updated", 2, starts_at=NOON + 8, samples=[])
    kept = history.keep(KNOWN, newer, STANDING, Verdict.DUPLICATE, now=NOON + 9)
    assert kept.alert.aggregates == newer.aggregates
    assert kept.alert.starts_at == NOON + 5
    assert kept.alert.samples == FIRST.samples
    assert kept.stamps == KNOWN.stamps


def test_what_was_found_stays_known_when_its_event_cannot_be_read_any_more() -> None:
    first = an_alert(found={"value": "root"}, annotations={"summary": "root logged in"})
    lost = an_alert("updated", 2, annotations={"summary": " logged in"})
    known = replace(KNOWN, alert=first)
    kept = history.keep(known, lost, STANDING, Verdict.REPEAT_DUE, now=NOON + 9).alert
    assert (kept.found, kept.annotations) == (first.found, first.annotations)
    another = an_alert("updated", 3, found={"value": "eve"}, annotations={"summary": "eve"})
    kept = history.keep(known, another, STANDING, Verdict.REPEAT_DUE, now=NOON + 9).alert
    assert (kept.found, kept.annotations) == (another.found, another.annotations)


def test_an_end_keeps_the_evidence_of_why_it_fired() -> None:
    quiet = an_alert("resolved", 3, samples=[], aggregates={}, reason="quiet for 5m")
    kept = history.keep(KNOWN, quiet, STANDING, Verdict.RESOLVED, now=NOON + 9)
    assert kept.alert.samples == FIRST.samples
    assert kept.alert.aggregates == FIRST.aggregates
    assert (kept.alert.reason, kept.resolved_reason) == (FIRST.reason, "quiet for 5m")
    assert kept.alert.ends_at == quiet.ends_at
    undated = an_alert("resolved", 3, ends_at=None)
    kept = history.keep(KNOWN, undated, STANDING, Verdict.RESOLVED, now=NOON + 9)
    assert kept.alert.ends_at == undated.decided_at


def test_an_end_has_the_final_counts() -> None:
    final = an_alert("resolved", 3, aggregates={"count": 230.0}, events=712)
    kept = history.keep(KNOWN, final, STANDING, Verdict.RESOLVED, now=NOON + 9)
    assert (kept.alert.aggregates, kept.alert.events) == ({"count": 230.0}, 712)


def test_an_end_shows_its_last_window_also_if_that_was_silent() -> None:
    span = WindowSpan(NOON + 300_000, NOON + 600_000)
    final = an_alert("resolved", 3, aggregates={"count": 0.0}, span=span)
    kept = history.keep(KNOWN, final, STANDING, Verdict.RESOLVED, now=NOON + 9)
    assert (kept.alert.aggregates, kept.alert.window) == ({"count": 0.0}, span)


def test_an_end_that_comes_after_a_persons_leaves_theirs() -> None:
    over = replace(STANDING, state=State.RESOLVED)
    by_ada = history.end(KNOWN, over, reason="resolved by ada", now=NOON + 9)
    late = history.keep(by_ada, an_alert("resolved", 3), over, Verdict.RESOLVED, now=NOON + 99)
    assert (late.alert.ends_at, late.resolved_reason) == (NOON + 9, "resolved by ada")
    newer = history.keep(by_ada, an_alert("updated", 3), over, Verdict.RESOLVED, now=NOON + 99)
    assert (newer.alert.ends_at, newer.resolved_reason) == (NOON + 9, "resolved by ada")


def test_an_end_without_a_beginning_says_why_it_is_over() -> None:
    unseen = an_alert("resolved", 3, reason="quiet for 5m")
    kept = history.keep(None, unseen, STANDING, Verdict.RESOLVED_UNSEEN, now=NOON + 9)
    assert kept.resolved_reason == "quiet for 5m"


def test_an_alert_of_events_that_are_dated_ahead_begins_when_it_was_decided() -> None:
    ahead = an_alert(starts_at=NOON + 600_000, decided_at=NOON)
    assert history.dated(ahead).starts_at == NOON
    assert history.dated(FIRST) is FIRST


def test_an_alert_never_ends_before_it_began() -> None:
    behind = history.end(KNOWN, STANDING, reason="resolved by ada", now=NOON)
    assert behind.alert.ends_at == FIRST.starts_at
    early = an_alert("resolved", 3, ends_at=NOON)
    kept = history.keep(KNOWN, early, STANDING, Verdict.RESOLVED, now=NOON + 9)
    assert kept.alert.ends_at == FIRST.starts_at


def test_an_alert_that_opens_again_starts_its_way_anew() -> None:
    again = an_alert("updated", 4)
    kept = history.keep(KNOWN, again, STANDING, Verdict.REOPENED, now=NOON + 9)
    assert kept == AlertRecord(
        STANDING, again, Stamps(again.accepted_at, again.decided_at, NOON + 9), NOON + 9
    )


def test_the_same_words_are_one_row() -> None:
    def row(by: str, comment: str) -> str:
        return history.comment_entry(
            STANDING, reason="already_resolved", by=by, comment=comment, now=NOON
        ).key

    assert row("ada", "it was me") == row("ada", "it was me")
    assert len({row("ada", "it was me"), row("bob", "it was me"), row("ada", "no")}) == 3


def test_a_person_ends_it_now() -> None:
    ended = history.end(KNOWN, STANDING, reason="resolved by ada", now=NOON + 9)
    assert (ended.alert.ends_at, ended.updated_at) == (NOON + 9, NOON + 9)
    assert (ended.resolved_reason, ended.alert.reason) == ("resolved by ada", FIRST.reason)


def test_repeats_of_one_decision_share_a_row() -> None:
    one = history.decision_entry(FIRST, STANDING, Verdict.DUPLICATE, "count 103", now=NOON)
    two = history.decision_entry(FIRST, STANDING, Verdict.DUPLICATE, "count 104", now=NOON + 1)
    assert one.key == two.key
    assert one.reason == "duplicate"


def _result(**changes: object) -> DeliveryResult:
    values = {
        "notification_id": "n",
        "idempotency_key": "n/slack[0]",
        "tenant": "default",
        "group_key": "g",
        "receiver": "on-call",
        "channel": "slack",
        "integration": "slack[0]",
        "outcome": "delivered",
        "reason": "ok",
        "alert_ids": ["a", "b", "a"],
        "attempts": 1,
        "at": NOON,
    }
    return DeliveryResult(**{**values, **changes})  # type: ignore[arg-type]


def test_a_delivery_is_a_row_of_each_of_its_alerts() -> None:
    entries = history.delivery_entries(_result())
    assert [entry.alert_id for entry in entries] == ["a", "b"]
    assert entries[0].detail == "slack of on-call: delivered (ok, attempt 1)"


def test_a_fallback_says_to_whom_and_why() -> None:
    result = _result(outcome="fell_back", reason="circuit_open", fallback="email", error="HTTP 500")
    detail = history.delivery_entries(result)[0].detail
    assert detail == "slack of on-call: fell_back to email (circuit_open, attempt 1) HTTP 500"
