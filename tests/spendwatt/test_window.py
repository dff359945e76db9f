"""Windows: what users write becomes one half-open span, or an error that says what is allowed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spendwatt.clock import midnight
from spendwatt.errors import UsageError
from spendwatt.window import EARLIEST, LATEST, Window, parse_window

NOW = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)  # a Sunday, the first of a month

moments = st.datetimes(
    min_value=EARLIEST.replace(tzinfo=None),
    max_value=LATEST.replace(tzinfo=None),
    timezones=st.just(UTC),
)
spans = st.builds("{}{}".format, st.integers(1, 900), st.sampled_from("mhdw"))


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", "2026-03-01", "2026-03-02"),
        ("yesterday", "2026-02-28", "2026-03-01"),
        ("week", "2026-02-23", "2026-03-02"),
        ("lastweek", "2026-02-16", "2026-02-23"),
        ("month", "2026-03-01", "2026-04-01"),
        ("lastmonth", "2026-02-01", "2026-03-01"),
        ("7d", "2026-02-23", "2026-03-02"),
        ("2w", "2026-02-16", "2026-03-02"),
        ("24h", "2026-02-28T12:34", "2026-03-01T12:34"),
        ("90m", "2026-03-01T11:04", "2026-03-01T12:34"),
        ("7d offset 1d", "2026-02-22", "2026-03-01"),
        ("month offset 1d", "2026-02-28", "2026-03-31"),
        ("2026-02-01,2026-02-03", "2026-02-01", "2026-02-03"),
        ("2026-02-01T00:00:00+01:00,2026-02-03", "2026-01-31T23:00", "2026-02-03"),
        (" 2026-02-01 , 2026-02-03 ", "2026-02-01", "2026-02-03"),
    ],
)
def test_a_window_means_what_opencost_users_expect(text: str, start: str, end: str) -> None:
    expected = (
        datetime.fromisoformat(start).replace(tzinfo=UTC),
        datetime.fromisoformat(end).replace(tzinfo=UTC),
    )
    window = parse_window(text, NOW)
    assert (window.start, window.end) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ",", "0d", "-1d", "7", "d", "7 d", "7d offset", "7d offset x", "offset 1d"),
        *("2026-02-01", "2026-02-01,", "2026-02-03,2026-02-01", "2026-02-01,2026-02-01"),
        *("2026-02-01,2026-02-02,2026-02-03", "2026-13-01,2026-14-01", "99999w", "TODAY"),
        *(
            "0001-01-01,9999-12-31",
            "2026-01-01,2300-01-01",
            "\N{ARABIC-INDIC DIGIT SEVEN}d",
            "7d offset 99999w",
        ),
    ],
)
def test_anything_else_is_refused_by_the_name_of_the_parameter(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_window(text, NOW)
    assert caught.value.parameter == "window"


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_raises_anything_but_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        window = parse_window(text, NOW)
        assert EARLIEST <= window.start < window.end <= LATEST


@settings(deadline=None)
@given(moments, moments)
def test_a_window_reads_back_from_its_own_text(start: datetime, end: datetime) -> None:
    assume(start < end)
    window = Window(start, end)
    assert parse_window(str(window), NOW) == window


@settings(deadline=None)
@given(moments, moments)
def test_days_cover_the_window_and_no_day_more(start: datetime, end: datetime) -> None:
    assume(start < end)
    window = Window(start, end)
    assert midnight(window.start_day) <= start < midnight(window.start_day) + timedelta(days=1)
    assert midnight(window.end_day) - timedelta(days=1) < end <= midnight(window.end_day)


@settings(deadline=None)
@given(spans, spans, st.timedeltas(timedelta(0), timedelta(days=20_000)))
def test_an_offset_moves_a_span_and_keeps_its_length(
    span: str, offset: str, later: timedelta
) -> None:
    moment = NOW + later
    plain, moved = parse_window(span, moment), parse_window(f"{span} offset {offset}", moment)
    assert moved.end - moved.start == plain.end - plain.start
    assert moved.end < plain.end
