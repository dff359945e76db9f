"""Posts to Slack by an incoming webhook, in Block Kit, inside its documented limits.

Limits: docs.slack.dev/reference/block-kit/blocks (header 150, section text 3,000, 50 blocks).
Incoming webhooks know no idempotency key: a message that was under way when the process died may
appear twice. The key is sent as a header for relays that do.
"""

from __future__ import annotations

import logging
import re
import ssl
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, field_validator

from alerts.addresses import is_postable
from alerts.http_errors import TRANSPORT_ERRORS, answer_error, transport_error
from alerts.message import Message
from alerts.text import cut
from spendwatt import clock
from spendwatt.clock import Clock
from spendwatt.settings import Secret, SettingsModel

if TYPE_CHECKING:
    from slack_sdk.webhook import WebhookResponse

HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
BLOCK_LIMIT = 50
TEXT_LIMIT = 4_000

_TIMEOUT_SECONDS = 8
_FIXED_BLOCKS = 3  # header, next step, footer
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HALF_ESCAPE = re.compile(r"&[a-z]{0,3}$")
_ICON = {"info": "ℹ️", "warning": "⚠️", "critical": "🚨"}  # noqa: RUF001  the sign, not the letter
_OVER_ICON = "✅"

# By the text that Slack answers: docs.slack.dev, "Handling errors" of incoming webhooks.
_DO = {
    "no_service": "The webhook was revoked: make a new one in the Slack app's settings",
    "no_team": "The Slack workspace is gone: make a webhook in another",
    "team_disabled": "The Slack workspace is disabled: make a webhook in another",
    "invalid_token": "Copy the webhook's address again: it is not one of Slack's",
    "channel_not_found": "The Slack channel is gone: make a webhook for another",
    "channel_is_archived": "Unarchive the Slack channel, or make a webhook for another",
    "action_prohibited": "An administrator of the workspace forbids this post: ask them",
    "posting_to_general_channel_denied": "Make a webhook for another channel than #general",
}
_BLOCKS_REFUSED = {"invalid_blocks", "invalid_blocks_format", "invalid_payload"}
_NO_TEXT = "no_text"


class Slack:
    """One incoming webhook, and so one channel of one workspace."""

    class Settings(SettingsModel):
        """Settings of the channel."""

        webhook_url: Secret
        """The incoming webhook's address, `https://hooks.slack.com/services/...`."""

        @field_validator("webhook_url")
        @classmethod
        def _is_address(cls, url: SecretStr) -> SecretStr:
            if not is_postable(url.get_secret_value()):
                raise ValueError(
                    'write the address that Slack shows: "https://hooks.slack.com/..."'
                )
            return url

    def __init__(self, settings: Settings, *, now: Clock = clock.now) -> None:
        self._settings = settings
        self._now = now

    def send(self, message: Message, *, key: str) -> None:
        """Post the message, as plain text where Slack refuses its blocks. Raises SendError."""
        plain = {"text": escape(message.text, TEXT_LIMIT)}
        answer = self._post(plain | {"blocks": blocks(message)}, key)
        if answer.body.strip() in _BLOCKS_REFUSED:
            answer = self._post(plain, key)
        self._require_taken(answer)

    def check(self) -> None:
        """Post nothing: a live webhook answers that the text is missing. Raises SendError."""
        answer = self._post({"text": ""}, "check")
        if answer.body.strip() != _NO_TEXT:
            self._require_taken(answer)

    def _post(self, body: dict[str, Any], key: str) -> WebhookResponse:
        from slack_sdk.webhook import WebhookClient

        client = WebhookClient(
            self._settings.webhook_url.get_secret_value(),
            timeout=_TIMEOUT_SECONDS,
            ssl=ssl.create_default_context(),
            # The address is the secret, and the client would log it: this logger leads nowhere.
            logger=logging.Logger("slack", level=logging.CRITICAL + 1),  # noqa: LOG001
            # Trying again is the pipeline's.
            retry_handlers=[],
        )
        try:
            return client.send_dict(body, headers={"Idempotency-Key": key})
        except TRANSPORT_ERRORS as err:
            raise transport_error("Slack", err) from err

    def _require_taken(self, answer: WebhookResponse) -> None:
        if 200 <= answer.status_code < 300:
            return
        asked = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after")
        err = answer_error("Slack", answer.status_code, answer.body, asked, self._now())
        err.do = _DO.get(answer.body.strip(), err.do)
        raise err


def blocks(message: Message) -> list[dict[str, Any]]:
    """Lay a message out in blocks. Nothing in it can ping anybody or break the markup."""
    icon = _OVER_ICON if message.reason == "all_resolved" else _ICON[message.severity.value]
    title = cut(f"{icon} {message.title}", HEADER_LIMIT)
    head = {"type": "plain_text", "text": title, "emoji": False}
    body = [_section(text) for text in message.paragraphs[: BLOCK_LIMIT - _FIXED_BLOCKS]]
    if message.next_step:
        body.append(_section(message.next_step, before="*Do:* "))
    return [{"type": "header", "text": head}, *body, _footer(message)]


def escape(text: str, limit: int) -> str:
    """Escape what Slack reads as markup or mention, then cut, but never inside an escape."""
    escaped = re.sub("[&<>]", lambda found: _ESCAPES[found[0]], text)
    if len(escaped) <= limit:
        return escaped
    return _HALF_ESCAPE.sub("", escaped[: limit - 1]).rstrip() + "…"


def _section(text: str, *, before: str = "") -> dict[str, Any]:
    shown = before + escape(text, SECTION_LIMIT - len(before))
    return {"type": "section", "text": _mrkdwn(shown)}


def _footer(message: Message) -> dict[str, Any]:
    text = escape(message.footer, 1_000)
    if message.link is not None:
        text = f"{text} · <{escape(message.link, 1_000)}|more>"
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _mrkdwn(text: str) -> dict[str, Any]:
    # Verbatim: Slack makes no links, channels or mentions out of plain words.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
