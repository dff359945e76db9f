"""A silence mutes what its filter matches, from its making to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from spendwatt.errors import UsageError
from spendwatt.records import Finding, Severity
from storage import silences
from storage.engine import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
IDLE = Finding("idle_gpu", {"host": "a"}, Severity.INFO, "t", "d", "n", NOON)


def make(store: Store, filter_text: str = 'kind:"idle_gpu"', **changes: object) -> silences.Silence:
    values = {"ends_at": NOON + DAY, "reason": "moving", "created_by": "ada", "now": NOON} | changes
    with store.write() as connection:
        return silences.create(connection, filter_text, **values)  # type: ignore[arg-type]


def test_silence_comes_back_as_it_was_made(store: Store) -> None:
    made = make(store)
    with store.read() as connection:
        assert silences.active(connection, NOON) == [made]


def test_silence_mutes_only_in_its_time_and_what_it_matches(store: Store) -> None:
    made = make(store)
    assert made.mutes(IDLE, NOON)
    assert not made.mutes(IDLE, NOON + DAY)
    assert not make(store, 'label[host]:"b"').mutes(IDLE, NOON)


def test_silence_ends_by_itself_and_stays_listed(store: Store) -> None:
    made = make(store)
    with store.read() as connection:
        assert silences.active(connection, NOON + DAY) == []
        assert silences.list_silences(connection) == [made]


def test_silence_can_be_ended_early_once(store: Store) -> None:
    made = make(store)
    with store.write() as connection:
        assert silences.end(connection, made.id, NOON)
        assert silences.active(connection, NOON) == []
        assert not silences.end(connection, made.id, NOON + DAY / 2)


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"filter_text": 'service:"EC2"'}, "filter"),
        ({"filter_text": "kind"}, "filter"),
        ({"ends_at": NOON}, "for"),
        ({"reason": " "}, "reason"),
    ],
)
def test_senseless_silence_is_refused(
    sqlite_store: Store, changes: dict[str, object], parameter: str
) -> None:
    with pytest.raises(UsageError) as raised:
        make(sqlite_store, **changes)  # type: ignore[arg-type]
    assert raised.value.parameter == parameter
