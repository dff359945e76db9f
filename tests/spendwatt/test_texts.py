"""Money, moments and spans are written for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from spendwatt.texts import moment_text, money_text, span_text


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("6120", "USD", "$6,120"),
        ("6120.5", "USD", "$6,120"),
        ("0.96", "USD", "$0.96"),
        ("99.994", "EUR", "€99.99"),
        ("-12.5", "GBP", "-£12.50"),
        ("-0.001", "USD", "$0.00"),
        ("50", "JPY", "¥50"),
        ("1234567.891", "CHF", "1,234,568 CHF"),
        ("1e30", "USD", f"$1{10 * ',000'}"),
    ],
)
def test_money_is_written_for_reading(amount: str, currency: str, expected: str) -> None:
    assert money_text(Decimal(amount), currency) == expected


def test_moment_names_its_zone() -> None:
    moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert moment_text(moment, ZoneInfo("Europe/Berlin")) == "Thu 2 Jul 2026 00:30 CEST"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(seconds=-5), "0 min"),
        (timedelta(minutes=40), "40 min"),
        (timedelta(hours=22), "22 h"),
        (timedelta(hours=71), "71 h"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_span_is_written_by_its_largest_unit(span: timedelta, expected: str) -> None:
    assert span_text(span) == expected
