"""Who may ask what: bearer tokens with roles, or loopback callers while there is no token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import BackgroundTasks, Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.context import Context, context_of
from api.problems import Refused
from spendwatt.errors import ConfigError, StorageError
from storage import tokens
from storage.engine import Store
from storage.tokens import Role, Token

# An ingest token lies on every GPU node: it reads nothing.
_INCLUDES: dict[Role, frozenset[Role]] = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.OPERATOR: frozenset({Role.VIEWER, Role.OPERATOR}),
    Role.INGEST: frozenset({Role.INGEST}),
    Role.ADMIN: frozenset(Role),
}

# Only the command line makes the first token: else any process on the machine could.
_WITHOUT_TOKENS = frozenset({Role.VIEWER, Role.OPERATOR, Role.INGEST})
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="Made by `spendwatt token create`. Not needed from the machine itself while there "
    "is no token at all.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may do what `roles` allow; `name` goes into the audit trail."""

    name: str
    roles: frozenset[Role]


def requires(role: Role) -> Callable[..., Caller]:
    """Make the dependency of a route that needs a role. It refuses with 401 or 403."""

    def caller(
        request: Request,
        later: BackgroundTasks,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> Caller:
        found = _local(request) if credentials is None else _known(request, credentials, later)
        if role not in found.roles:
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"this needs the role {role}",
                do=f"Use a token with that role: `spendwatt token create NAME --role {role}`",
            )
        return found

    return caller


Operator = Annotated[Caller, Depends(requires(Role.OPERATOR))]
"""Type of a route's parameter: who calls, once the role is checked."""


def require_safe_bind(host: str, store: Store) -> None:
    """Refuse to listen where others can reach us while no token protects it.

    Raises ConfigError, StorageError.
    """
    if is_loopback(host) or _any_token(store):
        return
    raise ConfigError(
        f'server.host "{host}" can be reached from other machines, and there is no token',
        do="Make one with `spendwatt token create NAME --role viewer`, "
        'or set server.host to "127.0.0.1"',
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address means this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _known(
    request: Request, credentials: HTTPAuthorizationCredentials, later: BackgroundTasks
) -> Caller:
    context = context_of(request)
    with context.store.read() as connection:
        token = tokens.check(connection, credentials.credentials)
    if token is None:
        raise _unknown("this token is not known, or was revoked")
    if tokens.is_use_due(token, context.clock()):
        later.add_task(_record_use, context, token)
    return Caller(token.name, _INCLUDES[token.role])


def _record_use(context: Context, token: Token) -> None:
    """Note that a token was used, after the answer is out.

    One at a time: while a long import holds SQLite's write lock, waiting notes must not fill the
    pool of threads that answers.
    """
    if not context.noting.acquire(blocking=False):
        return
    try:
        with context.store.write() as connection:
            tokens.used(connection, token, context.clock())
    except StorageError:
        return  # it is only a note; the next use tries again
    finally:
        context.noting.release()


def _local(request: Request) -> Caller:
    """Serve a caller without a token: only while there is none, and only from this machine."""
    if "authorization" in request.headers or _any_token(context_of(request).store):
        raise _unknown("this needs a token")
    if not _from_this_machine(request):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "without a token, only callers on the server's own machine are served",
            do="Make a token with `spendwatt token create NAME --role viewer`, "
            "or ask under http://localhost or http://127.0.0.1",
        )
    return Caller("loopback", _WITHOUT_TOKENS)


def _from_this_machine(request: Request) -> bool:
    """Believe only what a page on the web or a proxy in front cannot arrange.

    A page of another site reaches loopback with its own name in Host (DNS rebinding) or, when it
    changes something, in Origin; a proxy on this machine adds a forwarding header.
    """
    if request.client is None or not is_loopback(request.client.host):
        return False
    if any(name in request.headers for name in _FORWARDED):
        return False
    if not is_loopback(_host_of(f"//{request.headers.get('host', '')}")):
        return False
    origin = request.headers.get("origin")
    return origin is None or request.method in _SAFE_METHODS or is_loopback(_host_of(origin))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _any_token(store: Store) -> bool:
    with store.read() as connection:
        return tokens.any_valid(connection)


def _unknown(detail: str) -> Refused:
    return Refused(
        HTTPStatus.UNAUTHORIZED,
        detail,
        do="Send `Authorization: Bearer TOKEN`; `spendwatt token create NAME --role viewer` "
        "makes one",
        headers={"WWW-Authenticate": 'Bearer realm="spendwatt"'},
    )
