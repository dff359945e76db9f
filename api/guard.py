"""Bounds every request before any of our code sees it, and hardens every answer."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import ApiSettings
from api.problems import SECURITY_HEADERS, Refused, problem


class Guard:
    """ASGI middleware: caps URL and body, answers HEAD as GET, adds security headers."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        url_bytes = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
        if url_bytes > self.settings.max_url_bytes:
            await self._refuse_url(url_bytes)(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # The server drops the body by the method in its own copy of the scope.
            scope = {**scope, "method": "GET"}
        await self.app(scope, self._bounded(receive), _hardened(send))

    def _refuse_url(self, url_bytes: int) -> ASGIApp:
        return problem(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            f"the address has {url_bytes:,} bytes",
            do=f"Allowed: {self.settings.max_url_bytes:,} bytes",
        )

    def _bounded(self, receive: Receive) -> Receive:
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.settings.max_body_bytes:
                raise Refused(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "the body is too large",
                    do=f"Allowed: {self.settings.max_body_bytes:,} bytes",
                    headers={"Connection": "close"},
                )
            return message

        return bounded


def _hardened(send: Send) -> Send:
    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return hardened
