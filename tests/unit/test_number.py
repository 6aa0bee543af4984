"""A number that a person writes is kept exactly, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe.model.number import NUMBER_END, exact_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42),
        (" 007 ", 7),
        ("9007199254740993", 9007199254740993),
        ("-9223372036854775807", -(2**63) + 1),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1e-7", 1e-7),
    ],
)
def test_number_is_a_number_where_it_can_be(text: str, number: float) -> None:
    assert exact_number(text) == number


@pytest.mark.parametrize("text", [f"1e{10**20}", f"1e-{10**20}", f"0e{10**20}"])
def test_number_whose_exponent_fits_no_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="exponent"):
        exact_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "0.1000000000000000055",
        "3.14159265358979323846",
        "-9007199254740993.5",
        "1e-400",
        f"{2**63 - 1}.5",
    ],
)
def test_number_that_no_double_is_stays_as_written(text: str) -> None:
    assert exact_number(text) == text


@pytest.mark.parametrize("text", [str(2**63), "1e19", "1e999", "-1e999", "9" * 5000])
def test_number_beyond_64_bits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        exact_number(text)


@pytest.mark.parametrize("text", ["", " ", "x", "0x10", "1_0", "1,5", "٣", "nan", "inf", "--1"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a number is expected"):
        exact_number(text)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=1 - NUMBER_END, max_value=NUMBER_END - 1
    )
)
def test_no_number_becomes_a_different_one(number: Decimal) -> None:
    kept = exact_number(str(number))

    assert Decimal(kept if isinstance(kept, str) else repr(kept)) == number
