"""Values in URLs."""

import pytest

from floe.expr.errors import ExpressionError
from floe.expr.urls import in_url


@pytest.mark.parametrize(
    ("before", "data", "put"),
    [
        ("", "https://h/a?b=c#d e", "https://h/a?b=c#d%20e"),
        ("https://", "h-1.org:80", "h-1.org:80"),
        ("https://h/", "a/b?c#d%e", "a/b%3Fc%23d%25e"),
        ("https://h/a?b=", "c&d=e#f/g", "c%26d%3De%23f/g"),
        ("https://h/a#", "?x", "%3Fx"),
    ],
)
def test_value_stays_inside_its_part(before: str, data: str, put: str) -> None:
    assert in_url(before, data) == put


@pytest.mark.parametrize(
    ("before", "data"),
    [
        ("https://", "a/b"),
        ("https://", "u@h"),
        ("https://h.", "org\\@evil"),
        ("https://h/a/", "../b"),
    ],
)
def test_value_that_would_leave_its_part_is_refused(before: str, data: str) -> None:
    with pytest.raises(ExpressionError):
        in_url(before, data)
