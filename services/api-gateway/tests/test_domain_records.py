"""Records: lines are cut into few and full ones, and nothing is lost."""

from alert_contracts.events import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from api_gateway.domain.records import cut, fits


def test_what_fits_is_one_record() -> None:
    assert list(cut(b"a\nb\n", 2)) == [(b"a\nb\n", 2)]


def test_what_does_not_fit_is_cut_between_events() -> None:
    lines = [b"%06d" % number + b"x" * (100 + number % 50) + b"\n" for number in range(20_000)]
    runs = list(cut(b"".join(lines), len(lines)))
    assert b"".join(run for run, _ in runs) == b"".join(lines)
    assert sum(count for _, count in runs) == len(lines)
    assert all(run.endswith(b"\n") and run.count(b"\n") == count for run, count in runs)
    assert all(MAX_BATCH_BYTES - 200 < len(run) <= MAX_BATCH_BYTES for run, _ in runs[:-1])


def test_a_record_has_room_up_to_its_bounds() -> None:
    assert fits(MAX_BATCH_BYTES - 10, 1, 10, 1)
    assert not fits(MAX_BATCH_BYTES - 10, 1, 11, 1)
    assert fits(10, MAX_BATCH_EVENTS - 1, 10, 1)
    assert not fits(10, MAX_BATCH_EVENTS, 10, 1)
