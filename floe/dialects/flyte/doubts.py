"""What a template of flyte does silently, and is hardly meant: names that give nothing, comparisons
that never hold, operators that do something else.

Nothing is rendered. Each doubt is certain by the rules of the language, or says on what it depends.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from floe.dialects.flyte.stepping import FALSE, TRUE
from floe.dialects.nearest import closest
from floe.expr.patterns import SEARCH_BYTES_MAX, fault_of
from floe.expr.pongo2.template import FUNCTIONS, PLACE, TemplateParts
from floe.expr.pongo2.tree import (
    CalledFilter,
    FilteredValue,
    Part,
    PrefixedTerm,
    TemplateChain,
    TemplateLiteral,
    TemplateOperand,
    TemplatePath,
    inside,
)
from floe.expr.pongo2.values import TemplateFunction, go_type


class TemplateDoubt(NamedTuple):
    """What is hardly meant in a template, and at which character of its text."""

    at: int
    what: str
    hint: str = ""


class TemplateNames(NamedTuple):
    """What a template sees."""

    context: frozenset[str]
    """The names of the context that may be there."""
    siblings: frozenset[str] = frozenset()
    """The names of the same `context`, which it does not see."""
    items: frozenset[str] | None = None
    """The keys of the datastore; None if they are not known."""


_NEVER: Final = "the step never fires"

DOUBTS_MAX: Final = 100
"""Of one template; a flow may be written to keep its reader busy."""

NOTHING: Final = "it gives nothing"
_EVENT: Final = ("Name", "Payload", "Pack", "CreatedAt", "ReceivedAt")
_PACK: Final = ("Id", "Name", "Labels")
_LOOP: Final = (
    *("Counter", "Counter0", "Revcounter", "Revcounter0"),
    *("First", "Last", "Parentloop"),
)
_GIVEN: Final = ("Event", "Context", "pongo2", "forloop", "block")
_NULLS: Final = ("nil", "null", "None")
"""Names that people write for a value that is missing, and rightly: nothing has them."""
_JSON: Final = ("datastore", "unmarshalJson")
_WORDS: Final = {"True": "true", "False": "false"}
_ORDERS: Final = ("<", ">", "<=", ">=")
_CRON_SEGMENTS: Final = (5, 6)


def template_doubts(parts: TemplateParts, names: TemplateNames) -> list[TemplateDoubt]:
    """The doubts about a template, in the order of its text."""
    bound = frozenset(_bound(parts))
    found: dict[TemplateDoubt, None] = {}
    for part in _all(parts):
        for doubt in _doubts(part, names, bound):
            found.setdefault(doubt._replace(at=max(doubt.at - PLACE, 0)))
        if len(found) >= DOUBTS_MAX:
            break
    for part in parts.shown[:DOUBTS_MAX]:
        for doubt in _of_shown(part):
            found.setdefault(doubt._replace(at=max(doubt.at - PLACE, 0)))
    return sorted(found)


def _all(parts: TemplateParts) -> Iterable[Part]:
    """All parts of all expressions, each once: an expression comes after those inside it."""
    seen: dict[int, Part] = {}
    for whole in reversed(parts.found):
        if id(whole) not in seen:
            seen.update((id(one), one) for one in inside(whole))
    return seen.values()


def criteria_doubts(
    text: str, parts: TemplateParts, *, is_doubtful: bool
) -> Iterator[TemplateDoubt]:
    """The doubts about criteria, whose text must be true or false to the letter."""
    plain = "".join(token.text for token in parts.tokens if token.kind == "plain")
    has_tags = any(token.text == "{%" for token in parts.tokens)
    if not parts.shown and not has_tags:
        if text in FALSE:
            yield TemplateDoubt(0, f"the criteria are `{text}`: the step never fires")
        elif text not in TRUE:
            what = f"the criteria are `{text}`, which is neither true nor false: {_NEVER}"
            yield TemplateDoubt(0, what, 'write "{{ Event.Payload.… == … }}"')
    elif parts.shown and plain and not has_tags:
        what = "with the text around `{{ }}` the criteria are neither true nor false: "
        yield TemplateDoubt(0, what + _NEVER, "write all of it in one pair of `{{ }}`")
    elif is_doubtful and len(parts.shown) == 1 and isinstance(parts.shown[0], TemplatePath):
        yield TemplateDoubt(0, f"the criteria are always empty: {_NEVER}")


def _doubts(part: Part, names: TemplateNames, bound: frozenset[str]) -> Iterator[TemplateDoubt]:
    match part:
        case TemplatePath():
            yield from _of_path(part, names, bound)
        case TemplateChain():
            yield from _of_chain(part)
        case FilteredValue(calls=calls):
            for call in calls:
                yield from _of_filter(call)
        case TemplateLiteral() | PrefixedTerm():
            pass


def _of_path(
    path: TemplatePath, names: TemplateNames, bound: frozenset[str]
) -> Iterator[TemplateDoubt]:
    first, *rest = path.steps
    name, second = str(first.name), str(rest[0].name) if rest else ""
    if name in bound or name in _NULLS:
        return
    if name in FUNCTIONS:
        yield from _of_function(path, names)
    elif name not in _GIVEN:
        kind = "name" if first.arguments is None else "function"
        yield TemplateDoubt(path.at, f"there is no {kind} `{name}`: {NOTHING}", _meant(name, kind))
    elif name == "Context" and second and second not in names.context:
        yield _unset(path, second, names)
    elif name == "Event" and second:
        yield from _of_member(path, "Event", second, _EVENT)
        if second == "Pack" and len(rest) > 1:
            yield from _of_member(path, "Event.Pack", str(rest[1].name), _PACK)
    elif name == "forloop" and second:
        yield from _of_member(path, "forloop", second, _LOOP)


def _unset(path: TemplatePath, key: str, names: TemplateNames) -> TemplateDoubt:
    if key in names.siblings:
        what = f"the values of one `context` do not see each other: `Context.{key}` gives nothing"
        return TemplateDoubt(path.at, what, "set it in a step before")
    hint = closest(key, sorted(names.context))
    return TemplateDoubt(path.at, f"no step before sets `Context.{key}`: {NOTHING}", hint)


def _of_member(
    path: TemplatePath, of: str, name: str, members: tuple[str, ...]
) -> Iterator[TemplateDoubt]:
    if name not in members:
        what = f"`{of}` has no member `{name}`: {NOTHING}"
        yield TemplateDoubt(path.at, what, _near(name, members))


def _meant(name: str, kind: str) -> str:
    if name in _WORDS:
        return f"write `{_WORDS[name]}`"
    if kind == "name":
        return _near(name, ("Event", "Context"))
    return _near(name, tuple(FUNCTIONS))


def _near(name: str, names: tuple[str, ...]) -> str:
    folded = next((one for one in names if one.casefold() == name.casefold()), "")
    return f"write `{folded}`" if folded else closest(name, names)


def _of_function(path: TemplatePath, names: TemplateNames) -> Iterator[TemplateDoubt]:
    first = path.steps[0]
    name, given = str(first.name), first.arguments or ()
    function = FUNCTIONS[name]
    assert isinstance(function, TemplateFunction)
    takes = function.takes or ()
    fails = "its step makes no action"
    if len(given) != len(takes):
        what = f"`{name}` takes {len(takes)} arguments, not {len(given)}: {fails}"
        yield TemplateDoubt(path.at, what)
        return
    for kind, argument in zip(takes, given, strict=True):
        found = go_type(argument.value) if isinstance(argument, TemplateLiteral) else ""
        if kind == "int" and _is_of_json(argument):
            what = f"`{name}` takes a whole number, which no value of JSON is: {fails}"
            yield TemplateDoubt(path.at, what, "|integer makes one")
        elif kind in ("int", "string") and found not in ("", kind):
            needed = "a whole number" if kind == "int" else "a text"
            yield TemplateDoubt(path.at, f"`{name}` takes {needed}: {fails}")
    key = given[0].value if given and isinstance(given[0], TemplateLiteral) else None
    items = names.items if name == "datastore" else None
    if items is not None and isinstance(key, str) and key not in items:
        what = f"the datastore has no item `{key}`: {fails}"
        yield TemplateDoubt(path.at, what, closest(key, sorted(items)))


def _of_chain(chain: TemplateChain) -> Iterator[TemplateDoubt]:
    signs = {one.sign for one in chain.rest}
    operands = [chain.first, *(one.of for one in chain.rest)]
    if signs & {"and", "or"}:
        order = [one.sign for one in chain.rest]
        if "and" in order and "or" in order[order.index("and") :]:
            what = "`and` and `or` are read from right to left: `a and b or c` is `a and (b or c)`"
            yield TemplateDoubt(chain.rest[0].at, what, "write brackets")
        if any(_text(one) is not None for one in operands):
            what = "`and` and `or` give True or False, never one of their values"
            yield TemplateDoubt(chain.rest[0].at, what, '|default:"…" gives a value')
    elif "+" in signs and any(_word(one) for one in operands):
        what = "`+` adds numbers, and a text counts as 0"
        yield TemplateDoubt(chain.rest[0].at, what, "|add joins texts")
    elif not signs & {"+", "-", "*", "/", "%", "^"}:
        yield from _of_comparison(chain)


def _of_comparison(chain: TemplateChain) -> Iterator[TemplateDoubt]:
    operand, left = chain.rest[0], chain.first
    sign, right = operand.sign, operand.of
    if isinstance(left, PrefixedTerm) and left.is_negated:
        what = f"`not` belongs to the value before `{sign}` alone"
        yield TemplateDoubt(left.at, what, f"write `not (a {sign} b)`")
        return
    if sign in ("==", "!="):
        for one, other in ((left, right), (right, left)):
            yield from _of_equality(operand, one, other)
    elif sign in _ORDERS and (_word(left) or _word(right)):
        what = f"`{sign}` compares numbers, and a text that is none counts as 0"
        yield TemplateDoubt(operand.at, what)
    elif sign == "in" and _whole(left) is not None and _is_of_json(right):
        what = f"a number of JSON is never equal to `{_whole(left)}`, which is a whole number"
        yield TemplateDoubt(operand.at, what, f"write `{_whole(left)}.0`")


def _of_equality(operand: TemplateOperand, one: Part, other: Part) -> Iterator[TemplateDoubt]:
    number = _whole(other)
    if number is None:
        return
    always = "never" if operand.sign == "==" else "always"
    if _is_of_json(one):
        what = f"a number of JSON is a float: `{operand.sign} {number}` {always} holds"
        yield TemplateDoubt(operand.at, what, f"write `{number}.0`, or |integer before it")
    elif isinstance(one, TemplatePath) and one.steps[0].name == "Context" and len(one.steps) > 1:
        what = f"a context has texts: `{operand.sign} {number}` {always} holds"
        yield TemplateDoubt(operand.at, what, f'write `"{number}"`, or |integer before it')


def _of_filter(call: CalledFilter) -> Iterator[TemplateDoubt]:
    text = _text(call.argument) if call.argument else None
    if text is not None and call.name in _ARGUMENTS and (found := _ARGUMENTS[call.name](text)):
        yield TemplateDoubt(call.at, found)


def _match(pattern: str) -> str:
    fault = fault_of(pattern, bytes_max=SEARCH_BYTES_MAX)
    return f"the pattern cannot be read ({fault}), so it never matches" if fault else ""


def _extract_match(pattern: str) -> str:
    fault = fault_of(pattern, bytes_max=SEARCH_BYTES_MAX)
    return f"the pattern cannot be read ({fault}): its step makes no action" if fault else ""


def _cron(text: str) -> str:
    segments = text.split()
    if text.strip().startswith("@") or len(segments) in _CRON_SEGMENTS:
        is_sunday = len(segments) in _CRON_SEGMENTS and segments[4] == "7"
        return "the weekday 7 never comes: Sunday is 0 or SUN" if is_sunday else ""
    return "a cron expression has 5 segments, or 6 with a year: its step makes no action"


_ARGUMENTS: Final[Mapping[str, Callable[[str], str]]] = {
    "match": _match,
    "extractMatch": _extract_match,
    "matchesCron": _cron,
}
"""What is wrong with the argument of a filter, by the filter."""


def _of_shown(part: Part) -> Iterator[TemplateDoubt]:
    """A map or list is written as its type."""
    if not isinstance(part, TemplatePath):
        return
    shown = ".".join(str(step.name) for step in part.steps)
    if shown in ("Event", "Context", "Event.Pack", "Event.Pack.Labels"):
        yield TemplateDoubt(part.at, f"`{shown}` is written as its type, not as its content")
    elif shown == "Event.Payload":
        what = "`Event.Payload` is written as its type if it is a map or a list"
        yield TemplateDoubt(part.at, what, "write one of its members")


def _bound(parts: TemplateParts) -> Iterator[str]:
    """The names that tags of a template set."""
    tag, is_before_in = "", False
    for at, token in enumerate(parts.tokens):
        before = parts.tokens[at - 1].text if at else ""
        after = parts.tokens[at + 1].text if at + 1 < len(parts.tokens) else ""
        if before == "{%":
            tag, is_before_in = token.text, True
        elif token.text in ("in", "%}"):
            is_before_in = False
        elif token.kind == "name" and _binds(tag, before, after, is_before_in=is_before_in):
            yield token.text


def _binds(tag: str, before: str, after: str, *, is_before_in: bool) -> bool:
    """Whether a tag sets a name, by the words beside that."""
    if tag == "set":
        return before == "set"
    if tag == "for":
        return is_before_in
    return tag == "macro" or (tag in ("with", "cycle") and (after == "=" or before == "as"))


def _is_of_json(part: Part) -> bool:
    """Whether a value comes from JSON as it is."""
    if not isinstance(part, TemplatePath):
        return False
    names = [step.name for step in part.steps]
    return names[:2] == ["Event", "Payload"] or (names[0] in _JSON and len(names) > 1)


def _text(part: Part) -> str | None:
    """A text that is written out."""
    value = part.value if isinstance(part, TemplateLiteral) else None
    return value if isinstance(value, str) else None


def _word(part: Part) -> bool:
    """Whether a part is a text that is no number."""
    text = _text(part)
    if text is None:
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


def _whole(part: Part) -> int | None:
    """A whole number that is written out."""
    value = part.value if isinstance(part, TemplateLiteral) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
