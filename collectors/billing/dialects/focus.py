"""FOCUS 1.0 to 1.4 as it is found in the wild: other cases, snake case, renamed columns.

Source: FinOps Open Cost and Usage Specification; 1.3 renamed ProviderName.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spendwatt import focus

_NAMES = {
    "ProviderName": ("ServiceProviderName", "ProviderName", "PublisherName"),
}
"""Where a column has had several names or stand-ins: the first that holds something counts."""


def read(columns: Sequence[str]) -> Mapping[str, str] | None:
    """Give an expression for each FOCUS column that the file holds.

    None where the file has neither of the costs that every FOCUS file must have.
    """
    own: dict[str, str] = {}
    for column in columns:
        own.setdefault(focus.spelling(column), column)
    found = {name: _expression(name, own) for name in focus.COLUMNS}
    if found[focus.BILLED_COST] is None and found[focus.EFFECTIVE_COST] is None:
        return None
    return {name: sql for name, sql in found.items() if sql is not None}


def _expression(name: str, own: Mapping[str, str]) -> str | None:
    held = [own[focus.spelling(n)] for n in _NAMES.get(name, (name,)) if focus.spelling(n) in own]
    quoted = ['"' + column.replace('"', '""') + '"' for column in held]
    if len(quoted) > 1:
        return f"coalesce({', '.join(f'known({column})' for column in quoted)})"
    return quoted[0] if quoted else None
