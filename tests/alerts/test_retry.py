"""Tries are bounded, wait ever longer, and end at once where trying again cannot help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.http_errors import RETRYABLE_STATUS, TRANSPORT_ERRORS, answer_error, transport_error
from alerts.retry import attempt, back_off, within
from alerts.settings import AlertSettings
from spendwatt.clock import midnight
from spendwatt.errors import SendError

SECOND = timedelta(seconds=1)
SETTINGS = AlertSettings(attempts=4, first_wait=SECOND, longest_wait=10 * SECOND)


def failing(*errors: SendError) -> tuple[Callable[[], None], list[int]]:
    waiting, calls = list(errors), []

    def send() -> None:
        calls.append(1)
        if waiting:
            raise waiting.pop(0)

    return send, calls


def tried(send: Callable[[], None]) -> list[float]:
    slept: list[float] = []
    attempt(send, SETTINGS, sleep=slept.append, jitter=lambda: 1.0)
    return slept


def test_success_needs_no_wait() -> None:
    send, calls = failing()
    assert (tried(send), len(calls)) == ([], 1)


def test_waits_double() -> None:
    send, _ = failing(*[SendError("down", retryable=True)] * 3)
    assert tried(send) == [1.0, 2.0, 4.0]


def test_tries_are_bounded_and_the_last_error_is_told() -> None:
    errors = [SendError(f"down {number}", retryable=True) for number in range(9)]
    send, calls = failing(*errors)
    with pytest.raises(SendError, match="down 3"):
        tried(send)
    assert len(calls) == 4


def test_permanent_error_is_not_tried_again() -> None:
    send, calls = failing(SendError("gone"))
    with pytest.raises(SendError, match="gone"):
        tried(send)
    assert len(calls) == 1


def test_asked_wait_is_kept_where_it_is_short_and_ends_the_tries_where_it_is_long() -> None:
    send, _ = failing(SendError("slow", retryable=True, retry_after=9 * SECOND))
    assert tried(send) == [9.0]
    send, calls = failing(SendError("slow", retryable=True, retry_after=11 * SECOND))
    with pytest.raises(SendError):
        tried(send)
    assert len(calls) == 1


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_back_off_stays_within_half_and_whole_of_its_step(failures: int, chance: float) -> None:
    wait = back_off(failures, SECOND, timedelta(minutes=15), lambda: chance)
    full = min(2.0 ** min(failures, 60), 900)
    assert full / 2 <= wait.total_seconds() <= full


def test_error_of_a_send_in_time_is_its_own() -> None:
    send, _ = failing(SendError("gone"))
    with pytest.raises(SendError, match="gone"):
        within(SECOND, send)


def test_every_answer_but_success_is_permanent_or_retryable() -> None:
    for status in range(300, 600):
        err = answer_error("it", status, "", None, midnight(date(2026, 3, 1)))
        assert err.retryable is (status >= 500 or status in RETRYABLE_STATUS)


def test_every_transport_error_is_ours_and_quotes_nothing() -> None:
    for kind in TRANSPORT_ERRORS:
        made = kind() if kind is not UnicodeError else UnicodeError("https://secret")
        err = transport_error("Slack", made)
        assert err.what.startswith("Slack: ")
        assert "secret" not in str(err)
