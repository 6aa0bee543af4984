"""Templates of flyte from hurried and hostile authors: always a text or an error, within bounds."""

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import RESULT_BYTES_MAX, Fuel
from floe.expr.pongo2.filters.table import FILTERS
from floe.expr.pongo2.moments import Moment
from floe.expr.pongo2.template import TAGS, parse
from floe.expr.pongo2.values import GoStruct, PackLabels, SplitTexts, Value, from_json
from floe.model.ids import Json
from tests.make_flyte import FixedSurroundings, template_names
from tests.recorded import own_document

DOCUMENT: Final = own_document("flyte/vectors/templates.json")
NAMES: Final = template_names(DOCUMENT)
SURROUNDINGS: Final = FixedSurroundings(DOCUMENT["datastore"])
WORDS: Final = (
    *("{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-%}", " ", "\n", "|", ":", ".", ",", "(", ")"),
    *("+", "-", "*", "/", "%", "^", "==", "<", "!", "and", "or", "not", "in", "as", "true", "="),
    *("0", "1", "2.5", "9223372036854775807", "'a'", "'%v'", '"\\\\w+"', "'('", "'ä'", "\ud800"),
    *("Event", "Event.Payload", "Event.Payload.l", "Event.CreatedAt", "Context", "a", "forloop"),
    *("datastore('json')", "template('{{ a }}', Context)", "randomAlpha(3)", "unmarshalJson"),
    *("else", "elif", "empty", "reversed", "sorted", "x", "export", "silent", "on", "off"),
    *(f"end{tag}" for tag in TAGS),
    *TAGS,
    *FILTERS,
)


def rendered(text: str, fuel: int = 20_000, **names: Value) -> str | None:
    """The text of a template, or None for an error of the room."""
    try:
        return parse(text).render({**NAMES, **names}, SURROUNDINGS, Fuel(fuel))
    except ExpressionError:
        return None


@given(st.lists(st.sampled_from(WORDS), max_size=25).map("".join))
@settings(max_examples=200, deadline=None)
@example("{{Event.CreatedAt.UTC.UTC.Format('')}}")
@example("{%if true%}{%else%}{%elif true%}{%endif%}")
def test_any_text_of_signs_and_words_is_a_text_or_an_error(text: str) -> None:
    rendered(text)


@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_any_expression_is_a_text_or_an_error(text: str) -> None:
    rendered(f"{{{{ {text} }}}}")


VALUES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(),
    st.text(max_size=9),
    st.sampled_from(["%5.3f %v %q", "2:", ":", "a=1,b", "* * * * *", "<b>x</b>", "2006", "0x1p-2"]),
    st.lists(st.text(max_size=3), max_size=3).map(SplitTexts),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2).map(PackLabels),
    st.lists(st.floats() | st.text(max_size=3) | st.none(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.floats() | st.text(max_size=3), max_size=2),
    st.integers(-(1 << 40), 1 << 40).map(Moment),
    st.just(GoStruct("execution.Event", {"Name": "n"})),
)


@given(st.sampled_from(sorted(FILTERS)), VALUES, VALUES)
@settings(max_examples=400, deadline=None)
def test_any_filter_takes_any_values(name: str, value: Value, argument: Value) -> None:
    rendered(f"{{{{ a|{name}:b }}}}{{{{ a|{name} }}}}", a=value, b=argument)


@given(st.sampled_from(["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">=", "in"]), VALUES, VALUES)
@settings(max_examples=200, deadline=None)
def test_any_operator_takes_any_values(sign: str, left: Value, right: Value) -> None:
    rendered(f"{{{{ a {sign} b }}}}{{{{ -a }}}}{{{{ not a }}}}", a=left, b=right)


JSON: Final[st.SearchStrategy[Json]] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
@settings(deadline=None)
def test_any_json_prints(value: Json) -> None:
    text = "{{ a }}{{ a|stringformat:'%v' }}{% for x, y in a sorted %}{{ x }}{{ y }}{% endfor %}"

    assert rendered(text.replace(" sorted", ""), a=from_json(value)) is not None


NESTED: Final[dict[str, Callable[[int], str]]] = {
    "brackets": lambda n: "{{ " + "(" * n + "1" + ")" * n + " }}",
    "calls": lambda n: "{{ " + "randomInt(1 + " * n + "1" + ")" * n + " }}",
    "tags": lambda n: "{% if true %}" * n + "{% endif %}" * n,
    "loops": lambda n: "{% for x in 'a' %}" * n + "{% endfor %}" * n,
}


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
def test_a_template_has_a_bounded_depth(nested: Callable[[int], str]) -> None:
    assert rendered(nested(60)) is not None
    assert rendered(nested(100)) is None
    assert rendered(nested(4000)) is None


def test_a_long_chain_of_operators_is_not_deep() -> None:
    assert rendered("{{ 0" + " + 1" * 5000 + " }}") == "5000"
    assert rendered("{{ 1" + " and 1" * 5000 + " }}") == "True"
    assert rendered("{{ 1" + " == 1" * 5000 + " }}") == "False"


BOMBS: Final = {
    "loops": "{% for a in s %}" * 8 + "x" + "{% endfor %}" * 8,
    "doubling": "{% set a='aaaaaaaa' %}" + "{% set a=a|add:a %}" * 60,
    "text in a loop": "{% for a in s %}{% for b in s %}{{ s }}{% endfor %}{% endfor %}",
    "letters": "{{ randomAlpha(9223372036854775807) }}",
    "width": "{{ 'a'|ljust:9223372036854775807 }}{{ 'a'|center:99999999 }}",
    "negative width": "{{ 'a'|rjust:'-9223372036854775807' }}",
    "format": "{{ 'a'|stringformat:'%999999999d%999999s%999999s' }}",
    "decimals": "{{ 1.5|floatformat:99999999 }}",
    "power": "{{ 10.0 ^ 9999 }}{{ 10 ^ 9999|floatformat:999999999 }}",
    "template": "{{ template(t, c) }}",
    "macro": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "pattern": "{% for a in s %}{{ s|match:'(a?){900}(a?){900}b' }}{% endfor %}",
    "patterns": "{% for a in s %}{% for b in s %}{{ s|match:s }}{% endfor %}{% endfor %}",
    "blanks": "{% spaceless %}{% for a in s %}<a> <b> {% endfor %}{% endspaceless %}{{ s|join:s }}",
    "join": "{{ s|split|join:s }}",
    "escapes": "{% for a in s %}{% set b=s|escape|escape|urlencode|urlencode %}{% endfor %}",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_ends_in_an_error(bomb: str) -> None:
    names: dict[str, Value] = {
        **NAMES,
        "s": "&" * 1000 + "a" * 1000,
        "t": "{{ template(t, c) }}{{ template(t, c) }}",
    }
    inner: dict[str, Value] = {"t": names["t"]}
    inner["c"] = inner
    names["c"] = inner

    with pytest.raises(ExpressionError):
        parse(bomb).render(names, SURROUNDINGS)


def test_fuel_ends_a_rendering() -> None:
    template = parse("{% for a in s %}x{% endfor %}")

    with pytest.raises(TooMuch):
        template.render({"s": "a" * 1000}, SURROUNDINGS, Fuel(1000))


def test_a_text_of_more_than_1_mib_is_refused() -> None:
    assert rendered("{{ s }}", s="a" * RESULT_BYTES_MAX, fuel=10**6) is not None
    assert rendered("{{ s }}b", s="a" * RESULT_BYTES_MAX, fuel=10**6) is None
    assert rendered("a" * (RESULT_BYTES_MAX + 1)) is None


def test_a_template_of_too_many_words_is_refused() -> None:
    assert rendered("{{ a }}" * 20_000) is None


def test_an_expression_reaches_no_attribute_of_python() -> None:
    for name in ("__class__", "members", "name", "run", "seconds", "local", "_replace", "format"):
        for of in ("Event", "Event.CreatedAt", "Event.Pack", "Context", "Event.Pack.PackLabels"):
            assert rendered(f"{{{{ {of}.{name} }}}}") in ("", None)
