"""Users' templates: useful, and unable to hurt."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_runtime.templating import (
    MAX_OUTPUT,
    MAX_SOURCE,
    MAX_VALUE,
    Path,
    TemplateRefusedError,
    check,
    render,
    unknown_names,
)


def test_a_template_reads_its_context_and_loops_over_it() -> None:
    text = "{{ labels.service }}: {% for s in samples %}{{ s | upper }};{% endfor %}{{ n | round }}"
    context = {"labels": {"service": "pay"}, "samples": ["a", "b"], "n": 2.4}
    assert render(text, context) == "pay: A;B;2.0"


def test_an_unknown_name_is_nothing_or_an_error_as_asked() -> None:
    assert render("<{{ nobody }}>", {}) == "<>"
    with pytest.raises(TemplateRefusedError, match="nobody"):
        render("{{ nobody }}", {}, strict=True)


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ("{{ servce }} {{ lables.service }} {{ n }}", [("lables",), ("servce",)]),
        ("{% if n > 5 %}{{ deep }}{% endif %}", [("deep",)]),
        ("{% for s in samples %}{{ loop.index }} {{ s }}{% endfor %}", [("samples",)]),
        ("{{ p95 | default('-') }} {% if p50 is defined %}{{ p50 }}{% endif %}", []),
        ("{{ none }} {{ true }}", []),
        ("{{ range(5) }}", [("range",)]),
        (
            "{{ labels.servce }} {{ labels['sevice'] }}",
            [("labels", "servce"), ("labels", "sevice")],
        ),
        ("{{ labels.service }} {{ labels['service'] }} {{ labels[n] }} {{ labels[0] }}", []),
        ("{{ labels.team | default('-') }} {{ labels['a'] is defined }}", []),
        ("{% for k, v in labels.items() %}{{ k }}{{ v }}{% endfor %}", []),
        ("{% for labels in n %}{{ labels.x }}{% endfor %}", []),
        ("{{ n.nobody }} {{ (labels).x.y }}", [("labels", "x"), ("n", "nobody")]),
        ("{{ (labels | first).x }} {{ {}.y }}", []),
    ],
)
def test_the_names_that_there_are_not_are_told(source: str, unknown: list[Path]) -> None:
    assert unknown_names(source, {"n": 1, "labels": {"service": "pay"}}) == unknown


def test_the_names_of_what_is_no_template_are_not_told() -> None:
    with pytest.raises(TemplateRefusedError):
        unknown_names("{{", {})


@pytest.mark.parametrize(
    "source",
    [
        "{{",
        "{% set x = 'a' %}",
        "{% set x %}a{% endset %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% filter upper %}a{% endfilter %}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'a' | center(999999999) }}",
        "{{ x | replace('a', 'b') }}",
        "{% for a in x recursive %}{% endfor %}",
        "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}",
        "a" * (MAX_SOURCE + 1),
        "{{ " + "(" * 3000 + ")" * 3000 + " }}",
    ],
)
def test_what_is_not_offered_is_refused_before_it_is_stored(source: str) -> None:
    with pytest.raises(TemplateRefusedError):
        check(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 999999999 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ 'a'.center(999999999) }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{{ '{:>999999999}'['format'](1) }}",
        "{{ '{x:>999999999}'.format_map({'x': 1}) }}",
        "{{ x.__class__.__mro__ }}",
        "{{ range(9) }}",
        "{{ 1 / 0 }}",
        "{{ x.append(1) }}",
    ],
)
def test_what_would_grow_or_escape_fails_when_rendered(source: str) -> None:
    with pytest.raises(TemplateRefusedError):
        render(source, {"x": ["a"]})


def test_output_and_values_are_bounded() -> None:
    text = "{% for a in x %}{% for b in x %}{{ a }}{{ b }}{% endfor %}{% endfor %}"
    assert len(render(text, {"x": ["y" * 9999] * 50})) == MAX_OUTPUT
    assert len(render("{{ x.a }}", {"x": {"a": "y" * 9999}})) == MAX_VALUE


def test_the_numbers_of_arithmetic_work() -> None:
    assert render("{{ 7 % 4 * 2 }}", {}) == "6"


@given(st.text(max_size=200))
def test_any_text_renders_or_is_refused(source: str) -> None:
    with contextlib.suppress(TemplateRefusedError):
        render(source, {"x": 1})
