"""What cannot be compiled is refused when the rule is written: where, why, and what would do."""

import pytest

from rule_language import RuleLanguageError, compile_condition, compile_match, compile_value

EVENT_NAMES = (
    "known are attributes, host, level, message, responseTime, service, statusCode, tenant, "
    "timestamp, traceId"
)
FUNCTIONS = (
    "known are all, bool, contains, double, duration, dyn, endsWith, exists, exists_one, filter, "
    "getDate, getDayOfMonth, getDayOfWeek, getDayOfYear, getFullYear, getHours, getMilliseconds, "
    "getMinutes, getMonth, getSeconds, has, int, lowerAscii, map, matches, size, split, "
    "startsWith, string, timestamp, trim, uint, upperAscii"
)
A_FIELD = "expected a field, as in has(host) or has(attributes.region)"
PRESENCE = "expected has(...), which tells whether a field is there"
AN_OPERAND = "expected a name, a literal or '('"
A_KEY = "expected a string or an int"
A_TIME = 'expected, say, timestamp("2026-01-31T10:00:00Z")'
A_CONVERSION = "an attribute is no timestamp, expected timestamp(...) around it"
MATCHES = 'expected, say, message.matches("time(d )?out")'
CONTAINS = 'expected, say, message.contains("refused")'
NEGATION = "expected '!', as in !(level in [\"DEBUG\"])"
RAW = r'in a pattern, put r before the text, as in r"\d+"'
NUMBERS = "expected numbers on both sides"
REFUSALS = [
    # names
    ("statuscode > 5", "unknown name 'statuscode'", (1, 1), "did you mean 'statusCode'?"),
    (
        "level == 'A' &&\n  sevice == 'b'",
        "unknown name 'sevice'",
        (2, 3),
        "did you mean 'service'?",
    ),
    ("zzz", "unknown name 'zzz'", (1, 1), EVENT_NAMES),
    ("count > 5", "unknown name 'count'", (1, 1), EVENT_NAMES),
    ("while > 5", "'while' is a reserved word", (1, 1), ""),
    (
        "message.startswith('a')",
        "unknown function 'startswith'",
        (1, 9),
        "did you mean 'startsWith'?",
    ),
    ("zzz(message) == 'a'", "unknown function 'zzz'", (1, 1), FUNCTIONS),
    (
        "message.lower() == 'a'",
        "unknown function 'lower'",
        (1, 9),
        "did you mean 'lowerAscii'?",
    ),
    # types
    ("service > 5", "no operator '>' for string and int", (1, 9), "expected string on the right"),
    ("statusCode == '500'", "no operator '==' for int and string", (1, 12), NUMBERS),
    ("service == 5", "no operator '==' for string and int", (1, 9), "expected string on the right"),
    ("attributes > 5", "no operator '>' for map and int", (1, 12), "expected numbers or strings"),
    ("host == null", "no operator '==' for string and null", (1, 6), PRESENCE),
    ("null != host", "no operator '!=' for null and string", (1, 6), PRESENCE),
    ("service - 'a' == 'b'", "no operator '-' for string and string", (1, 9), NUMBERS),
    (
        "service + 1 == 'b'",
        "no operator '+' for string and int",
        (1, 9),
        "expected string on the right",
    ),
    (
        "responseTime % 2 == 0",
        "no operator '%' for double and int",
        (1, 14),
        "expected int on both sides, which int(...) makes of other numbers",
    ),
    ("1u + 1 == 2", "no operator '+' for uint and int", (1, 4), NUMBERS),
    (
        "timestamp > 5",
        "no operator '>' for timestamp and int",
        (1, 11),
        "expected timestamp on the right",
    ),
    (
        "attributes.at == timestamp",
        "no operator '==' for dyn and timestamp",
        (1, 15),
        A_CONVERSION,
    ),
    (
        "attributes.at < timestamp",
        "no operator '<' for dyn and timestamp",
        (1, 15),
        A_CONVERSION,
    ),
    (
        "attributes.at + duration('1s') == 5",
        "no operator '+' for dyn and duration",
        (1, 15),
        "an attribute is no duration, expected duration(...) around it",
    ),
    (
        "timestamp - 5 > timestamp",
        "no operator '-' for timestamp and int",
        (1, 11),
        'expected, say, duration("5m") on the right',
    ),
    (
        "-duration('1s') < duration('1s')",
        "'-' needs an int or a double, not duration,",
        (1, 2),
        "",
    ),
    ("1 < 2 < 3", "no operator '<' for bool and int", (1, 7), "expected bool on the right"),
    ("[1] < [2]", "no operator '<' for list and list", (1, 5), "expected numbers or strings"),
    ("statusCode in [500, '501']", "int is never in a list with string", (1, 21), "expected int"),
    ("level in 'ERROR'", "'in' needs a list or a map after it, not string,", (1, 10), ""),
    ("5 in attributes", "this map has string keys, not int,", (1, 1), ""),
    ("service.name == 'a'", "string has no field 'name'", (1, 9), "expected a map"),
    ("level[0] == 'E'", "only a list or a map has elements, not string,", (1, 1), ""),
    ("attributes[5] == 1", "this map is indexed by string, not int,", (1, 12), ""),
    ("[1]['a'] == 1", "a list is indexed by int, not string,", (1, 5), ""),
    ("!statusCode", "'!' needs a bool, not int,", (1, 2), ""),
    ("-service == 'a'", "'-' needs an int or a double, not string,", (1, 2), ""),
    ("-1u == 1u", "'-' needs an int or a double, not uint,", (1, 2), ""),
    ("level && true", "'&&' needs a bool, not string,", (1, 1), ""),
    ("true || 1", "'||' needs a bool, not int,", (1, 9), ""),
    ("1 ? true : false", "'?' needs a bool before it, not int,", (1, 1), ""),
    (
        "true ? true : 'a'",
        "the branches of '?' must have one type, not bool and string",
        (1, 15),
        "",
    ),
    ("1 + 1", "match must be bool, but this is int", (1, 3), ""),
    # functions
    ("level", "match must be bool, but this is string", (1, 1), ""),
    (
        "message.startsWith(5)",
        "startsWith() does not take (int) on string",
        (1, 9),
        'expected, say, service.startsWith("pay")',
    ),
    (
        "startsWith(message, 'a')",
        "startsWith() does not take (string, string)",
        (1, 1),
        'expected, say, service.startsWith("pay")',
    ),
    (
        "message.endsWith()",
        "endsWith() does not take () on string",
        (1, 9),
        'expected, say, host.endsWith(".eu")',
    ),
    ("service(host) == 'a'", "'service' is no function", (1, 1), "it is only named: service"),
    ("size(statusCode) > 1", "size() does not take (int)", (1, 1), "expected, say, size(message)"),
    ("'2026'.timestamp() == timestamp", "timestamp() does not take () on string", (1, 8), A_TIME),
    ("has(5)", "has() cannot judge this", (1, 1), A_FIELD),
    ("has(attributes['a'])", "has() cannot judge this", (1, 1), A_FIELD),
    ("has(host, level)", "has() cannot judge this", (1, 1), A_FIELD),
    ("has(hots)", "unknown name 'hots'", (1, 5), "did you mean 'host'?"),
    ("attributes.has(host)", "unknown function 'has'", (1, 12), "did you mean 'has'?"),
    # patterns and times
    ("message.matches('(')", "RE2 refuses the pattern", (1, 17), "missing ): ("),
    ("message.matches('(?=a)')", "RE2 refuses the pattern", (1, 17), "invalid perl operator: (?="),
    (
        "message.matches(service)",
        "the pattern of matches() must be a literal",
        (1, 17),
        "expected a string",
    ),
    ("timestamp > timestamp('2026')", "'2026' is no time with an offset", (1, 23), A_TIME),
    (
        "timestamp > timestamp('2026-01-31T10:00:00')",
        "'2026-01-31T10:00:00' is no time with an offset",
        (1, 23),
        A_TIME,
    ),
    (
        "timestamp > timestamp(1.5)",
        "timestamp() does not take (double)",
        (1, 13),
        A_TIME,
    ),
    (
        "duration('5 minutes') < duration('1h')",
        "'5 minutes' is no duration",
        (1, 10),
        'expected, say, duration("5m")',
    ),
    (
        "timestamp.getHours('Berlin') > 8",
        "unknown time zone 'Berlin'",
        (1, 20),
        "expected, say, 'Europe/Berlin' or '+01:00'",
    ),
    (
        "timestamp.getHours('+25:00') > 8",
        "unknown time zone '+25:00'",
        (1, 20),
        "expected, say, 'Europe/Berlin' or '+01:00'",
    ),
    (
        "timestamp.getHours(service) > 8",
        "the time zone must be a literal",
        (1, 20),
        "expected a string",
    ),
    (
        "message.getHours() > 8",
        "getHours() does not take () on string",
        (1, 9),
        'expected, say, timestamp.getHours("Europe/Berlin")',
    ),
    (
        "int(true) > 0",
        "int() does not take (bool)",
        (1, 1),
        "expected, say, int(attributes.retries)",
    ),
    (
        "string(attributes) == ''",
        "string() does not take (map)",
        (1, 1),
        "expected, say, string(statusCode)",
    ),
    # macros and maps
    (
        "attributes.tags.all(tag)",
        "all() takes a name and what is asked of each element",
        (1, 17),
        'expected, say, attributes.tags.all(tag, tag != "")',
    ),
    (
        "attributes.tags.exists('tag', true)",
        "exists() needs a name for the element",
        (1, 24),
        'expected, say, attributes.tags.exists(tag, tag == "db")',
    ),
    (
        "message.exists(c, c == 'a')",
        "exists() needs a list or a map before it, not string,",
        (1, 1),
        "",
    ),
    ("[1].exists(x, size(x))", "exists() needs a bool, not int,", (1, 15), ""),
    ("[1].exists(tag, tga == 1)", "unknown name 'tga'", (1, 17), "did you mean 'tag'?"),
    ("[1].exists(x, x == 1) && x == 1", "unknown name 'x'", (1, 26), EVENT_NAMES),
    ("[1].exists(x, has(x))", "has() cannot judge this", (1, 15), A_FIELD),
    ("[1].map(x, x)", "match must be bool, but this is list", (1, 5), ""),
    ("level in {service: 1}", "the key of a map must be a literal", (1, 11), A_KEY),
    ("level in {'a': 1, 'a': 2}", "the map has the key 'a' already", (1, 19), ""),
    ("level in {true: 1}", "the key of a map must be a literal", (1, 11), A_KEY),
    ("level in {1: 1, 1u: 1}", "the map has the key '1' already", (1, 17), ""),
    # syntax
    ("", "the expression is empty", (1, 1), "expected an expression"),
    (" \n", "the expression is empty", (1, 1), "expected an expression"),
    ("level ==", "the expression ends too early", (1, 9), AN_OPERAND),
    ("level ==\n", "the expression ends too early", (2, 1), AN_OPERAND),
    ("(level == 'a'", "the expression ends too early", (1, 14), "expected an operator"),
    ("level == 'a')", "unexpected ')'", (1, 13), "expected an operator"),
    ("level == == 'a'", "unexpected '=='", (1, 10), AN_OPERAND),
    ("attributes.in == 1", "unexpected 'in'", (1, 12), "expected a name"),
    ("level = 'a'", "unexpected '='", (1, 7), "expected '=='"),
    ("true & true", "unexpected '&'", (1, 6), "expected '&&'"),
    ("true | true", "unexpected '|'", (1, 6), "expected '||'"),
    ("level === 'a'", "unexpected '='", (1, 9), "expected '=='"),
    ("level <> 'a'", "unexpected '>'", (1, 8), "expected '!='"),
    ("statusCode => 500", "unexpected '='", (1, 12), "expected '>='"),
    ("statusCode >== 500", "unexpected '='", (1, 14), "expected '>='"),
    ("statusCode =< 500", "unexpected '='", (1, 12), "expected '<='"),
    ("message =~ 'a'", "unexpected '='", (1, 9), MATCHES),
    ("message matches 'a'", "unexpected 'matches'", (1, 9), MATCHES),
    ("message LIKE 'a'", "unexpected 'LIKE'", (1, 9), CONTAINS),
    ("message.like('a')", "unknown function 'like'", (1, 9), CONTAINS),
    ("true and true", "unexpected 'and'", (1, 6), "expected '&&'"),
    ("true OR true", "unexpected 'OR'", (1, 6), "expected '||'"),
    ("not has(host)", "unexpected 'has'", (1, 5), NEGATION),
    ("not(has(host))", "unknown function 'not'", (1, 1), NEGATION),
    ("level not in ['a']", "unexpected 'not'", (1, 7), NEGATION),
    ("message @ 'a'", "unexpected '@'", (1, 9), ""),
    ("'and = not' 'and'", "unexpected ''and''", (1, 13), "expected an operator"),
    ("level inside ['a']", "unexpected 'inside'", (1, 7), "expected an operator"),
    ("level == 'a", "the string that begins", (1, 10), "it never ends"),
    (r"level == 'a\'", "the string that begins", (1, 10), "it never ends"),
    ("statusCode > 5xx", "malformed number", (1, 14), ""),
    ("attributes == {'a'}", "unexpected '}'", (1, 19), "expected an operator"),
    ("attributes == {'a': 1", "the expression ends too early", (1, 22), "expected an operator"),
    ("message == b'a'", "unexpected ''a''", (1, 13), "expected an operator"),
    (r"level == 'a\qb'", r"'\q' is no escape of this language", (1, 12), RAW),
    (r"message.matches('\d+')", r"'\d' is no escape of this language", (1, 18), RAW),
    (r"level == '\ud800'", r"'\ud800' is no escape of this language", (1, 11), ""),
    (r"level == '\U00110000'", r"'\U00110000' is no escape of this language", (1, 11), ""),
    ("level == '''a\n  \\q'''", r"'\q' is no escape of this language", (2, 3), RAW),
    (
        "statusCode > 9223372036854775808",
        "the number 9223372036854775808 is out of the range of int",
        (1, 14),
        "",
    ),
    (
        "statusCode > 18446744073709551616u",
        "the number 18446744073709551616 is out of the range of uint",
        (1, 14),
        "",
    ),
    ("responseTime > 1e400", "the number 1e400 is too large for a double", (1, 16), ""),
    ("level == 'a\x00'", "the character U+0000 cannot stand in an expression", (1, 12), ""),
    (
        "true &&\n level == 'a\udc00'",
        "the character U+DC00 cannot stand in an expression",
        (2, 13),
        "",
    ),
]


@pytest.mark.parametrize(("source", "what", "where", "hint"), REFUSALS)
def test_a_refusal_says_where_and_why(
    source: str, what: str, where: tuple[int, int], hint: str
) -> None:
    with pytest.raises(RuleLanguageError) as refused:
        compile_match(source)
    sentence = f"{what} at line {where[0]}, column {where[1]}" + (f": {hint}" if hint else "")
    assert str(refused.value) == refused.value.message == sentence
    assert (refused.value.line, refused.value.column) == where


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "count > thresold",
            "unknown name 'thresold' at line 1, column 9: did you mean 'threshold'?",
        ),
        ("rate > 5 && mincount > 5", "'mincount' at line 1, column 13: did you mean 'minCount'?"),
        ("level == 'ERROR'", "unknown name 'level' at line 1, column 1"),
        (
            "count > previous.cout",
            "unknown name 'previous.cout' at line 1, column 9: did you mean 'previous.count'?",
        ),
        (
            "count > previous.zzz",
            "'previous.zzz' at line 1, column 9: known are previous.avg, previous.count,",
        ),
        ("count > previus.count", "'previus' at line 1, column 9: did you mean 'previous'?"),
        (
            "count > previous",
            "'previous' is a window, not a value, at line 1, column 9: expected, say, prev",
        ),
        ("distnct > 5", "unknown name 'distnct' at line 1, column 1: did you mean 'distinct'?"),
        ("sum(value) > 1", "'sum' is no function at line 1, column 1: it is only named: sum"),
        ("count + 1", "condition must be bool, but this is double at line 1, column 7"),
    ],
)
def test_a_condition_knows_the_figures_of_a_window_only(source: str, sentence: str) -> None:
    with pytest.raises(RuleLanguageError) as refused:
        compile_condition(source)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("source", "kind"), [("level == 'ERROR'", "bool"), ("service", "string"), ("null", "null")]
)
def test_a_value_is_a_number(source: str, kind: str) -> None:
    with pytest.raises(
        RuleLanguageError, match=f"value must be double or int or uint, but this is {kind} at"
    ):
        compile_value(source)
