"""What compiles but nobody means is told to who writes a rule."""

import pytest

from rule_language import RuleLanguageError, compile_match, mistakes

KNOWN = "known are DEBUG, ERROR, FATAL, INFO, TRACE, UNKNOWN, WARN"


def told(source: str) -> list[tuple[str, int]]:
    """Return the mistakes of an expression that compiles, each with its column."""
    compile_match(source)
    return [(str(each), each.column) for each in mistakes(source)]


@pytest.mark.parametrize(
    ("source", "column", "levels"),
    [
        ('level >= "WARN"', 7, '"WARN", "ERROR", "FATAL"'),
        ('level > "warn"', 7, '"ERROR", "FATAL"'),
        ('"INFO" > level', 8, '"TRACE", "DEBUG"'),
        ('level <= "DEBUG"', 7, '"TRACE", "DEBUG"'),
        ('level > "FATAL"', 7, '"WARN", "ERROR", "FATAL"'),
        ('level >= "warning"', 7, '"WARN", "ERROR", "FATAL"'),
        ("level < attributes.most", 7, '"WARN", "ERROR", "FATAL"'),
        ("level < level", 7, '"WARN", "ERROR", "FATAL"'),
    ],
)
def test_levels_have_no_order(source: str, column: int, levels: str) -> None:
    operator = source.split()[1]
    what = f"'{operator}' orders levels by the alphabet at line 1, column {column}"
    assert told(source) == [(f"{what}: expected level in [{levels}]", column)]


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ('level.startsWith("err")', 7),
        ('!level.endsWith("or")', 8),
        ('service == "a" && level.contains("err")', 25),
        ('level.matches("^err")', 7),
        ('["error"].exists(l, l == level)', 11),
        ('level.lowerAscii() == "ERROR"', 20),
        ('level.startsWith("err") == true', 25),
        ('attributes.tags.exists(tag, tag == "a" || level.contains("err"))', 49),
        ("int(level) == 5", 12),
    ],
)
def test_what_holds_for_no_level_is_told_once(source: str, column: int) -> None:
    what = f"no event has a level of which this holds at line 1, column {column}: {KNOWN}"
    assert told(source) == [(what, column)]


def test_a_backspace_in_a_pattern_is_a_mistake() -> None:
    ((what, column),) = told(r'message.matches("\bfoo\b")')
    assert what.startswith(r"'\b' is a backspace in this text at line 1, column 17: ")
    assert what.endswith(r'put r before the text, as in r"\bfoo\b"')
    assert column == 17


@pytest.mark.parametrize(
    "source",
    [
        'level in ["WARN", "ERROR"] && statusCode >= 500',
        'level.startsWith("ERR") && level.size() > 3 && has(level)',
        'level.lowerAscii().startsWith("err") || level.matches("(?i)err")',
        '["error", "ERROR"].exists(l, l == level)',
        "attributes.tags.exists(tag, level.contains(tag))",
        'service.startsWith("err") && message.contains("err") && service < "b"',
        'level == service || level == tenant && attributes.level == "error"',
        r'message.matches(r"\bfoo\b") && message.matches("\\bfoo\t\n")',
    ],
)
def test_what_may_be_meant_is_no_mistake(source: str) -> None:
    assert told(source) == []


def test_what_does_not_compile_is_refused() -> None:
    with pytest.raises(RuleLanguageError, match="unknown name"):
        mistakes("nobody")
