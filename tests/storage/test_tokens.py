"""Tokens open the door until revoked; the database never knows their secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from spendwatt.errors import UsageError
from storage import tokens
from storage.engine import Store
from storage.tokens import Role

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make(store: Store, name: str = "grafana", role: Role = Role.VIEWER) -> tokens.NewToken:
    with store.write() as connection:
        return tokens.create(connection, name, role, NOON)


def test_token_is_known_by_its_secret(store: Store) -> None:
    made = make(store, role=Role.INGEST)
    with store.read() as connection:
        assert tokens.check(connection, made.secret) == made.token


@pytest.mark.parametrize("wrong", ["", "sw_", "x" * 2_000, "sw_000000000000_" + "a" * 43, "ключ"])
def test_what_is_no_token_opens_nothing(store: Store, wrong: str) -> None:
    make(store)
    with store.read() as connection:
        assert tokens.check(connection, wrong) is None


def test_right_id_with_wrong_secret_opens_nothing(store: Store) -> None:
    made = make(store)
    last = "A" if made.secret[20] != "A" else "B"
    with store.read() as connection:
        assert tokens.check(connection, made.secret[:20] + last + made.secret[21:]) is None


def test_database_does_not_hold_the_secret(store: Store) -> None:
    made = make(store)
    with store.read() as connection:
        stored = str(connection.execute(text("SELECT * FROM token")).all())
    assert made.secret.removeprefix(f"sw_{made.token.id}_") not in stored


def test_revoked_token_opens_nothing_and_stays_listed(store: Store) -> None:
    made = make(store)
    with store.write() as connection:
        assert tokens.any_valid(connection)
        revoked = tokens.revoke(connection, "grafana", NOON)
        assert tokens.check(connection, made.secret) is None
        assert tokens.list_tokens(connection) == [revoked]
        assert not tokens.any_valid(connection)
    assert revoked.revoked_at == NOON


def test_unclear_name_revokes_nothing(store: Store) -> None:
    first = make(store)
    make(store)
    with store.write() as connection:
        with pytest.raises(UsageError, match="2 valid tokens"):
            tokens.revoke(connection, "grafana", NOON)
        with pytest.raises(UsageError, match="no valid token"):
            tokens.revoke(connection, "prometheus", NOON)
        assert tokens.revoke(connection, first.token.id, NOON).id == first.token.id


def test_use_is_recorded_at_most_once_a_minute(store: Store) -> None:
    made = make(store)
    assert tokens.is_use_due(made.token, NOON)
    with store.write() as connection:
        tokens.used(connection, made.token, NOON)
        now = tokens.check(connection, made.secret)
    assert now is not None
    assert now.last_used_at == NOON
    assert not tokens.is_use_due(now, NOON + timedelta(seconds=59))
    assert tokens.is_use_due(now, NOON + timedelta(seconds=60))


def test_nameless_token_is_refused(sqlite_store: Store) -> None:
    with pytest.raises(UsageError, match="needs a name"):
        make(sqlite_store, name=" ")
