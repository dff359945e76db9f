"""Logs: one event per line on stderr, facts as keys, for people on a terminal, else as JSON."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from service.config.sections import LoggingSettings

_SECRET_KEY = re.compile(r"password|secret|token|authorization|webhook|api_key", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
# Paths of incoming webhooks are secrets themselves.
_WEBHOOK = re.compile(r"(https://hooks\.[^/\s]+/)\S+")
_HIDDEN = "***"

# These tell each request or each wake-up at info: our own lines say what matters.
_QUIET = ("apscheduler", "uvicorn", "httpx", "alembic", "botocore", "urllib3")


def configure(settings: LoggingSettings, stream: TextIO | None = None) -> None:
    """Send our events and the libraries' logs to stderr in one form."""
    out = stream or sys.stderr
    people = settings.format == "console" or (settings.format == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared[:3], structlog.stdlib.ExtraAdder(), *shared[3:]],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(people)],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def quiet() -> None:
    """Leave only what broke, on stderr: a command tells the rest in its own words."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _without_secrets,
            structlog.processors.LogfmtRenderer(key_order=["level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _renderer(people: bool) -> Processor:
    if not people:
        return structlog.processors.JSONRenderer(sort_keys=True, default=str)
    return structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])


def _without_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = _HIDDEN
        elif isinstance(value, str):
            event[key] = without_secrets(value)
    return event


def without_secrets(text: str) -> str:
    """Give a text without passwords in addresses and without webhook addresses."""
    return _WEBHOOK.sub(rf"\1{_HIDDEN}", _IN_URL.sub(_HIDDEN, text))
