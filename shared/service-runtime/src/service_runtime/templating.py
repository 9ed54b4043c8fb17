"""Users' Jinja2 texts, rendered in a sandbox that bounds memory, time and length.

Jinja2's sandbox keeps a template from running code, but not from being large: doubling a text
thirty times is a gigabyte. So a text may loop over what it is given and choose among filters that
cannot grow their input, but neither assign, define macros nor include; output stops at a bound.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_SOURCE: Final = 16_384
MAX_OUTPUT: Final = 65_536
MAX_VALUE: Final = 4_096
"""Characters of any one text in the context; longer ones are cut."""
MAX_NESTED_LOOPS: Final = 2
_FILTERS: Final = frozenset(
    {"abs", "capitalize", "count", "default", "d", "e", "escape", "first", "float", "int"}
    | {"items", "join", "last", "length", "list", "lower", "max", "min", "reject", "rejectattr"}
    | {"round", "select", "selectattr", "sort", "string", "sum", "title", "tojson", "trim"}
    | {"truncate", "unique", "upper", "urlencode"}
)
_PROVIDING: Final = frozenset({"d", "default", "defined", "undefined"})
"""Filters and tests for a name that there may not be."""
Path = tuple[str, ...]
"""A name, or one and its member."""
_REFUSED: Final = {
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Extends: "extends",
    nodes.Pow: "**",
}


class TemplateRefusedError(Exception):
    """A text that cannot be parsed or rendered; the message says why and, if known, where."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "%"})

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        # A text's own methods can grow it (format, center, replace, join): the filters do not.
        return not isinstance(obj, str) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: object) -> None:
        """Give no `format`, which the sandbox's own check would let through."""

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            msg = f"{operator} takes numbers only"
            raise SecurityError(msg)
        return super().call_binop(context, operator, left, right)


def _environment(undefined: type[Undefined]) -> _Environment:
    environment = _Environment(undefined=undefined, autoescape=False)
    environment.globals.clear()
    environment.filters = {
        name: function for name, function in environment.filters.items() if name in _FILTERS
    }
    return environment


_LENIENT: Final = _environment(Undefined)
_STRICT: Final = _environment(StrictUndefined)


def check(source: str) -> None:
    """Refuse a text that could not be rendered.

    Raises:
        TemplateRefusedError: it is too long, does not parse, or uses what is not offered.
    """
    _compile(source, strict=False)


def render(source: str, context: Mapping[str, object], *, strict: bool = False) -> str:
    """Return the text with the context filled in; at most `MAX_OUTPUT` characters.

    An unknown name renders as nothing, or is an error when `strict`.

    Raises:
        TemplateRefusedError: the text is refused, or fails while it renders.
    """
    template = _compile(source, strict=strict)
    pieces: list[str] = []
    length = 0
    try:
        for piece in template.generate({name: _cut(part) for name, part in context.items()}):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_OUTPUT:
                break
    except Exception as exc:
        # Any operation of the text on the context may fail in its own way.
        raise TemplateRefusedError(str(exc) or type(exc).__name__) from exc
    return "".join(pieces)[:MAX_OUTPUT]


def unknown_names(source: str, context: Mapping[str, object]) -> list[Path]:
    """Return the names that a text reads and that there are not, sorted: `(labels, servce)`.

    One that the text provides for is none: `p95 is defined`, `labels.team | default("-")`.

    Raises:
        TemplateRefusedError: the text is refused.
    """
    _compile(source, strict=False)
    tree = _LENIENT.parse(source)
    bound = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    provided = {
        _path(asked.node)
        for asked in tree.find_all((nodes.Test, nodes.Filter))
        if asked.name in _PROVIDING and asked.node is not None
    }
    names = {(name,) for name in find_undeclared_variables(tree)}
    members = {_path(node) for node in tree.find_all((nodes.Getattr, nodes.Getitem))}
    read = names | {path for path in members if path and path[0] not in bound}
    return sorted(path for path in read - provided if not _is_there(path, context))


def _path(node: nodes.Node) -> Path:
    """Return the names that an expression reads one from the other, at most two; else none."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return (node.node.name, node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Name):
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        return (node.node.name, key) if isinstance(key, str) else ()
    return ()


def _is_there(path: Path, context: Mapping[str, object]) -> bool:
    """Tell whether a name is there; of one that is missing, no member is looked for."""
    if len(path) == 1 or path[0] not in context:
        return len(path) > 1 or path[0] in context
    owner, member = context[path[0]], path[1]
    # Every mapping has methods: `labels.items()`.
    return hasattr(owner, member) or (isinstance(owner, Mapping) and member in owner)


@lru_cache(maxsize=1024)
def _compile(source: str, *, strict: bool) -> Template:
    if len(source) > MAX_SOURCE:
        msg = f"a template has at most {MAX_SOURCE} characters, this one {len(source)}"
        raise TemplateRefusedError(msg)
    environment = _STRICT if strict else _LENIENT
    try:
        tree = environment.parse(source)
        _vet(tree)
        return environment.from_string(tree)
    except TemplateError as exc:
        line = getattr(exc, "lineno", None)
        place = f" (line {line})" if line else ""
        msg = f"{exc.message}{place}"
        raise TemplateRefusedError(msg) from exc
    except RecursionError:
        msg = "the template is nested too deeply"
        raise TemplateRefusedError(msg) from None


def _vet(tree: nodes.Template) -> None:
    for kind, name in _REFUSED.items():
        found = next(iter(tree.find_all(kind)), None)
        if found is not None:
            msg = f"`{name}` is not offered in templates (line {found.lineno})"
            raise TemplateRefusedError(msg)
    for used in tree.find_all(nodes.Filter):
        if used.name not in _FILTERS:
            msg = f"there is no filter `{used.name}` (line {used.lineno})"
            raise TemplateRefusedError(msg)
    _vet_loops(tree, 0)


def _vet_loops(node: nodes.Node, depth: int) -> None:
    if isinstance(node, nodes.For):
        depth += 1
        if depth > MAX_NESTED_LOOPS or node.recursive:
            msg = f"loops nest at most {MAX_NESTED_LOOPS} deep (line {node.lineno})"
            raise TemplateRefusedError(msg)
    for child in node.iter_child_nodes():
        _vet_loops(child, depth)


def _cut(value: object) -> object:
    if isinstance(value, str):
        return value[:MAX_VALUE]
    if isinstance(value, Mapping):
        return {name: _cut(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(part) for part in value]
    return value
