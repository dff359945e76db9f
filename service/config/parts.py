"""Checks the settings of collectors, channels and analyzers by each one's own model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from sys import modules
from typing import Any

from pydantic import BaseModel, ValidationError

from alerts.channels import CHANNELS
from alerts.channels import GROUP as CHANNEL_GROUP
from analysis import ANALYZERS
from analysis import GROUP as ANALYZER_GROUP
from collectors import COLLECTORS
from collectors import GROUP as COLLECTOR_GROUP
from service.config.problems import Problem, keys_of, problems_of, unknown_key
from service.config.sections import ChannelEntry, CollectorEntry
from service.config.settings import AnalysisSettings
from spendwatt import plugins
from spendwatt.errors import ConfigError


def check_parts(values: dict[str, Any]) -> list[Problem]:
    """Put each part's own checked Settings in place of its keys in `values`; give what is wrong."""
    alerts = values.get("alerts")
    channels = alerts.get("channels") if isinstance(alerts, dict) else None
    problems: list[Problem] = []
    for name, entry in _tables(values.get("collectors")):
        where = (COLLECTORS, COLLECTOR_GROUP)
        problems += _part(entry, ("collectors", name), CollectorEntry, where)
    for name, entry in _tables(channels):
        where = (CHANNELS, CHANNEL_GROUP)
        problems += _part(entry, ("alerts", "channels", name), ChannelEntry, where)
    return problems + _analyzers(values.get("analysis"))


def load_class(table: Mapping[str, str], group: str, name: str) -> Any:
    """Import a part's class. Raises ConfigError where there is none, or it cannot be imported."""
    try:
        return plugins.load(table, group, name)
    except (ImportError, AttributeError, SyntaxError) as err:
        raise ConfigError(f'"{name}" cannot be loaded: {err}', do="Mend its package") from err


def settings_model(part: Any) -> type[BaseModel]:
    """Give a part's own model: `Settings` in the class, else in its file. Raises ConfigError."""
    model = getattr(part, "Settings", None) or getattr(modules[part.__module__], "Settings", None)
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        raise ConfigError(
            f"{part.__module__}.{part.__qualname__} has no Settings",
            do="Give its file a pydantic model of that name",
        )
    return model


def _part(
    entry: dict[str, Any],
    place: tuple[str, ...],
    model: type[BaseModel],
    where: tuple[Mapping[str, str], str],
) -> list[Problem]:
    own = [key for key in keys_of(model) if key in entry]
    rest = {key: entry.pop(key) for key in list(entry) if key not in own}
    kind = entry.get("kind")
    if not isinstance(kind, str):
        return []  # the entry's own model says so
    try:
        checked, problems = _checked(load_class(*where, kind), rest, place, keys_of(model))
    except ConfigError as err:
        return [((*place, "kind"), _no_such(kind, plugins.names(*where), err))]
    entry["settings"] = checked
    return problems


def _no_such(kind: str, allowed: list[str], err: ConfigError) -> str:
    if kind in allowed:
        return str(err)
    close = get_close_matches(kind, allowed, n=1, cutoff=0.6)
    hint = f'did you mean "{close[0]}"? ' if close else ""
    return f'there is no kind "{kind[:80]}"; {hint}allowed: {", ".join(allowed)}'


def _checked(
    part: Any, values: dict[str, Any], place: tuple[str, ...], more_keys: list[str]
) -> tuple[Any, list[Problem]]:
    model = settings_model(part)
    try:
        return model.model_validate(values), []
    except ValidationError as err:
        found = problems_of(err, model, values, more_keys=more_keys)
        return None, [((*place, *inside), text) for inside, text in found]


def _analyzers(analysis: Any) -> list[Problem]:
    if not isinstance(analysis, dict):
        return []
    known = plugins.names(ANALYZERS, ANALYZER_GROUP)
    problems: list[Problem] = []
    chosen: dict[str, Any] = {}
    for name in [key for key in analysis if key not in keys_of(AnalysisSettings)]:
        table = analysis.pop(name)
        if name not in known or not isinstance(table, dict):
            allowed = [*known, *keys_of(AnalysisSettings)]
            problems.append((("analysis", name), unknown_key(name, allowed)))
            continue
        part = load_class(ANALYZERS, ANALYZER_GROUP, name)
        chosen[name], found = _checked(part, table, ("analysis", name), [])
        problems += found
    analysis["analyzers"] = chosen
    return problems


def _tables(entries: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(entries, list):
        return
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, dict):
            name = entry.get("name")
            yield (name if isinstance(name, str) and name else str(number)), entry
