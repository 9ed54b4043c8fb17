"""An alert of a MATCH with lists tells the value that they let pass."""

from typing import Any

import msgspec.structs
import pytest

from alert_contracts.alerts import Alert
from alert_contracts.events import encode_batch
from alert_contracts.rules import RuleType
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.domain.evidence import Selector
from alert_rule_engine.domain.sifting import MAX_TEXT
from alert_rule_engine.handlers.evidence import Allowance, Witness
from alert_rule_engine.testing import NOON, FakeAlerts, FakeRecords, Pipeline, a_rule, an_error

MINUTE = 60_000


class Scene:
    """A rule for logins as root, and what its first alert was sent as."""

    def __init__(self, **changes: Any) -> None:  # noqa: ANN401
        lists = {"value": "attributes.user", "blacklist": ("root", "admin")}
        self.pipeline = Pipeline(
            a_rule(RuleType.MATCH, match="true", threshold=None, **{**lists, **changes})
        )
        self.known = True
        self.records: dict[tuple[int, int], bytes] = {}

    def selector(self, spec: str) -> Selector | None:
        return evaluator_of(self.pipeline.book.specs[spec].spec) if self.known else None

    def post(self, *users: str, at: int = NOON) -> None:
        events = [an_error(at + n, attributes={"user": user}) for n, user in enumerate(users)]
        self.pipeline.post(*events)
        self.records[0, len(self.records)] = encode_batch(events)

    async def told(self, number: int = 0, *, kept: bool = True) -> Alert:
        """Return one of the records about alerts, as it is sent."""
        sink = FakeAlerts()
        records = FakeRecords(self.records if kept else {})
        allowance = Allowance(8, 1, lambda: 0.0)
        witness = Witness(sink, records, self.selector, clock=lambda: NOON, allowance=allowance)
        witness.say(self.pipeline.alerts[number], self.pipeline.questions[number])
        await witness.hand_over()
        (alert,) = sink.alerts
        return alert

    async def found(self, *users: str, kept: bool = True) -> dict[str, str]:
        self.post(*users)
        return (await self.told(kept=kept)).found


async def test_the_value_of_the_event_that_crossed_is_told() -> None:
    assert await Scene().found("ann", "root", "admin") == {"value": "root"}


async def test_of_a_batch_in_disorder_it_is_the_event_from_which_the_alert_dates() -> None:
    scene = Scene()
    events = [
        an_error(NOON + at, attributes={"user": user})
        for at, user in ((45_000, "admin"), (5_000, "root"))
    ]
    scene.pipeline.post(*events)
    scene.records[0, 0] = encode_batch(events)
    alert = await scene.told()
    assert (alert.found, alert.starts_at) == ({"value": "root"}, NOON + 10_000)


async def test_a_value_that_a_whitelist_does_not_hold_is_told() -> None:
    scene = Scene(blacklist=(), whitelist=("ann",))
    assert await scene.found("ann", "eve") == {"value": "eve"}


async def test_a_long_value_is_cut() -> None:
    scene = Scene(blacklist=(), whitelist=("ann",))
    found = await scene.found("e" * 2_000)
    assert len(found["value"]) <= MAX_TEXT


async def test_it_is_told_as_well_when_another_window_holds() -> None:
    scene = Scene()
    scene.post("ann", "root", "root")
    scene.post("admin", at=NOON + 6 * MINUTE)
    scene.pipeline.tick(NOON + 7 * MINUTE)
    update = await scene.told(1)
    assert (update.status, update.found) == ("updated", {"value": "root"})
    assert [each.event.attributes["user"] for each in update.samples] == ["admin"]


async def test_the_value_of_an_event_that_is_too_long_for_a_sample_is_told() -> None:
    scene = Scene()
    event = an_error(attributes={"user": "root", "note": "x" * 10_000})
    scene.pipeline.post(event)
    scene.records[0, 0] = encode_batch([event])
    assert (await scene.told()).found == {"value": "root"}


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
