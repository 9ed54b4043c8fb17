"""The language of alert rules: CEL over one event, or over the figures of a window.

Text is parsed by a library, checked against a schema and compiled to closures. Pure: no I/O, no
clock. The README of this package is the language's manual.
"""

from rule_language.errors import RuleLanguageError
from rule_language.programs import (
    Condition,
    Match,
    Value,
    compile_condition,
    compile_match,
    compile_value,
)

__all__ = [
    "Condition",
    "Match",
    "RuleLanguageError",
    "Value",
    "compile_condition",
    "compile_match",
    "compile_value",
]
