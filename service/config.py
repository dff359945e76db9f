"""The settings: one TOML file, environment variables on top."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class StorageSettings(BaseModel):
    """`[storage]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = "sqlite:///spendwatt.db"


class Settings(BaseModel):
    """Every setting, checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: StorageSettings = StorageSettings()


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises ConfigError with every problem at once."""
    del path
    url = environ.get("SPENDWATT_STORAGE__URL")
    return Settings(storage=StorageSettings(url=url) if url else StorageSettings())
