"""The verdict on each record, and what is held after it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_manager.domain.dedup import (
    Closer,
    ConflictError,
    Report,
    Standing,
    State,
    Status,
    Verdict,
    acknowledge,
    judge,
    resolve,
    settle,
    transition,
)
from alert_manager.testing import HOUR, NOON

FIRING = Standing("x", State.FIRING, "firing", 3, notified_at=NOON, told=("slack",))
ACKED = replace(FIRING, state=State.ACKNOWLEDGED, acknowledged_by="ada", acknowledged_at=NOON)
OVER = replace(FIRING, state=State.RESOLVED, reported="resolved", closed_by=Closer.ENGINE)
BY_ADA = replace(
    FIRING, state=State.RESOLVED, closed_by=Closer.PERSON, resolved_by="ada", resolved_at=NOON
)
BY_ADA_AND_OVER = replace(BY_ADA, reported="resolved")
GAVE_WAY = replace(FIRING, state=State.RESOLVED, closed_by=Closer.NEWER)
OTHER = replace(FIRING, id="y", sequence=1)


def said(status: Status, sequence: int = 4, id_: str = "x") -> Report:
    return Report(id_, status, sequence)


def verdict(
    report: Report, own: Standing | None, current: Standing | None, *, now: int = NOON
) -> Verdict:
    return judge(report, own, current, ttl=HOUR, now=now)


def test_a_fingerprint_without_an_open_alert_is_news() -> None:
    assert verdict(said("firing", 1), None, None) is Verdict.FIRST_SEEN
    assert verdict(said("updated", 9), None, None) is Verdict.FIRST_SEEN


@pytest.mark.parametrize("sequence", [1, 3])
@pytest.mark.parametrize("own", [FIRING, ACKED, OVER, BY_ADA, GAVE_WAY])
def test_what_is_stored_already_is_a_replay(own: Standing, sequence: int) -> None:
    assert verdict(said("firing", sequence), own, None) is Verdict.REPLAYED
    assert verdict(said("updated", sequence), own, own) is Verdict.REPLAYED


@pytest.mark.parametrize("own", [OVER, BY_ADA_AND_OVER])
def test_an_end_that_is_stored_already_is_a_replay(own: Standing) -> None:
    assert verdict(said("resolved", 3), own, None) is Verdict.REPLAYED


def test_an_end_under_the_last_number_of_a_firing_alert_is_news() -> None:
    assert verdict(said("resolved", 3), FIRING, FIRING) is Verdict.RESOLVED
    assert verdict(said("resolved", 3), ACKED, ACKED) is Verdict.RESOLVED
    assert verdict(said("resolved", 3), BY_ADA, None) is Verdict.RESOLVED_BY_PERSON
    assert verdict(said("resolved", 3), GAVE_WAY, OTHER) is Verdict.SUPERSEDED
    assert verdict(said("resolved", 2), FIRING, FIRING) is Verdict.REPLAYED


def test_an_open_alert_is_silent_until_the_time_to_live_has_passed() -> None:
    assert verdict(said("updated"), FIRING, FIRING, now=NOON + HOUR - 1) is Verdict.DUPLICATE
    assert verdict(said("updated"), FIRING, FIRING, now=NOON + HOUR) is Verdict.REPEAT_DUE


def test_an_open_alert_of_which_nobody_was_told_is_due() -> None:
    untold = replace(FIRING, notified_at=None)
    assert verdict(said("updated"), untold, untold) is Verdict.REPEAT_DUE


def test_another_alert_of_an_open_fingerprint_is_a_duplicate() -> None:
    assert verdict(said("firing", 1, "y"), None, FIRING) is Verdict.DUPLICATE


def test_an_acknowledged_alert_has_no_reminders() -> None:
    assert verdict(said("updated"), ACKED, ACKED, now=NOON + 9 * HOUR) is Verdict.ACKNOWLEDGED


def test_the_end_of_an_open_alert_is_told() -> None:
    assert verdict(said("resolved"), FIRING, FIRING) is Verdict.RESOLVED
    assert verdict(said("resolved"), ACKED, ACKED) is Verdict.RESOLVED


def test_the_end_of_an_alert_that_nobody_heard_of_is_not_told() -> None:
    assert verdict(said("resolved"), None, None) is Verdict.RESOLVED_UNSEEN


def test_an_end_that_comes_twice_is_told_once() -> None:
    assert verdict(said("resolved"), OVER, None) is Verdict.DUPLICATE


def test_firing_again_after_its_end_is_news() -> None:
    assert verdict(said("firing"), OVER, None) is Verdict.FIRST_SEEN


def test_what_a_person_resolved_stays_silent_until_the_engine_has_ended_it() -> None:
    assert verdict(said("updated"), BY_ADA, None) is Verdict.RESOLVED_BY_PERSON
    assert verdict(said("resolved"), BY_ADA, None) is Verdict.RESOLVED_BY_PERSON
    assert verdict(said("firing"), BY_ADA_AND_OVER, None) is Verdict.FIRST_SEEN
    assert verdict(said("firing", 1, "y"), None, None) is Verdict.FIRST_SEEN


def goes_on(*, decided: int = HOUR, window: int = HOUR) -> Report:
    return replace(said("updated"), decided_at=NOON + decided, window_end=NOON + window)


def test_what_a_person_resolved_opens_again_if_it_goes_on_after_the_time_to_live() -> None:
    assert verdict(goes_on(), BY_ADA, None, now=NOON + HOUR - 1) is Verdict.RESOLVED_BY_PERSON
    assert verdict(goes_on(), BY_ADA, None, now=NOON + HOUR) is Verdict.REOPENED


def test_what_comes_late_of_what_the_person_knew_opens_nothing() -> None:
    late = NOON + 9 * HOUR
    before_it = goes_on(decided=0)
    assert verdict(before_it, BY_ADA, None, now=late) is Verdict.RESOLVED_BY_PERSON
    of_a_window_before_it = goes_on(window=0)
    assert verdict(of_a_window_before_it, BY_ADA, None, now=late) is Verdict.RESOLVED_BY_PERSON


def test_what_a_person_resolved_opens_nothing_beside_an_open_alert_of_its_fingerprint() -> None:
    assert verdict(goes_on(), BY_ADA, OTHER, now=NOON + HOUR) is Verdict.RESOLVED_BY_PERSON


def test_what_was_resolved_before_anybody_noted_when_stays_silent() -> None:
    undated = replace(BY_ADA, resolved_at=None)
    assert verdict(goes_on(), undated, None, now=NOON + HOUR) is Verdict.RESOLVED_BY_PERSON


@given(after=st.integers(0, HOUR - 1), decided=st.integers(0, HOUR), window=st.integers(0, HOUR))
def test_nothing_a_person_resolved_opens_within_the_time_to_live(
    after: int, decided: int, window: int
) -> None:
    report = goes_on(decided=decided, window=window)
    assert verdict(report, BY_ADA, None, now=NOON + after) is Verdict.RESOLVED_BY_PERSON


def test_an_alert_that_gave_way_is_history_while_its_heir_is_open() -> None:
    late = NOON + 9 * HOUR
    assert verdict(said("updated"), GAVE_WAY, OTHER, now=late) is Verdict.DUPLICATE
    assert verdict(said("resolved"), GAVE_WAY, OTHER) is Verdict.SUPERSEDED


def test_an_alert_that_gave_way_is_news_once_its_heir_is_over() -> None:
    assert verdict(said("updated"), GAVE_WAY, None) is Verdict.FIRST_SEEN


def test_opening_counts_the_occurrence_and_the_notification() -> None:
    first = settle(said("firing", 1), None, None, Verdict.FIRST_SEEN, now=NOON)
    assert first.own == Standing("x", State.FIRING, "firing", 1, notified_at=NOON)
    again = settle(said("firing"), OVER, None, Verdict.FIRST_SEEN, now=NOON + 1)
    assert again.own.occurrence == 2
    assert again.own.told == ()


def test_opening_again_forgets_who_took_and_who_resolved_it() -> None:
    settled = settle(goes_on(), BY_ADA, None, Verdict.REOPENED, now=NOON + HOUR)
    assert settled.own == Standing(
        "x", State.FIRING, "firing", 4, occurrence=2, notified_at=NOON + HOUR
    )
    assert transition(Verdict.REOPENED, settled.own) == "firing@2"


def test_newer_evidence_moves_the_sequence_only() -> None:
    settled = settle(said("updated"), FIRING, FIRING, Verdict.DUPLICATE, now=NOON + 1)
    assert settled.own == replace(FIRING, sequence=4)
    assert settled.closed is None


def test_a_reminder_is_counted() -> None:
    settled = settle(said("updated"), FIRING, FIRING, Verdict.REPEAT_DUE, now=NOON + HOUR)
    assert settled.own == replace(FIRING, sequence=4, reminders=1, notified_at=NOON + HOUR)


def test_an_heir_inherits_who_was_told_and_when() -> None:
    settled = settle(said("firing", 1, "y"), None, ACKED, Verdict.ACKNOWLEDGED, now=NOON + 1)
    assert settled.own == replace(ACKED, id="y", sequence=1)
    assert settled.closed == replace(ACKED, state=State.RESOLVED, closed_by=Closer.NEWER)


def test_an_alert_that_is_over_may_inherit_too() -> None:
    settled = settle(said("firing"), OVER, OTHER, Verdict.DUPLICATE, now=NOON + 1)
    assert settled.own == replace(OTHER, id="x", sequence=4, occurrence=2)
    assert settled.closed is not None
    assert settled.closed.id == "y"


def test_there_must_be_something_to_inherit() -> None:
    with pytest.raises(ValueError, match="no open alert"):
        settle(said("firing"), None, None, Verdict.DUPLICATE, now=NOON)


def test_an_alert_that_gave_way_stays_so() -> None:
    settled = settle(said("updated"), GAVE_WAY, OTHER, Verdict.DUPLICATE, now=NOON)
    assert settled.own == replace(GAVE_WAY, sequence=4)
    assert settled.closed is None


def test_the_end_is_the_engines_unless_somebody_was_faster() -> None:
    assert settle(said("resolved"), FIRING, FIRING, Verdict.RESOLVED, now=NOON).own == replace(
        FIRING, state=State.RESOLVED, reported="resolved", sequence=4, closed_by=Closer.ENGINE
    )
    late = settle(said("resolved"), BY_ADA, None, Verdict.RESOLVED_BY_PERSON, now=NOON)
    assert late.own == replace(BY_ADA, reported="resolved", sequence=4)
    unseen = settle(said("resolved"), None, None, Verdict.RESOLVED_UNSEEN, now=NOON)
    assert unseen.own.closed_by is Closer.ENGINE
    assert unseen.own.notified_at is None


def test_the_first_to_acknowledge_keeps_the_alert() -> None:
    taken = acknowledge(FIRING, by="ada", now=NOON + 1)
    assert (taken.state, taken.acknowledged_by) == (State.ACKNOWLEDGED, "ada")
    assert acknowledge(taken, by="bob", now=NOON + 2) == taken


def test_what_is_over_cannot_be_acknowledged() -> None:
    with pytest.raises(ConflictError, match="resolved"):
        acknowledge(OVER, by="ada", now=NOON)


def test_a_person_resolves_once() -> None:
    ended = resolve(ACKED, by="bob", now=NOON + 5)
    assert (ended.state, ended.closed_by) == (State.RESOLVED, Closer.PERSON)
    assert (ended.resolved_by, ended.resolved_at) == ("bob", NOON + 5)
    assert resolve(ended, by="ada", now=NOON + 6) == ended


def test_each_transition_has_a_name_of_its_own() -> None:
    reminded = replace(FIRING, reminders=3)
    assert transition(Verdict.FIRST_SEEN, FIRING) == "firing"
    assert transition(Verdict.REPEAT_DUE, reminded) == "reminder-3"
    assert transition(Verdict.RESOLVED, OVER) == "resolved"
    assert transition(Verdict.RESOLVED, replace(OVER, occurrence=2)) == "resolved@2"
