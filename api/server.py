"""How the application is served: the daemon and the tests run uvicorn with the same settings."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

SHUTDOWN_SECONDS = 5


def server_config(
    app: FastAPI,
    *,
    host: str = "127.0.0.1",
    port: int = 8321,
    shutdown_seconds: int = SHUTDOWN_SECONDS,
) -> uvicorn.Config:
    """Give uvicorn's settings; `shutdown_seconds` is what requests in flight get at the end.

    Logging is left to whoever starts it.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        # Who calls is what the socket says: a forwarding header must never make a caller local.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=shutdown_seconds,
    )
