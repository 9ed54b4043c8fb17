"""How much of each part a message shows, so that the parts that matter always fit."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Budget:
    """Characters of each text, sample and link, and how many samples and alerts there are."""

    text: int
    sample: int
    samples: int
    alerts: int
    link: int


BUDGETS: Final = (
    Budget(text=4_096, sample=500, samples=3, alerts=20, link=2_000),
    Budget(text=1_000, sample=500, samples=3, alerts=20, link=1_000),
    Budget(text=600, sample=300, samples=3, alerts=10, link=500),
    Budget(text=300, sample=200, samples=2, alerts=5, link=300),
    Budget(text=120, sample=120, samples=1, alerts=2, link=200),
    Budget(text=40, sample=60, samples=1, alerts=1, link=200),
)
"""The widest first: a text takes the first with which it keeps to its channel's limit."""
WIDEST: Final = BUDGETS[0]
