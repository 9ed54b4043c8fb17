"""The language of alert rules: CEL over one event, or over the figures of a window.

Text is parsed by a library, checked against a schema and compiled to Python functions. Pure: no
I/O, no clock. The README of this package is the language's manual.

What the engine builds on: `Match.test(event)`; `Match.inline(event, prefix=...)`, the same test as
a Python expression for a greater generated function; `Match.equalities` and `Match.patterns`,
necessary conditions to index by; and `PatternSet`, which looks for many patterns in one pass.
"""

from rule_language.compiling import (
    compared,
    compile_condition,
    compile_match,
    compile_scalar,
    compile_value,
    mistakes,
)
from rule_language.conversions import scalar_text
from rule_language.errors import RuleLanguageError
from rule_language.movement import Moves
from rule_language.patterns import PatternSet
from rule_language.programs import Condition, Inline, Match, Scalar, Undecided, Value
from rule_language.schema import PREVIOUS

__all__ = [
    "PREVIOUS",
    "Condition",
    "Inline",
    "Match",
    "Moves",
    "PatternSet",
    "RuleLanguageError",
    "Scalar",
    "Undecided",
    "Value",
    "compared",
    "compile_condition",
    "compile_match",
    "compile_scalar",
    "compile_value",
    "mistakes",
    "scalar_text",
]
