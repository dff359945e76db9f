"""Tries again: a bounded number of times, ever later, never earlier than the receiver asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Thread

from alerts.settings import AlertSettings
from spendwatt.errors import SendError
from spendwatt.settings import duration_text

Sleep = Callable[[float], None]
"""Waits so many seconds."""
Jitter = Callable[[], float]
"""Gives a random number in [0, 1)."""

_MOST_DOUBLINGS = 30
_LONGEST_ASKED = timedelta(hours=1)  # a receiver that asks for more is not believed


def attempt(
    send: Callable[[], None], settings: AlertSettings, *, sleep: Sleep, jitter: Jitter
) -> None:
    """Call `send` until it succeeds, at most `settings.attempts` times, each with its deadline.

    Raises the last SendError; at once where trying again cannot help, or where the receiver asks
    for a longer wait than `settings.longest_wait`.
    """
    for failures in range(settings.attempts):
        try:
            within(settings.send_deadline, send)
        except SendError as err:
            asked = err.retry_after or timedelta(0)
            is_last = failures + 1 == settings.attempts
            if is_last or not err.retryable or asked > settings.longest_wait:
                raise
            wait = back_off(failures, settings.first_wait, settings.longest_wait, jitter)
            sleep(max(wait, asked).total_seconds())
        else:
            return


def back_off(failures: int, first: timedelta, longest: timedelta, jitter: Jitter) -> timedelta:
    """Give how long to wait after so many earlier failures: doubling, the upper half at random."""
    full = min(first * (1 << min(failures, _MOST_DOUBLINGS)), longest)
    return full * (0.5 + 0.5 * jitter())


def within(deadline: timedelta, send: Callable[[], None]) -> None:
    """Call `send`, but wait no longer than `deadline` for it. Raises SendError.

    A server that trickles its answer defeats the timeouts of sockets, so the call is left behind
    in its thread; should it succeed after all, the message arrives twice and not never.
    """
    failures: list[SendError] = []

    def call() -> None:
        try:
            send()
        except SendError as err:
            failures.append(err)
        finished.append(True)

    finished: list[bool] = []
    thread = Thread(target=call, name="send", daemon=True)
    thread.start()
    thread.join(deadline.total_seconds())
    if failures:
        raise failures[0]
    if thread.is_alive():
        raise SendError(f"no answer within {duration_text(deadline)}", retryable=True)
    if not finished:
        # Its stack is already printed; one broken channel must not keep the others from telling.
        raise SendError("the channel's own code broke down", do="Report it with its stack")


def read_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header, seconds or an HTTP date (RFC 9110, section 10.2.3)."""
    if text is None:
        return None
    try:
        if text.strip().isdecimal():
            asked = timedelta(seconds=int(text))
        else:
            moment = parsedate_to_datetime(text)
            asked = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
    return min(max(asked, timedelta(0)), _LONGEST_ASKED)
