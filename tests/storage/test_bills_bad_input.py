"""Bad files give one clear error that names them, and leave what is stored alone."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from collectors.billing.files import snapshot
from spendwatt.errors import InputError, StorageError
from spendwatt.query import Query
from spendwatt.window import Window
from storage.aggregation.amounts import read_amount
from storage.aggregation.tags import canonical_tags
from storage.aggregation.worker import explained
from storage.bills import IngestOptions, ingest
from storage.engine import Store
from storage.queries.costs import costs
from storage.queries.quality import quality
from storage.tables.bills import cost_daily

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
HEADER = "BilledCost,EffectiveCost,ChargePeriodStart,ServiceName,BillingCurrency\n"


def store_text(store: Store, path: Path, text: str | bytes) -> list[tuple[Decimal, date]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    ingest(store, snapshot([path], "s"), now=NOW)
    with store.read() as connection:
        found = connection.execute(select(cost_daily.c.billed_nano, cost_daily.c.day))
        return sorted((Decimal(nano).scaleb(-9), day) for nano, day in found)


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("$50,000.00 ", "50000"),
        ("(12.50)", "-12.5"),
        ("1.5e3", "1500"),
        ("4.8556E-06", "0.000004856"),
        ("0.1234567890123456789012345678", "0.123456789"),
        ("-0", "0"),
    ],
)
def test_amounts_are_read_as_people_and_machines_write_them(
    sqlite_store: Store, tmp_path: Path, cell: str, amount: str
) -> None:
    text = f'{HEADER}"{cell}",1,2026-01-05,EC2,USD\n'
    assert store_text(sqlite_store, tmp_path / "b.csv", text)[0][0] == Decimal(amount)


@pytest.mark.parametrize(
    ("held", "lacking"), [("BilledCost", "EffectiveCost"), ("EffectiveCost", "BilledCost")]
)
def test_cost_that_a_file_lacks_is_stood_in_for_and_said_never_zero(
    store: Store, tmp_path: Path, held: str, lacking: str
) -> None:
    path = tmp_path / "b.csv"
    path.write_text(f"{held},ChargePeriodStart,ServiceName\n1.5,2026-01-05,EC2\n")
    (stored,) = ingest(store, snapshot([path], "s"), now=NOW)
    assert (stored.billed_cost, stored.effective_cost) == (Decimal("1.5"), Decimal("1.5"))
    c = cost_daily.c
    with store.read() as connection:
        unknown = connection.execute(select(c.list_nano, c.contracted_nano)).one()
        notes = quality(connection, "s")[0].notes
    assert tuple(unknown) == (None, None)
    assert f"A file has no {lacking}: {held} stands for it (estimated)" in {n.note for n in notes}


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ("2026-01-06T00:00:00Z", []),
        ("", []),
        (
            "2026-01-05T00:00:00Z",
            ["A line item ends at or before it starts; counted on the day it starts"],
        ),
        (
            "2026-01-05T01:00:00+02:00",
            ["A line item ends at or before it starts; counted on the day it starts"],
        ),
        (
            "2026-13-05T00:00:00Z",
            ["A line item has an end that is not a time; counted on the day it starts"],
        ),
    ],
)
def test_charge_that_ends_before_it_starts_is_counted_and_said(
    sqlite_store: Store, write_bill, ends: str, says: list[str]
) -> None:
    row = {"ChargePeriodStart": "2026-01-05T00:00:00Z", "ChargePeriodEnd": ends}
    whole = {**row, "ChargePeriodEnd": "2026-01-05T01:00:00Z"}
    bill = snapshot([write_bill([row, whole, row])], "s")
    (done,) = ingest(sqlite_store, bill, now=NOW)
    assert (done.rows, done.quarantined, done.billed_cost) == (3, 0, Decimal("4.5"))
    with sqlite_store.read() as connection:
        notes = quality(connection, "s")[0].notes
    found = [(note.column, note.rows, note.note) for note in notes]
    assert found == [("ChargePeriodEnd", 2, said) for said in says]


def test_billing_period_that_ends_before_it_starts_is_said_in_parquet_too(
    sqlite_store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "b.parquet"
    duckdb.execute(
        "COPY (SELECT 1.5 AS BilledCost, 1.5 AS EffectiveCost, DATE '2026-01-05' AS "
        "ChargePeriodStart, DATE '2026-01-01' AS BillingPeriodStart, DATE '2026-01-01' AS "
        f"BillingPeriodEnd FROM range(3)) TO '{path}'"
    )
    ingest(sqlite_store, snapshot([path], "s"), now=NOW)
    with sqlite_store.read() as connection:
        notes = [n for n in quality(connection, "s")[0].notes if n.column == "BillingPeriodEnd"]
    (note,) = notes
    assert (note.rows, "ends at or before it starts; counted in the" in note.note) == (3, True)


def test_currency_is_stored_as_it_is_given_and_an_unknown_one_is_reported(
    store: Store, write_bill
) -> None:
    codes = ["U S", " EUR ", 'A,"B', "€" * 16, "two\nlines"]
    done = ingest(
        store, snapshot([write_bill({"BillingCurrency": c} for c in codes)], "s"), now=NOW
    )
    stored = {each.billing_currency for each in done}
    assert stored == {"U S", "EUR", 'A,"B', "€" * 16, "two lines"}
    with store.read() as connection:
        notes = [n.note for n in quality(connection, "s")[0].notes if "ISO 4217" in n.note]
    assert '"U S" is no ISO 4217 currency: it cannot be converted' in notes
    assert len(notes) == 4


def test_slashed_dates_are_month_first(sqlite_store: Store, tmp_path: Path) -> None:
    found = store_text(sqlite_store, tmp_path / "b.csv", f"{HEADER}1,1,4/1/25,EC2,USD\n")
    assert found == [(Decimal(1), date(2025, 4, 1))]


def test_slashed_dates_are_day_first_where_the_column_proves_it(
    sqlite_store: Store, tmp_path: Path
) -> None:
    text = f"{HEADER}1,1,4/1/25,EC2,USD\n2,2,23/1/2025 10:00,EC2,USD\n"
    assert store_text(sqlite_store, tmp_path / "b.csv", text) == [
        (Decimal(1), date(2025, 1, 4)),
        (Decimal(2), date(2025, 1, 23)),
    ]


def test_bom_crlf_blank_lines_and_short_rows_are_taken(sqlite_store: Store, tmp_path: Path) -> None:
    text = "\ufeff" + HEADER + "1,1,2026-01-05,EC2,USD\n\n2,2,2026-01-06\n"
    found = store_text(sqlite_store, tmp_path / "b.csv", text.replace("\n", "\r\n"))
    assert [amount for amount, _ in found] == [1, 2]
    with sqlite_store.read() as connection:
        notes = [note.note for note in quality(connection)[0].notes]
    assert any("fewer cells" in note for note in notes)


def test_row_with_surplus_cells_is_named_by_its_line(sqlite_store: Store, tmp_path: Path) -> None:
    good = '1,1,2026-01-05,"two\nlines",USD\n' * 3
    text = f"{HEADER}{good}1,1,2026-01-05,EC2,USD,surplus\n"
    assert [a for a, _ in store_text(sqlite_store, tmp_path / "b.csv", text)] == [3]
    with sqlite_store.read() as connection:
        (row,) = quality(connection)[0].quarantined_rows
    assert (row.line, row.reason) == (8, "has 6 cells, the header has 5")


def test_huge_cell_is_quarantined(sqlite_store: Store, tmp_path: Path) -> None:
    huge = f'1,1,2026-01-05,"{"x" * 3_000_000}",USD\n'
    long = f"1,1,2026-01-05,{'y' * 3_000},USD\n"
    good = "1,1,2026-01-05,EC2,USD\n" * 4
    assert [
        a for a, _ in store_text(sqlite_store, tmp_path / "b.csv", HEADER + good + huge + long)
    ] == [4]
    with sqlite_store.read() as connection:
        rows = quality(connection)[0].quarantined_rows
    assert [(row.line, row.column) for row in rows] == [(6, ""), (7, "ServiceName")]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("after", ["", "1,1,2026-01-05,EC2,USD\n"])
def test_row_that_outgrows_every_buffer_is_named_wherever_it_stands(
    sqlite_store: Store, tmp_path: Path, after: str, pack: Callable[[bytes], bytes]
) -> None:
    good = "1,1,2026-01-05,EC2,USD\n" * 4
    huge = f"1,1,2026-01-05,{'x' * 40_000_000},USD\n"
    text = pack((HEADER + good + huge + after).encode())
    store_text(sqlite_store, tmp_path / "b.csv", text)
    with sqlite_store.read() as connection:
        (row,) = quality(connection)[0].quarantined_rows
    assert (row.line, row.reason) == (6, "is longer than 1,048,576 characters")


@pytest.mark.parametrize("cost", ["9" * 40, f"(${'9' * 40}.00)", "1e30"])
def test_cost_of_too_many_digits_is_called_too_large(
    sqlite_store: Store, tmp_path: Path, cost: str
) -> None:
    text = HEADER + "1,1,2026-01-05,EC2,USD\n" * 4 + f"1,{cost},2026-01-05,EC2,USD\n"
    store_text(sqlite_store, tmp_path / "b.csv", text)
    with sqlite_store.read() as connection:
        (row,) = quality(connection)[0].quarantined_rows
    assert (row.column, row.reason.split(":")[0]) == ("EffectiveCost", "is too large to be stored")


def test_full_temporary_folder_and_an_overflow_are_told_in_one_sentence(tmp_path: Path) -> None:
    blob = '{"exception_type":"IO","exception_message":"No space left on device","errno":"28"}'
    full = explained(duckdb.IOException(blob), ["a.csv"], tmp_path / "stage")
    assert full.what == f"the folder of temporary files, {tmp_path}, is full: a.csv was not stored"
    sums = explained(duckdb.ConversionException("cast"), ["a.csv", "b.csv"], tmp_path / "stage")
    assert sums.what.startswith("the costs in a.csv and 1 more add up to more than can be stored")
    assert "TMPDIR" in str(full.do)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "is empty"),
        ("header.csv", HEADER.encode(), "no line items"),
        ("foreign.csv", b"a,b\n1,2\n", "neither BilledCost nor EffectiveCost"),
        (
            "latin.csv",
            HEADER.encode() + "1,1,2026-01-05,Büro,USD\n".encode("latin-1"),
            "line 2.*not UTF-8",
        ),
        ("utf16.csv", HEADER.encode("utf-16"), "UTF-16"),
        ("cut.csv", HEADER.encode() + b"1,1,2026-01-05,EC2,USD\n2,2,20", "line 3.*middle of a row"),
        ("quote.csv", HEADER.encode() + b'1,1,2026-01-05,"EC2,USD\n', "line 2.*middle of a row"),
        (
            "cut.csv.gz",
            gzip.compress(HEADER.encode() + b"1,1,2026-01-05,EC2,USD\n" * 99, mtime=0)[:60],
            "gzip",
        ),
        ("cut.parquet", b"PAR1" + b"\0" * 50, "Parquet"),
        ("zip.csv", b"PK\x03\x04" + b"\0" * 50, "is a zip"),
        ("all_bad.csv", HEADER.encode() + b"x,1,2026-01-05,EC2,USD\n", "column BilledCost"),
    ],
    ids=lambda value: "bytes" if isinstance(value, bytes) else value,
)
def test_unusable_file_gives_one_clear_error_and_changes_nothing(
    sqlite_store: Store, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    good = f"{HEADER}1,1,2026-01-05,EC2,USD\n"
    before = store_text(sqlite_store, tmp_path / "good.csv", good)
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"(?s){name}.*{says}") as raised:
        ingest(sqlite_store, snapshot([path], "s"), now=NOW)
    assert raised.value.do
    with sqlite_store.read() as connection:
        found = connection.execute(select(cost_daily.c.billed_nano, cost_daily.c.day))
        assert [(Decimal(n).scaleb(-9), d) for n, d in found] == before


def test_damaged_parquet_page_names_the_file(sqlite_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    duckdb.execute(
        f"COPY (SELECT i * 0.1 AS BilledCost, 1.5 AS EffectiveCost, DATE '2026-01-05' AS "
        f"ChargePeriodStart FROM range(20000) t(i)) TO '{path}'"
    )
    content = bytearray(path.read_bytes())
    content[200:4000] = b"\xff" * 3800
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"b\.parquet.*Parquet"):
        ingest(sqlite_store, snapshot([path], "s"), now=NOW)


def test_full_disk_under_staging_is_a_clear_error(
    sqlite_store: Store, write_bill, tmp_path: Path
) -> None:
    options = IngestOptions(temporary_folder=tmp_path / "is not there")
    with pytest.raises(StorageError, match=r"temporary folder.*TMPDIR"):
        ingest(sqlite_store, snapshot([write_bill([{}])], "s"), now=NOW, options=options)


def test_database_without_room_keeps_the_old_state(
    sqlite_store: Store, tmp_path: Path, write_bill
) -> None:
    good = f"{HEADER}1,1,2026-01-05,EC2,USD\n"
    before = store_text(sqlite_store, tmp_path / "good.csv", good)
    with sqlite_store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")
    many = [{"ResourceId": f"i-{n:0200}"} for n in range(2_000)]
    with pytest.raises(StorageError, match="disk is full"):
        ingest(sqlite_store, snapshot([write_bill(many)], "s"), now=NOW)
    with sqlite_store.read() as connection:
        found = connection.execute(select(cost_daily.c.billed_nano, cost_daily.c.day))
        assert [(Decimal(n).scaleb(-9), d) for n, d in found] == before


def test_parquet_types_are_all_exact(sqlite_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    duckdb.execute(
        "COPY (SELECT 0.1::DOUBLE AS BilledCost, 0.30::DECIMAL(12, 2) AS EffectiveCost, "
        "TIMESTAMP '2026-01-05 23:00:00' AS ChargePeriodStart, MAP {'team': 'ml'} AS Tags, "
        f"'AWS' AS ServiceProviderName FROM range(3)) TO '{path}'"
    )
    (done,) = ingest(sqlite_store, snapshot([path], "s"), now=NOW)
    assert (done.billed_cost, done.effective_cost) == (Decimal("0.3"), Decimal("0.9"))
    window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    with sqlite_store.read() as connection:
        (row,) = costs(connection, Query(window, ("provider", "tag:team")), ()).rows
    assert (row["provider"], row["tag:team"]) == ("AWS", "ml")


@settings(max_examples=300, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**16), max_value=10**16))
def test_every_spelling_of_an_amount_reads_the_same(amount: Decimal) -> None:
    spellings = {read_amount(f"{amount:f}"), read_amount(f"${amount:,f}"), read_amount(str(amount))}
    assert len(spellings) == 1


@pytest.mark.parametrize("text", ["", "abc", "1,25", "12,34.5", "nan", "1e999", "--5", "1.2.3"])
def test_what_is_no_amount_is_not_guessed_at(text: str) -> None:
    assert read_amount(text) is None


def test_tags_that_no_database_can_store_are_mended() -> None:
    assert (
        canonical_tags('{"a": "x\\u0000y", "b": "\\ud800", "c": 1}') == '{"a":"xy","b":"?","c":"1"}'
    )
    assert canonical_tags("not tags") is None


def test_temporary_files_are_gone_afterwards(
    sqlite_store: Store, write_bill, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ingest(sqlite_store, snapshot([write_bill([{}])], "s"), now=NOW)
    assert list(tmp_path.glob("spendwatt-stage-*")) == []
