"""A channel that takes nothing any more is itself something to tell, on the other channels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from alerts.delivery import Delivered
from alerts.routing import CHANNEL_REFUSED
from spendwatt.errors import SendError
from spendwatt.records import Finding, Severity
from storage import findings
from storage.engine import Store


def save(store: Store, delivered: Mapping[str, Delivered], now: datetime) -> bool:
    """Open a finding for each channel that refused for good, resolve those that took something.

    Channels that are no longer configured are no longer refused. Tells whether anything changed.
    """
    before = _open(store)
    after = {
        name: before.get(name) or _finding(name, one.error, now)
        for name, one in delivered.items()
        if _is_refused(one, was_refused=name in before)
    }
    if after.keys() == before.keys():
        return False
    with store.write() as connection:
        findings.save(connection, (CHANNEL_REFUSED,), list(after.values()), now)
    return True


def names(store: Store) -> tuple[str, ...]:
    """Give the channels that are refused now."""
    return tuple(sorted(_open(store)))


def _open(store: Store) -> dict[str, Finding]:
    with store.read() as connection:
        found = findings.open_findings(connection, (CHANNEL_REFUSED,))
    return {finding.labels["channel"]: finding for finding in found}


def _is_refused(one: Delivered, *, was_refused: bool) -> bool:
    if one.error is not None and not one.error.retryable:
        return True
    # A channel that rests, or cannot be reached, has not shown that it was mended.
    return was_refused and one.sent == 0


def _finding(name: str, error: SendError | None, now: datetime) -> Finding:
    what = error.what if error else "it refused"
    do = error.do if error and error.do else "Check its settings"
    return Finding(
        kind=CHANNEL_REFUSED,
        labels={"channel": name},
        severity=Severity.CRITICAL,
        title=f'Channel "{name}" refuses messages',
        detail=f"{what}. What it should have been told is kept and waits.",
        next_step=f"{do}; then restart Spendwatt. `spendwatt check` tries the channel.",
        opened_at=now,
        evidence={"error": what},
    )
