"""From a log posted over HTTP to a person who is paged."""

import time

import pytest
from blackbox.events import errors, moment
from blackbox.fixtures import Naming
from blackbox.flow import channels_of, deliver, deliveries, make_flow, three_alerts
from blackbox.rest import Stack
from blackbox.sink_client import SinkClient
from blackbox.wait import eventually


async def test_three_faults_make_three_alerts_each_delivered_once_to_each_channel(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    flow = make_flow(name)
    for number, events in enumerate(flow.batches):
        await deliver(stack, events, key=f"{flow.failing}-{number}")
    alerts = await three_alerts(stack, flow)
    assert {alert["labels"]["service"] for alert in alerts} == set(flow.services)
    for alert in alerts:
        service = alert["labels"]["service"]
        for channel in channels_of(alert):
            assert len(await deliveries(sink, service, channel)) == 1


async def test_the_hundredth_error_is_silent_and_the_next_one_pages_within_three_seconds(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    quiet, loud, at = name("quiet"), name("loud"), moment()
    await stack.accept(errors(quiet, 100, at=at))
    await stack.accept(errors(loud, 100, at=at))
    began = time.time()
    await stack.accept(errors(loud, 1, at=at))
    (received, *_) = await deliveries(sink, loud, "slack")
    assert received["receivedAtMs"] / 1000 - began <= 3
    assert await stack.alerts(quiet) == []


async def test_an_alert_carries_its_evidence(stack: Stack, name: Naming) -> None:
    service = name("evidence")
    await stack.accept(errors(service, 120, at=moment()))
    (summary,) = await eventually(lambda: stack.alerts(service), what="the alert")
    alert = await stack.manager.get(f"/api/alerts/{summary['id']}")
    assert alert["labels"]["service"] == service
    assert alert["severity"] == alert["labels"]["severity"].upper()
    assert alert["rule"]["revision"] >= 1
    assert alert["counts"]["count"] > 100
    assert alert["samples"][0]["event"]["message"].startswith("Database connection failed")
    assert alert["window"]["start"] < alert["window"]["end"]
    assert alert["sources"][0]["lastOffset"] >= alert["sources"][0]["firstOffset"]
    assert alert["latencyMs"]["acceptedToDecided"] >= 0


async def test_the_same_again_is_a_duplicate_and_its_timeline_says_so(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    service = name("again")
    await stack.accept(errors(service, at=moment()))
    await deliveries(sink, service, "slack")
    (alert,) = await stack.alerts(service)
    before = await stack.manager.metric("alerts_deduplicated_total")
    await stack.accept(errors(service, at=moment()))

    async def reasons() -> list[str]:
        return [entry["reason"] for entry in await stack.timeline(alert["id"])]

    async def counted() -> bool:
        return await stack.manager.metric("alerts_deduplicated_total") > before

    await eventually(reasons, lambda found: "duplicate" in found, what="its timeline says so")
    await eventually(counted, what="so do the metrics")  # a moment after it is stored
    assert [found["id"] for found in await stack.alerts(service)] == [alert["id"]]
    assert len(await sink.received(service, channel="slack")) == 1


async def test_a_person_acknowledges_and_resolves(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    service = name("handled")
    await stack.accept(errors(service, at=moment()))
    await deliveries(sink, service, "slack")
    (alert,) = await stack.alerts(service)
    path = f"/api/alerts/{alert['id']}"
    acked = await stack.manager.call("POST", f"{path}/ack", body={"by": "ada", "comment": "on it"})
    assert acked.status == 200, acked
    assert (await stack.manager.get(path))["status"] == "acknowledged"
    resolved = await stack.manager.call("POST", f"{path}/resolve", body={"by": "ada"})
    assert resolved.status == 200, resolved
    assert (await stack.manager.get(path))["status"] == "resolved"
    entries = await eventually(
        lambda: stack.timeline(alert["id"]),
        lambda told: len(told) >= 4,
        what="its delivery is told",
    )
    assert "ada" in str(entries)


async def test_an_alert_that_is_not_there_is_a_404(stack: Stack) -> None:
    for verb, path in (("GET", ""), ("GET", "/timeline"), ("POST", "/ack"), ("POST", "/resolve")):
        body = {"by": "ada"} if verb == "POST" else None
        answer = await stack.manager.call(verb, f"/api/alerts/no-such-alert{path}", body=body)
        assert answer.status == 404, (path, answer)
        assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/info", "/metrics"])
async def test_every_service_tells_how_it_is(stack: Stack, path: str) -> None:
    for service in (stack.gateway, stack.engine, stack.manager, stack.notifier):
        answer = await service.call("GET", path)
        assert answer.status == 200, (service.base, answer)
