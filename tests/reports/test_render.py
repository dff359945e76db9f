"""Answers as JSON and CSV: exact, complete, harmless."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.render import table_csv, table_json, to_json
from spendwatt.query import CostMetric
from spendwatt.table import Column, Table

texts = st.text(st.characters(codec="utf-8"), max_size=12)
COLUMNS = (
    Column("name", "text", "A name."),
    Column("cost", "money", "A cost.", "USD"),
    Column("more", "object", "More."),
)


@settings(deadline=None)
@given(st.decimals(-(10**15), 10**15, places=9))
def test_money_comes_back_exactly_from_json_and_csv(amount: Decimal) -> None:
    table = Table(COLUMNS, [{"name": "a", "cost": amount, "more": None}])
    told = json.loads(table_json(table))["data"][0]["cost"]
    assert isinstance(told, str)
    assert Decimal(told) == amount
    assert Decimal(next(csv.DictReader(io.StringIO(table_csv(table))))["cost"]) == amount


@settings(deadline=None)
@given(texts, st.dictionaries(texts, texts, max_size=2))
def test_no_cell_of_text_starts_a_formula(name: str, more: dict[str, str]) -> None:
    table = Table(COLUMNS, [{"name": name, "cost": Decimal(-1), "more": more}])
    read = list(csv.reader(io.StringIO(table_csv(table), newline="")))
    assert len(read) == 2
    told = read[1][0]
    assert not told.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert told.removeprefix("'") == name.removeprefix("'") or told == name
    assert read[1][1] == "-1", "a number stays a number"
    assert json.loads(read[1][2]) == more


def test_names_of_columns_are_harmless_too() -> None:
    header = table_csv(Table((Column("=1+1", "text", "Hostile."),), []))
    assert header == "'=1+1\r\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), '"1000"'),
        (Decimal("-0"), '"0"'),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), '"2026-03-01T12:00:00Z"'),
        (datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC), '"2026-03-01T12:00:00.000005Z"'),
        (date(2026, 3, 1), '"2026-03-01"'),
        ({"b", "a"}, '["a","b"]'),
        (float("nan"), "null"),
        (CostMetric.BILLED, '"billed_cost"'),
        (("a", None, True), '["a",null,true]'),
    ],
)
def test_each_kind_of_value_has_one_form(value: object, text: str) -> None:
    assert to_json(value).decode() == text


def test_what_has_no_form_is_a_fault_and_not_a_guess() -> None:
    with pytest.raises(TypeError, match="complex"):
        to_json({"n": 1j})
