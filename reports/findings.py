"""Findings as rows: the same fields for REST, the CLI and CSV."""

from __future__ import annotations

from typing import Any

from spendwatt.records import Finding
from spendwatt.table import Column
from storage.findings import StoredFinding

COLUMNS = (
    Column("id", "text", "Kind and labels, hashed: the same finding has the same id."),
    Column("kind", "text", "What was seen: bill_shock, budget, idle_gpu, ..."),
    Column("severity", "text", "info, warning or critical."),
    Column("state", "text", "open or resolved."),
    Column("labels", "object", "What it is about."),
    Column("title", "text", "What, how much, where."),
    Column("detail", "text", "Since when, because of what, how sure."),
    Column("next_step", "text", "What to do."),
    Column("money_at_stake", "money", "Money that it is about; null is unknown.", "currency"),
    Column("money_basis", "text", "What that counts: spent, per_day or projected."),
    Column("currency", "text", "Currency of the money."),
    Column("opened_at", "time", "Since when it is so."),
    Column("seen_at", "time", "When it was first seen."),
    Column("updated_at", "time", "When it was last found to be so."),
    Column("resolved_at", "time", "When it was over; null while it is open."),
    Column("episodes", "integer", "How often it has opened so far."),
    Column("evidence", "object", "The facts behind the judgement."),
)
"""What a stored finding shows."""


def finding_fields(finding: Finding) -> dict[str, Any]:
    """Give the fields that an analyzer decides."""
    return {
        "id": finding.id,
        "kind": finding.kind,
        "severity": finding.severity.value,
        "labels": finding.labels,
        "title": finding.title,
        "detail": finding.detail,
        "next_step": finding.next_step,
        "money_at_stake": finding.money_at_stake,
        "money_basis": finding.money_basis and finding.money_basis.value,
        "currency": finding.currency,
        "opened_at": finding.opened_at,
        "evidence": finding.evidence,
    }


def stored_fields(stored: StoredFinding) -> dict[str, Any]:
    """Give those fields, and the finding's place in time."""
    return {
        **finding_fields(stored.finding),
        "state": stored.state,
        "seen_at": stored.seen_at,
        "updated_at": stored.updated_at,
        "resolved_at": stored.resolved_at,
        "episodes": stored.episodes,
    }
