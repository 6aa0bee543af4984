"""Whatever a Go template is, it gives a text or the error of expressions."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from floe.expr.errors import ExpressionError
from floe.expr.fuel import RESULT_BYTES_MAX
from floe.expr.gotext.function_set import FUNCTIONS
from tests.go_templates import rendered

SLOW = {"derivePassword"}

LITERALS = st.one_of(
    st.sampled_from(
        [
            *("nil", "true", "false", ".", "$", "0", "1", "-1", "3", "1.5", "1e300", "'a'"),
            *('""', '"a,b"', '"%d %[3]*.[2]*[1]f %v"', '"(a*)|b"', '"2006-01-02T15:04:05Z07:00"'),
            *('"2020-01-02T03:04:05Z"', '"1.2.3-a.1"', '">1 <3 || 2.x"', '"{\\"a\\":[1,{}]}"'),
            *('"http://u:p@h:80/p?q#f"', '"long"', '"\\xff\\u00e9"', '"-1h2.5m"', '"UTC"', "0x7f"),
            *(".input.n", ".input.f", ".input.s", ".input.list", ".input.obj", ".input.nul"),
            *(".input.missing", ".input.uni", ".step", "now", "(list 1 nil)", "(dict)", "uuid"),
            *('(semver "1.2.3")', "(until 3)", '(split "," "a,b")', "9223372036854775807"),
            *(
                "-9223372036854775808",
                '(toDate "2006" "2020")',
                "(float64 9)",
                "(chunk 1 (list 1))",
            ),
        ]
    ),
    st.text(max_size=8).map(lambda text: '"' + text.replace("\\", "").replace('"', "") + '"'),
    st.integers(-20, 2000).map(str),
)


def calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from(sorted(FUNCTIONS.keys() - SLOW))
    return st.builds(
        lambda name, arguments: f"({' '.join([name, *arguments])})",
        names,
        st.lists(inner, max_size=4),
    )


EXPRESSIONS = st.recursive(LITERALS, calls, max_leaves=6)
FRAGMENTS = st.one_of(
    EXPRESSIONS.map(lambda text: f"{{{{{text}}}}}"),
    EXPRESSIONS.map(lambda text: f"{{{{$x := {text}}}}}{{{{$x}}}}"),
    EXPRESSIONS.map(lambda text: f"{{{{range $k, $v := {text}}}}}{{{{$k}}}}{{{{$v}}}}{{{{end}}}}"),
    EXPRESSIONS.map(lambda text: f"{{{{with {text}}}}}{{{{.x}}}}{{{{else}}}}-{{{{end}}}}"),
    EXPRESSIONS.map(lambda text: f"{{{{{text} | toJson}}}}{{{{{text} | printf `%q %x %v %T`}}}}"),
    EXPRESSIONS.map(lambda text: f"{{{{{text}.Format `Jan _2 06 .000 MST` | print}}}}"),
)
SOUP = st.lists(
    st.sampled_from(
        [
            *(
                "{{",
                "}}",
                "{{-",
                "-}}",
                " ",
                "\n",
                "(",
                ")",
                "|",
                ":=",
                "=",
                ",",
                "$x",
                "$",
                ".",
                ".a",
            ),
            *("if", "else", "end", "range", "with", "define", "block", "template", "break", "nil"),
            *(
                '"a"',
                "`b`",
                "'c'",
                "1",
                "0x",
                "-",
                "+",
                "/*",
                "*/",
                "len",
                "add",
                "true",
                "é",
                "\0",
            ),
        ]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, min_size=1, max_size=3).map("".join))
@example('{{printf "%[3]*.[2]*[1]f" 12.0 2 6}}')
def test_expression_gives_a_text_or_an_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        made = rendered(text, fuel=20_000)
        assert len(made.encode()) <= 4 * RESULT_BYTES_MAX


@settings(max_examples=300, deadline=None)
@given(SOUP)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        rendered(text, fuel=5_000)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="{"), max_size=50))
def test_text_without_actions_is_itself(text: str) -> None:
    assert rendered(text) == text.encode(errors="replace").decode() or "\ufffd" in rendered(text)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - SLOW))
def test_function_refuses_wrong_arguments_or_takes_them(name: str) -> None:
    for arguments in ("", "nil", "1", '"a"', "1 2 3 4 5 6", '(dict) "a" nil', "(list) 1 1", "$ $"):
        with contextlib.suppress(ExpressionError):
            rendered(f"{{{{{name} {arguments}}}}}")
