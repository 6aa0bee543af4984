"""Expressions: what each comes to, as tests/data/expressions says, for ever; and their bounds."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from floe.expr.errors import ExpressionError, Missing, TooMuch
from floe.expr.flow.each import EACH, TESTS
from floe.expr.flow.expression import expression
from floe.expr.flow.filters import FILTERS
from floe.expr.flow.parser import LEVELS
from floe.expr.flow.tokens import CHARS_MAX
from floe.expr.fuel import CONDITION_FUEL, RESULT_BYTES_MAX, Fuel
from floe.expr.paths import value_at
from floe.kernel.judge import NodeScope
from floe.model.codec import to_text
from floe.model.ids import HostId, Json
from tests.make import a_flow, a_run

NO_HOSTS: Mapping[str, list[str]] = {}

FILES = sorted((Path(__file__).parents[2] / "data" / "expressions").glob("*.yml"))


def cases() -> Iterator[Any]:
    for file in FILES:
        document = yaml.safe_load(file.read_text())
        for case in document["cases"]:
            yield pytest.param({"values": document["values"], **case}, id=case["expression"])


def evaluated(
    text: str, values: Json, fuel: int = CONDITION_FUEL, hosts: Mapping[str, list[str]] = NO_HOSTS
) -> Json:
    tags = {HostId(name): frozenset(tags) for name, tags in hosts.items()}
    flow = a_flow()
    scope = NodeScope(run=a_run(flow), flow=flow, hosts=tags, given={"values": values})
    return expression(text).evaluate(scope.value, Fuel(fuel))


def fault_of(text: str, values: Json = None, fuel: int = CONDITION_FUEL) -> ExpressionError:
    with pytest.raises(ExpressionError) as raised:
        evaluated(text, values, fuel)
    return raised.value


@pytest.mark.parametrize("case", [case for case in cases() if "result" in case.values[0]])
def test_expression_comes_to_its_result(case: dict[str, Any]) -> None:
    result = evaluated(case["expression"], case["values"], hosts=case.get("hosts", {}))

    assert to_text(result) == to_text(case["result"])  # so that 1 is neither 1.0 nor true


@pytest.mark.parametrize("case", [case for case in cases() if "result" not in case.values[0]])
def test_expression_has_its_error(case: dict[str, Any]) -> None:
    fault = fault_of(case["expression"], case["values"])

    assert fault.what == case.get("error", fault.what)
    assert getattr(fault, "name", None) == case.get("missing")
    assert fault.offset == case.get("at")
    assert fault.hint == case.get("hint", fault.hint)


LONG = "x" * 10_000
VALUES: dict[str, Json] = {
    "long": LONG,
    "huge": "ab" * 500_000,
    "digits": "9" * 5_000,
    "deep": "[" * 5_000 + "]" * 5_000,
    "many": [*range(4_000)],
    "texts": [LONG] * 30,
    "lists": [[*range(60)]] * 60,
    "nan": float("nan"),
    "inf": float("inf"),
    "int": 10**4_000,
    "nested": "[" + "[1,2,3]," * 999 + "1]",
}


def chain(start: str, more: str, chars: int = CHARS_MAX) -> str:
    return start + more * ((chars - len(start)) // len(more))


HOSTILE = {
    "many terms": "1" + "+1" * 40_000,
    "as many terms as fit": chain("1", "+1", 1_900),
    "deep brackets": "(" * 2_000 + ")" * 2_000,
    "deep lists": "[" * 1_000 + "]" * 1_000,
    "deep operators": "1" + "or 1 and 1 < 1 + 1 ~ 1 * (1" * 60,
    "many signs": "not " * 900 + "1",
    "many choices": "1 if 1 else " * 200 + "1",
    "many tests": chain("values.long", " is defined", 3_000),
    "tests of filters": chain("1", " is defined|json", 4_000),
    "repeated text": "'x' * 1000000000",
    "power": "10**10**9",
    "replaced": chain("values.long", "|replace('x', 'xxxxxxxxxx')", 1_000),
    "joined": "values.texts|join(values.long)",
    "joined by itself": chain("values.long", " ~ values.long", 4_000),
    "quoted": chain("values.long", "|json", 2_000),
    "lists of lists": "values.lists|map('map', 'string')|map('join', values.long)",
    "list of itself": chain("values.many", "+values.many", 3_000),
    "sorted": chain("values.many", "|sort", 2_000),
    "unique": chain("values.many", "|unique", 2_000),
    "equal": "values.many == values.many|sort",
    "contained": "values.many|select('in', values.many)",
    "slice with a huge step": "values.long[9223372036854775807::-922337203685477580]",
    "slices": chain("values.huge", "[::-1]", 2_000),
    "product": chain("9223372036854775807", "*9223372036854775807", 2_000),
    "huge number": "values.int * values.int",
    "huge number as text": "values.int ~ ''",
    "huge number as float": "values.int / 2",
    "huge number in a comparison": "values.int < 1.5",
    "huge number rounded": "values.int|round",
    "huge number of a float": "values.int|float",
    "digits": "values.digits|int",
    "digits as float": "values.digits|float",
    "digits written": "1" * 4_000,
    "digits of a float": "1e" + "9" * 3_000,
    "digits in JSON": "values.digits|parse_json",
    "deep JSON": "values.deep|parse_json",
    "long JSON": chain("values.nested", "|parse_json|json", 2_000),
    "no number": "values.nan",
    "no number in a list": "[values.nan]",
    "infinite": "values.inf + 1",
    "infinite rounded": "values.inf|round",
    "infinite as whole": "values.inf|int",
    "sum of infinities": "[values.inf, values.nan]|sum",
    "pattern that explodes": "values.long is matching('(x+x+)+y')",
    "pattern of many states": "values.long is matching('(.*x.{12}){9}')",
    "pattern that is too large": "values.long is matching('((x{30}){30}){30}')",
    "words": "values.huge|split",
    "parts": "values.huge|split('a')",
    "capitals": chain("values.huge", "|upper|lower", 2_000),
    "all": "values|json",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_expression_ends_within_its_fuel(text: str) -> None:
    named: Json = {"values": VALUES}
    result: Json = None

    with suppress(ExpressionError):
        result = expression(text).evaluate(lambda path: value_at(named, path), Fuel())

    assert len(to_text(result)) <= RESULT_BYTES_MAX


WORDS = st.sampled_from(
    [
        *"()[]{}.,:|+-*/%~<>='\" ",
        *("==", "!=", "<=", ">=", "//", "**", "{{", "}}"),
        *(" and ", " or ", " not ", " in ", " is ", " if ", " else ", " defined", "true", "null"),
        *(
            "values",
            ".long",
            ".many",
            "values.texts",
            "values.lists",
            "[0]",
            "[::-1]",
            "1",
            "0",
            "1e9",
        ),
        *("'x'", "'a b'", "|map", "|select", "(attribute='x')", "('upper')", "matching('x*')"),
        *(f"|{name}" for name in FILTERS),
    ]
)
TEXTS = st.one_of(st.text(max_size=CHARS_MAX), st.lists(WORDS, max_size=60).map("".join))
NAMED: Json = {"values": VALUES}


@given(TEXTS, st.integers(0, 300))
@example("values.many|map('string')|join", 200)
def test_any_text_is_a_result_or_a_fault_and_never_takes_more_than_its_fuel(
    text: str, left: int
) -> None:
    fuel = Fuel(left)
    result: Json = None
    fault: ExpressionError | None = None

    try:
        result = expression(text).evaluate(lambda path: value_at(NAMED, path), fuel)
    except ExpressionError as raised:
        fault = raised

    assert fuel.left >= 0 or isinstance(fault, TooMuch)
    assert len(to_text(result)) <= RESULT_BYTES_MAX


def test_expression_of_more_than_4_KiB_is_not_read() -> None:
    assert fault_of("'" + "x" * CHARS_MAX + "'").what == (
        "an expression has at most 4096 characters"
    )


def test_missing_value_is_named_with_its_place() -> None:
    fault = fault_of("'a' ~ values.b.c", {"b": {}})

    assert isinstance(fault, Missing)
    assert (fault.name, fault.offset) == ("values.b.c", 6)


def test_each_element_is_paid_before_it_is_made() -> None:
    assert isinstance(fault_of("values|sort", [*range(60)], fuel=100), TooMuch)
    assert evaluated("values|sort", [*range(20)], fuel=100) == [*range(20)]


def test_each_64_characters_are_paid_before_they_are_made() -> None:
    assert isinstance(fault_of("values ~ values", "x" * 3_200, fuel=100), TooMuch)
    assert evaluated("values ~ values", "x" * 2_000, fuel=100) == "x" * 4_000


def test_text_of_more_than_1_MiB_is_no_result() -> None:
    half = "x" * (RESULT_BYTES_MAX // 2 + 1)

    assert fault_of("values ~ values", half, 10**6).what == (
        "the expression makes a text of more than 1 MiB"
    )
    assert fault_of("values", 2 * half).what == "the value has more than 1 MiB as JSON"
    assert fault_of("values", [half, half]).what == "the value has more than 1 MiB as JSON"


def test_long_text_of_at_most_1_MiB_is_a_result() -> None:
    assert evaluated("values", "é" * 400_000) == "é" * 400_000
    assert isinstance(fault_of("values", "é" * 600_000), TooMuch)


def test_map_of_the_kernel_is_a_map() -> None:
    value: Json = MappingProxyType({"a": MappingProxyType({"b": 1})})

    assert evaluated("values|json ~ values.a.b ~ values|keys", value) == '{"a":{"b":1}}1["a"]'


def test_value_of_too_many_levels_is_no_result() -> None:
    value: Json = 1
    for _ in range(70):
        value = [value]

    assert fault_of("values", value).what == "lists and maps have at most 64 levels"
    assert fault_of("[values]|unique", value).what == "lists and maps have at most 64 levels"


def test_value_that_is_no_json_is_no_result() -> None:
    assert fault_of("values", object()).what == "a object is no JSON"  # type: ignore[arg-type]


def test_expression_is_compiled_once() -> None:
    assert expression("values.a == 'once'") is expression("values.a == 'once'")


def test_docs_name_every_filter() -> None:
    page = (Path(__file__).parents[3] / "docs/flows.md").read_text()
    rows = page[page.index("| filter | takes |") : page.index("Tests of `select`")].split("\n|")
    names = {name for row in rows for name in re.findall(r"`(\w+)[`(]", row.partition("|")[0])}

    assert names == {*FILTERS, *EACH}


@pytest.mark.parametrize("name", [*FILTERS, *EACH, "default"])
def test_each_filter_has_a_result_and_an_error_among_the_vectors(name: str) -> None:
    found = [case.values[0] for case in cases()]
    mentioned = [case for case in found if re.search(rf"\|\s*{name}\b", case["expression"])]

    assert {"result" in case for case in mentioned} == {True, False}


SIGN = re.compile(r"is (?:not )?\w+|not in\b|[\w.-]*\w|==|!=|<=|>=|//|\*\*|&&|[^\s\w]")
OPERATORS = (
    *LEVELS,
    *("not", "if", "is defined", "is not defined", "is matching", "is not matching"),
)


def signs_in(text: str) -> set[str]:
    """The words and signs of an expression, without the texts in quotes."""
    return {found[0] for found in SIGN.finditer(re.sub(r"'[^']*'", "''", text))}


@pytest.mark.parametrize("sign", OPERATORS)
def test_each_operator_has_a_result_and_an_error_among_the_vectors(sign: str) -> None:
    found = [case.values[0] for case in cases()]
    mentioned = [case for case in found if sign in signs_in(case["expression"])]

    assert {"result" in case for case in mentioned} == {True, False}


@pytest.mark.parametrize("test", TESTS)
def test_each_test_of_elements_has_a_result_and_an_error_among_the_vectors(test: str) -> None:
    found = [case.values[0] for case in cases()]
    asked = re.compile(rf"\b(?:select|reject|selectattr)\([^)]*'{test}'")
    mentioned = [case for case in found if asked.search(case["expression"])]

    assert {"result" in case for case in mentioned} == {True, False}
