"""Dialects turn a provider's own columns into FOCUS's, one file each.

A dialect is a function from a file's columns to DuckDB expressions by FOCUS column, or None where
the columns are not of that dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from spendwatt import plugins
from spendwatt.errors import UsageError

Dialect = Callable[[Sequence[str]], Mapping[str, str] | None]

DIALECTS: dict[str, str] = {
    "focus": "collectors.billing.dialects.focus:read",
}
"""Name -> "module:function", in the order in which `auto` tries them."""

GROUP = "spendwatt.dialects"
"""Entry points of this group add dialects of other packages."""

AUTO = "auto"


def names() -> list[str]:
    """List what `--dialect` may name."""
    return [AUTO, *plugins.names(DIALECTS, GROUP)]


def recognize(columns: Sequence[str], wanted: str = AUTO) -> tuple[str, Mapping[str, str]] | None:
    """Give the dialect of these columns and its expressions, None where no dialect knows them.

    Raises UsageError for a dialect that does not exist.
    """
    if wanted not in names():
        raise UsageError(
            f'dialect "{wanted}" is not known',
            do=f"Allowed: {', '.join(names())}",
            parameter="dialect",
        )
    for name in [*DIALECTS, *plugins.names({}, GROUP)] if wanted == AUTO else [wanted]:
        dialect: Dialect = plugins.load(DIALECTS, GROUP, name)
        found = dialect(columns)
        if found is not None:
            return name, found
    return None
