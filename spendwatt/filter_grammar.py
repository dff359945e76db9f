r"""Reads filter texts: `service:"Amazon EC2"+label[team]!:"ml","research"|account<~:"prod-"`.

`+` is and, `|` is or, `+` binds tighter, parentheses group. `:` equals, `~:` contains, `<~:`
starts with, `~>:` ends with, each turned round by a leading `!`. Several values separated by
commas mean any of them. Values are quoted; `\"` and `\\` are escapes inside them.
"""

from __future__ import annotations

import re

from spendwatt.errors import UsageError
from spendwatt.query import Condition, Filter, Group, Op

MAX_LENGTH = 4_000
MAX_DEPTH = 20
EXAMPLE = 'label[team]:"ml"+service!:"Tax"'

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<field>[a-zA-Z_][a-zA-Z0-9_]*)(?:\[(?P<key>[^\]"]{1,256})\])?
        \s*(?P<not>!?)(?P<op><~:|~>:|~:|:)
    | (?P<value>"(?:[^"\\]|\\["\\])*")
    | (?P<mark>[+|(),])
    )""",
    re.VERBOSE,
)
KEYED = {"label", "tag"}
"""Fields that need the name of a key: label[team]."""


def parse_filter(text: str) -> Filter:
    """Read a filter. Raises UsageError that says where reading stopped and shows an example."""
    if len(text) > MAX_LENGTH:
        raise UsageError(
            f"the filter has {len(text):,} characters, at most {MAX_LENGTH:,} are read",
            parameter="filter",
        )
    if not is_storable(text):
        raise UsageError(
            "the filter holds a character that no database stores: NUL or half of a surrogate pair",
            do=f"Example: {EXAMPLE}",
            parameter="filter",
        )
    return _Reader(text).whole()


def is_storable(text: str) -> bool:
    """Tell whether text can be UTF-8 and stored: PostgreSQL takes no NUL, UTF-8 no surrogates."""
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)


class _Reader:
    """A recursive-descent reader over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.depth = 0

    def whole(self) -> Filter:
        found = self.either()
        if self.text[self.place :].strip():
            raise self.wrong("+, | or the end")
        return found

    def either(self) -> Filter:
        return self.joined("|", "any")

    def joined(self, mark: str, how: str) -> Filter:
        part = self.part if mark == "+" else lambda: self.joined("+", "all")
        parts = [part()]
        while self.take_mark(mark):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return Group("any" if how == "any" else "all", tuple(parts))

    def part(self) -> Filter:
        if not self.take_mark("("):
            return self.condition()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(f"at most {MAX_DEPTH} nested parentheses")
        inside = self.either()
        if not self.take_mark(")"):
            raise self.wrong(")")
        self.depth -= 1
        return inside

    def condition(self) -> Condition:
        match = _TOKEN.match(self.text, self.place)
        if match is None or match["field"] is None:
            raise self.wrong("a field and a comparison")
        field, key = match["field"].lower(), match["key"]
        if (field in KEYED) != (key is not None):
            raise self.wrong(
                f"{field}[NAME]"
                if field in KEYED
                else f"{field} without [...], as only label and tag have names"
            )
        self.place = match.end()
        values = [self.value()]
        while self.take_mark(","):
            values.append(self.value())
        return Condition(field, key, Op(match["op"]), tuple(values), negated=bool(match["not"]))

    def value(self) -> str:
        match = _TOKEN.match(self.text, self.place)
        if match is None or match["value"] is None:
            raise self.wrong("a value in double quotes")
        self.place = match.end()
        return re.sub(r'\\(["\\])', r"\1", match["value"][1:-1])

    def take_mark(self, mark: str) -> bool:
        match = _TOKEN.match(self.text, self.place)
        if match is None or match["mark"] != mark:
            return False
        self.place = match.end()
        return True

    def wrong(self, expected: str) -> UsageError:
        rest = self.text[self.place : self.place + 40].strip() or "the end"
        return UsageError(
            f"the filter is not understood at character {self.place + 1} ({rest}): "
            f"expected {expected}",
            do=f"Example: {EXAMPLE}; in a URL, + is written %2B",
            parameter="filter",
        )


def filter_text(filter_: Filter) -> str:
    """Write a filter as `parse_filter` reads it."""
    if isinstance(filter_, Condition):
        key = f"[{filter_.key}]" if filter_.key is not None else ""
        values = ",".join(_quoted(value) for value in filter_.values)
        return f"{filter_.field}{key}{'!' if filter_.negated else ''}{filter_.op}{values}"
    mark = "+" if filter_.how == "all" else "|"
    return mark.join(_part_text(part) for part in filter_.parts)


def _part_text(filter_: Filter) -> str:
    text = filter_text(filter_)
    return text if isinstance(filter_, Condition) else f"({text})"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
