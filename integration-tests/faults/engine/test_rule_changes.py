"""Rules change in mid-window while a stage is killed: each change means what it says."""

import os
import random
import time
from dataclasses import dataclass, field

import pytest
from faults.lab.bench import Bench
from faults.lab.habits import PERIOD
from faults.lab.post import Poster, now_ms
from faults.lab.rulebook import rule_of
from faults.lab.topics import Alerts, Record, until
from faults.lab.workers import Role
from msgspec.structs import replace
from oracle.journal import Event
from oracle.told import Told, gather

from alert_contracts.rules import Rule, Window

PATIENCE_S = 45.0
VICTIMS: list[Role] = ["evaluate", "aggregate"] if os.environ.get("TOCSIN_FAULT_SEEDS") else []
WINDOW = Window("tumbling", 86_400_000, 86_400_000, 300_000)
"""So long that it is hardly ever over when a rule changes: one that is over is not judged anew."""


@dataclass(slots=True)
class Stage:
    """A tenant of its own, and what it does."""

    bench: Bench
    tenant: str
    alerts: Alerts
    poster: Poster
    at: int = field(default_factory=now_ms)
    """All events have one time, so no window ends between them."""

    def publish(self, *rules: Rule) -> None:
        self.bench.rules.publish(*rules)

    def rule(self, id_: str) -> Rule:
        made = rule_of(self.tenant, id_, f'service == "{id_}"', threshold=5)
        return replace(made, window=WINDOW, resolve_after=10 * PERIOD)

    def post(self, service: str, number: int, level: str = "ERROR") -> None:
        event: Event = {"timestamp": self.at, "service": service, "level": level, "message": "no"}
        self.poster.post([event] * number)

    def of(self, rule: Rule) -> list[Told]:
        return [told for told in gather(self.alerts.of(self.tenant)) if told.rule == rule.id]

    def last(self, rule: Rule, status: str) -> Record:
        """Return the newest record about a rule's newest alert, once it has a status."""
        until(
            lambda: any(told.last["status"] == status for told in self.of(rule)[-1:]),
            what=f"{rule.id} is {status}",
            within=PATIENCE_S,
        )
        return self.of(rule)[-1].last


@pytest.mark.parametrize("victim", VICTIMS or ["aggregate"])
def test_a_change_in_mid_window_keeps_resolves_or_starts_anew(bench: Bench, victim: Role) -> None:
    bench.calm()
    bench.await_rules(0)  # or those of the test before would be taken for ours
    tenant = f"changes-{victim}-{now_ms()}"
    address = bench.broker.address
    stage = Stage(bench, tenant, Alerts(address), Poster(address, tenant))
    names = ("lowered", "rematched", "deleted", "disabled")
    rules = {name: stage.rule(name) for name in names}
    try:
        stage.publish(replace(rules["lowered"], threshold=100), *list(rules.values())[1:])
        bench.await_rules(4)
        for name in names:
            stage.post(name, 8)
        for name in names[1:]:
            assert stage.last(rules[name], "firing")["aggregates"]["count"] == 8
        assert stage.of(rules["lowered"]) == []
        rules = changed(stage, rules)
        kill(bench, victim)
        judge(stage, rules)
    finally:
        bench.rules.delete(*rules.values())
        stage.alerts.close()


def changed(stage: Stage, rules: dict[str, Rule]) -> dict[str, Rule]:
    """Change each rule in its way; return them as they are now."""
    match = 'service == "rematched" && level == "WARN"'
    now = {
        "lowered": replace(rules["lowered"], revision=2),
        "rematched": replace(rules["rematched"], revision=2, match=match),
        "disabled": replace(rules["disabled"], revision=2, enabled=False),
        "deleted": rules["deleted"],
    }
    stage.publish(now["lowered"], now["rematched"], now["disabled"])
    stage.bench.rules.delete(now["deleted"])
    return now


def judge(stage: Stage, rules: dict[str, Rule]) -> None:
    """See that each change meant what it says, and nothing else was said."""
    lowered = stage.last(rules["lowered"], "firing")
    assert (lowered["aggregates"]["count"], lowered["rule"]["revision"]) == (8, 2)
    for name, reason in (("rematched", "anew"), ("deleted", "deleted"), ("disabled", "disabled")):
        over = stage.last(rules[name], "resolved")
        assert reason in over["reason"], over["reason"]
        assert over["aggregates"]["count"] == 8
    stage.bench.await_rules(2)
    stage.post("rematched", 5, "WARN")
    stage.post("lowered", 1)
    stage.post("rematched", 1, "WARN")
    again = stage.last(rules["rematched"], "firing")
    assert (again["aggregates"]["count"], again["rule"]["revision"]) == (6, 2)
    said = {name: len(stage.of(rule)) for name, rule in rules.items()}
    assert said == {"lowered": 1, "rematched": 2, "deleted": 1, "disabled": 1}
    faults = [fault for told in gather(stage.alerts.of(stage.tenant)) for fault in told.faults]
    assert faults == []


def kill(bench: Bench, role: Role) -> None:
    time.sleep(random.SystemRandom().uniform(0, 1))
    (worker,) = bench.running(role)
    before = time.monotonic()
    worker.kill()
    worker.await_death(since=before)
    worker.await_ready()
