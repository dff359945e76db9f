"""The pages of the interface name all of it, and those that are generated are up to date.

`SPENDWATT_REFRESH=1 pytest tests/api/test_docs.py tests/api/test_openapi.py` writes docs/reports.md
and tests/api/openapi.json again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reports.contract import Report, find_report, names, parameters
from reports.options import Option, choices_of
from spendwatt.table import Column
from storage.engine import Store

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "api.md"
REPORTS_PAGE = ROOT / "docs" / "reports.md"
SNAPSHOT = Path(__file__).with_name("openapi.json")
REFRESH = "SPENDWATT_REFRESH=1 pytest tests/api/test_docs.py"


@pytest.fixture(scope="module")
def reports() -> Mapping[str, Report]:
    return {name: find_report(name) for name in names()}


@pytest.fixture(scope="module")
def headings() -> set[str]:
    return {line.lstrip("#").strip() for line in PAGE.read_text().splitlines() if line[:1] == "#"}


def test_every_route_has_its_heading(app_for, sqlite_store: Store, headings: set[str]) -> None:
    described = app_for(sqlite_store, reports={}).openapi()["paths"]
    routes = {
        f"{method.upper()} {path}" for path, methods in described.items() for method in methods
    }
    assert len(routes) >= 11
    assert routes <= headings


def test_every_metric_has_its_heading(client, headings: set[str]) -> None:
    text = client.get("/metrics").text
    metrics = {family.name for family in text_string_to_metric_families(text)}
    assert len(metrics) >= 7
    assert metrics <= headings


def test_every_shared_parameter_has_its_heading(reports, headings: set[str]) -> None:
    own = {option.name for report in reports.values() for option in report.options}
    taken = {option.name for report in reports.values() for option in parameters(report)}
    assert (taken - own) | {"format", "cost_metric", "accumulate"} <= headings


def test_the_page_of_reports_tells_what_they_declare(reports) -> None:
    page = "\n".join([_HEAD, *(_section(name, report) for name, report in reports.items())])
    _same_or_refreshed(REPORTS_PAGE, page)


def test_the_interface_changes_only_on_purpose(app_for, reports, sqlite_store: Store) -> None:
    described = app_for(sqlite_store, reports=reports).openapi()
    described["info"]["version"] = "any"
    _same_or_refreshed(SNAPSHOT, json.dumps(described, indent=1) + "\n")


def _same_or_refreshed(path: Path, text: str) -> None:
    if os.environ.get("SPENDWATT_REFRESH"):
        path.write_text(text)
    name = path.relative_to(ROOT)
    assert path.read_text() == text, f"{name} is out of date. Look at the change, then: {REFRESH}"


_HEAD = """# Reports

Generated from the reports' own declarations. Each answers `GET /api/v1/NAME` and
`spendwatt report NAME`; the words that they share are told in [REST](api.md#asking).
"""


def _section(name: str, report: Report) -> str:
    lines = [f"## {name}", "", report.summary, ""]
    lines += ["| parameter | default | holds |", "|---|---|---|"]
    lines += [_parameter_line(option) for option in parameters(report)]
    lines += ["", "| column | kind | unit | holds |", "|---|---|---|---|"]
    lines += [_column_line(column) for column in report.columns]
    return "\n".join([*lines, ""])


def _parameter_line(option: Option) -> str:
    default = "" if option.default is None else f"`{str(option.default).lower()}`"
    choices = ", ".join(f"`{choice}`" for choice in choices_of(option))
    text = option.help + (f" {choices}." if choices else f" Such as `{_cell(option.example)}`.")
    return f"| `{option.name}` | {default} | {text} |"


def _column_line(column: Column) -> str:
    return f"| `{column.name}` | {column.kind} | {column.unit or ''} | {_cell(column.help)} |"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
