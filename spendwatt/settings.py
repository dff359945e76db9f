"""What settings are made of: the base of every `Settings` model, and values written as texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    model_validator,
)

from spendwatt.errors import SpendwattError
from spendwatt.filter_grammar import filter_text, parse_filter
from spendwatt.money import Money, parse_money
from spendwatt.query import Filter

_DURATION = re.compile(r"^\s*([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(ms|s|m|h|d|w)\s*$")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class _File:
    """Stands for the text of a file until the field reads it, so that its error is the field's."""

    def __init__(self, key: str, path: Any, *, also_given: bool) -> None:
        self.key = key
        self.path = path
        self.also_given = also_given

    def read(self) -> str:
        """Give the file's text, stripped. Raises ValueError."""
        if self.also_given:
            raise ValueError(f"give it here or by {self.key}, not both")
        try:
            secret = Path(str(self.path)).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as err:
            reason = err.strerror if isinstance(err, OSError) else "it is not UTF-8 text"
            raise ValueError(f"{self.key}: {self.path} cannot be read: {reason}") from err
        if not secret:
            raise ValueError(f"{self.key}: {self.path} is empty")
        return secret


def _secret(value: Any) -> Any:
    return value.read() if isinstance(value, _File) else value


Secret = Annotated[SecretStr, BeforeValidator(_secret)]
"""A text that is never shown: `webhook_url = "..."`, or `webhook_url_file = "/run/secrets/x"`."""


class SettingsModel(BaseModel):
    """A frozen group of settings that refuses unknown keys.

    Each `Secret` field NAME is also taken from a file: `NAME_file = "/run/secrets/x"`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _find_secrets(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        whole = dict(values)
        for name in cls.secret_names():
            key = f"{name}_file"
            if key in whole:
                whole[name] = _File(key, whole.pop(key), also_given=name in whole)
        return whole

    @classmethod
    def secret_names(cls) -> list[str]:
        """List the fields that hold a secret."""
        return [name for name, field in cls.model_fields.items() if _is_secret(field.annotation)]


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


def parse_duration(text: str) -> timedelta:
    """Read `"10s"`, `"1.5h"`, `"15m"`, `"7d"`. Raises ValueError saying what is allowed."""
    match = _DURATION.match(text)
    if match is None or float(match[1]) == 0:
        raise ValueError('write a positive number with ms, s, m, h, d or w, such as "10s" or "6h"')
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def duration_text(span: timedelta) -> str:
    """Write a duration as `parse_duration` reads it, in the largest unit that divides it."""
    seconds = span.total_seconds()
    unit = next((u for u in ("d", "h", "m", "s") if seconds % _SECONDS[u] == 0), "ms")
    return f"{round(seconds / _SECONDS[unit])}{unit}"


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _money(value: Any) -> Any:
    if isinstance(value, Money):
        return value
    if not isinstance(value, str):
        raise ValueError('write an amount with its currency in quotes, such as "250000 USD"')  # noqa: TRY004
    return _ours(parse_money, value)


def _filter(value: Any) -> Any:
    return _ours(parse_filter, value) if isinstance(value, str) else value


def _zone(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise ValueError('not a known time zone; write one such as "Europe/Berlin"') from err


def _decimal(value: Any) -> Any:
    # A TOML float is taken as it is written, 0.1 and not 0.1000000000000000055.
    return Decimal(repr(value)) if isinstance(value, float) else value


def _ours(read: Any, value: str) -> Any:
    try:
        return read(value)
    except SpendwattError as err:
        raise ValueError(str(err)) from err


Duration = Annotated[
    timedelta, BeforeValidator(_duration), PlainSerializer(duration_text, return_type=str)
]
"""`every = "6h"`; always longer than nothing."""

MoneyText = Annotated[Money, BeforeValidator(_money), PlainSerializer(str, return_type=str)]
"""`purchase_price = "250000 USD"`."""

FilterText = Annotated[
    Filter, BeforeValidator(_filter), PlainSerializer(filter_text, return_type=str)
]
"""`filter = 'label[team]:"ml"'`."""

Zone = Annotated[ZoneInfo, BeforeValidator(_zone), PlainSerializer(str, return_type=str)]
"""`timezone = "Europe/Berlin"`."""

Number = Annotated[Decimal, BeforeValidator(_decimal), Field(allow_inf_nan=False)]
"""An exact decimal, from a TOML integer, float or text."""
