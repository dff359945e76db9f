"""Prints messages as Slack would show them: for trying things out, and for the demo."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import TextIO

from pydantic import Field

from alerts.message import Message
from spendwatt.settings import SettingsModel

_BAR = "┃ "


class Console:
    """Writes to a stream, by default the process's standard output."""

    class Settings(SettingsModel):
        """Settings of the channel."""

        width: int = Field(default=100, ge=20, le=1_000)
        """Characters per line."""

    def __init__(self, settings: Settings, *, stream: TextIO | None = None) -> None:
        self._settings = settings
        self._stream = stream

    def send(self, message: Message, *, key: str) -> None:
        """Print the message."""
        del key  # what stands on a terminal twice harms nobody
        stream = self._stream or sys.stdout
        stream.write("".join(f"{line}\n" for line in layout(message, self._settings.width)))
        stream.flush()

    def check(self) -> None:
        """Find nothing wrong: a stream is always there."""


def layout(message: Message, width: int) -> Iterator[str]:
    """Lay a message out in lines, none longer than `width`, and an empty one after it."""
    parts = [message.title, *message.paragraphs]
    if message.next_step:
        parts.append(f"Do: {message.next_step}")
    parts.append(message.footer)
    for part in parts:
        for line in part.splitlines():
            yield from _wrapped(line, width)
    if message.link is not None:
        yield _BAR + message.link
    yield ""


def _wrapped(line: str, width: int) -> Iterator[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    room = width - len(_BAR)
    for piece in textwrap.wrap(line, room, subsequent_indent=indent, break_on_hyphens=False):
        yield _BAR + piece
