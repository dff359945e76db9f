"""Mail arrives over TLS, as text and HTML, once by its Message-ID; refusals are understood."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
from dataclasses import replace
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from pydantic import ValidationError

from alerts.channels.email import Email, html
from alerts.message import Message
from alerts.retry import within
from alerts.smtp_errors import TRANSPORT_ERRORS, smtp_error
from spendwatt.errors import SendError

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def email(port: int, /, **changes: Any) -> Email:
    values = {
        "host": "127.0.0.1",
        "sender": "spendwatt@example.org",
        "recipients": ["ops@example.org"],
        "security": "none",
    }
    settings = Email.Settings.model_validate(values | {"port": port} | changes)
    return Email(settings, now=lambda: NOON)


def login(server: Any, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
    is_right = (auth.login, auth.password) == (b"spendwatt", b"right")
    return AuthResult(success=is_right, handled=False)


def test_mail_arrives_as_text_and_html_with_its_key(serve: Any, message: Message) -> None:
    mailbox, port = serve()
    email(port).send(message, key="abc")
    (mail,) = mailbox.mails
    assert mail["Message-ID"] == "<abc@example.org>"
    assert mail["References"] == "<fedcba9876543210@example.org>"
    assert mail["Subject"] == "Service a jumped"
    assert mail["From"] == "Spendwatt <spendwatt@example.org>"
    assert mail["To"] == "ops@example.org"
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "Do: Ask who started it." in text.get_content()
    assert "<h1" in page.get_content()


def test_mail_goes_over_starttls_with_a_login(
    serve: Any, certificate: Any, message: Message
) -> None:
    mailbox, port = serve(
        tls_context=certificate.context(),
        require_starttls=True,
        authenticator=login,
        auth_required=True,
    )
    secure = {"security": "starttls", "ca_file": certificate.certificate}
    channel = email(port, username="spendwatt", password="right", **secure)
    channel.check()
    channel.send(message, key="abc")
    assert mailbox.recipients == ["ops@example.org"]

    with pytest.raises(SendError, match="535") as raised:
        email(port, username="spendwatt", password="wrong", **secure).send(message, key="k")
    assert not raised.value.retryable
    assert "username and password" in str(raised.value)
    assert "wrong" not in str(raised.value)

    with pytest.raises(SendError, match="530") as raised:
        email(port).send(message, key="k")
    assert not raised.value.retryable


def test_mail_goes_over_tls_from_the_first_byte(
    serve: Any, certificate: Any, message: Message
) -> None:
    mailbox, port = serve(tls=certificate.context())
    email(port, security="tls", ca_file=certificate.certificate).send(message, key="abc")
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_untrusted_certificate_is_a_permanent_refusal(
    serve: Any, certificate: Any, message: Message, security: str
) -> None:
    context = certificate.context()
    mailbox, port = serve(tls=context) if security == "tls" else serve(tls_context=context)
    with pytest.raises(SendError, match="not trusted") as raised:
        email(port, security=security).send(message, key="abc")
    assert not raised.value.retryable
    assert "ca_file" in str(raised.value)
    assert mailbox.mails == []


def test_server_without_tls_gets_no_mail_in_the_clear(serve: Any, message: Message) -> None:
    mailbox, port = serve()
    with pytest.raises(SendError, match="does not offer") as raised:
        email(port, security="starttls").send(message, key="abc")
    assert not raised.value.retryable
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("answer", "retryable"),
    [
        ("550 5.1.1 no such user", False),
        ("450 4.2.1 greylisted", True),
        ("552 5.2.2 mailbox full", True),
        ("452 4.2.2 mailbox full", True),
        ("554 5.7.1 spam", False),
    ],
)
def test_refused_recipient_is_permanent_or_retryable(
    serve: Any, message: Message, answer: str, retryable: bool
) -> None:
    mailbox, port = serve()
    mailbox.answers["ops@example.org"] = answer
    with pytest.raises(SendError, match=answer[:3]) as raised:
        email(port).send(message, key="abc")
    assert raised.value.retryable is retryable


def test_one_refused_recipient_keeps_no_other_back(serve: Any, message: Message) -> None:
    mailbox, port = serve()
    mailbox.answers["gone@example.org"] = "550 no such user"
    both = ["gone@example.org", "ops@example.org"]
    email(port, recipients=both).send(message, key="abc")
    assert mailbox.recipients == ["ops@example.org"]


@pytest.mark.parametrize(("answer", "retryable"), [("451 later", True), ("554 never", False)])
def test_refused_content_is_permanent_or_retryable(
    serve: Any, message: Message, answer: str, retryable: bool
) -> None:
    mailbox, port = serve()
    mailbox.to_data = answer
    with pytest.raises(SendError, match=answer[:3]) as raised:
        email(port).send(message, key="abc")
    assert raised.value.retryable is retryable


def test_nobody_listening_is_retryable(serve: Any, message: Message) -> None:
    with pytest.raises(SendError, match="refused or broke off") as raised:
        email(1).send(message, key="abc")
    assert raised.value.retryable


def test_hanging_server_is_given_up_at_the_deadline(message: Message) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = email(silent.getsockname()[1])
        with pytest.raises(SendError, match="no answer within 50ms") as raised:
            within(dt.timedelta(milliseconds=50), lambda: channel.send(message, key="abc"))
    assert raised.value.retryable


def test_hostile_title_makes_no_header_and_hostile_text_no_markup(
    serve: Any, message: Message
) -> None:
    mailbox, port = serve()
    name = '<script>alert(1)</script> & "x" ünï 漢字'
    hostile = replace(message, title=name, paragraphs=(name,), next_step=name)
    email(port).send(hostile, key="abc")
    (mail,) = mailbox.mails
    assert mail["Subject"] == name
    page = html(hostile)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_every_error_of_smtplib_has_its_meaning() -> None:
    kinds = [kind for kind in vars(smtplib).values() if _is_error(kind)]
    assert len(kinds) > 8
    for kind in kinds:
        assert issubclass(kind, TRANSPORT_ERRORS)
    err = smtp_error("mail server x", smtplib.SMTPAuthenticationError(454, b"4.7.0 later"))
    assert err.retryable


def _is_error(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, smtplib.SMTPException)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recipients": []}, "at least 1"),
        ({"recipients": ["ops"]}, "not a mail address"),
        ({"recipients": ["a@b.c\r\nBcc: x@y.z"]}, "not a mail address"),
        ({"username": "x"}, "belong together"),
        ({"username": "x", "password": "y"}, "needs security"),
        ({"security": "ssl"}, "starttls"),
        ({"port": 0}, "greater"),
    ],
)
def test_senseless_settings_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        email(25, **changes)
