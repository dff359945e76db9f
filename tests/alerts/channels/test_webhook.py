"""Signed webhooks can be verified by the specification alone; answers are understood."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.channels.webhook import Webhook
from alerts.message import Message
from spendwatt.errors import SendError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def webhook(url: str, secret: str = SECRET) -> Webhook:
    values = {"url": url, "signing_secret": secret}
    return Webhook(Webhook.Settings.model_validate(values), now=lambda: NOON)


def test_message_arrives_signed(web_server: Any, message: Message) -> None:
    webhook(web_server.url).send(message, key="abc")
    (post,), (headers,), (body,) = web_server.posts, web_server.headers, web_server.bodies
    assert post["type"] == "spendwatt.message"
    assert post["data"]["title"] == message.title
    assert post["data"]["text"] == message.text
    assert headers["webhook-id"] == "abc"
    signed = b".".join([b"abc", headers["webhook-timestamp"].encode(), body])
    digest = hmac.digest(KEY, signed, hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert int(headers["webhook-timestamp"]) == NOON.timestamp()


@pytest.mark.parametrize(
    ("status", "retryable"), [(302, False), (404, False), (410, False), (429, True), (503, True)]
)
def test_answer_is_permanent_or_retryable(
    web_server: Any, answer: Any, message: Message, status: int, retryable: bool
) -> None:
    headers = {"Retry-After": "9", "Location": web_server.url}
    web_server.answer(answer(status, "no\nthanks", headers))
    with pytest.raises(SendError, match=f"{status} .no thanks") as raised:
        webhook(web_server.url).send(message, key="abc")
    assert raised.value.retryable is retryable
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 9
    assert len(web_server.posts) == 1
    assert "secret" not in str(raised.value)


def test_nobody_listening_is_retryable(message: Message) -> None:
    with pytest.raises(SendError, match="refused") as raised:
        webhook("http://127.0.0.1:1/secret").send(message, key="abc")
    assert raised.value.retryable


def test_check_posts_an_event_of_its_own(web_server: Any) -> None:
    webhook(web_server.url).check()
    assert web_server.posts == [{"type": "spendwatt.check", "data": {}}]


@pytest.mark.parametrize(
    ("url", "secret", "says"),
    [
        ("http://example.org/x", SECRET, "https://"),
        ("https://example.org/x", "whsec_short", "openssl rand"),
        ("https://example.org/x", "not base64 at all, whatever its length is", "openssl rand"),
    ],
)
def test_senseless_settings_are_refused(url: str, secret: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        webhook(url, secret)
