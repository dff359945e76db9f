"""Reads the settings: the file, then the environment, then every check, then every problem."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.config.parts import check_parts
from service.config.problems import problems_of
from service.config.references import check_references
from service.config.settings import Settings
from spendwatt.errors import ConfigError
from spendwatt.local_files import is_special

DEFAULT_FILE = Path("spendwatt.toml")
_VARIABLE = re.compile(r"^SPENDWATT_([A-Z0-9]+(?:_[A-Z0-9]+)*)__([A-Z0-9_]+)$")

Place = tuple[str, ...]


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings from `path`, else $SPENDWATT_CONFIG, else ./spendwatt.toml if it is there.

    Variables `SPENDWATT_SECTION__KEY` come on top. Raises ConfigError with every problem at once.
    """
    file = _chosen(path, environ)
    values = {} if file is None else read_toml(file)
    in_file = _places(values)
    variables = overlay(values, environ)
    problems = check_references(values)
    settings: Settings | None = None
    try:
        problems += check_parts(values)
        settings = Settings.model_validate(values)
    except ValidationError as err:
        problems += problems_of(err, Settings, values)
    if settings is None or problems:
        where = str(file) if file is not None else "the environment"
        found = _with_variables(problems, variables, in_file)
        raise ConfigError(_headline(where, len(problems)), found)
    return settings.with_origins({**dict.fromkeys(in_file, str(file)), **variables})


def overlay(values: dict[str, Any], environ: Mapping[str, str]) -> dict[Place, str]:
    """Lay the variables over the file's values; gives place -> the variable that set it.

    Arrays of tables are set in the file only. Raises ConfigError where a variable goes into one.
    """
    variables: dict[Place, str] = {}
    for name in sorted(environ):
        if (match := _VARIABLE.match(name)) is None:
            continue
        place = (match[1].lower(), *match[2].lower().split("__"))
        table: Any = values
        for key in place[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise ConfigError(
                    f"{name} reaches into {key}, which is not a section",
                    do="Set it in the file, and unset the variable",
                )
        table.pop(f"{place[-1]}_file", None)
        table[place[-1]] = environ[name]
        variables[place] = name
    return variables


def _chosen(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    if path is not None:
        return path
    if named := environ.get("SPENDWATT_CONFIG"):
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def read_toml(file: Path, *, do: str = "Run `spendwatt init` to write one") -> dict[str, Any]:
    """Read a TOML file. Raises ConfigError naming it; `do` says what helps where it is absent."""
    if is_special(file):
        raise ConfigError(f"{file} is no regular file", do="Save it as a file first")
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as err:
        raise ConfigError(f"{file} cannot be read: {err.strerror}", do=do) from err
    except UnicodeDecodeError as err:
        raise ConfigError(f"{file} is not text in UTF-8", do="Save it as UTF-8") from err
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"{file} is not TOML: {err}") from err


def _headline(where: str, count: int) -> str:
    return f"{where} has {count} problem{'s' if count > 1 else ''}"


def _with_variables(
    problems: list[tuple[Place, str]], variables: Mapping[Place, str], in_file: Collection[Place]
) -> list[str]:
    return [
        f"{'.'.join(place) or 'settings'}"
        + (f" ({variable})" if (variable := _variable(place, variables, in_file)) else "")
        + f": {text}"
        for place, text in sorted(problems)
    ]


def _variable(
    place: Place, variables: Mapping[Place, str], in_file: Collection[Place]
) -> str | None:
    """Name the variable that is to blame: the one set there, or one that made the section."""
    if place in variables or any(known[: len(place)] == place for known in in_file):
        return variables.get(place)
    below = (name for known, name in variables.items() if known[: len(place)] == place)
    return next(below, None)


def _places(values: Mapping[str, Any], above: Place = ()) -> set[Place]:
    found: set[Place] = set()
    for key, value in values.items():
        place = (*above, key)
        found |= _places(value, place) if isinstance(value, dict) else {place}
    return found
