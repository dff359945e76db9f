"""What a channel delivers: one rendered message, the same at every try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spendwatt.records import Severity


@dataclass(frozen=True, slots=True)
class Message:
    """A text in parts. All of it is plain and free of control characters, but not escaped."""

    title: str
    """One line, at most 150 characters."""
    severity: Severity
    reason: str
    """Why it is told: `first`, `worse`, `all_resolved`, ..."""
    paragraphs: tuple[str, ...]
    """The body; a paragraph may hold line breaks."""
    next_step: str | None
    """What to do; None where nothing is to be done."""
    footer: str
    """Kind, severity and the command that shows more."""
    link: str | None
    """A page with more."""
    thread: str
    """Equal for all messages about the same thing."""

    @property
    def text(self) -> str:
        """Give all of it as plain text."""
        parts = [self.title, *self.paragraphs]
        if self.next_step:
            parts.append(f"Do: {self.next_step}")
        parts.append(self.footer if self.link is None else f"{self.footer}\n{self.link}")
        return "\n\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Give what `from_json` reads."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Message:
        """Make the message again from what was stored."""
        return Message(
            title=values["title"],
            severity=Severity(values["severity"]),
            reason=values["reason"],
            paragraphs=tuple(values["paragraphs"]),
            next_step=values["next_step"],
            footer=values["footer"],
            link=values["link"],
            thread=values["thread"],
        )
