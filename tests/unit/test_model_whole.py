"""Whole numbers are read in one way, or not at all."""

import pytest

from floe.model.errors import IdInvalid
from floe.model.ids import Key
from floe.model.whole import whole

OTHER_SCRIPTS = ["\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT FIVE}", "\N{SUPERSCRIPT TWO}"]
ODD = ["", "-", "--5", "+5", " 5", "5 ", "5\n", "1_0", "1e3", "0x1", "1.0", "9" * 20]
ODD += OTHER_SCRIPTS


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-0", 0), ("007", 7), ("-12", -12)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole(text) == number


@pytest.mark.parametrize("text", ODD)
def test_anything_else_is_no_number(text: str) -> None:
    assert whole(text) is None


def test_very_many_digits_are_no_number_and_not_read() -> None:
    assert whole("1" * 10_000_000) is None


@pytest.mark.parametrize("text", [*ODD, "-1"])
def test_attempt_with_an_odd_number_is_no_key(text: str) -> None:
    with pytest.raises(IdInvalid):
        Key.parse(f"h1-1@k3f9.1.build.1.{text}")
