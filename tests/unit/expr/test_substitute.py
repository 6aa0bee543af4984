"""Workspace paths and variables in the values of a flow."""

import pytest

from floe.expr.substitute import EXPANDED_MAX, expand_vars, in_text, in_values, substituted_value
from floe.model.errors import TooLarge

WS = "/spaces/1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{ws}}", "/spaces/1"),
        ("{{ws}}/a:{{ws}}/b", "/spaces/1/a:/spaces/1/b"),
        ("/{{ws}}/a", "/spaces/1/a"),
        ("a/{{ws}}", "a/spaces/1"),
        (".", "/spaces/1"),
        ("./", "/spaces/1/"),
        ("./a/b", "/spaces/1/a/b"),
        ("./...", "./..."),
        ("./.git", "/spaces/1/.git"),
        ("..", ".."),
        ("../a", "../a"),
        (".a", ".a"),
        ("a/./b", "a/./b"),
        ("A=.", "A=/spaces/1"),
        ("A=./b", "A=/spaces/1/b"),
        ("A=./...", "A=./..."),
        ("A={{ws}}/b", "A=/spaces/1/b"),
        ("--out=./b", "--out=/spaces/1/b"),
        ("PATH=./bin:./sbin:$PATH", "PATH=/spaces/1/bin:./sbin:$PATH"),
        ("A=b=./c", "A=b=./c"),
        ("=./a", "=./a"),
        ("a b=./c", "a b=./c"),
        ("http://h/?p=./x", "http://h/?p=./x"),
        ("A=./b\nc", "A=/spaces/1/b\nc"),
        ("", ""),
    ],
)
def test_workspace_is_put_into_a_value(value: str, expected: str) -> None:
    assert substituted_value(value, WS) == expected


def test_workspace_is_put_into_each_value() -> None:
    assert in_values(["./a", "b"], WS) == ("/spaces/1/a", "b")


def test_shell_text_takes_the_placeholder_alone() -> None:
    assert in_text("cd {{ws}} && . ./env && ls .", WS) == "cd /spaces/1 && . ./env && ls ."


def test_placeholder_in_the_workspace_path_is_not_replaced_again() -> None:
    assert substituted_value("./a", "/odd/{{ws}}") == "/odd/{{ws}}/a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"),
        ("${A}x", "1x"),
        ("$Ax", "$Ax"),
        ("$B", "$A"),
        ("$A$A", "11"),
        ("$", "$"),
        ("$$A", "$1"),
        ("${A", "${A"),
        ("${}", "${}"),
        ("$1", "$1"),
        ("plain", "plain"),
    ],
)
def test_known_variables_are_replaced_once(text: str, expected: str) -> None:
    assert expand_vars(text, {"A": "1", "B": "$A"}) == expected


def test_expansion_is_bounded() -> None:
    with pytest.raises(TooLarge, match="more than"):
        expand_vars("$A$A", {"A": "x" * EXPANDED_MAX})
