"""A flush stores what has changed, however many alerts there are; none is lost or comes back."""

from alert_contracts.events import Event
from alert_contracts.rules import Rule
from alert_rule_engine.domain.pages import PAGE
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
MANY = 3 * PAGE


def errors(at: int, count: int = MANY) -> list[Event]:
    return [an_error(at, service=f"s{number:04}") for number in range(count)]


def a_storm(rule: Rule, cap: int) -> Pipeline:
    """Open many alerts in one bucket; after each record `cap` of them are told."""
    pipeline = Pipeline(rule, cap=cap)
    pipeline.post(*errors(NOON))
    return pipeline


def patient(resolve_after: int = 5 * MINUTE) -> Rule:
    """Return a rule of one minute that takes events for ten more."""
    window = tumbling(MINUTE, lateness=10 * MINUTE)
    return a_rule(threshold=0, max_groups=1_000, window=window, resolve_after=resolve_after)


def settle(pipeline: Pipeline) -> None:
    """Flush until all that is cold is stored by itself."""
    for _ in range(3):
        pipeline.tick(pipeline.now + 1)
        pipeline.flush()


def written(pipeline: Pipeline) -> int:
    """Flush; return how many bytes of alerts and memories that stored."""
    before = dict(pipeline.stored)
    pipeline.flush()
    return sum(
        len(value)
        for key, value in pipeline.stored.items()
        if before.get(key) != value and b"@" not in key
    )


def waiting(pipeline: Pipeline) -> int:
    return sum(journal.partition.waiting() for journal in pipeline.journals)


def tell_all(pipeline: Pipeline) -> None:
    while waiting(pipeline):
        pipeline.tick(pipeline.now + 1)


def held(pipeline: Pipeline) -> int:
    books = [bucket.alerts for each in pipeline.journals for bucket in each.partition.buckets]
    return sum(len(list(book.all_firing())) + len(book.ended) for book in books)


def pages(pipeline: Pipeline) -> int:
    return sum(b"!alerts!" in key for key in pipeline.stored)


def test_a_flush_stores_only_the_pages_that_have_changed() -> None:
    pipeline = a_storm(patient(), cap=10)
    everything = written(pipeline)
    settle(pipeline)
    pipeline.tick(NOON + SECOND)
    assert waiting(pipeline)
    assert 0 < written(pipeline) < everything / 2


def test_what_waits_to_be_told_is_told_after_a_crash_in_the_same_order() -> None:
    calm, crashed = a_storm(patient(), cap=10), a_storm(patient(), cap=10)
    settle(calm)
    settle(crashed)
    crashed.crash()
    for pipeline in (calm, crashed):
        tell_all(pipeline)
    told = [alert.id for alert in crashed.alerts]
    assert len(set(told)) == MANY
    assert told == [alert.id for alert in calm.alerts]


def test_alerts_that_are_over_do_not_come_back_from_what_is_still_stored() -> None:
    pipeline = a_storm(patient(resolve_after=0), cap=1_000)
    settle(pipeline)
    assert pages(pipeline)
    pipeline.rest(NOON + 3 * MINUTE)
    tell_all(pipeline)
    assert len(pipeline.alerts) == 2 * MANY
    pipeline.flush()
    assert pages(pipeline)
    pipeline.crash()
    assert held(pipeline) == 0
    settle(pipeline)
    assert pages(pipeline) == 0
    pipeline.crash()
    assert len(pipeline.alerts) == 2 * MANY


def test_a_window_whose_alert_is_over_does_not_open_it_again_after_a_crash() -> None:
    pipeline = a_storm(patient(resolve_after=0), cap=1_000)
    pipeline.rest(NOON + 3 * MINUTE)
    tell_all(pipeline)
    settle(pipeline)
    pipeline.crash()
    pipeline.post(*errors(NOON + 1))
    assert held(pipeline) == 0
    pipeline.post(*errors(NOON + 3 * MINUTE))
    assert held(pipeline) == MANY


def test_alerts_go_on_filling_the_newest_page_after_a_crash() -> None:
    pipeline = a_storm(patient(), cap=1_000)
    pipeline.post(*errors(NOON, MANY + 10))
    settle(pipeline)
    pipeline.crash()
    pipeline.post(*errors(NOON, MANY + 20))
    settle(pipeline)
    pipeline.crash()
    assert held(pipeline) == MANY + 20
    assert pages(pipeline) == MANY // PAGE + 1
