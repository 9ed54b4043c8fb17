"""The rules over HTTP: every call of the contract, and every way in which it is refused."""

import pytest

from api_gateway.testing import World, plain_rule

PATH = "/api/alert-rules"


async def test_a_rule_is_created(world: World) -> None:
    answer = await world.client.post(PATH, json=plain_rule())
    rule = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert answer.headers["location"] == f"{PATH}/{rule['id']}"
    assert rule["match"] == 'level in ["ERROR", "FATAL"]'
    assert ("default", rule["id"]) in world.topic.rules
    read = await world.client.get(answer.headers["location"])
    assert ({**read.json(), "status": None}, read.headers["etag"]) == (
        {**rule, "status": None},
        '"1"',
    )


async def test_validation_answers_as_creation_does_and_stores_nothing(world: World) -> None:
    answer = await world.client.post(f"{PATH}/validate", json=plain_rule())
    assert (answer.status_code, answer.json()["name"]) == (201, "High Error Rate")
    assert (await world.client.get(PATH)).json() == {"rules": [], "nextCursor": None}


@pytest.mark.parametrize("path", [PATH, f"{PATH}/validate"])
async def test_a_bad_rule_is_refused_with_everything_that_is_wrong(world: World, path: str) -> None:
    bad = plain_rule(condition="count >\n thresh", severity="BAD", annotations={"a": "{{ x"})
    answer = await world.client.post(path, json=bad)
    assert (answer.status_code, answer.headers["content-type"]) == (
        422,
        "application/problem+json",
    )
    errors = {error["pointer"]: error for error in answer.json()["errors"]}
    assert set(errors) == {"/condition", "/severity", "/annotations/a"}
    assert (errors["/condition"]["line"], errors["/condition"]["column"]) == (2, 2)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"name":NaN}', "application/json", 400),
        (b'{"name":"\xff"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "application/json", 422),
        (b'{"name":"\\u0000"}', "application/json", 422),
        (b'{"name":' + b"[" * 9 + b"]" * 9 + b"}", "application/json", 422),
        (b"{}", "text/plain", 415),
        (b" " * 300_000, "application/json", 413),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_body_that_is_no_rule_is_refused(
    world: World, body: bytes, kind: str, status: int
) -> None:
    answer = await world.client.post(PATH, content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.json()["status"] == status


@pytest.mark.parametrize("path", [PATH, f"{PATH}/validate"])
async def test_a_member_that_is_given_twice_is_refused(world: World, path: str) -> None:
    body = b'{"name":"a","name":"b","labels":{"x~y":"1","x~y":"2"},"groupBy":[{"a":1,"a":2}]}'
    answer = await world.client.post(
        path, content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        *("/name", "/labels/x~0y", "/groupBy/0/a"),
    ]


@pytest.mark.parametrize(
    ("body", "detail", "pointer"),
    [
        (b" ", "the body is empty; a rule is a JSON object", None),
        (b'{"name": "a', "the body is malformed JSON: Unterminated string", None),
        (b'{"threshold": 1e999}', "is not a finite number", "/threshold"),
        (b'{"name": "\\ud800"}', "holds half of a surrogate pair", "/name"),
        (b'{"name": "\xff"}', "is not valid UTF-8", "/name"),
        (b'{"labels": ' + b"[" * 5_000, "is nested more than 8 deep", "/labels"),
    ],
)
async def test_a_body_that_cannot_be_read_is_told_in_plain_words(
    world: World, body: bytes, detail: str, pointer: str | None
) -> None:
    headers = {"content-type": "application/json"}
    answer = await world.client.post(PATH, content=body, headers=headers)
    assert answer.status_code == 400
    told = answer.json()
    reasons = [(error["pointer"], error["reason"]) for error in told["errors"]]
    ((found, reason),) = reasons or [(None, told["detail"])]
    assert found == pointer
    assert detail in reason


async def test_who_patches_the_window_is_told_how_to_take_the_other_away(world: World) -> None:
    rule = await world.create_rule()
    url, window = f"{PATH}/{rule['id']}", {"size": "10m"}
    answer = await world.client.patch(url, json={"window": window})
    (error,) = answer.json()["errors"]
    assert '"windowMinutes": null' in error["reason"]
    answer = await world.client.patch(url, json={"window": window, "windowMinutes": None})
    assert (answer.status_code, answer.json()["window"]["size"]) == (200, "10m")


async def test_a_text_that_parses_but_fails_on_an_alert_is_refused(world: World) -> None:
    annotations = {"a": "{{ reason + 1 }}", "b": "{{ count + 1 }} of {{ labels.service }}"}
    answer = await world.client.post(PATH, json=plain_rule(annotations=annotations))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/annotations/a"
    assert "can only concatenate str" in error["reason"]


async def test_a_text_with_a_name_that_alerts_of_the_rule_have_not_is_refused(world: World) -> None:
    annotations = {"a": "{{ servce }}", "b": "{{ p95 }}", "c": "{{ p95 | default('none') }}"}
    answer = await world.client.post(PATH, json=plain_rule(annotations=annotations))
    assert answer.status_code == 422
    misspelt, other = answer.json()["errors"]
    reason = "an alert of this rule has no `servce`; did you mean service?"
    assert misspelt == {"pointer": "/annotations/a", "reason": reason}
    assert other["pointer"] == "/annotations/b"
    assert "has no `p95`; there are count, " in other["reason"]


async def test_the_texts_of_a_change_say_what_became_of_what(world: World) -> None:
    change = {"type": "CHANGE", "value": "host", "condition": None, "threshold": None}
    texts = {"a": "{{ found.old }} {{ found.new }} {{ previous.count | default('-') }}"}
    answer = await world.client.post(PATH, json=plain_rule(**change, annotations=texts))
    assert answer.status_code == 201, answer.text


async def test_a_rule_is_replaced(world: World) -> None:
    rule = await world.create_rule()
    url = f"{PATH}/{rule['id']}"
    answer = await world.client.put(url, json={**rule, "threshold": 5})
    assert (answer.status_code, answer.json()["threshold"], answer.headers["etag"]) == (
        200,
        5,
        '"2"',
    )
    again = await world.client.put(url, json=answer.json())
    assert again.headers["etag"] == '"2"'


async def test_another_id_in_the_body_is_refused(world: World) -> None:
    rule = await world.create_rule()
    answer = await world.client.put(f"{PATH}/{rule['id']}", json={**rule, "id": "other"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/id")


async def test_a_rule_is_patched(world: World) -> None:
    rule = await world.create_rule(labels={"a": "1", "b": "2"})
    answer = await world.client.patch(
        f"{PATH}/{rule['id']}",
        content=b'{"labels":{"a":null},"description":"new"}',
        headers={"content-type": "application/merge-patch+json"},
    )
    assert answer.status_code == 200
    assert (answer.json()["labels"], answer.json()["description"]) == ({"b": "2"}, "new")


async def test_a_rule_is_switched(world: World) -> None:
    rule = await world.create_rule()
    off = await world.client.post(f"{PATH}/{rule['id']}/disable")
    assert (off.status_code, off.json()["enabled"], off.headers["etag"]) == (200, False, '"2"')
    assert not world.topic.rules["default", rule["id"]].enabled
    on = await world.client.post(f"{PATH}/{rule['id']}/enable")
    assert (on.json()["enabled"], on.headers["etag"]) == (True, '"3"')


async def test_a_rule_is_deleted_and_keeps_its_history(world: World) -> None:
    rule = await world.create_rule()
    url = f"{PATH}/{rule['id']}"
    await world.client.patch(url, json={"threshold": 5})
    answer = await world.client.delete(url)
    assert (answer.status_code, answer.content) == (204, b"")
    assert world.topic.rules == {}
    assert (await world.client.get(url)).status_code == 404
    first = (await world.client.get(f"{url}/revisions?limit=2")).json()
    assert [step["action"] for step in first["revisions"]] == ["deleted", "updated"]
    assert first["revisions"][0]["at"] == "2027-01-15T08:00:00.000Z"
    rest = (
        await world.client.get(f"{url}/revisions", params={"cursor": first["nextCursor"]})
    ).json()
    assert [step["rule"]["threshold"] for step in rest["revisions"]] == [100]
    assert rest["nextCursor"] is None


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/enable"),
        ("POST", "/disable"),
        ("GET", "/revisions"),
    ],
)
async def test_404_for_a_rule_that_is_not_there(world: World, method: str, tail: str) -> None:
    body = {"json": plain_rule()} if method in {"PUT", "PATCH"} else {}
    answer = await world.client.request(method, f"{PATH}/nope{tail}", **body)
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no rule nope")


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ('"1"', 200),
        ('W/"1"', 200),
        ("1", 200),
        ('"7", "1"', 200),
        ("*", 200),
        ('"2"', 412),
        ("x", 400),
    ],
)
async def test_a_write_is_guarded_by_if_match(world: World, tag: str, status: int) -> None:
    rule = await world.create_rule()
    url = f"{PATH}/{rule['id']}"
    answer = await world.client.patch(url, json={"threshold": 5}, headers={"if-match": tag})
    assert answer.status_code == status
    if status == 412:
        assert answer.headers["etag"] == '"1"'
        assert (await world.client.get(url)).json()["threshold"] == 100


async def test_409_when_there_are_as_many_rules_as_may_be(world: World) -> None:
    for number in range(5):
        await world.create_rule(name=str(number))
    assert (await world.client.post(PATH, json=plain_rule())).status_code == 409


async def test_503_when_postgres_is_away_but_logs_are_taken(world: World) -> None:
    world.repository.away = True
    answer = await world.client.get(PATH)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    event = {"service": "a", "message": "m"}
    assert (await world.client.post("/api/logs", json=event)).status_code == 202


async def test_503_and_nothing_stored_when_kafka_is_away(world: World) -> None:
    world.topic.away = True
    assert (await world.client.post(PATH, json=plain_rule())).status_code == 503
    assert (await world.client.get(PATH)).json()["rules"] == []


async def test_503_says_so_when_the_rule_is_stored_but_not_live(world: World) -> None:
    world.topic.breaks_after_demand = True
    answer = await world.client.post(PATH, json=plain_rule())
    assert answer.status_code == 503
    assert "is stored and will be live by itself" in answer.json()["detail"]
    assert (await world.client.get(answer.headers["location"])).status_code == 200


async def test_503_says_so_when_nobody_knows_whether_it_is_stored(world: World) -> None:
    world.repository.forgets_to_answer = True
    answer = await world.client.post(PATH, json=plain_rule())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "nobody knows" in answer.json()["detail"]
    place = answer.headers["location"]
    assert (await world.client.get(place)).json()["revision"] == 1
    answer = await world.client.patch(place, json={"threshold": 7})
    assert (answer.status_code, answer.headers["location"]) == (503, place)
    assert (await world.client.get(place)).json()["revision"] == 2
