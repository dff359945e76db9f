"""What the daemon writes: one event per line, and never a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from service.config.sections import LoggingSettings
from service.logs import configure, without_secrets


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Put logging back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_elsewhere_than_on_a_terminal_an_event_is_a_line_of_json() -> None:
    stream = io.StringIO()
    configure(LoggingSettings(), stream)
    structlog.get_logger().info("job done", job="collect:aws", rows=3)
    (line,) = lines(stream)
    assert (line["event"], line["job"], line["rows"], line["level"]) == (
        "job done",
        "collect:aws",
        3,
        "info",
    )
    assert line["timestamp"].endswith("Z")


def test_for_people_facts_are_keys() -> None:
    stream = io.StringIO()
    configure(LoggingSettings(format="console"), stream)
    structlog.get_logger().info("job done", job="analyze")
    assert 'event="job done" job=analyze' in stream.getvalue()


def test_libraries_write_in_the_same_form() -> None:
    stream = io.StringIO()
    configure(LoggingSettings(), stream)
    logging.getLogger("some.library").warning("slow %s", "answer")
    logging.getLogger("httpx").info("GET /")
    (line,) = lines(stream)
    assert (line["event"], line["level"]) == ("slow answer", "warning")


def test_the_level_is_obeyed() -> None:
    stream = io.StringIO()
    configure(LoggingSettings(level="error"), stream)
    structlog.get_logger().warning("a")
    structlog.get_logger().error("b")
    assert [line["event"] for line in lines(stream)] == ["b"]


def test_a_failure_carries_its_stack_in_one_line() -> None:
    stream = io.StringIO()
    configure(LoggingSettings(), stream)
    try:
        int("bad")
    except ValueError:
        structlog.get_logger().exception("job broke", job="x")
    (line,) = lines(stream)
    assert "ValueError: invalid literal" in line["exception"]


@pytest.mark.parametrize("key", ["password", "api_key", "Authorization", "webhook_url", "token"])
def test_a_secret_by_its_key_is_not_written(key: str) -> None:
    stream = io.StringIO()
    configure(LoggingSettings(), stream)
    structlog.get_logger().info("asking", **{key: "hunter2"})
    assert "hunter2" not in stream.getvalue()


def test_a_secret_in_a_message_is_not_written() -> None:
    stream = io.StringIO()
    configure(LoggingSettings(), stream)
    logging.getLogger("library").warning("no answer from %s", "postgresql://me:hunter2@db/x")
    structlog.get_logger().warning(
        "not sent", error="https://hooks.slack.com/services/T0/B0/hunter2 said 404"
    )
    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0]["event"] == "no answer from postgresql://***@db/x"


def test_addresses_without_secrets_stay_as_they_are() -> None:
    text = "https://example.org/a:b@c, mail to me@example.org"
    assert without_secrets(text) == text
