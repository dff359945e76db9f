"""Says what came of the story: three messages, the tally, a restated month, the fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from alerts.channels.console import layout
from alerts.routing import group_of
from analysis import backtest
from reports import spend
from reports.contract import run_report
from service.demo import company
from service.demo.catalogue import FIRST_MONTH
from service.demo.story import Story
from service.demo.truth import is_true
from spendwatt.clock import next_month, rfc3339
from spendwatt.records import Finding
from spendwatt.table import Table
from storage import findings

WIDTH = 100
SHOWN_KINDS = ("bill_shock", "idle_gpu", "breakeven")
"""The kinds of which the demo shows the first message."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was said, and how much of it was wrong."""

    replayed: int
    """Messages that the months before would have brought; nothing had happened in them."""
    sent: Mapping[str, int]
    """Kind -> messages of the last three weeks."""
    wrong: int
    """Of those sent, how many spoke of something that had not happened."""


def messages(story: Story) -> Iterator[str]:
    """Yield the first message of each kind to be shown, line by line, as Slack shows it."""
    subjects = _subjects(story)
    for kind in SHOWN_KINDS:
        for at, message in story.messages:
            if subjects[message.thread].kind == kind:
                yield f"{at:%a %d %b %H:%M}, to Slack:"
                yield from layout(message, WIDTH)
                break


def tally(story: Story) -> Tally:
    """Hold all that was said against what was planted."""
    wired = story.wired
    with wired.store.read() as connection:
        ledger = spend.ledger(connection, wired.clock(), first_day=FIRST_MONTH)
    said = backtest.replay(ledger, FIRST_MONTH, company.DAILY_FROM - _DAY)
    subjects = _subjects(story)
    about = [subjects[message.thread] for _, message in story.messages]
    return Tally(
        replayed=sum(one.is_notice for one in said),
        sent=Counter(finding.kind for finding in about),
        wrong=sum(not is_true(finding) for finding in about),
    )


def tally_lines(found: Tally) -> Iterator[str]:
    """Yield the tally in words."""
    kinds = ", ".join(f"{number} on {kind}" for kind, number in found.sent.items())
    yield f"July to September, replayed day by day: {found.replayed} messages; nothing happened."
    yield f"October, sent: {sum(found.sent.values())} messages ({kinds}), {found.wrong} wrong."
    if not found.replayed and not found.wrong:
        yield "Rightly silent: month-start fees, weekends, a day two days late, a restated month."


def restated(story: Story) -> Table:
    """Give the restated month as it was told before its restatement, and now."""
    month = company.RESTATED_MONTH
    before = company.delivered_at(company.RESTATED_ON) - _DAY
    table = _ask(
        story,
        "changes",
        window=f"{month},{next_month(month)}",
        aggregate="provider,service",
        accumulate="true",
        then_at=rfc3339(before),
    )
    return _narrow(table, "provider", "service", "then", "now", "change", "changed_by")


def fleet(story: Story) -> Table:
    """Give what each server's GPUs did in the last two days."""
    table = _ask(story, "gpus", window=_last_days(2), aggregate="host,gpu_name")
    wanted = ("host", "gpu_name", "gpus", "util_mean_percent", "idle_seconds", "energy_joules")
    return _narrow(table, *wanted)


def _subjects(story: Story) -> dict[str, Finding]:
    """Give what each thread of messages is about."""
    wired = story.wired
    with wired.store.read() as connection:
        every = findings.search(connection, limit=1_000).findings
    by = wired.settings.alerts.group_by
    return {group_of(stored.finding, by).id: stored.finding for stored in every}


def _ask(story: Story, name: str, **params: str) -> Table:
    wired = story.wired
    return run_report(name, params, wired.store, wired.estate, wired.clock())


def _narrow(table: Table, *names: str) -> Table:
    return replace(table, columns=tuple(c for c in table.columns if c.name in names))


def _last_days(count: int) -> str:
    first: date = company.TODAY - count * _DAY
    return f"{first},{company.TODAY}"
