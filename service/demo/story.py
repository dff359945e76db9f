"""Plays the made-up company's four months through the real pipeline, morning by morning."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from alerts.message import Message
from service import config, jobs, wiring
from service.demo import company, fleet
from service.demo.catalogue import PROVIDERS
from service.wiring import Wired
from spendwatt.errors import SpendwattError
from storage import migrate, telemetry

CHANNEL = "ops"
FLEET_SOURCE = "node-agents"
Progress = Callable[[str], None]


class StoryClock:
    """The time of the story: it stands still until the next morning."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        """Give the present moment of the story."""
        return self.moment


class Mailbox:
    """A channel that keeps what it is given, with the moment."""

    def __init__(self, clock: StoryClock) -> None:
        self.clock = clock
        self.messages: list[tuple[datetime, Message]] = []

    def send(self, message: Message, *, key: str) -> None:
        """Keep the message."""
        del key
        self.messages.append((self.clock(), message))

    def check(self) -> None:
        """Arrive always."""


@dataclass(frozen=True, slots=True)
class Story:
    """The company as it stands on the last morning, and all that was told on the way."""

    wired: Wired
    messages: list[tuple[datetime, Message]]


def play(folder: Path, progress: Progress, *, until: date = company.TODAY) -> Story:
    """Play every morning up to that of `until` into a database in `folder`."""
    clock = StoryClock(company.delivered_at(company.DAILY_FROM))
    settings = config.load(_settings_file(folder), {})
    store = wiring.open_database(settings)
    migrate.upgrade(store)
    mailbox = Mailbox(clock)
    wired = replace(wiring.build(settings, store, clock=clock), channels={CHANNEL: mailbox})

    progress("three months of bills, imported whole")
    for source in PROVIDERS:
        for month in company.months():
            if month < company.DAILY_FROM:
                company.write_bill(_bills(folder, source), source, month, company.DAILY_FROM)
    _collect(wired)
    day = company.DAILY_FROM
    while day <= until:
        progress(f"{day:%d %B}: bills, readings, judgement, messages")
        clock.moment = company.delivered_at(day)
        _play_morning(wired, folder, day)
        day += timedelta(days=1)
    return Story(wired, mailbox.messages)


def _play_morning(wired: Wired, folder: Path, day: date) -> None:
    for source in PROVIDERS:
        for month in _refreshed(day):
            company.write_bill(_bills(folder, source), source, month, day)
    _collect(wired)
    now = wired.clock()
    minutes = fleet.readings(now - timedelta(days=1), now)
    telemetry.save(wired.store, FLEET_SOURCE, minutes, now=now)
    _ended(jobs.analyze(wired))
    jobs.notify(wired)


def _collect(wired: Wired) -> None:
    with ThreadPoolExecutor() as pool:
        for ended in pool.map(partial(jobs.collect, wired), PROVIDERS):
            _ended(ended)


def _refreshed(day: date) -> list[date]:
    """Give the months whose bills are written anew: the last one too, until it is final."""
    months = [company.DAILY_FROM] if day > company.DAILY_FROM else []
    return [company.RESTATED_MONTH, *months] if day <= company.RESTATED_ON else months


def _ended(ended: jobs.Ended) -> None:
    if ended.error is not None:
        raise SpendwattError(f"the demo stopped: {ended.error}")


def _bills(folder: Path, source: str) -> Path:
    return folder / "bills" / source


def _settings_file(folder: Path) -> Path:
    text = Path(__file__).with_name("acme.toml").read_text(encoding="utf-8")
    file = folder / "spendwatt.toml"
    file.write_text(text.replace("{folder}", str(folder)), encoding="utf-8")
    return file
