"""Channels deliver a message. They know nothing of findings' lifecycle, nor of each other."""

from __future__ import annotations

from typing import Protocol

from alerts.message import Message

CHANNELS: dict[str, str] = {
    "console": "alerts.channels.console:Console",
    "email": "alerts.channels.email:Email",
    "slack": "alerts.channels.slack:Slack",
    "webhook": "alerts.channels.webhook:Webhook",
}
"""Kind -> "module:Class". Each class has its own `Settings` model in its file."""

GROUP = "spendwatt.channels"
"""Entry points of this group add kinds of other packages."""


class Channel(Protocol):
    """Delivers messages to one place. Made with its own Settings; tries once, never waits long."""

    def send(self, message: Message, *, key: str) -> None:
        """Deliver a message. `key` is the same when the same message is sent again.

        Raises SendError, which says whether trying again can help.
        """

    def check(self) -> None:
        """Find out whether messages would arrive, without sending one. Raises SendError."""
