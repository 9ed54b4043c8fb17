"""Health answers, and the server for processes without HTTP of their own."""

import json
import urllib.error
import urllib.request

from service_runtime.errors import TemporaryError
from service_runtime.health import Health, ThreadedHealthServer


async def _up() -> None:
    return


async def _down() -> None:
    message = "Postgres: connection refused"
    raise TemporaryError(message)


async def test_one_component_down_makes_the_whole_503_and_says_why() -> None:
    health = Health("example", checks={"kafka": _up, "postgres": _down}, ready=True)
    status, body = await health.overall()
    assert status == 503
    assert body["components"] == {
        "kafka": {"status": "UP"},
        "postgres": {"status": "DOWN", "reason": "Postgres: connection refused"},
    }


async def test_all_up_and_started_is_200_and_not_started_is_503() -> None:
    health = Health("example", checks={"kafka": _up})
    assert (await health.overall())[0] == 503
    assert health.readiness()[0] == 503
    assert health.live()[0] == 200
    health.ready = True
    assert (await health.overall())[0] == 200
    assert health.readiness()[0] == 200


def _get(url: str, accept: str = "*/*") -> tuple[int, str, bytes]:
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.headers["Content-Type"], exc.read()


def test_the_threaded_server_answers_routes_metrics_and_404() -> None:
    health = Health("example", config_hash="abc")
    server = ThreadedHealthServer(
        "127.0.0.1", 0, {"/health/live": health.live, "/health/ready": health.readiness}
    )
    server.start()
    base = f"http://127.0.0.1:{server.port}"
    try:
        assert _get(f"{base}/health/live?x=1")[0] == 200
        status, _, body = _get(f"{base}/health/ready")
        assert (status, json.loads(body)) == (503, {"status": "STARTING"})
        assert _get(f"{base}/nothing")[0] == 404
        assert b"python_info" in _get(f"{base}/metrics")[2]
        kind = _get(f"{base}/metrics", "application/openmetrics-text; version=1.0.0")[1]
        assert kind.startswith("application/openmetrics-text")
    finally:
        server.stop()
    assert health.info()["configHash"] == "abc"
