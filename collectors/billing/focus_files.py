"""Collects FOCUS files that something else puts into a folder; the whole folder is the bill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field

from collectors.billing import dialects, files
from spendwatt.records import SNAPSHOT, Delivery
from spendwatt.settings import SettingsModel


class Settings(SettingsModel):
    """Settings of a watched folder."""

    path: Path
    """Folder that is watched, with everything under it."""
    dialect: str = dialects.AUTO
    """How its columns are named; `auto` tells by their names."""
    currency: str | None = Field(default=None, min_length=1, max_length=16)
    """Currency of rows that name none."""


class FocusFiles:
    """Watches a folder of FOCUS files. A period no longer there is kept, and reported."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings

    def deliveries(self, known: Mapping[str, str]) -> Iterator[Delivery]:
        """Yield the folder as one snapshot, unless nothing in it changed. Raises InputError."""
        found = files.find([self.settings.path])
        if known.get(SNAPSHOT) != files.fingerprint(found):
            yield files.snapshot(
                [self.settings.path],
                self.name,
                dialect=self.settings.dialect,
                default_currency=self.settings.currency,
            )

    def check(self) -> str:
        """Say how many bills lie in the folder. Raises InputError where one cannot be read."""
        if self.settings.path.is_dir() and not any(self.settings.path.iterdir()):
            return f"{self.settings.path} is empty: its first bill is still to come"
        bill = files.snapshot([self.settings.path], self.name, dialect=self.settings.dialect)
        return f"{len(bill.files)} bills in {self.settings.path}"
