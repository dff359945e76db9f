"""Checks what one entry of the settings says of another: names are unique, and lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from service.config.problems import Problem

_NAMED = (
    ("collectors",),
    ("assets",),
    ("quotes",),
    ("hardware_options",),
    ("workloads",),
    ("budgets",),
    ("alerts", "channels"),
)
_REFERENCES = (
    (("workloads",), "asset", ("assets",)),
    (("workloads",), "option", ("hardware_options",)),
    (("workloads",), "quote", ("quotes",)),
    (("alerts", "routes"), "channel", ("alerts", "channels")),
)


def check_references(values: dict[str, Any]) -> list[Problem]:
    """Give each name that is taken twice, and each that names nothing.

    Looks at the raw values, so that these are told together with every other problem.
    """
    problems = [problem for section in _NAMED for problem in _repeated(values, section)]
    for section, key, target in _REFERENCES:
        known = [name for name, _ in _entries(values, target)]
        for name, entry in _entries(values, section):
            if isinstance(entry.get(key), str):
                problems += _lost((*section, name, key), entry[key], known, target)
    return problems + _comparators(values)


def _comparators(values: dict[str, Any]) -> list[Problem]:
    quotes = [name for name, _ in _entries(values, ("quotes",))]
    workloads = [f"workload:{name}" for name, _ in _entries(values, ("workloads",))]
    problems: list[Problem] = []
    for name, entry in _entries(values, ("assets",)):
        if isinstance(entry.get("comparator"), str):
            place = ("assets", name, "comparator")
            problems += _lost(place, entry["comparator"], quotes + workloads, ("quotes",))
    return problems


def _lost(
    place: tuple[str, ...], wanted: str, known: list[str], target: tuple[str, ...]
) -> list[Problem]:
    if wanted in known:
        return []
    close = get_close_matches(wanted, known, n=1, cutoff=0.7)
    hint = f'did you mean "{close[0]}"?' if close else f"there is: {', '.join(known) or 'none'}"
    return [(place, f'no [[{".".join(target)}]] is called "{wanted[:80]}"; {hint}')]


def _repeated(values: dict[str, Any], section: tuple[str, ...]) -> list[Problem]:
    names = [name for name, entry in _entries(values, section) if "name" in entry]
    repeated = sorted({name for name in names if names.count(name) > 1})
    return [((*section, name), "is there twice; names are unique") for name in repeated]


def _entries(values: Any, section: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key in section:
        values = values.get(key) if isinstance(values, dict) else None
    if not isinstance(values, list):
        return
    for number, entry in enumerate(values, start=1):
        if isinstance(entry, dict):
            name = entry.get("name")
            yield (name if isinstance(name, str) else str(number)), entry
