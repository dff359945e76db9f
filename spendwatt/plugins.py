"""Finds the class behind a name in one of our four tables, or in an installed package's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from spendwatt.errors import ConfigError


def names(table: Mapping[str, str], group: str) -> list[str]:
    """List every name of the table and of the entry points of `group`, sorted."""
    return sorted({*table, *_installed(group).names})


def load(table: Mapping[str, str], group: str, name: str) -> Any:
    """Import what `name` stands for: `table` maps names to "module:Attribute".

    Names of ours win over entry points. Raises ConfigError listing what there is.
    """
    if name in table:
        module, _, attribute = table[name].partition(":")
        return getattr(import_module(module), attribute)
    for entry in _installed(group).select(name=name):
        return entry.load()
    raise ConfigError(
        f'"{name}" is not among {group}', do=f"Allowed: {', '.join(names(table, group))}"
    )


@cache
def _installed(group: str) -> EntryPoints:
    """Look through the installed packages once: it takes 15 ms, and they stay while we run."""
    return entry_points(group=group)
