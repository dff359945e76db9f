"""The page on alerts names every channel, setting and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.channels import CHANNELS, GROUP
from alerts.lifecycle import Reason
from alerts.settings import AlertSettings
from spendwatt import plugins

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", CHANNELS)
def test_channel_has_its_heading_and_each_setting_a_row(kind: str) -> None:
    _, _, section = PAGE.partition(f"\n### {kind}\n")
    section, _, _ = section.partition("\n### ")
    model = plugins.load(CHANNELS, GROUP, kind).Settings
    missing = [name for name in model.model_fields if f"\n| `{name}` |" not in section]
    assert missing == []


def test_every_setting_and_reason_has_a_row() -> None:
    names = [*AlertSettings.model_fields, *Reason]
    assert [name for name in names if f"\n| `{name}` |" not in PAGE] == []
