"""Every setting and every command has its heading, and the pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collectors import COLLECTORS
from service import docs
from service.cli.app import COMMANDS
from service.config import Settings
from service.config.problems import keys_of

DOCS = Path(__file__).parents[2] / "docs"
AGAIN = "run `python -m service.docs` and commit docs/"


def headings(page: str) -> set[str]:
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    return {line.lstrip("# ").strip("`") for line in lines if line.startswith("#")}


def test_the_table_of_contents_names_every_page() -> None:
    contents = (DOCS / "index.md").read_text(encoding="utf-8")
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} == set(
        re.findall(r"\]\((\w[\w-]*\.md)\)", contents)
    )


def test_the_page_of_settings_is_up_to_date() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert text == docs.configuration_page(), AGAIN


def test_the_page_of_commands_is_up_to_date() -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == docs.cli_page(), AGAIN


def test_every_command_has_its_heading() -> None:
    assert {f"spendwatt {path}" for path in COMMANDS} <= headings("cli.md")


def test_every_setting_has_its_heading_and_says_what_it_is() -> None:
    found = headings("configuration.md")
    for _, about, settings in docs.settings():
        assert about
        for setting in settings:
            assert setting.place in found
            assert setting.help, f"{setting.place} has no sentence under it in the code"


@pytest.mark.parametrize("section", keys_of(Settings))
def test_every_section_has_its_heading(section: str) -> None:
    assert any(
        heading.strip("[]").split(".")[0] == section for heading in headings("configuration.md")
    )


@pytest.mark.parametrize("kind", COLLECTORS)
def test_every_collector_has_its_heading(kind: str) -> None:
    told = [heading for page in DOCS.glob("*.md") for heading in headings(page.name)]
    assert any(kind in heading.replace("`", "").split() for heading in told)
