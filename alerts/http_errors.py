"""Says what an HTTP answer means for a message: taken, try again, or never."""

from __future__ import annotations

import http.client
import ssl
from datetime import datetime
from urllib.error import URLError

from alerts.retry import read_retry_after
from spendwatt.errors import SendError

RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may succeed; RFC 9110 and RFC 6585."""

_DO: dict[int, str] = {
    400: "Report it: the receiver does not understand what we wrote",
    401: "Check the channel's credentials",
    403: "The webhook was disabled or may not post there: make a new one",
    404: "The webhook does not exist any more: make a new one",
    410: "The webhook's place is gone: make a new one",
    413: "Report it: the message is too long for the receiver",
}

# The first class that fits counts: what it means, what to do, whether to try again.
_TRANSPORT: tuple[tuple[type[BaseException], str, str | None, bool], ...] = (
    (
        ssl.SSLCertVerificationError,
        "its TLS certificate is not trusted",
        "Check the address, or add the certificate's authority to this machine",
        False,
    ),
    (ssl.SSLError, "the TLS connection failed", None, True),
    (TimeoutError, "it did not answer in time", None, True),
    (ConnectionError, "the connection was refused or broke off", None, True),
    (http.client.HTTPException, "it did not answer in HTTP", None, True),
    (OSError, "it cannot be reached", "Check the network and the address", True),
    (UnicodeError, "its answer is not text", None, True),
    (LookupError, "its answer is not text", None, True),
)
TRANSPORT_ERRORS = tuple(kind for kind, *_ in _TRANSPORT)
"""What may be raised while a request is sent."""


def answer_error(
    receiver: str, status: int, body: str, retry_after: str | None, now: datetime
) -> SendError:
    """Make the error of an answer other than success; quotes the beginning of its body."""
    said = " ".join(body[:80].split())
    return SendError(
        f"{receiver} answered {status}" + (f" ({said})" if said else ""),
        do=_DO.get(status),
        retryable=status in RETRYABLE_STATUS or status >= 500,
        retry_after=read_retry_after(retry_after, now),
    )


def transport_error(receiver: str, err: BaseException) -> SendError:
    """Make the error of a request without an answer; never quotes `err`, which may hold a URL."""
    cause = err.reason if isinstance(err, URLError) else err
    for kind, meaning, do, retryable in _TRANSPORT:
        if isinstance(cause, kind):
            return SendError(f"{receiver}: {meaning}", do=do, retryable=retryable)
    return SendError(f"{receiver}: it cannot be reached", retryable=True)
