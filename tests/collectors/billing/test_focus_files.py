"""A watched folder is one snapshot; other things that lie there are passed over or refused."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import duckdb
import pytest

from collectors.billing.dialects import recognize
from collectors.billing.files import find, open_bill, snapshot, source_of
from collectors.billing.focus_files import FocusFiles, Settings
from spendwatt.errors import InputError, UsageError
from spendwatt.records import SNAPSHOT

TEXT = "BilledCost,EffectiveCost,ChargePeriodStart\n1,1,2026-01-05\n"


def test_folder_is_searched_recursively_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b.csv", "a/c.csv.gz", "a/Manifest.json", ".d.csv", ".tmp/e.csv", "f.csv.part"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(TEXT)
    assert [p.name for p in find([tmp_path, tmp_path / "b.csv"])] == ["c.csv.gz", "b.csv"]


def test_folder_is_yielded_only_when_something_in_it_changed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    collector = FocusFiles("acme", Settings(path=tmp_path, currency="EUR"))
    (first,) = collector.deliveries({})
    assert (first.source, first.default_currency, len(first.files)) == ("acme", "EUR", 1)
    assert list(collector.deliveries({SNAPSHOT: first.fingerprint})) == []
    (tmp_path / "b.csv").write_text(TEXT)
    (second,) = collector.deliveries({SNAPSHOT: first.fingerprint})
    assert len(second.files) == 2


def test_form_is_told_by_content_and_not_by_name(tmp_path: Path) -> None:
    zipped, parquet = tmp_path / "bill.txt", tmp_path / "bill.dat"
    zipped.write_bytes(gzip.compress(TEXT.replace(",", ";").encode()))
    duckdb.execute(f"COPY (SELECT 1 AS BilledCost) TO '{parquet}' (FORMAT parquet)")
    assert open_bill(zipped).delimiter == ";"
    assert open_bill(parquet).delimiter is None


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a,b\n", b"\x00\x01\x02\n", b"\xff\xfea\x00"])
def test_what_is_no_bill_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "good.csv").write_text(TEXT)
    (tmp_path / "stray.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"stray\.csv") as raised:
        snapshot([tmp_path], "s")
    assert raised.value.do


def test_a_workbook_is_told_to_be_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bill.xlsx", "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(InputError, match=r"bill\.xlsx: is a zip or an office file, not CSV"):
        open_bill(tmp_path / "bill.xlsx")


def test_header_with_a_column_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("BilledCost,billedcost,ChargePeriodStart\n")
    with pytest.raises(InputError, match="twice"):
        open_bill(tmp_path / "a.csv")


def test_renamed_and_respelled_columns_are_recognized() -> None:
    found = recognize(["billed_cost", "Effective Cost", "ServiceProviderName", "ProviderName"])
    assert found is not None
    assert found[1]["BilledCost"] == '"billed_cost"'
    assert (
        found[1]["ProviderName"] == 'coalesce(known("ServiceProviderName"), known("ProviderName"))'
    )


def test_unknown_dialect_names_what_there_is() -> None:
    with pytest.raises(UsageError, match="auto, focus"):
        recognize(["BilledCost"], "klingon")


def test_source_is_named_after_a_single_path_and_asked_for_otherwise(tmp_path: Path) -> None:
    assert source_of([Path("x/acme-2026.csv.gz")], None) == "acme-2026"
    assert source_of([tmp_path / "v1.2"], None) == "v1.2"
    assert source_of([Path("a"), Path("b")], "both") == "both"
    with pytest.raises(UsageError, match="--source"):
        source_of([Path("a"), Path("b")], None)


def test_missing_path_and_empty_folder_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        find([tmp_path / "gone"])
    with pytest.raises(InputError, match="holds no bill"):
        find([tmp_path])
