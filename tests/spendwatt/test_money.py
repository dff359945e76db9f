"""Money: rounded once, half to even; shown with every digit; two currencies never add."""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spendwatt.errors import MoneyError
from spendwatt.money import (
    MAX_NANO,
    Money,
    amount_text,
    from_nano,
    parse_money,
    plain,
    to_nano,
)

HALF_NANO = Decimal("0.0000000005")
amounts = st.decimals(
    min_value=-9_000_000_000, max_value=9_000_000_000, allow_nan=False, allow_infinity=False
)
nanos = st.integers(-MAX_NANO, MAX_NANO)


@settings(deadline=None)
@given(amounts)
def test_storing_moves_an_amount_by_at_most_half_a_nano_unit(amount: Decimal) -> None:
    assert abs(from_nano(to_nano(amount)) - amount) <= HALF_NANO


@settings(deadline=None)
@given(nanos)
def test_what_is_stored_comes_back_exactly(nano: int) -> None:
    assert to_nano(from_nano(nano)) == nano


@settings(deadline=None)
@given(nanos)
def test_an_amount_is_written_with_every_digit_and_never_an_exponent(nano: int) -> None:
    text = amount_text(from_nano(nano))
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", text)
    assert text != "-0"
    assert Decimal(text) == from_nano(nano)


@settings(deadline=None)
@given(st.decimals(-(10**38), 10**38, places=21) | st.integers(-(10**38), 10**38).map(Decimal))
@example(Decimal("1E+38"))
def test_plain_keeps_the_value(amount: Decimal) -> None:
    assert plain(amount) == amount
    assert "E" not in str(plain(amount)) or abs(amount) < Decimal("0.000001")


@pytest.mark.parametrize(
    ("amount", "nano"),
    [
        ("0.0000000005", 0),
        ("0.0000000015", 2),
        ("0.0000000025", 2),
        ("-0.0000000015", -2),
        ("1.5E-9", 2),
        ("0.00000000149999999999999999999", 1),
        ("1E+3", 1_000_000_000_000),
        ("0E+80", 0),
    ],
)
def test_halves_go_to_the_even_neighbour(amount: str, nano: int) -> None:
    assert to_nano(Decimal(amount)) == nano


@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "-Infinity", "1E+10", "-9223372037", "1E+80"]
)
def test_what_no_column_holds_is_refused(amount: str) -> None:
    with pytest.raises(MoneyError):
        to_nano(Decimal(amount))


@settings(deadline=None)
@given(nanos, nanos)
def test_adding_and_taking_away_are_exact(one: int, other: int) -> None:
    a, b = Money(from_nano(one), "USD"), Money(from_nano(other), "USD")
    assert (a + b) - b == a
    assert a + b == b + a


def test_two_currencies_never_add() -> None:
    with pytest.raises(MoneyError, match="currencies differ"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("250000 USD", Money(Decimal(250000), "USD")),
        ("1,250.50 usd", Money(Decimal("1250.50"), "USD")),
        (" -0.15EUR ", Money(Decimal("-0.15"), "EUR")),
        ("1_000 GBP", Money(Decimal(1000), "GBP")),
    ],
)
def test_an_amount_with_its_currency_is_read(text: str, money: Money) -> None:
    assert parse_money(text) == money


@pytest.mark.parametrize(
    "text", ["", "250000", "USD", "$5", "1 US", "1.2.3 USD", "1e3 USD", "NaN USD"]
)
def test_an_amount_without_its_currency_is_refused(text: str) -> None:
    with pytest.raises(MoneyError, match="Write"):
        parse_money(text)


@settings(deadline=None)
@given(nanos, st.sampled_from(["USD", "EUR", "JPY"]))
def test_money_reads_back_from_its_own_text(nano: int, currency: str) -> None:
    money = Money(from_nano(nano), currency)
    assert parse_money(str(money)) == money


@settings(deadline=None)
@given(st.text(max_size=20))
def test_no_text_raises_anything_but_a_money_error(text: str) -> None:
    with suppress(MoneyError):
        assert parse_money(text).amount.is_finite()
