"""Prints what came of the story: three messages, the tally, a restated month, the fleet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from alerts.channels.console import layout
from alerts.message import Message
from analysis import backtest
from reports import spend
from reports.contract import run_report
from service.demo import company
from service.demo.catalogue import FIRST_MONTH
from service.demo.story import Story
from service.demo.truth import is_true
from spendwatt.clock import next_month
from spendwatt.table import Table
from spendwatt.texts import money_text
from storage import findings, notices

WIDTH = 100
SHOWN_KINDS = ("bill_shock", "idle_gpu", "breakeven")
"""The kinds of which the demo shows the first message."""
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was said, and how much of it was wrong."""

    replayed_notices: int
    """Messages that the months before would have brought, none of which had cause."""
    sent: int
    wrong: int
    by_kind: dict[str, int]


def lines(story: Story) -> Iterator[str]:
    """Yield the whole telling, line by line."""
    yield from _messages(story)
    yield from _tally_lines(tally(story))
    yield from _restated(story)
    yield from _fleet(story)


def tally(story: Story) -> Tally:
    """Hold all that was said against what was planted."""
    wired = story.wired
    with wired.store.read() as connection:
        ledger = spend.ledger(connection, wired.clock())
        told = notices.recent(connection, limit=1_000)
        ids = {str(member["id"]) for notice in told for member in notice.intent.members}
        known = findings.by_ids(connection, ids)
    said = backtest.replay(ledger, FIRST_MONTH, company.DAILY_FROM - timedelta(days=1))
    kinds = [known[str(notice.intent.members[0]["id"])].finding.kind for notice in told]
    wrong = sum(
        any(not is_true(known[str(member["id"])].finding) for member in notice.intent.members)
        for notice in told
    )
    return Tally(
        replayed_notices=sum(one.is_notice for one in said),
        sent=len(told),
        wrong=wrong,
        by_kind={kind: kinds.count(kind) for kind in sorted(set(kinds))},
    )


def _messages(story: Story) -> Iterator[str]:
    for kind in SHOWN_KINDS:
        for at, message in story.messages:
            if _kind(message) == kind:
                yield f"{at:%a %d %b %H:%M}, to Slack:"
                yield from layout(message, WIDTH)
                break


def _kind(message: Message) -> str:
    return message.footer.split(" · ")[1]


def _tally_lines(found: Tally) -> Iterator[str]:
    kinds = ", ".join(f"{number} {kind}" for kind, number in found.by_kind.items())
    yield "Messages"
    yield f"  July to September, replayed: {found.replayed_notices}, where nothing had happened."
    yield f"  1 to 22 October, sent: {found.sent} ({kinds}), {found.wrong} of them wrong."
    yield "  Silent, as they should be: month-start fees, weekends, a bill two days late,"
    yield "  a restated month, steady growth."
    yield ""


def _restated(story: Story) -> Iterator[str]:
    month = company.RESTATED_MONTH
    table = _ask(story, "changes", window=_window(month, next_month(month)))
    yield f"{month:%B}, restated on {company.RESTATED_ON:%d %B}: what we told you then, and now"
    for row in table.rows:
        yield f"  {row}"
    yield ""


def _fleet(story: Story) -> Iterator[str]:
    window = _window(company.TODAY - timedelta(days=2), company.TODAY)
    yield f"The fleet, {company.TODAY - timedelta(days=2):%d} and {company.TODAY:%d %B}"
    for row in _ask(story, "gpus", window=window).rows:
        yield f"  {row}"
    yield ""


def _ask(story: Story, name: str, **params: str) -> Table:
    wired = story.wired
    return run_report(name, params, wired.store, wired.estate, wired.clock())


def _window(first: date, end: date) -> str:
    return f"{first},{end}"


def dollars(amount: Decimal) -> str:
    """Write an amount of the company's one currency for reading."""
    return money_text(amount, CURRENCY)
