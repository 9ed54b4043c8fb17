"""The samples of NEW_TERM and CHANGE are events that brought something new, as far as is known."""

from collections.abc import Mapping, Sequence

from alert_contracts.alerts import MAX_SAMPLES, Alert
from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import RuleType
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.domain.evidence import Question, Search
from alert_rule_engine.domain.memory import Terms
from alert_rule_engine.domain.sampling import LEAST_SAMPLES
from alert_rule_engine.testing import NOON, Pipeline, a_rule, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
Shown = list[tuple[str, str]]
TERM, CHANGE = RuleType.NEW_TERM, RuleType.CHANGE


def orders(countries: Sequence[str], at: int) -> list[Event]:
    """Return orders from countries, each with its number as message."""
    found = []
    for number, country in enumerate(countries):
        attributes = {"country": country} if country else {}
        found.append(Event(at + number, "shop", f"{number}", "INFO", attributes=attributes))
    return found


class Scene:
    """A rule that has learnt countries, and what its alerts show of those that came after."""

    def __init__(self, kind: RuleType, known: Sequence[str]) -> None:
        rule = a_rule(kind, threshold=None, value="attributes.country", window=tumbling(5 * MINUTE))
        self.pipeline = Pipeline(rule)
        self.selector = evaluator_of(self.pipeline.book.rules["default/r1"].spec)
        self.records: dict[tuple[int, int], bytes] = {}
        self.pipeline.tick(NOON - 2 * SECOND)
        if known:
            self.post(orders(known, NOON))
        self.pipeline.tick(NOON + 10 * MINUTE)

    def post(self, events: Sequence[Event]) -> None:
        self.records[0, len(self.records)] = encode_batch(events)
        self.pipeline.post(*events)

    def came(self, *countries: str, second: int = 0) -> None:
        at = NOON + 11 * MINUTE + second * SECOND
        self.post(orders(countries, at))
        self.pipeline.tick(at + SECOND)

    def said(self) -> tuple[Alert, Question]:
        alert, question = self.pipeline.alerts[-1], self.pipeline.questions[-1]
        assert question is not None
        return alert, question

    def shown(self) -> Shown:
        """Return the role, the country and the number of what the last record shows."""
        _, question = self.said()
        search = Search([question], lambda _: self.selector)
        for reference in {*question.telling(), *question.others}:
            search.look(reference, self.records[reference])
        (samples,) = search.samples()
        return [
            (each.role, f"{each.event.attributes.get('country', '')}{each.event.message}")
            for each in samples
        ]


def after(kind: RuleType, *countries: str, known: Sequence[str] = ("DE",)) -> Shown:
    scene = Scene(kind, known)
    scene.came(*countries)
    return scene.shown()


def test_one_new_value_among_many_known_ones_is_shown_with_few_of_them() -> None:
    shown = after(TERM, *["DE"] * 200, "NO", *["DE"] * 200)
    assert ("crossing", "NO200") in shown
    assert len(shown) == LEAST_SAMPLES


def test_all_new_values_of_a_batch_are_shown_and_none_that_was_known() -> None:
    shown = after(TERM, "DE", "NO", "SE", "FR", "DK", "DE", known=("DE", "FR"))
    assert shown == [("first", "NO1"), ("other", "SE2"), ("crossing", "DK4")]


def test_what_was_learnt_in_the_window_of_the_alert_was_not_new() -> None:
    scene = Scene(TERM, ())
    scene.post(orders(["DE", "FR"], NOON + 11 * MINUTE))
    scene.pipeline.tick(NOON + 15 * MINUTE)
    scene.post(orders(["IT"], NOON + 15 * MINUTE))
    scene.pipeline.tick(NOON + 16 * MINUTE)
    scene.post(orders(["IT", "DE", "NO", "SE", "DK"], NOON + 17 * MINUTE))
    scene.pipeline.tick(NOON + 18 * MINUTE)
    assert scene.shown() == [("first", "NO2"), ("other", "SE3"), ("crossing", "DK4")]


def test_what_came_with_the_newest_value_is_shown_as_what_crossed() -> None:
    scene = Scene(TERM, ["DE"])
    scene.came("DE", "NO", "SE")
    scene.came("DE", "DK", "DE", second=12)
    scene.pipeline.tick(NOON + 12 * MINUTE)
    alert, _ = scene.said()
    assert (alert.status, alert.found) == ("updated", {"value": "DK"})
    assert scene.shown() == [("first", "NO1"), ("other", "SE2"), ("crossing", "DK1")]


def test_a_change_is_shown_by_the_first_event_with_the_new_value() -> None:
    shown = after(CHANGE, *["DE"] * 200, *["NO"] * 200)
    assert shown[0] == ("crossing", "NO200")
    assert shown[-1] == ("last", "NO399")
    assert len(shown) == MAX_SAMPLES


def test_a_change_back_is_shown_by_the_first_event_after_it() -> None:
    shown = after(CHANGE, "DE", "NO", "", "DE", "DE", "NO", "DE", "", "DE")
    assert ("crossing", "DE8") not in shown
    assert ("crossing", "DE6") in shown


def test_each_change_that_came_alone_is_shown() -> None:
    scene = Scene(CHANGE, ["DE"])
    for number, country in enumerate(("NO", "SE", "DK", "FR", "IT")):
        scene.came(country, second=12 * number)
    scene.pipeline.tick(NOON + 13 * MINUTE)
    assert [country for _, country in scene.shown()] == ["NO0", "SE0", "DK0", "FR0", "IT0"]


def test_a_record_that_lacks_the_new_value_still_has_a_part() -> None:
    scene = Scene(CHANGE, ["DE"])
    scene.came("DE", "NO")
    scene.records[0, 1] = encode_batch(orders(["DE", "FI"], NOON + 11 * MINUTE))
    assert scene.shown() == [("first", "DE0"), ("crossing", "FI1")]


def test_an_event_without_a_value_is_only_shown_where_there_is_little_else() -> None:
    shown = after(TERM, "", "NO", "")
    assert shown == [("other", "0"), ("crossing", "NO1"), ("other", "2")]


def test_a_term_that_nobody_knows_was_not_counted() -> None:
    known: Mapping[str, bool] = {"NO": True, "DE": False, "FI": False}
    terms = Terms(100 * MINUTE, 10)
    terms.admit(("shop",), "DE", 1, 0, room=9)
    terms.admit(("shop",), "NO", 1, 50, room=9)
    found = {term: terms.may_count(("shop",), term, 0) for term in known}
    assert found == known
    assert not terms.may_count(("shop",), "NO", 51)
    assert not terms.may_count(("bank",), "NO", 0)
