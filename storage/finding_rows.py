"""Turns findings into rows of the table `finding`, and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from spendwatt.money import from_nano, to_nano
from spendwatt.records import Finding, MoneyBasis, Severity
from spendwatt.table import jsonable


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding with its place in time."""

    finding: Finding
    seen_at: datetime
    """When this episode was first saved."""
    updated_at: datetime
    """When it was last found to be so."""
    resolved_at: datetime | None
    episodes: int
    """How often it has opened so far."""

    @property
    def state(self) -> str:
        """Give `open` or `resolved`."""
        return "open" if self.resolved_at is None else "resolved"


def values_of(finding: Finding) -> dict[str, Any]:
    """Give the columns that change while a finding lasts."""
    return {
        "severity": finding.severity.value,
        "title": _storable(finding.title),
        "detail": _storable(finding.detail),
        "next_step": _storable(finding.next_step),
        "money_nano": nano_of(finding.money_at_stake),
        "money_basis": finding.money_basis,
        "currency": finding.currency,
        "evidence": jsonable(finding.evidence),
        "opened_at": finding.opened_at,
    }


def stored_of(row: Row[Any]) -> StoredFinding:
    """Read a row of the table."""
    finding = Finding(
        kind=row.kind,
        labels=row.labels,
        severity=Severity(row.severity),
        title=row.title,
        detail=row.detail,
        next_step=row.next_step,
        opened_at=row.opened_at,
        money_at_stake=amount_of(row.money_nano),
        money_basis=MoneyBasis(row.money_basis) if row.money_basis else None,
        currency=row.currency,
        evidence=row.evidence,
    )
    return StoredFinding(finding, row.seen_at, row.updated_at, row.resolved_at, row.episodes)


def _storable(text: str) -> str:
    # Names out of bills may hold what PostgreSQL refuses: NUL, or half of a surrogate pair.
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def nano_of(amount: Decimal | None) -> int | None:
    """Give an amount as it is stored; missing stays missing."""
    return None if amount is None else to_nano(amount)


def amount_of(nano: int | None) -> Decimal | None:
    """Give a stored amount; missing stays missing."""
    return None if nano is None else from_nano(nano)
