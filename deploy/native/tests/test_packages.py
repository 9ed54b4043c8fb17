"""Installing packages leaves nothing behind but the packages."""

from pathlib import Path

import pytest
from native.packages import CLUSTERS, NO_START, POLICY, nothing_starts


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / POLICY).parent.mkdir(parents=True)
    return tmp_path


def test_nothing_starts_meanwhile_and_all_is_as_it_was_afterwards(root: Path) -> None:
    with nothing_starts(["postgresql"], root=root):
        assert (root / POLICY).read_text() == NO_START
        assert (root / CLUSTERS / "tocsin.conf").exists()
    assert not (root / POLICY).exists()
    assert not (root / CLUSTERS).exists()


def test_the_machines_own_policy_comes_back_even_after_a_failure(root: Path) -> None:
    (root / POLICY).write_text("theirs")
    with pytest.raises(KeyboardInterrupt):
        _interrupted_install(root)
    assert (root / POLICY).read_text() == "theirs"
    assert [path.name for path in (root / POLICY).parent.iterdir()] == ["policy-rc.d"]


def test_the_machines_own_cluster_settings_stay(root: Path) -> None:
    (root / CLUSTERS).mkdir(parents=True)
    (root / CLUSTERS / "theirs.conf").touch()
    with nothing_starts(["postgresql"], root=root):
        pass
    assert [path.name for path in (root / CLUSTERS).iterdir()] == ["theirs.conf"]


def _interrupted_install(root: Path) -> None:
    with nothing_starts(["redis-server"], root=root):
        assert not (root / CLUSTERS).exists()
        raise KeyboardInterrupt
