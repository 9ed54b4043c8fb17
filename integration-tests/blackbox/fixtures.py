"""The types of the fixtures that conftest.py provides."""

from collections.abc import Callable
from typing import Any

import psycopg

Naming = Callable[[str], str]
Connection = psycopg.AsyncConnection[dict[str, Any]]
