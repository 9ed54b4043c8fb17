"""An alert of a MATCH with lists tells the value that they let pass."""

from typing import Any

import msgspec.structs
import pytest

from alert_contracts.events import encode_batch
from alert_contracts.rules import RuleType
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.domain.evidence import Selector
from alert_rule_engine.domain.sifting import MAX_TEXT
from alert_rule_engine.handlers.evidence import Allowance, Witness
from alert_rule_engine.testing import NOON, FakeAlerts, FakeRecords, Pipeline, a_rule, an_error


class Scene:
    """A rule for logins as root, and what its first alert was sent as."""

    def __init__(self, **changes: Any) -> None:  # noqa: ANN401
        lists = {"value": "attributes.user", "blacklist": ("root", "admin")}
        self.pipeline = Pipeline(
            a_rule(RuleType.MATCH, match="true", threshold=None, **{**lists, **changes})
        )
        self.known = True

    def selector(self, spec: str) -> Selector | None:
        return evaluator_of(self.pipeline.book.specs[spec].spec) if self.known else None

    async def found(self, *users: str, kept: bool = True) -> dict[str, str]:
        events = [an_error(NOON + at, attributes={"user": user}) for at, user in enumerate(users)]
        self.pipeline.post(*events)
        sink = FakeAlerts()
        records = FakeRecords({(0, 0): encode_batch(events)} if kept else {})
        allowance = Allowance(8, 1, lambda: 0.0)
        witness = Witness(sink, records, self.selector, clock=lambda: NOON, allowance=allowance)
        witness.say(self.pipeline.alerts[0], self.pipeline.questions[0])
        await witness.hand_over()
        (alert,) = sink.alerts
        return alert.found


async def test_the_value_of_the_event_that_crossed_is_told() -> None:
    assert await Scene().found("ann", "root", "admin") == {"value": "root"}


async def test_a_value_that_a_whitelist_does_not_hold_is_told() -> None:
    scene = Scene(blacklist=(), whitelist=("ann",))
    assert await scene.found("ann", "eve") == {"value": "eve"}


async def test_a_long_value_is_cut() -> None:
    scene = Scene(blacklist=(), whitelist=("ann",))
    found = await scene.found("e" * 2_000)
    assert len(found["value"]) <= MAX_TEXT


@pytest.mark.parametrize("changes", [{"value": None, "blacklist": ()}])
async def test_without_lists_nothing_is_told(changes: dict[str, Any]) -> None:
    assert await Scene(**changes).found("root") == {}


async def test_a_record_that_cannot_be_read_tells_nothing() -> None:
    assert await Scene().found("root", kept=False) == {}


async def test_a_rule_that_is_gone_tells_nothing() -> None:
    scene = Scene()
    scene.known = False
    assert await scene.found("root") == {}


async def test_what_a_type_found_by_itself_stays() -> None:
    scene = Scene()
    scene.pipeline.post(an_error(attributes={"user": "root"}))
    told = scene.pipeline.alerts[0]
    scene.pipeline.alerts[0] = msgspec.structs.replace(told, found={"old": "a", "new": "b"})
    assert await scene.found("root") == {"old": "a", "new": "b"}
