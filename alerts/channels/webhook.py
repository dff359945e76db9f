"""Posts messages as signed JSON, by the Standard Webhooks specification (standardwebhooks.com).

`webhook-id` is the message's key: the same at every try, so receivers can drop a repetition.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import ssl
from http.client import HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from pydantic import SecretStr, field_validator

from alerts.addresses import is_postable
from alerts.http_errors import TRANSPORT_ERRORS, answer_error, transport_error
from alerts.message import Message
from spendwatt import clock
from spendwatt.clock import Clock
from spendwatt.settings import Secret, SettingsModel

_TIMEOUT_SECONDS = 8
_READ_BYTES = 1_000
_FORM = "whsec_"


class Webhook:
    """Any receiver that takes JSON by POST."""

    class Settings(SettingsModel):
        """Settings of the channel."""

        url: Secret
        """Where messages are posted, by https."""
        signing_secret: Secret
        """Shared with the receiver: `whsec_` and base64 of 24 to 64 random bytes."""

        @field_validator("url")
        @classmethod
        def _is_address(cls, url: SecretStr) -> SecretStr:
            if not is_postable(url.get_secret_value()):
                raise ValueError('write an address such as "https://example.org/hooks/spend"')
            return url

        @field_validator("signing_secret")
        @classmethod
        def _is_secret(cls, secret: SecretStr) -> SecretStr:
            if not 24 <= len(_key(secret)) <= 64:
                raise ValueError('make one: echo "whsec_$(openssl rand -base64 32)"')
            return secret

    def __init__(self, settings: Settings, *, now: Clock = clock.now) -> None:
        self._settings = settings
        self._now = now

    def send(self, message: Message, *, key: str) -> None:
        """Post the message. Raises SendError."""
        self._post("message", message.to_json() | {"text": message.text}, key)

    def check(self) -> None:
        """Post an event of type `check`, which receivers answer and ignore. Raises SendError."""
        self._post("check", {}, "check")

    def _post(self, kind: str, data: dict[str, object], key: str) -> None:
        body = json.dumps({"type": f"spendwatt.{kind}", "data": data}).encode()
        url = self._settings.url.get_secret_value()
        request = Request(url, body, self._headers(body, key), method="POST")  # noqa: S310  checked
        trust = HTTPSHandler(context=ssl.create_default_context())
        try:
            with build_opener(trust, _NoRedirect).open(request, timeout=_TIMEOUT_SECONDS) as answer:
                answer.read(_READ_BYTES)
        except HTTPError as err:
            with err:
                said = err.read(_READ_BYTES).decode("utf-8", "replace")
            asked = err.headers.get("Retry-After")
            raise answer_error("the webhook", err.code, said, asked, self._now()) from err
        except TRANSPORT_ERRORS as err:
            raise transport_error("the webhook", err) from err

    def _headers(self, body: bytes, key: str) -> dict[str, str]:
        seconds = str(int(self._now().timestamp()))
        signed = hmac.new(
            _key(self._settings.signing_secret), f"{key}.{seconds}.".encode() + body, hashlib.sha256
        )
        return {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": seconds,
            "webhook-signature": f"v1,{base64.b64encode(signed.digest()).decode()}",
        }


class _NoRedirect(HTTPRedirectHandler):
    """Takes a redirect for a refusal: following one would turn the POST into a GET."""

    def redirect_request(  # noqa: PLR0917  the library's signature
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nothing."""


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value().removeprefix(_FORM)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
