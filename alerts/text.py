"""Makes foreign text safe to show: names in tags may hold control characters, pings or novels."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"
# Control, format (zero-width, right-to-left marks), surrogate, private use, unassigned.
_UNSHOWN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def shown(text: str, limit: int) -> str:
    """Give the text without what cannot or should not be seen, cut to `limit` characters.

    Line breaks stay; runs of empty lines become one.
    """
    lines = [one_line(line, limit) for line in text.splitlines()]
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return cut("\n".join(kept).strip(), limit)


def one_line(text: str, limit: int) -> str:
    """Give the text as a single line without what should not be seen, cut to `limit` characters."""
    # Ten times the limit is read at most: what follows would be cut anyway.
    visible = (
        " " if character.isspace() else character
        for character in text[: 10 * limit]
        if character.isspace() or unicodedata.category(character) not in _UNSHOWN
    )
    return cut(" ".join("".join(visible).split()), limit)


def cut(text: str, limit: int) -> str:
    """Give at most `limit` characters, the last being an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS
