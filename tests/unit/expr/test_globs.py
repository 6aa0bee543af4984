"""Patterns for branches, tags and files."""

import pytest

from floe.expr.globs import glob_fault, takes


@pytest.mark.parametrize(
    ("glob", "name", "is_taken"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("*", "main", True),
        ("*", "feature/a", False),
        ("release/*", "release/2", True),
        ("release/*", "release/2/hot", False),
        ("release/**", "release/2/hot", True),
        ("**", "a/b\nc", True),
        ("**/*.py", "app.py", True),
        ("**/*.py", "src/deep/app.py", True),
        ("src/**", "lib/src/a", False),
        ("v?", "v1", True),
        ("v?", "v/", False),
        ("v[0-9]*", "v12", True),
        ("v[!0-9]", "vx", True),
        ("v[!0-9]", "v1", False),
        ("a.b", "axb", False),
        (r"\*", "*", True),
        (r"\*", "x", False),
        ("[", "[", True),
        ("a+", "aa", False),
        ("[[]", "[", True),
    ],
)
def test_pattern_takes_a_name(glob: str, name: str, is_taken: bool) -> None:
    assert takes((glob,), name) is is_taken


def test_a_later_pattern_takes_out_and_in_again() -> None:
    globs = ("src/**", "!src/doc/**", "src/doc/keep")

    assert [takes(globs, n) for n in ("src/a", "src/doc/a", "src/doc/keep")] == [True, False, True]


def test_patterns_that_only_take_out_take_everything_else() -> None:
    assert takes(("!docs/**",), "src/a")
    assert not takes(("!docs/**",), "docs/a")


@pytest.mark.parametrize(
    ("glob", "fault"),
    [
        ("main", ""),
        ("", "it is empty"),
        ("!", "it is empty"),
        ("x" * 2000, "it has 2004 characters; at most 1024 are allowed"),
        ("[z-a]", "invalid character class range: z-a"),
    ],
)
def test_wrong_pattern_has_a_fault(glob: str, fault: str) -> None:
    assert glob_fault(glob) == fault
