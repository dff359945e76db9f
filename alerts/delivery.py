"""Works off what waits to be sent: claimed before, recorded after, so that nothing gets lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from alerts.channels import Channel
from alerts.message import Message
from alerts.retry import Jitter, Sleep, attempt, back_off
from alerts.settings import AlertSettings
from spendwatt.clock import Clock, rfc3339
from spendwatt.errors import SendError
from storage import notices
from storage.engine import Store
from storage.notices import Notice

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one channel took in one go, and why it took no more."""

    sent: int
    error: SendError | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """All that sending needs; the same for every channel."""

    store: Store
    settings: AlertSettings
    clock: Clock
    sleep: Sleep
    jitter: Jitter


def deliver(post: Post, channels: Mapping[str, Channel]) -> dict[str, Delivered]:
    """Send what waits, channel by channel; one that fails rests and keeps no other back."""
    return {name: _work_off(post, name, channel) for name, channel in channels.items()}


def _work_off(post: Post, name: str, channel: Channel) -> Delivered:
    sent = 0
    while (notice := _claim(post, name)) is not None:
        try:
            _send(post, channel, notice)
        except SendError as err:
            _rest(post, notice, err)
            return Delivered(sent, err)
        with post.store.write() as connection:
            notices.sent(connection, notice.id, post.clock())
        sent += 1
    return Delivered(sent)


def _claim(post: Post, name: str) -> Notice | None:
    now = post.clock()
    with post.store.read() as connection:
        if not notices.is_due(connection, name, now):
            return None
    with post.store.write() as connection:
        return notices.claim(connection, name, now, now + post.settings.lease)


def _send(post: Post, channel: Channel, notice: Notice) -> None:
    message = Message.from_json(notice.intent.message)
    attempt(
        lambda: channel.send(message, key=notice.intent.key),
        post.settings,
        sleep=post.sleep,
        jitter=post.jitter,
    )


def _rest(post: Post, notice: Notice, err: SendError) -> None:
    until = _next_try_at(post, notice, err)
    log.warning(
        "notice not sent",
        channel=notice.intent.channel,
        error=str(err),
        retryable=err.retryable,
        next_try_at=rfc3339(until),
    )
    with post.store.write() as connection:
        notices.failed(connection, notice.id, str(err), until)


def _next_try_at(post: Post, notice: Notice, err: SendError) -> datetime:
    now = post.clock()
    if not err.retryable:
        return now + post.settings.refused_rest
    rest = back_off(notice.tries, post.settings.rest, post.settings.longest_rest, post.jitter)
    return now + max(rest, err.retry_after or rest)
