"""A number for "no bound": greater than every count, and later than every time."""

from typing import Final

ENDLESS: Final = 1 << 62
