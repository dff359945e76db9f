"""Brings tag sets to one canonical JSON text, so that equal sets are one row."""

from __future__ import annotations

import json
from typing import Any

NO_TAGS = "{}"


def canonical_tags(text: str | None) -> str | None:
    """Give sorted, spaceless JSON of a tag set; None where the text is no tag set.

    Takes JSON objects, also without their braces (`"team": "ml"`), as some exports write them.
    Values become text; empty sets and missing ones are `{}`.
    """
    if text is None or text.strip().lower() in {"", "null", "{}", "[]"}:
        return NO_TAGS
    tags = _object(text) or _object("{" + text + "}")
    if tags is None:
        return None
    plain = {_clean(key): _text(value) for key, value in tags.items() if value is not None}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(value: Any) -> str:
    return _clean(value) if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _clean(text: str) -> str:
    # JSON can spell what no database stores as text: NUL and halves of surrogate pairs.
    return text.replace("\0", "").encode("utf-8", "replace").decode()
