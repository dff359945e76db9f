"""The sections that say how Spendwatt runs: storage, server, display, and the parts it loads."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, field_validator

from spendwatt.settings import Duration, Secret, SettingsModel, Zone

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


def _name(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError("write up to 64 letters, digits, dots, dashes and underscores")
    return name


Name = Annotated[str, AfterValidator(_name)]


def without_password(url: str) -> str:
    """Give a database address as it may be shown."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "***"


class StorageSettings(SettingsModel):
    """Where the database is, and how long details are kept."""

    url: Annotated[str, PlainSerializer(without_password)] = "sqlite:///spendwatt.db"
    """`sqlite:///FILE`, relative to the working folder, or `postgresql+psycopg://USER@HOST/DB`."""
    password: Secret | None = None
    """The database user's password, so that it need not stand in the address."""
    minute_retention: Duration = timedelta(days=30)
    """How long GPU readings are kept by the minute."""
    hour_retention: Duration = timedelta(days=730)
    """How long GPU readings are kept by the hour; days are kept for good."""

    @field_validator("url")
    @classmethod
    def _understood(cls, url: str) -> str:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        allowed = 'write "sqlite:///FILE" or "postgresql+psycopg://USER@HOST/DATABASE"'
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise ValueError(allowed) from None
        kinds = {"sqlite", "postgresql", "postgres", "postgresql+psycopg"}
        if parsed.drivername not in kinds or parsed.database in {None, "", ":memory:"}:
            raise ValueError(allowed)
        return url

    def address(self) -> str:
        """Give the whole address, with the password."""
        from sqlalchemy import make_url

        if self.password is None:
            return self.url
        whole = make_url(self.url).set(password=self.password.get_secret_value())
        return whole.render_as_string(hide_password=False)


class ServerSettings(SettingsModel):
    """Where REST is served."""

    host: str = "127.0.0.1"
    """The address to listen on; any but loopback needs a token first."""
    port: int = Field(default=8321, ge=0, le=65_535)
    """The port to listen on; 0 takes a free one."""
    public_url: str | None = None
    """The address under which people reach this server, for the links in messages."""

    @field_validator("public_url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError('write an address such as "https://spend.example.org"')
        return None if url is None else url.rstrip("/")


class DisplaySettings(SettingsModel):
    """How texts are written. Days, windows and budgets are UTC whatever stands here."""

    timezone: Zone = Field(default="UTC", validate_default=True)
    """The zone of times in messages and of cron schedules."""


class LoggingSettings(SettingsModel):
    """What the daemon writes to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is written."""
    format: Literal["auto", "console", "json"] = "auto"
    """`auto` is `console` on a terminal and `json` elsewhere."""


class CollectorEntry(SettingsModel):
    """One source of bills, GPU readings or prices. Its other keys belong to its kind."""

    name: Name
    """What bills and readings from here are called; it must never change."""
    kind: str
    """Which collector; `docs/configuration.md` lists them."""
    every: Duration | None = None
    """How often to collect, such as `"1h"`; where `schedule` is left out too, every six hours."""
    schedule: str | None = None
    """When to collect, as five cron fields in the display's zone; instead of `every`."""
    settings: Any = None

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str | None) -> str | None:
        from apscheduler.triggers.cron import CronTrigger

        if schedule is not None:
            try:
                CronTrigger.from_crontab(schedule)
            except ValueError as err:
                raise ValueError(f'not five cron fields such as "15 */6 * * *": {err}') from err
        return schedule


class ChannelEntry(SettingsModel):
    """One place where findings are told. Its other keys belong to its kind."""

    name: Name
    """What routes call it."""
    kind: str
    """Which channel; `docs/configuration.md` lists them."""
    settings: Any = None
