"""The faults. Each does its harm and returns when (monotonic clock) it was over.

From then on the clock of the recovery runs.
"""

import random
import re
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from faults.lab.bench import Bench, say
from faults.lab.topics import last_values, put, until
from faults.lab.workers import Role

from alert_contracts.topics import Topic

FAILPOINTS: Final[Mapping[Role, tuple[str, ...]]] = MappingProxyType(
    {
        "evaluate": ("evaluate-before-send", "evaluate-before-ack"),
        "aggregate": ("before-buckets", "before-vector", "before-ack"),
    }
)
STATE: Final = Topic.RULE_STATE_CHANGELOG
KEYS: Final = MappingProxyType(
    {
        "vector": re.compile(rb"^\d+:v$"),
        "bucket": re.compile(rb"^\d+:b\d+$"),
        "pane": re.compile(rb"^\d+:b\d+@\d+$"),
    }
)
"""The sorts of records of the state, by their keys."""
REFUSED: Final = re.compile("damaged|has format|is missing")
Draw = random.Random
Harm = Callable[[Bench, Draw], float]
ZOMBIE_S: Final = 20.0
"""Longer than a session of the group, so that another worker has taken over by then."""
OUTAGE_S: Final = 60.0
SHORT_OUTAGE_S: Final = 12.0
FAILPOINT_S: Final = 60.0
PAUSE_S: Final = 2.0
"""Between two steps of a fault; drawn up to twice that."""


def _pause(draw: Draw) -> None:
    time.sleep(draw.uniform(0, 2 * PAUSE_S))


def killed(role: Role, times: int, bench: Bench, draw: Draw) -> float:
    """Kill the worker so many times, at any moment."""
    (worker,) = bench.running(role)
    last = time.monotonic()
    for _ in range(times):
        _pause(draw)
        worker.kill()
        last = time.monotonic()
        worker.await_death(since=last)
        worker.await_ready()
    return last


def at_failpoint(role: Role, name: str, bench: Bench, draw: Draw) -> float:
    """Let the worker's next life end at a failpoint, when it comes there for the n-th time."""
    (worker,) = bench.running(role)
    worker.arm(f"{name}:{draw.randint(1, 5)}")
    lives = len(worker.deaths)
    worker.kill()
    until(lambda: len(worker.deaths) >= lives + 2, what=f"death at {name}", within=FAILPOINT_S)
    return time.monotonic()


def frozen(role: Role, seconds: float, bench: Bench, draw: Draw) -> float:
    """Stop one of two workers, and let it go on when the other has taken over."""
    bench.scale(role, 2)
    _pause(draw)
    worker = bench.running(role)[0]
    worker.signal(signal.SIGSTOP)
    time.sleep(seconds)
    worker.signal(signal.SIGCONT)
    return time.monotonic()


def scaled(role: Role, most: int, bench: Bench, draw: Draw) -> float:
    """Go from one worker to some and back."""
    for wanted in (most, 1):
        _pause(draw)
        bench.scale(role, wanted)
    return time.monotonic()


def corrupted(kind: str, bench: Bench, draw: Draw) -> float:
    """Flip bytes of the newest record of a key of the state while nobody is there to see it.

    The worker refuses it in plain words until it is mended, or it knows better by itself; what it
    must not do is to believe it, and that is what the oracle will see.
    """
    (worker,) = bench.running("aggregate")
    bench.scale("aggregate", 0)
    stored = last_values(bench.broker.address, STATE)
    found = {key: place for key, place in stored.items() if place[1] and KEYS[kind].match(key)}
    key = draw.choice(sorted(found))
    partition, sound = found[key]
    damage = flipped(sound or b"", draw)
    say(f"    {key.decode()}: {len(damage)} bytes, damaged")
    put(bench.broker.address, STATE, partition=partition, key=key, value=damage)
    seen = worker.log.stat().st_size
    lives = len(worker.deaths)
    worker.start()
    until(
        lambda: worker.ready() or len(worker.deaths) > lives,
        what="the worker starts or refuses",
        within=FAILPOINT_S,
    )
    worker.stop()
    refusal = worker.log.read_text(errors="replace")[seen:]
    if len(worker.deaths) > lives:
        assert REFUSED.search(refusal), f"refused, but not in plain words: see {worker.log}"
        put(bench.broker.address, STATE, partition=partition, key=key, value=sound)
    bench.scale("aggregate", 1)
    return time.monotonic()


def flipped(value: bytes, draw: Draw) -> bytes:
    """Return the bytes with one to three of them changed."""
    damaged = bytearray(value)
    for at in draw.sample(range(len(value)), min(len(value), draw.randint(1, 3))):
        damaged[at] ^= draw.randint(1, 255)
    return bytes(damaged)


def broker_killed(bench: Bench, draw: Draw) -> float:
    """Kill the broker and start it at once."""
    _pause(draw)
    bench.broker.kill()
    bench.broker.start()
    return time.monotonic()


def broker_away(seconds: float, bench: Bench, draw: Draw) -> float:
    """Let the broker be away for a while."""
    _pause(draw)
    bench.broker.stop()
    time.sleep(seconds)
    bench.broker.start()
    return time.monotonic()


def every(*, outage: float = OUTAGE_S, kills: int = 3) -> Mapping[str, Harm]:
    """Return all faults by name."""
    return MappingProxyType(
        {
            **{f"{role} killed": partial(killed, role, kills) for role in FAILPOINTS},
            **{
                f"{role} dies {name}": partial(at_failpoint, role, name)
                for role, names in FAILPOINTS.items()
                for name in names
            },
            **{f"{role} frozen": partial(frozen, role, ZOMBIE_S) for role in FAILPOINTS},
            "evaluate scaled 1-3-1": partial(scaled, "evaluate", 3),
            "aggregate scaled 1-2-1": partial(scaled, "aggregate", 2),
            **{f"{kind} corrupted": partial(corrupted, kind) for kind in KEYS},
            "broker killed": broker_killed,
            "broker away": partial(broker_away, outage),
        }
    )


def some(draw: Draw) -> Mapping[str, Harm]:
    """Return the faults that CI has the time for: each sort that is quick, and a slow one."""
    found = every(outage=SHORT_OUTAGE_S, kills=1)
    dying = [
        draw.choice([name for name in found if name.startswith(f"{role} dies")])
        for role in FAILPOINTS
    ]
    slow = draw.choice([name for name in found if "scaled" in name or "frozen" in name])
    damaged = draw.choice([name for name in found if "corrupted" in name])
    chosen = [*dying, "broker killed", damaged, slow]
    return {name: found[name] for name in draw.sample(chosen, len(chosen))}
