"""Rules as they are listed, and how they fare."""

import pytest

from alert_contracts.rule_status import RuleStatus
from api_gateway.testing import World

PATH = "/api/alert-rules"
NOW = 1_800_000_000_000


async def test_a_rule_tells_how_it_fares(world: World) -> None:
    rule = await world.create_rule()
    url = f"{PATH}/{rule['id']}"
    assert (await world.client.get(url)).json()["status"]["health"] == "unknown"
    world.fares.note(
        [
            RuleStatus(
                *("default", rule["id"], 1, "aggregate", "0", NOW),
                matched=120,
                groups=2,
                state_bytes=4_096,
                firing=1,
                late=3,
                evaluated_at=NOW - 1_000,
                blind_until=NOW + 300_000,
                last_error="division by zero",
                last_error_at=NOW - 5_000,
            ),
            RuleStatus("default", rule["id"], 1, "evaluate", "w1", NOW, cpu_share=0.25),
            RuleStatus("acme", rule["id"], 1, "aggregate", "1", NOW, matched=1_000),
        ]
    )
    assert (await world.client.get(url)).json()["status"] == {
        "health": "error",
        "lastError": "division by zero",
        "lastErrorAt": "2027-01-15T07:59:55.000Z",
        "lastEvaluation": "2027-01-15T07:59:59.000Z",
        "blindUntil": "2027-01-15T08:05:00.000Z",
        "eventsMatched": 120,
        "groups": 2,
        "stateBytes": 4_096,
        "firing": 1,
        "cpuShare": 0.25,
        "late": 3,
        "surplus": 0,
        "liveRevision": 1,
    }
    (listed,) = (await world.client.get(PATH)).json()["rules"]
    assert listed["status"] == {"health": "error", "lastError": "division by zero", "firing": 1}


async def test_a_moment_beyond_the_calendar_is_no_moment(world: World) -> None:
    rule = await world.create_rule()
    odd = RuleStatus("default", rule["id"], 1, "aggregate", "0", NOW, evaluated_at=2**62)
    world.fares.note([odd])
    read = (await world.client.get(f"{PATH}/{rule['id']}")).json()
    assert read["status"]["lastEvaluation"] is None


async def test_a_rule_that_was_read_with_its_status_can_be_sent_back(world: World) -> None:
    rule = await world.create_rule()
    read = (await world.client.get(f"{PATH}/{rule['id']}")).json()
    answer = await world.client.put(f"{PATH}/{rule['id']}", json={**read, "threshold": 7})
    assert (answer.status_code, "status" in answer.json()) == (200, False)


async def test_a_list_is_filtered(world: World) -> None:
    await world.create_rule(name="a", labels={"team": "pay"}, description="Slow payments")
    await world.create_rule(name="b", severity="LOW", enabled=False)
    await world.create_rule(name="c", type="SERVER_ERROR", severity="HIGH")

    async def names(query: str) -> list[str]:
        answer = await world.client.get(f"{PATH}?{query}")
        assert answer.status_code == 200
        return [rule["name"] for rule in answer.json()["rules"]]

    assert await names("") == ["a", "b", "c"]
    assert await names("type=SERVER_ERROR") == ["c"]
    assert await names("severity=LOW&severity=HIGH") == ["b", "c"]
    assert await names("severity=low&type=error_threshold") == ["b"]
    assert await names("enabled=false") == ["b"]
    assert await names("label=team%3Dpay") == ["a"]
    assert await names("q=PAYMENTS") == ["a"]


async def test_a_list_is_read_page_by_page(world: World) -> None:
    for name in ("b", "a", "c", "a", "d"):
        await world.create_rule(name=name)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await world.client.get(PATH, params=params)).json()
        seen += [rule["name"] for rule in page["rules"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == ["a", "a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("cursor=%%%", "/query/cursor"),
        ("cursor=WzRd", "/query/cursor"),
        ("cursor=WyJcdTAwMDAiLCJ4Il0", "/query/cursor"),
        ("label=x", "/query/label"),
        ("type=FOO", "/query/type/0"),
        ("limit=0", "/query/limit"),
        ("foo=1", "/query/foo"),
        ("q=%00", "/query/q"),
    ],
)
async def test_a_wrong_query_is_refused(world: World, query: str, pointer: str) -> None:
    answer = await world.client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize("cursor", ["WzBd", "Wzk5OTk5OTk5OTk5XQ", "WyJhIl0", "\u00e9"])
async def test_a_cursor_into_no_history_is_refused(world: World, cursor: str) -> None:
    rule = await world.create_rule()
    answer = await world.client.get(f"{PATH}/{rule['id']}/revisions", params={"cursor": cursor})
    assert answer.status_code == 422


async def test_a_parameter_that_there_is_not_is_refused_in_plain_words(world: World) -> None:
    answer = await world.client.get(PATH, params={"sort": "name"})
    assert answer.status_code == 422
    reason = "there is no such parameter"
    assert answer.json()["errors"] == [{"pointer": "/query/sort", "reason": reason}]
