"""What is done again and again."""

import pytest

from api_gateway.entrypoints.pace import go_on


class StopError(Exception):
    """Ends a loop that has no end."""


async def test_after_each_step_it_pauses_for_as_long_as_the_step_said() -> None:
    done: list[str] = []
    pauses = iter((0.5, 0, 10))

    async def step() -> float:
        done.append("step")
        return next(pauses)

    async def sleep(seconds: float) -> None:
        done.append(f"pause {seconds:g}")
        if seconds == 10:
            raise StopError

    with pytest.raises(StopError):
        await go_on(step, sleep=sleep)
    assert done == ["step", "pause 0.5", "step", "pause 0", "step", "pause 10"]
