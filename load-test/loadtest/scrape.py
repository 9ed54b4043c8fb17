"""Reads Prometheus text from the services, and the few sums that the report needs."""

import asyncio
import re
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
TIMEOUT_S = 3.0


class Sample(NamedTuple):
    name: str
    labels: Mapping[str, str]
    value: float


def parse(text: str) -> list[Sample]:
    """Return every sample of an exposition; comments and what is malformed are skipped."""
    samples = []
    for line in text.splitlines():
        found = SAMPLE.match(line)
        if found is None:
            continue
        try:
            value = float(found[3])
        except ValueError:
            continue
        samples.append(Sample(found[1], dict(LABEL.findall(found[2] or "")), value))
    return samples


def total(samples: list[Sample], name: str, **labels: str) -> float:
    """Return the sum of a metric's series that carry these labels; 0 when there is none."""
    return sum(
        sample.value
        for sample in samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def metrics(url: str) -> list[Sample]:
    """Fetch `<url>/metrics`.

    Raises:
        OSError: nobody answers there, or not with a 200 in time.
    """
    text = await asyncio.to_thread(fetch, f"{url.rstrip('/')}/metrics")
    return parse(text)


def fetch(url: str) -> str:
    """Return the text behind an http:// address.

    Raises:
        OSError: nobody answers there, or not with a 2xx in time.
    """
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - options.py admits http:// only
        body: bytes = response.read()
        return body.decode()
