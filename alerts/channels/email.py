"""Sends mail by SMTP, as text and HTML. The Message-ID is the idempotency key (RFC 5322, 3.6.4)."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Annotated, Literal, Self

import structlog
from pydantic import AfterValidator, Field, FilePath, model_validator

from alerts.message import Message
from alerts.smtp_errors import TRANSPORT_ERRORS, smtp_error
from alerts.templating import fill
from spendwatt import clock
from spendwatt.clock import Clock
from spendwatt.settings import Secret, SettingsModel

log = structlog.get_logger()

_TIMEOUT_SECONDS = 8
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_COLOURS = {"info": "#2b6cb0", "warning": "#c05621", "critical": "#c53030"}
_OVER_COLOUR = "#2f855a"


def _is_address(text: str) -> str:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError) as err:
        raise ValueError(f'"{text}" is not a mail address such as "ops@example.org"') from err
    if not address.domain:
        raise ValueError(f'"{text}" is not a mail address such as "ops@example.org"')
    return text


MailAddress = Annotated[str, AfterValidator(_is_address)]


class Email:
    """A mail server and the people that it reaches."""

    class Settings(SettingsModel):
        """Settings of the channel."""

        host: str = Field(min_length=1)
        """The mail server that takes outgoing mail."""
        sender: MailAddress
        """The address that mails come from."""
        recipients: tuple[MailAddress, ...] = Field(min_length=1)
        """The addresses that mails go to."""
        security: Literal["starttls", "tls", "none"] = "starttls"
        """`starttls` on port 587, `tls` on 465, `none` on 25."""
        port: int | None = Field(default=None, ge=1, le=65_535)
        """Where it is another than that of `security`."""
        username: str | None = None
        """Without one, nobody logs in."""
        password: Secret | None = None
        """Belongs to `username`."""
        ca_file: FilePath | None = None
        """Authorities to trust beside those of the machine, as PEM."""

        @model_validator(mode="after")
        def _login_is_whole_and_hidden(self) -> Self:
            if (self.username is None) != (self.password is None):
                raise ValueError("username and password belong together: give both or neither")
            if self.username is not None and self.security == "none":
                raise ValueError('a password needs security = "starttls" or "tls"')
            return self

    def __init__(self, settings: Settings, *, now: Clock = clock.now) -> None:
        self._settings = settings
        self._now = now
        self._server = f"mail server {settings.host}"

    def send(self, message: Message, *, key: str) -> None:
        """Send the mail. Raises SendError; where only some recipients are refused, logs them."""
        mail = self._mail(message, key)
        with self._session() as session:
            refused = session.send_message(mail)
        if refused:
            log.warning("recipients refused", server=self._settings.host, recipients=[*refused])

    def check(self) -> None:
        """Connect, secure and log in. Raises SendError."""
        with self._session() as session:
            session.noop()

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        try:
            session = self._connect()
            try:
                self._enter(session)
                yield session
                # The mail is taken already: a server that fails to say goodbye changes nothing.
                with suppress(*TRANSPORT_ERRORS):
                    session.quit()
            finally:
                session.close()
        except TRANSPORT_ERRORS as err:
            raise smtp_error(self._server, err) from err

    def _enter(self, session: smtplib.SMTP) -> None:
        settings = self._settings
        if settings.security == "starttls":
            session.starttls(context=self._trust())
        if settings.username is not None and settings.password is not None:
            session.login(settings.username, settings.password.get_secret_value())

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        port = settings.port or _PORTS[settings.security]
        # The default asks the name service for the full name, which can take longer than the mail.
        name = socket.gethostname()
        if settings.security != "tls":
            return smtplib.SMTP(settings.host, port, name, timeout=_TIMEOUT_SECONDS)
        return smtplib.SMTP_SSL(
            settings.host, port, name, timeout=_TIMEOUT_SECONDS, context=self._trust()
        )

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.ca_file is not None:
            context.load_verify_locations(self._settings.ca_file)
        return context

    def _mail(self, message: Message, key: str) -> EmailMessage:
        domain = Address(addr_spec=self._settings.sender).domain
        mail = EmailMessage()
        mail["Subject"] = message.title
        mail["From"] = Address("Spendwatt", addr_spec=self._settings.sender)
        mail["To"] = ", ".join(self._settings.recipients)
        mail["Date"] = format_datetime(self._now())
        mail["Message-ID"] = f"<{key}@{domain}>"
        # Mail programs show what refers to the same message as one conversation.
        mail["References"] = f"<{message.thread}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail.add_alternative(html(message), subtype="html")
        return mail


def html(message: Message) -> str:
    """Lay a message out in HTML, every text of it escaped."""
    is_over = message.reason == "all_resolved"
    colour = _OVER_COLOUR if is_over else _COLOURS[message.severity.value]
    return fill("email.html.j2", {"message": message, "colour": colour})
