"""A state directory of the test's own, owned by whoever runs the test."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from native.account import Account
from native.layout import WIPED, Layout
from native.ports import DEFAULTS


@dataclass(frozen=True, slots=True)
class AnyoneAccount(Account):
    """Us, with a say in what can be reached."""

    reaches: bool = True

    def own(self, path: Path) -> None:
        """Everything is ours already."""

    def can_enter(self, directory: Path) -> bool:  # noqa: ARG002 - the shape is the account's
        return self.reaches


def account(*, reaches: bool = True) -> AnyoneAccount:
    return AnyoneAccount("us", os.getuid(), os.getgid(), reaches)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the variables of an outer stack away: test.sh sets them."""
    for name in (*DEFAULTS, "TOCSIN_STATE", "TOCSIN_CACHE", "TOCSIN_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    project = tmp_path / "project"
    (project / "config").mkdir(parents=True)
    (project / "config/tocsin.yml").write_text("key: ${PAGER_KEY:-none}\n")
    state = project / ".tocsin"
    found = Layout(project=project, state=state, cache=state / "cache", account=account())
    for name in (*WIPED, "cache"):
        (state / name).mkdir(parents=True)
    return found
