"""Downloads are made once for a content, and again when it changes."""

from pathlib import Path

import pytest
from native.downloads import COMPLETE, content_hash, keep


def test_the_hash_follows_names_and_contents_but_not_bytecode(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("a = 1")
    first = content_hash([package])
    (package / "__pycache__").mkdir()
    (package / "__pycache__/a.pyc").write_bytes(b"1")
    assert content_hash([package]) == first
    (package / "a.py").rename(package / "b.py")
    assert content_hash([package]) != first
    assert content_hash([package], "python3.13") != content_hash([package], "python3.11")


def test_what_is_complete_is_not_built_again(tmp_path: Path) -> None:
    built: list[Path] = []
    target = tmp_path / "kafka-0123456789ab"
    assert keep(target, built.append) == keep(target, built.append) == target
    assert built == [target]


def test_a_broken_build_starts_afresh(tmp_path: Path) -> None:
    target = tmp_path / "kafka-0123456789ab"

    def break_off(directory: Path) -> None:
        (directory / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep(target, break_off)
    keep(target, lambda directory: (directory / "whole").touch())
    assert sorted(path.name for path in target.iterdir()) == [COMPLETE, "whole"]


def test_an_older_sibling_goes(tmp_path: Path) -> None:
    old, new = tmp_path / "python-aaaaaaaaaaaa", tmp_path / "python-bbbbbbbbbbbb"
    for target in (old, new):
        keep(target, lambda _: None)
    assert not old.exists()
    assert new.exists()
