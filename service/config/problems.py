"""Turns what pydantic found into lines that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from spendwatt.settings import SettingsModel

Problem = tuple[tuple[str, ...], str]
"""Where (keys, entries of arrays by their name) and what."""

_HIDDEN = {"settings", "analyzers"}
"""Fields that hold the checked settings of a part; they are no keys of the file."""


def problems_of(
    err: ValidationError, model: type[BaseModel], values: Any, *, more_keys: Sequence[str] = ()
) -> list[Problem]:
    """Give each problem with its key, what is allowed, and what was meant where that is clear.

    `values` is what was validated: entries of arrays are named by their `name` in it. `more_keys`
    are allowed at the top beside the model's own.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for error in err.errors():
        texts = found.setdefault(place_of(error["loc"], values), [])
        texts.append(_text(dict(error), model, more_keys))
    # Of several forms that a value may have, each tells what is wrong with it.
    return [(place, _joined(texts)) for place, texts in found.items()]


def place_of(loc: Sequence[str | int], values: Any) -> tuple[str, ...]:
    """Name a place: `assets.rack-a.match`, or `assets.2.match` where the entry has no name."""
    words: list[str] = []
    for key in loc:
        if not isinstance(values, Mapping | Sequence) or isinstance(values, str):
            break  # not a key of the file, but pydantic's word for a form of the value
        words.append(_entry_name(values, key) if isinstance(key, int) else str(key))
        values = _inside(values, key)
    return tuple(words)


def _joined(texts: list[str]) -> str:
    *others, last = dict.fromkeys(texts)
    ending = last[last.find("; it is ") :] if "; it is " in last else ""
    return ", or ".join([*(text.removesuffix(ending) for text in others), last])


def unknown_key(key: str, allowed: Sequence[str]) -> str:
    """Say that a key is not known, and which are."""
    close = get_close_matches(key, allowed, n=1, cutoff=0.7)
    if close:
        return f'is not a setting; did you mean "{close[0]}"?'
    return f"is not a setting; allowed: {', '.join(sorted(allowed))}"


def keys_of(model: type[BaseModel]) -> list[str]:
    """List the keys that a table of the file may hold."""
    keys = [name for name in model.model_fields if name not in _HIDDEN]
    if issubclass(model, SettingsModel):
        keys += [f"{name}_file" for name in model.secret_names()]
    return keys


def _text(error: dict[str, Any], model: type[BaseModel], more_keys: Sequence[str]) -> str:
    *above, key = error["loc"] or ("",)
    if error["type"] == "extra_forbidden":
        holder = _model_at(model, above)
        allowed = [*(keys_of(holder) if holder else []), *([] if above else more_keys)]
        return unknown_key(str(key), allowed)
    if error["type"] == "missing":
        holder = _model_at(model, above)
        about = holder.model_fields[str(key)].description if holder else None
        return f"is missing. {about}" if about else "is missing"
    if error["type"] == "tuple_type" and isinstance(error["input"], Mapping):
        name = ".".join(str(part) for part in error["loc"] if isinstance(part, str))
        return f"is an array of tables: write it in the file, as [[{name}]]"
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "must be", 1).replace("valid tuple", "list")
    return f"{message}; it is {_shown(error['input'])}" if _is_plain(error, model) else message


def _is_plain(error: dict[str, Any], model: type[BaseModel]) -> bool:
    """Tell whether the value may and can be shown: no secret, no table."""
    *above, key = error["loc"] or ("",)
    holder = _model_at(model, above)
    secret = (
        holder is not None and issubclass(holder, SettingsModel) and key in holder.secret_names()
    )
    url = key in {"url", "webhook_url"}
    return not secret and not url and isinstance(error["input"], str | int | float | Decimal)


def _shown(value: Any) -> str:
    return f'"{value[:80]}"' if isinstance(value, str) else str(value).lower()


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for key in loc:
        if found is None:
            return None
        if isinstance(key, str):
            field = found.model_fields.get(key)
            found = _model_in(field.annotation) if field else None
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m is not None), None)


def _entry_name(values: Any, index: int) -> str:
    entry = _inside(values, index)
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) and name else str(index + 1)


def _inside(values: Any, key: str | int) -> Any:
    try:
        return values[key]
    except (KeyError, IndexError, TypeError):
        return None
