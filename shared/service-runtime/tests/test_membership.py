"""A consumer that librdkafka leaves outside of its group for good is told from one that waits."""

import json

import pytest

from service_runtime.errors import PermanentError
from service_runtime.membership import PATIENCE, Membership


def statistics(join_state: str, *, state: str = "up", broker: str = "UP") -> str:
    brokers = {"bootstrap": {"state": "INIT", "txbytes": 7}, "kafka:9092/1": {"state": broker}}
    group = {"state": state, "join_state": join_state, "assignment_size": 0}
    return json.dumps({"name": "a", "brokers": brokers, "cgrp": group})


INSIDE = statistics("steady")


@pytest.mark.parametrize(
    "outside", [statistics("wait-unassign-call"), statistics("steady", state="query-coord")]
)
def test_who_stays_outside_though_a_broker_answers_has_to_end(outside: str) -> None:
    membership = Membership()
    for _ in range(PATIENCE - 1):
        membership.tell(outside)
        membership.demand()
    membership.tell(outside)
    with pytest.raises(PermanentError, match="outside of the consumer group for 30 s"):
        membership.demand()


@pytest.mark.parametrize("between", [INSIDE, statistics("init", broker="CONNECT")])
def test_who_comes_back_or_cannot_reach_anybody_has_not(between: str) -> None:
    membership = Membership()
    for number in range(10 * PATIENCE):
        membership.tell(between if number % PATIENCE == 0 else statistics("wait-join"))
        membership.demand()


def test_a_member_without_partitions_is_one_and_so_is_who_has_told_nothing_yet() -> None:
    membership = Membership()
    membership.demand()
    for _ in range(10 * PATIENCE):
        membership.tell(INSIDE)
        membership.demand()
