"""Channels deliver a message. They know nothing of findings' lifecycle, nor of each other."""

from __future__ import annotations

CHANNELS: dict[str, str] = {
    "console": "alerts.channels.console:Console",
    "email": "alerts.channels.email:Email",
    "slack": "alerts.channels.slack:Slack",
}
"""Kind -> "module:Class". Each class has its own `Settings` model in its file."""

GROUP = "spendwatt.channels"
"""Entry points of this group add kinds of other packages."""
