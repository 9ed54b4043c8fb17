"""Deterministic identities: the same facts give the same id in every process and every replay."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

_SEPARATOR: Final = "\x1f"
_FNV_OFFSET: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3
_MASK: Final = 0xFFFFFFFFFFFFFFFF


def _digest(*parts: str) -> str:
    # The length in front of each part keeps ("ab", "c") apart from ("a", "bc").
    text = _SEPARATOR.join(f"{len(part)}:{part}" for part in parts)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _canonical(labels: Mapping[str, str]) -> str:
    return _SEPARATOR.join(
        f"{len(name)}:{name}={len(value)}:{value}" for name, value in sorted(labels.items())
    )


def label_fingerprint(labels: Mapping[str, str]) -> str:
    """Return Prometheus' label fingerprint: FNV-1a 64 over sorted names and values, 16 hex digits.

    Source: prometheus/common `model/signature.go`. Each name and value is followed by 0xFF.
    """
    hashed = _FNV_OFFSET
    for name in sorted(labels, key=lambda text: text.encode()):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            hashed = ((hashed ^ byte) * _FNV_PRIME) & _MASK
    return f"{hashed:016x}"


def fingerprint(*, tenant: str, rule_id: str, severity: str, group: Mapping[str, str]) -> str:
    """Return the identity under which alerts are deduplicated: rule, resource and severity."""
    own = {"tenant": tenant, "rule_id": rule_id, "severity": severity.lower()}
    return label_fingerprint({**{f"group_{k}": v for k, v in group.items()}, **own})


def alert_id(
    *, tenant: str, rule_id: str, revision: int, group: Mapping[str, str], window_start: int
) -> str:
    """Return the id of the alert that a window (start: epoch ms) opened for one group."""
    return _digest("alert", tenant, rule_id, str(revision), _canonical(group), str(window_start))


def notification_id(*, alert: str, transition: str, receiver: str) -> str:
    """Return the id of what one receiver is told about one transition of one alert.

    `transition` names it uniquely within the alert: "firing", "resolved", "reminder-3".
    """
    return _digest("notification", alert, transition, receiver)


def batch_id(*, tenant: str, idempotency_key: str, part: int) -> str:
    """Return the key of the `part`-th record of a request that carries an idempotency key."""
    return _digest("batch", tenant, idempotency_key, str(part))
