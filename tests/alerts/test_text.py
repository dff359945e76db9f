"""Foreign text is made safe to show, and cut."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.text import cut, one_line, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("  a \t b\nc ", "a b c"),
        ("a\u202eb\u200bc", "abc"),
        ("\x1b[31mred", "[31mred"),
        ("naïve 漢字 🚨", "naïve 漢字 🚨"),
        ("", ""),
    ],
)
def test_line_holds_only_what_is_seen(text: str, expected: str) -> None:
    assert one_line(text, 100) == expected


def test_breaks_stay_and_empty_lines_become_one() -> None:
    assert shown("a\n\n\n\nb\r\nc\n\n", 100) == "a\n\nb\nc"


def test_cut_text_says_that_something_is_missing() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"


@given(st.text(), st.integers(1, 50))
def test_nothing_unseen_or_too_long_is_left(text: str, limit: int) -> None:
    for made in (one_line(text, limit), shown(text, limit)):
        assert len(made) <= limit
        unseen = {unicodedata.category(character) for character in made.replace("\n", "")}
        assert not unseen & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert "\n" not in one_line(text, limit)
