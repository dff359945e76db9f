"""Says what a mail server's answer means for a message: try again, or never."""

from __future__ import annotations

import smtplib
import socket
import ssl

from spendwatt.errors import SendError

# By reply code (RFC 5321, section 4.2.3; RFC 4954): what to do, whether to try again. Codes that
# are not listed follow their first digit: 4 is for now, 5 is for good.
_CODES: dict[int, tuple[str | None, bool]] = {
    454: (None, True),
    530: ("Set the channel's username and password, or its security", False),
    534: ("Make a password for applications with the mail provider", False),
    535: ("Check the channel's username and password", False),
    538: ('Set the channel\'s security to "starttls" or "tls"', False),
    550: ("Check the channel's recipients", False),
    551: ("Check the channel's recipients", False),
    # "Permanent" by its digit, but a full mailbox is emptied sooner or later.
    552: ("Empty the recipient's mailbox", True),
    553: ("Check the channel's sender and recipients", False),
    554: ("Ask the mail server's administrator why", False),
}

# The first class that fits counts: what it means, what to do, whether to try again.
_TRANSPORT: tuple[tuple[type[BaseException], str, str | None, bool], ...] = (
    (
        ssl.SSLCertVerificationError,
        "its TLS certificate is not trusted",
        "Check the host's name, or give the certificate's authority as ca_file",
        False,
    ),
    (ssl.SSLError, "the TLS connection failed", "Check the channel's port and security", True),
    (
        smtplib.SMTPNotSupportedError,
        "it does not offer what the settings ask for",
        "Check the channel's security and whether the server takes passwords",
        False,
    ),
    (smtplib.SMTPServerDisconnected, "the connection broke off", None, True),
    (TimeoutError, "it did not answer in time", None, True),
    (socket.gaierror, "its name cannot be resolved", "Check the channel's host", True),
    (ConnectionError, "the connection was refused or broke off", None, True),
    (
        UnicodeError,
        "it cannot be given the username or password",
        "Use ASCII characters in both",
        False,
    ),
    (smtplib.SMTPException, "it did not answer as a mail server does", None, True),
    (OSError, "it cannot be reached", "Check the network and the channel's host", True),
)
TRANSPORT_ERRORS = tuple(kind for kind, *_ in _TRANSPORT)
"""What smtplib and the sockets under it may raise."""


def smtp_error(server: str, err: BaseException) -> SendError:
    """Make the error of a message that a mail server did not take."""
    if isinstance(err, smtplib.SMTPRecipientsRefused):
        return _recipients_refused(server, err.recipients)
    if isinstance(err, smtplib.SMTPResponseException) and err.smtp_code >= 400:
        return _answer(server, err.smtp_code, err.smtp_error)
    for kind, meaning, do, retryable in _TRANSPORT:
        if isinstance(err, kind):
            return SendError(f"{server}: {meaning}", do=do, retryable=retryable)
    return SendError(f"{server}: it cannot be reached", retryable=True)


def _recipients_refused(server: str, refused: dict[str, tuple[int, bytes]]) -> SendError:
    # One that may be taken later is reason enough to try again.
    answers = [_answer(server, code, text) for code, text in refused.values()]
    return next((answer for answer in answers if answer.retryable), answers[0])


def _answer(server: str, code: int, text: bytes | str) -> SendError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    do, retryable = _CODES.get(code, (None, code < 500))
    return SendError(
        f"{server} answered {code} ({' '.join(said[:120].split())})", do=do, retryable=retryable
    )
