"""Keeps the API's bearer tokens: made once, shown once, stored as a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from spendwatt.errors import UsageError
from storage.tables.service import token as table

_FORM = re.compile(r"^sw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$")
_USED_EVERY = timedelta(minutes=1)
_NO_HASH = "0" * 64


class Role(StrEnum):
    """What a token opens."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Reads, answers findings, silences, asks for jobs."""
    INGEST = "ingest"
    """Only delivers readings, as agents do."""
    ADMIN = "admin"
    """All of that, and tokens."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is listed: without its secret."""

    id: str
    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None
    """To about a minute."""
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. `secret` is what the caller sends; nobody can show it again."""

    token: Token
    secret: str


def create(connection: Connection, name: str, role: Role, now: datetime) -> NewToken:
    """Make a token. Raises UsageError for an empty name."""
    if not name.strip():
        raise UsageError("a token needs a name", do="Say who or what uses it", parameter="name")
    # 256 random bits need no slow hash and no salt: there is nothing to guess from.
    id_, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    connection.execute(
        insert(table).values(
            id=id_, name=name, role=role, secret_sha256=_hash(secret), created_at=now
        )
    )
    return NewToken(Token(id_, name, role, now, None, None), f"sw_{id_}_{secret}")


def check(connection: Connection, secret: str) -> Token | None:
    """Give the valid token that this text is, else None; the comparison takes constant time.

    Writes nothing: see `used`.
    """
    form = _FORM.match(secret)
    row = connection.execute(select(table).where(table.c.id == (form[1] if form else ""))).first()
    given = _hash(form[2] if form else secret)
    is_right = hmac.compare_digest(given, row.secret_sha256 if row else _NO_HASH)
    return _token(row) if is_right and row is not None and row.revoked_at is None else None


def used(connection: Connection, token: Token, now: datetime) -> None:
    """Record that a token was used."""
    connection.execute(update(table).where(table.c.id == token.id).values(last_used_at=now))


def is_use_due(token: Token, now: datetime) -> bool:
    """Tell whether the recorded use is old enough to be worth a write."""
    return token.last_used_at is None or now - token.last_used_at >= _USED_EVERY


def list_tokens(connection: Connection) -> list[Token]:
    """Give all tokens, also revoked ones, oldest first."""
    rows = connection.execute(select(table).order_by(table.c.created_at, table.c.id))
    return [_token(row) for row in rows]


def any_valid(connection: Connection) -> bool:
    """Tell whether there is a token that opens something."""
    query = select(func.count()).select_from(table).where(table.c.revoked_at.is_(None))
    return bool(connection.scalar(query))


def revoke(connection: Connection, id_or_name: str, now: datetime) -> Token:
    """Make a token open nothing any more. Raises UsageError where there is none, or several."""
    is_it = (table.c.id == id_or_name) | (table.c.name == id_or_name)
    rows = connection.execute(select(table).where(is_it, table.c.revoked_at.is_(None))).all()
    if len(rows) != 1:
        number = "no valid token" if not rows else f"{len(rows)} valid tokens"
        raise UsageError(
            f'{number} called "{id_or_name[:80]}"',
            do="`spendwatt token list` shows their ids",
            parameter="token",
        )
    connection.execute(update(table).where(table.c.id == rows[0].id).values(revoked_at=now))
    return _token(rows[0], revoked_at=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: Row[Any], *, revoked_at: datetime | None = None) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=revoked_at or row.revoked_at,
    )
