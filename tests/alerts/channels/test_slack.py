"""Slack messages stay inside its limits and ping nobody; its answers are understood."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts import retry
from alerts.channels import CHANNELS, GROUP
from alerts.channels.slack import (
    BLOCK_LIMIT,
    HEADER_LIMIT,
    SECTION_LIMIT,
    TEXT_LIMIT,
    Slack,
    blocks,
    escape,
)
from alerts.message import Message
from alerts.settings import AlertSettings
from spendwatt import plugins
from spendwatt.errors import SendError
from spendwatt.records import Severity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def slack(url: str) -> Slack:
    return Slack(Slack.Settings.model_validate({"webhook_url": url}), now=lambda: NOON)


def refused(web_server: Any, message: Message) -> SendError:
    with pytest.raises(SendError) as raised:
        slack(web_server.url).send(message, key="k")
    assert "secret" not in str(raised.value)
    return raised.value


def test_message_arrives_in_blocks_with_its_key(web_server: Any, message: Message) -> None:
    slack(web_server.url).send(message, key="abc")
    (post,) = web_server.posts
    assert web_server.keys == ["abc"]
    assert [block["type"] for block in post["blocks"]] == [
        "header",
        "section",
        "section",
        "section",
        "context",
    ]
    assert post["blocks"][0]["text"]["text"] == "⚠️ Service a jumped"
    assert post["blocks"][3]["text"]["text"] == "*Do:* Ask who started it."
    assert post["blocks"][4]["elements"][0]["text"].endswith("/0123456789abcdef|more>")
    assert post["text"].startswith("Service a jumped\n\nTwo new machines.")


@pytest.mark.parametrize(
    ("status", "body", "retryable", "do"),
    [
        (404, "no_service", False, "revoked"),
        (410, "channel_is_archived", False, "Unarchive"),
        (403, "action_prohibited", False, "administrator"),
        (403, "invalid_token", False, "Copy"),
        (404, "", False, "make a new one"),
        (500, "rollup_error", True, None),
        (502, "<html>\nbad gateway", True, None),
        (529, "", True, None),
        (408, "", True, None),
    ],
)
def test_answer_is_permanent_or_retryable_and_says_what_to_do(
    web_server: Any, answer: Any, message: Message, status: int, body: str, retryable: bool, do: Any
) -> None:
    web_server.answer(answer(status, body))
    err = refused(web_server, message)
    assert err.retryable is retryable
    assert str(status) in err.what
    assert do is None or do in str(err)
    assert "\n" not in str(err)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("99999999999", 3600),
        ("soon", None),
    ],
)
def test_wait_that_slack_asks_for_is_read(
    web_server: Any, answer: Any, message: Message, header: str, seconds: int | None
) -> None:
    web_server.answer(answer(429, "rate_limited", {"Retry-After": header}))
    err = refused(web_server, message)
    assert err.retryable
    assert err.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_two_failures_then_success_arrive_after_waits_that_grow(
    web_server: Any, answer: Any, message: Message
) -> None:
    web_server.answer(answer(500), answer(429, "", {"Retry-After": "5"}), answer())
    slept: list[float] = []
    retry.attempt(
        lambda: slack(web_server.url).send(message, key="k"),
        AlertSettings(),
        sleep=slept.append,
        jitter=lambda: 0.0,
    )
    assert slept == [0.5, 5.0]
    assert web_server.keys == ["k"] * 3


def test_blocks_that_slack_refuses_are_sent_as_plain_text(
    web_server: Any, answer: Any, message: Message
) -> None:
    web_server.answer(answer(400, "invalid_blocks"), answer())
    slack(web_server.url).send(message, key="k")
    assert ["blocks" in post for post in web_server.posts] == [True, False]


def test_hanging_server_is_given_up_at_the_deadline(
    web_server: Any, answer: Any, message: Message
) -> None:
    web_server.answer(answer(hangs=True))
    with pytest.raises(SendError, match="no answer within 50ms") as raised:
        retry.within(
            timedelta(milliseconds=50), lambda: slack(web_server.url).send(message, key="k")
        )
    assert raised.value.retryable


def test_nobody_listening_is_retryable(message: Message) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(SendError, match="refused") as raised:
        slack(f"http://127.0.0.1:{port}/secret").send(message, key="k")
    assert raised.value.retryable
    assert "secret" not in str(raised.value)


def test_address_is_never_logged(
    web_server: Any, answer: Any, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    web_server.answer(answer(500))
    with caplog.at_level(logging.DEBUG):
        refused(web_server, message)
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("status", "body", "is_live"), [(400, "no_text", True), (404, "no_service", False)]
)
def test_check_posts_nothing_and_tells_a_live_webhook_from_a_dead_one(
    web_server: Any, answer: Any, status: int, body: str, is_live: bool
) -> None:
    web_server.answer(answer(status, body))
    if is_live:
        slack(web_server.url).check()
    else:
        with pytest.raises(SendError, match="no_service"):
            slack(web_server.url).check()
    assert web_server.posts == [{"text": ""}]


@pytest.mark.parametrize(
    "url", ["", "hooks.slack.com/x", "http://example.org/x", "ftp://x", "https://a b"]
)
def test_what_is_no_webhook_address_is_refused_unshown(url: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Slack.Settings.model_validate({"webhook_url": url})
    assert "hooks.slack.com" in str(raised.value.errors()[0]["msg"])


def test_hostile_names_ping_nobody(make_hostile: Callable[[str], Message]) -> None:
    for name in ("<!channel>", "<@U012>", "<!here|x>", "<https://evil.example|click>", "&lt;"):
        made = make_hostile(name)
        head, *rest = blocks(made)
        # Plain text is shown as it is: only mrkdwn knows mentions.
        assert head["text"] == {"type": "plain_text", "text": f"⚠️ {name}", "emoji": False}
        for text in (str(rest), escape(made.text, TEXT_LIMIT)):
            assert "<!" not in text
            assert "<@" not in text
            assert "<https://evil" not in text
        assert str(rest).count("'verbatim': True") == str(rest).count("mrkdwn")


@pytest.fixture
def make_hostile(message: Message) -> Callable[[str], Message]:
    return lambda name: replace(
        message, title=name, paragraphs=(name,), next_step=name, footer=name
    )


LONG = st.text(st.characters(categories=("L", "P", "S", "Zs")), max_size=200).map(lambda t: t * 60)


@settings(deadline=None, max_examples=60)
@given(LONG, st.lists(LONG, max_size=80), LONG)
def test_any_text_stays_inside_the_limits(title: str, body: list[str], step: str) -> None:
    made = Message(title, Severity.INFO, "first", tuple(body), step, title, None, "t")
    laid = blocks(made)
    assert len(laid) <= BLOCK_LIMIT
    assert len(laid[0]["text"]["text"]) <= HEADER_LIMIT
    for block in laid:
        if block["type"] == "section":
            assert len(block["text"]["text"]) <= SECTION_LIMIT
            assert not re.search(r"&(?!amp;|lt;|gt;)", block["text"]["text"])
    assert len(escape(made.text, TEXT_LIMIT)) <= TEXT_LIMIT


def test_every_kind_of_channel_can_be_loaded() -> None:
    for name in CHANNELS:
        kind = plugins.load(CHANNELS, GROUP, name)
        assert {"Settings", "send", "check"} <= set(dir(kind))
