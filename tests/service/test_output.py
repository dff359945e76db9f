"""What people read in a table: rounded for reading, and said to be."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from service.cli.output import Format, amount_for_reading, listing, show, text_of
from spendwatt.table import Column

MONEY = (Column("billed_cost", "money", "What was billed."),)


@pytest.mark.parametrize(
    ("amount", "read"),
    [
        ("0", "0.00"),
        ("15.99958692231", "16.00"),
        ("-1234567.895", "-1,234,567.90"),
        ("0.0082749", "0.0083"),
        ("-0.0000008", "-8.0e-7"),
    ],
)
def test_small_amounts_never_look_like_nothing(amount: str, read: str) -> None:
    assert amount_for_reading(Decimal(amount)) == read


def test_a_rounded_table_says_where_every_digit_is(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing(MONEY, [{"billed_cost": Decimal("15.99958692231")}]), Format.TABLE)
    printed = capsys.readouterr().out
    assert "16.00" in printed
    assert "--format json gives every digit" in printed


def test_a_table_of_whole_cents_needs_no_such_note(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing(MONEY, [{"billed_cost": Decimal("12.5")}]), Format.TABLE)
    printed = capsys.readouterr().out
    assert "12.50" in printed
    assert "rounded" not in printed


def test_an_empty_column_is_left_out_unless_it_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = (Column("region", "text", "Region."), Column("label:team", "text", "Team."), *MONEY)
    rows = [{"region": None, "label:team": None, "billed_cost": Decimal(1)}]
    show(replace(listing(columns, rows), asked=("label:team",)), Format.TABLE)
    printed = capsys.readouterr().out
    assert "label:team" in printed
    assert "region" not in printed


def test_true_and_false_are_read_as_yes_and_no() -> None:
    assert text_of({"is_own": True, "is_lent": [False]}) == "is_own=yes, is_lent=no"


def test_csv_keeps_every_digit(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing(MONEY, [{"billed_cost": Decimal("15.99958692231")}]), Format.CSV)
    assert "15.99958692231" in capsys.readouterr().out
