"""Patterns of people: RE2, which has no pattern that takes for ever."""

import pytest

from floe.expr.patterns import SIZE_MAX, fault_of, is_match


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|a)*", "(.*)*b", "(a?){30}a{30}"])
def test_no_pattern_takes_for_ever_on_a_long_name(pattern: str) -> None:
    assert not is_match(pattern, "a" * 10_000 + "!")


def test_a_pattern_matches_a_whole_text() -> None:
    assert is_match("refs/heads/(wip|tmp)-.*", "refs/heads/wip-größe")
    assert not is_match("heads", "refs/heads/main")


@pytest.mark.parametrize(
    "pattern",
    ["(", "([", r"(a)\1", "(?!a)b", "(?<=a)b", "(a{1000}){1000}", "\ud800", "a" * (SIZE_MAX + 1)],
)
def test_a_pattern_that_cannot_be_bounded_has_a_fault(pattern: str) -> None:
    assert fault_of(pattern)


def test_a_pattern_without_faults_has_none() -> None:
    assert fault_of("refs/heads/(wip|tmp)-.*") == ""
