"""The demo: posts a burst as a failing service would, and waits for the alert at the sink."""

import html
import json
import random
import re
import secrets
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from native import ports
from native.errors import SetupError
from native.probes import wait_until
from native.progress import say, step

ERRORS = 130
OTHERS = 30
ALERT_SECONDS = 30.0
RULE = "default-error-count"
"""The shipped rule that the burst breaks."""
LIVE_SECONDS = 30.0
PAUSE_SECONDS = 0.05
OTHER_CHANNELS_SECONDS = 1.0
READ_KEYS = ("summary", "text", "title", "value", "severity", "source")
PAGES = (
    ("Demo sink: what was delivered", "TOCSIN_SINK_PORT", "/"),
    ("Gateway: API and its docs", "TOCSIN_GATEWAY_PORT", "/docs"),
    ("Alerts", "TOCSIN_ALERT_MANAGER_PORT", "/api/alerts"),
    ("Circuit breakers", "TOCSIN_NOTIFICATION_PORT", "/actuator/circuitbreakers"),
    ("Prometheus", "TOCSIN_PROMETHEUS_PORT", "/"),
)
FAILURES = (
    "Database connection failed: timeout after 5000 ms",
    "Could not reserve payment: connection pool exhausted",
    "POST /checkout failed: upstream answered 503",
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the gateway and the sink are."""

    gateway: str
    sink: str


def run(addresses: Addresses, *, log: Path | None) -> None:
    """Post a burst of errors and show the alert that comes of it.

    Raises:
        SetupError: the burst was refused, or no alert came in time.
    """
    service = f"checkout-{secrets.token_hex(3)}"  # fresh: the last run's alert is still open
    with step("The rules are live"):
        failure = f"The rule {RULE} was not live in the engine"
        wait_until(lambda: _live(addresses.gateway), seconds=LIVE_SECONDS, failure=failure, log=log)
    started = time.time()
    with step(f"Posting {ERRORS} errors of {service}"):
        _post(f"{addresses.gateway}/api/logs/batch", burst(service))
    with step("The alert arrives"):
        first = _await_alert(addresses.sink, service, log=log)
    time.sleep(OTHER_CHANNELS_SECONDS)
    _show(_received(addresses.sink, service) or [first], started=started)


def _live(gateway: str) -> bool:
    """Tell whether both stages of the engine judge by the rule as it is, if there is one."""
    try:
        with urllib.request.urlopen(f"{gateway}/api/alert-rules/{RULE}", timeout=5) as response:  # noqa: S310
            rule = json.load(response)
    except urllib.error.HTTPError as error:
        return error.code == HTTPStatus.NOT_FOUND
    except OSError:
        return False
    return not rule["enabled"] or rule["status"]["liveRevision"] == rule["revision"]


def burst(service: str) -> list[dict[str, Any]]:
    choose = random.Random(service)  # noqa: S311 - nothing secret
    events: list[dict[str, Any]] = [
        {
            "service": service,
            "level": "ERROR",
            "message": choose.choice(FAILURES),
            "host": f"{service}-{choose.randint(1, 3)}",
            "traceId": choose.randbytes(16).hex(),
            "attributes": {"region": "eu"},
        }
        for _ in range(ERRORS)
    ]
    events += [
        {"service": service, "level": "INFO", "message": "Checkout completed", "responseTime": 80}
        for _ in range(OTHERS)
    ]
    choose.shuffle(events)
    return events


def _post(url: str, body: object) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
            response.read()
    except urllib.error.HTTPError as error:
        sentence = f"The gateway refused the burst: {error.code} {error.read(500).decode()}"
        raise SetupError(sentence) from error
    except OSError as error:
        sentence = f"The gateway at {url} could not be reached: {error}."
        raise SetupError(sentence) from error


def _await_alert(sink: str, service: str, *, log: Path | None) -> Mapping[str, Any]:
    deadline = time.monotonic() + ALERT_SECONDS
    while time.monotonic() < deadline:
        received = _received(sink, service)
        if received:
            return received[0]
        time.sleep(PAUSE_SECONDS)
    sentence = f"No alert arrived at the demo sink within {ALERT_SECONDS:.0f} s."
    raise SetupError(sentence, log=log)


def _received(sink: str, service: str) -> list[Mapping[str, Any]]:
    url = f"{sink}/requests?contains={service}&delivered=true"
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
            return list(json.load(response)["requests"])
    except OSError:
        return []


def _show(received: list[Mapping[str, Any]], *, started: float) -> None:
    first = received[0]
    seconds = first["receivedAtMs"] / 1000 - started
    channels = ", ".join(sorted({str(one["channel"]) for one in received}))
    say(
        f"\n  An on-call person reads, {seconds:.2f} s after the errors were posted ({channels}):\n"
    )
    best = next((one for one in received if one["channel"] == "slack"), first)
    for line in dict.fromkeys(words(best["body"])):
        for part in plain(line).splitlines():
            for row in textwrap.wrap(part, 92) or [""]:
                say(f"  │ {row}")
    say()


def words(body: object) -> Iterator[str]:
    """Yield the words of a message of any channel, in order."""
    if isinstance(body, list):
        for part in body:
            yield from words(part)
    elif isinstance(body, Mapping):
        for key, value in body.items():
            if isinstance(value, str) and key in READ_KEYS:
                yield value
            elif not isinstance(value, str):
                yield from words(value)


def plain(text: str) -> str:
    """Return Slack's markup as a reader sees it: links, dates, emphasis, emoji, entities."""
    text = re.sub(r"<!date\^[^|>]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<(https?:[^|>]*)\|([^>]*)>", r"\2: \1", text)
    text = re.sub(r":rotating_light:|```", "", text)
    text = re.sub(r"\*([^*\n]+)\*", r"\1", text)
    return html.unescape(text).strip()


def addresses() -> Addresses:
    """Return where the stack's gateway and sink are."""
    gateway, sink = ports.read("TOCSIN_GATEWAY_PORT"), ports.read("TOCSIN_SINK_PORT")
    return Addresses(f"http://{ports.HOST}:{gateway.number}", f"http://{ports.HOST}:{sink.number}")


def show_addresses(pages: Sequence[tuple[str, str, str]]) -> None:
    """Print what to look at next: title, variable of the port, path."""
    say("  Look at:")
    for title, variable, path in pages:
        say(f"    {title:<32} http://{ports.HOST}:{ports.read(variable).number}{path}")
    say(f"    {'':<32} ./setup.sh status | logs [service] | restart [service] | down [-v]")
