"""Checks what a person calls a source: it is shown in tables and messages, and kept for good."""

from __future__ import annotations

from spendwatt.errors import UsageError

_LONGEST = 200


def source_name(name: str) -> str:
    """Give the name back. Raises UsageError for one that cannot be shown on a line."""
    if 0 < len(name) <= _LONGEST and name.isprintable() and name == name.strip():
        return name
    raise UsageError(
        f"{name[:80]!a} cannot be the name of a source",
        do=f"Give --source NAME: up to {_LONGEST} printable characters on one line",
        parameter="source",
    )
