"""What every route may use: the store, what the user owns, the clock, the limits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from spendwatt.clock import Clock
from spendwatt.estate import Estate
from storage.engine import Store


class ApiSettings(BaseModel):
    """Bounds on what a caller may send, so that no request can exhaust the server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_url_bytes: int = Field(16_384, ge=1_024, le=32_768)
    """Path and query together, as sent."""
    max_body_bytes: int = Field(1_048_576, ge=1_024)
    retry_after_seconds: int = Field(5, ge=1)
    """What callers are told to wait while the database is away."""


@dataclass(frozen=True, slots=True)
class Context:
    """One per application, made by `create_app`."""

    store: Store
    estate: Estate
    settings: ApiSettings
    clock: Clock
    noting: threading.Lock = field(default_factory=threading.Lock)
    """Held while the use of a token is written down."""


def context_of(request: Request) -> Context:
    """Give the context of the application that serves the request."""
    context: Context = request.app.state.context
    return context
