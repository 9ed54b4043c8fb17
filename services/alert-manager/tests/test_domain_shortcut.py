"""What a forgetful cache may spare, and what it may not."""

from alert_manager.domain.shortcut import Seen, matter_of, sort
from alert_manager.testing import NOON, an_alert

FIRST = an_alert("firing", 1)
MATTER = matter_of(FIRST)
SEEN = {MATTER: Seen(FIRST.id, 2, NOON)}


def test_without_a_memory_everything_is_judged() -> None:
    plan = sort([FIRST], {}, told_after=0)
    assert plan.careful(()) == [FIRST]


def test_what_is_stored_needs_nothing() -> None:
    plan = sort([FIRST, an_alert("updated", 2)], SEEN, told_after=0)
    assert len(plan.replayed) == 2
    assert plan.careful(()) == []
    assert plan.repeats == ()


def test_an_end_under_the_last_number_of_what_fires_is_judged() -> None:
    stale, end = an_alert("resolved", 1), an_alert("resolved", 2)
    plan = sort([stale, end], SEEN, told_after=0)
    assert (plan.replayed, plan.others) == ((stale,), (end,))


def test_newer_evidence_of_a_told_alert_need_not_be_judged() -> None:
    news = [an_alert("updated", 3), an_alert("updated", 4), an_alert("updated", 4)]
    plan = sort(news, SEEN, told_after=NOON - 1)
    (repeat,) = plan.repeats
    assert (repeat.newest.sequence, repeat.times) == (4, 2)
    assert plan.careful({FIRST.id}) == []


def test_newer_evidence_is_judged_after_all_where_the_history_disagrees() -> None:
    news = an_alert("updated", 3)
    assert sort([news], SEEN, told_after=NOON - 1).careful(()) == [news]


def test_a_due_reminder_is_judged() -> None:
    news = an_alert("updated", 3)
    assert sort([news], SEEN, told_after=NOON).others == (news,)


def test_an_opening_an_end_and_another_alert_are_judged_with_all_their_neighbours() -> None:
    news = an_alert("updated", 3)
    for other in (an_alert("firing", 5), an_alert("resolved", 5), an_alert("updated", 5, window=0)):
        plan = sort([news, other], SEEN, told_after=0)
        assert plan.others == (news, other)
        assert plan.repeats == ()
