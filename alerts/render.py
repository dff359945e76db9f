"""Writes a decision as a message: what, how much, since when, because of what, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alerts.lifecycle import RANK, Decision, Member
from alerts.message import Message
from alerts.routing import GroupKey
from alerts.settings import Display
from alerts.templating import fill
from alerts.text import cut, one_line, shown
from spendwatt.records import Finding, MoneyBasis
from spendwatt.texts import moment_text, money_text, span_text
from storage.findings import StoredFinding

TITLE_LIMIT = 150
_LINE_LIMIT = 300
_DETAIL_LIMIT = 2_500
_BODY_LIMIT = 8_000
_MOST_LISTED = 10
_MOST_DETAILED = 3
_MOST_STEPS = 3

_PLURAL = {
    "bill_shock": "cost jumps",
    "budget": "budgets",
    "idle_gpu": "idle GPU findings",
    "breakeven": "break-even findings",
    "stale_source": "stale sources",
    "collector_failed": "failing collectors",
    "channel_refused": "refused channels",
}
_BASIS = {
    MoneyBasis.SPENT: "{} so far",
    MoneyBasis.PER_DAY: "{} a day",
    MoneyBasis.PROJECTED: "{} expected",
}
_WAS = {
    MoneyBasis.SPENT: "It cost {}.",
    MoneyBasis.PER_DAY: "It went at {} a day.",
    MoneyBasis.PROJECTED: "At stake were {}.",
}


@dataclass(frozen=True, slots=True)
class _Line:
    """A finding as the templates show it."""

    title: str
    detail: str
    stake: str
    mark: str = ""


def render(
    decision: Decision,
    group: GroupKey,
    present: Mapping[str, Finding],
    over: Sequence[StoredFinding],
    *,
    display: Display,
    now: datetime,
) -> Message:
    """Write the message of a decision about a group.

    `present` are the group's open findings by id, `over` those that the decision calls resolved.
    """
    audible = [present[id_] for id_ in decision.members if id_ not in decision.muted]
    audible.sort(key=_weight, reverse=True)
    involved = audible + [stored.finding for stored in over]
    return Message(
        title=_title(decision, group, involved),
        severity=max((finding.severity for finding in involved), key=RANK.__getitem__),
        reason=decision.reason.value,
        paragraphs=_paragraphs(decision, audible, over, display=display, now=now),
        next_step=_next_step(decision, audible),
        footer=_footer(involved[0], len(involved)),
        link=_link(involved[0], display),
        thread=group.id,
    )


def _title(decision: Decision, group: GroupKey, involved: Sequence[Finding]) -> str:
    values = {
        "reason": decision.reason.value,
        "subject": _subject(decision, group, involved),
        "new": len(decision.new),
        "over": len(decision.resolved),
        "left": len(decision.members),
    }
    return one_line(fill("title.txt.j2", values), TITLE_LIMIT)


def _subject(decision: Decision, group: GroupKey, involved: Sequence[Finding]) -> str:
    if len(involved) == 1:
        return one_line(involved[0].title, TITLE_LIMIT)
    what = _PLURAL.get(group.kind, group.kind.replace("_", " "))
    where = ", ".join(one_line(value, 40) for _, value in group.labels if value)
    stake = _sum(involved) if decision.members else ""
    return (
        f"{len(involved)} {what}" + (f", {where}" if where else "") + (f": {stake}" * bool(stake))
    )


def _paragraphs(
    decision: Decision,
    audible: Sequence[Finding],
    over: Sequence[StoredFinding],
    *,
    display: Display,
    now: datetime,
) -> tuple[str, ...]:
    values = {
        "members": [_open_line(finding, decision, display, now) for finding in audible],
        "over": [_over_line(stored, display, now) for stored in over],
        "silenced": len(decision.muted),
        "most_listed": _MOST_LISTED,
        "with_details": len(audible) <= _MOST_DETAILED,
    }
    body = cut(fill("body.txt.j2", values), _BODY_LIMIT)
    return tuple(part.strip() for part in body.split("\n\n") if part.strip())


def _open_line(finding: Finding, decision: Decision, display: Display, now: datetime) -> _Line:
    mark = "new" if finding.id in decision.new and decision.told else ""
    if finding.id in decision.worse:
        mark = "worse"
    since = moment_text(finding.opened_at, display.zone)
    lasted = span_text(now - finding.opened_at)
    before = decision.told.get(finding.id) if mark == "worse" else None
    parts = [_stake(finding), _when_told(before), f"Since {since} ({lasted})."]
    return _Line(
        title=one_line(finding.title, _LINE_LIMIT),
        detail=shown(finding.detail, _DETAIL_LIMIT),
        stake=" ".join(part for part in parts if part),
        mark=mark,
    )


def _over_line(stored: StoredFinding, display: Display, now: datetime) -> _Line:
    return _Line(
        title=one_line(stored.finding.title, _LINE_LIMIT),
        detail="",
        stake=f"{_ended(stored, display, now)} {_was_at_stake(stored.finding)}".strip(),
    )


def _ended(stored: StoredFinding, display: Display, now: datetime) -> str:
    """Say when it ended: between when it was last seen so, where that is known, and now."""
    finding, ended_at = stored.finding, stored.resolved_at or now
    over, seen = moment_text(ended_at, display.zone), _seen_until(finding)
    if seen is None or not finding.opened_at <= seen < ended_at:
        return f"Over since {over}, after {span_text(ended_at - finding.opened_at)}."
    lasted = span_text(seen - finding.opened_at)
    return f"Lasted {lasted}, until {moment_text(seen, display.zone)} at least; over by {over}."


def _seen_until(finding: Finding) -> datetime | None:
    text = finding.evidence.get("seen_until")
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _stake(finding: Finding) -> str:
    money, basis, currency = finding.money_at_stake, finding.money_basis, finding.currency
    if money is None or basis is None or currency is None:
        return ""
    return f"At stake: {_BASIS[basis].format(money_text(money, currency))}."


def _was_at_stake(finding: Finding) -> str:
    money, basis, currency = finding.money_at_stake, finding.money_basis, finding.currency
    if money is None or basis is None or currency is None:
        return ""
    return _WAS[basis].format(money_text(money, currency))


def _when_told(told: Member | None) -> str:
    if told is None or told.money_at_stake is None or told.currency is None:
        return ""
    return f"When last told: {money_text(told.money_at_stake, told.currency)}."


def _sum(findings: Sequence[Finding]) -> str:
    """Add the money at stake where all of it is known and counted alike, else give nothing."""
    ways = {(finding.money_basis, finding.currency) for finding in findings}
    amounts = [finding.money_at_stake for finding in findings]
    known = [amount for amount in amounts if amount is not None]
    basis, currency = next(iter(ways))
    if len(ways) != 1 or basis is None or currency is None or len(known) < len(amounts):
        return ""
    return _BASIS[basis].format(money_text(sum(known, Decimal(0)), currency))


def _next_step(decision: Decision, audible: Sequence[Finding]) -> str | None:
    changed = [finding for finding in audible if finding.id in decision.new | decision.worse]
    steps = dict.fromkeys(shown(finding.next_step, _DETAIL_LIMIT) for finding in changed or audible)
    return "\n".join([step for step in steps if step][:_MOST_STEPS]) or None


def _footer(finding: Finding, number: int) -> str:
    others = f" and {number - 1} more" if number > 1 else ""
    return f"{finding.severity.value} · {one_line(finding.kind, 40)} · {finding.id}{others}"


def _link(finding: Finding, display: Display) -> str | None:
    if display.public_url is None:
        return None
    return f"{display.public_url.rstrip('/')}/api/v1/findings/{finding.id}"


def _weight(finding: Finding) -> tuple[int, Decimal]:
    return RANK[finding.severity], abs(finding.money_at_stake or Decimal(0))
