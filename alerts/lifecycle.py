"""Whether to tell, and why: a pure function of what was told, what is so, and now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from spendwatt.money import amount_text
from spendwatt.records import Finding, MoneyBasis, Severity

RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
_DOUBLED = 2


class Reason(StrEnum):
    """Why something is told. Where several hold, the first of this order is named."""

    FIRST = "first"
    ALL_RESOLVED = "all_resolved"
    NEW_MEMBER = "new_member"
    WORSE = "worse"
    RESOLVED_MEMBER = "resolved_member"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Member:
    """What was told of one finding: enough to see later whether it has become worse."""

    id: str
    severity: Severity
    money_at_stake: Decimal | None
    money_basis: MoneyBasis | None
    currency: str | None

    @staticmethod
    def of(finding: Finding) -> Member:
        """Give what a message about the finding tells now."""
        return Member(
            finding.id,
            finding.severity,
            finding.money_at_stake,
            finding.money_basis,
            finding.currency,
        )

    def is_worse_than(self, told: Member) -> bool:
        """Tell whether severity rose or money at least doubled, counted in the same way."""
        if RANK[self.severity] > RANK[told.severity]:
            return True
        now, then = self.money_at_stake, told.money_at_stake
        if now is None or then is None:
            return False
        if (self.money_basis, self.currency) != (told.money_basis, told.currency):
            return False
        return abs(now) > abs(then) and abs(now) >= _DOUBLED * abs(then)

    def to_json(self) -> dict[str, Any]:
        """Give what `from_json` reads."""
        money = self.money_at_stake
        return {
            "id": self.id,
            "severity": self.severity.value,
            "money_at_stake": None if money is None else amount_text(money),
            "money_basis": self.money_basis,
            "currency": self.currency,
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Member:
        """Make the member again from what was stored."""
        money, basis = values["money_at_stake"], values["money_basis"]
        return Member(
            id=values["id"],
            severity=Severity(values["severity"]),
            money_at_stake=None if money is None else Decimal(money),
            money_basis=None if basis is None else MoneyBasis(basis),
            currency=values["currency"],
        )


@dataclass(frozen=True, slots=True)
class Told:
    """The newest notice of a group: which findings it left open, as told, and when."""

    members: Mapping[str, Member]
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """To tell, and why."""

    reason: Reason
    members: Mapping[str, Member]
    """What will have been told and is still open."""
    told: Mapping[str, Member]
    """What had been told before."""
    muted: frozenset[str]
    """Members that are silenced now."""
    new: frozenset[str]
    worse: frozenset[str]
    resolved: frozenset[str]


RepeatEvery = Callable[[Severity], timedelta | None]
"""How often an unchanged group of that severity is told again; None is never."""


def decide(
    last: Told | None,
    present: Iterable[Finding],
    silenced: Collection[str],
    now: datetime,
    repeat_every: RepeatEvery,
) -> Decision | None:
    """Decide whether a group is told now; None keeps quiet.

    `present` are the group's open findings, `silenced` the ids of those that are muted. What is
    muted starts no message, but the end of what was told is always told.
    """
    told = last.members if last is not None else {}
    state = {finding.id: Member.of(finding) for finding in present}
    audible = {id_: member for id_, member in state.items() if id_ not in silenced}
    # What is muted is remembered as it was told, so that it counts as worse when it speaks again.
    muted = {id_: member for id_, member in told.items() if id_ in state and id_ not in audible}
    decision = Decision(
        reason=Reason.REPEAT,
        members=muted | audible,
        told=told,
        muted=frozenset(muted),
        new=frozenset(audible.keys() - told.keys()),
        worse=frozenset(
            id_
            for id_, member in audible.items()
            if id_ in told and member.is_worse_than(told[id_])
        ),
        resolved=frozenset(told.keys() - state.keys()),
    )
    is_due = last is not None and _is_repeat_due(last, audible, now, repeat_every)
    reason = _reason(decision, is_first=not told, is_repeat_due=is_due)
    return None if reason is None else replace(decision, reason=reason)


def _reason(decision: Decision, *, is_first: bool, is_repeat_due: bool) -> Reason | None:
    holds = {
        Reason.FIRST: is_first and bool(decision.new),
        Reason.ALL_RESOLVED: bool(decision.resolved) and not decision.members,
        Reason.NEW_MEMBER: bool(decision.new),
        Reason.WORSE: bool(decision.worse),
        Reason.RESOLVED_MEMBER: bool(decision.resolved),
        Reason.REPEAT: is_repeat_due,
    }
    return next((reason for reason in Reason if holds[reason]), None)


def _is_repeat_due(
    last: Told, audible: Mapping[str, Member], now: datetime, repeat_every: RepeatEvery
) -> bool:
    if not last.members or not audible:
        return False
    highest = max((member.severity for member in audible.values()), key=RANK.__getitem__)
    every = repeat_every(highest)
    return every is not None and now - last.at >= every
