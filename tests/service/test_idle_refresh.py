"""Idle stretches stay those of the minutes that are stored, however these came in."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from service import idle
from spendwatt.records import Gpu, IdleStretch, MinuteReading
from spendwatt.window import Window
from storage import telemetry
from storage.engine import Store
from storage.queries.idle import cut_stretches, read_until, stretches
from storage.tables.telemetry import gpu_minute

START = datetime(2026, 3, 2, 20, tzinfo=UTC)
NOW = datetime(2026, 3, 5, tzinfo=UTC)
WINDOW = Window(datetime(2026, 3, 1, tzinfo=UTC), NOW)
GPU = Gpu("GPU-1", host="node-a")
MINUTE = timedelta(minutes=1)


def reading(minute: int, mark: str, gpu: Gpu = GPU) -> MinuteReading:
    busy = mark == "B"
    watts = {"B": 400, "w": 200}.get(mark, 70)
    return MinuteReading(
        gpu=gpu,
        minute_at=START + minute * MINUTE,
        covered_seconds=60,
        util_seconds=60,
        util_percent_seconds=60 * 90 if busy else 0,
        util_max_percent=90 if busy else 0,
        busy_seconds=60 if busy else 0,
        memory_seconds=60,
        memory_mib_seconds=60 * 30_000,
        memory_max_mib=30_000,
        energy_counter_joules=60 * watts,
        energy_counter_seconds=60,
        power_max_watts=watts,
        processes_max=1,
    )


def drawn(picture: str, gpu: Gpu = GPU) -> list[MinuteReading]:
    return [reading(minute, mark, gpu) for minute, mark in enumerate(picture) if mark != "?"]


def keep(store: Store, minutes: Iterable[MinuteReading]) -> None:
    telemetry.save(store, "test", minutes, now=NOW)
    idle.refresh(store)


def found(store: Store) -> list[IdleStretch]:
    with store.read() as connection:
        return stretches(connection, WINDOW)


def spans(store: Store) -> list[tuple[int, int]]:
    return [
        ((s.started_at - START) // MINUTE, (s.ended_at - START) // MINUTE) for s in found(store)
    ]


def test_a_stretch_over_midnight_is_told_as_one_and_cut_into_days(store: Store) -> None:
    keep(store, drawn("B" * 60 + "." * 400 + "B" * 60))
    (whole,) = found(store)
    assert whole.started_at == START + 60 * MINUTE
    assert whole.ended_at == START + 460 * MINUTE
    assert whole.idle_seconds == 400 * 60
    assert whole.power_joules / whole.power_seconds == 70
    with store.read() as connection:
        days = cut_stretches(connection, WINDOW, step=timedelta(days=1))
    assert [day.stretch.idle_seconds for day in days] == [180 * 60, 220 * 60]
    assert {day.since for day in days} == {whole.started_at}
    assert not any(day.shared for day in days)


def test_the_order_in_which_minutes_come_changes_nothing(store: Store) -> None:
    picture = "." * 150 + "BB" + "." * 130 + "B" * 70 + "?" * 9 + "." * 90
    minutes = drawn(picture)
    for part in (minutes[200:300], minutes[:120], minutes[300:], minutes[120:200]):
        keep(store, part)
    assert spans(store) == [(0, 282), (361, 451)]


def test_minutes_that_come_again_replace_what_was_found(store: Store) -> None:
    keep(store, drawn("." * 240))
    assert spans(store) == [(0, 240)]
    keep(store, drawn("." * 100 + "B" * 40 + "." * 100))
    assert spans(store) == [(0, 100), (140, 240)]
    keep(store, drawn("B" * 240))
    assert spans(store) == []


def test_judging_again_changes_nothing(store: Store) -> None:
    telemetry.save(store, "test", drawn("." * 400), now=NOW)
    assert idle.refresh(store) == 2
    assert idle.refresh(store) == 0
    assert spans(store) == [(0, 400)]


def test_a_baseline_is_learned_from_the_quiet_hours_of_the_past(sqlite_store: Store) -> None:
    keep(sqlite_store, drawn("." * 300))
    keep(sqlite_store, [reading(m, "w") for m in range(300, 700)])
    assert spans(sqlite_store) == [(0, 300)]


def test_what_was_found_stays_when_its_minutes_are_gone(sqlite_store: Store) -> None:
    keep(sqlite_store, drawn("." * 230))
    with sqlite_store.write() as connection:
        connection.execute(delete(gpu_minute))
    keep(sqlite_store, [reading(m, ".") for m in range(250, 400)])
    assert spans(sqlite_store)[0] == (0, 230)


def test_gpus_are_judged_each_by_its_own_minutes(sqlite_store: Store) -> None:
    gpus = [Gpu(f"GPU-{i:03}", host="node-a") for i in range(70)]
    keep(sqlite_store, [m for gpu in gpus[1:] for m in drawn("." * 60, gpu)])
    keep(sqlite_store, drawn("B" * 60, gpus[0]))
    assert {s.gpu_uuid for s in found(sqlite_store)} == {gpu.uuid for gpu in gpus[1:]}


@pytest.mark.parametrize("minute", [30, 90])
def test_what_is_known_at_a_moment_ends_there(store: Store, minute: int) -> None:
    keep(store, drawn("." * 240))
    as_of = START + minute * MINUTE
    with store.read() as connection:
        (then,) = stretches(connection, Window(as_of - timedelta(days=7), as_of))
        assert read_until(connection, as_of) == {"GPU-1": as_of}
        assert read_until(connection, START) == {}
    assert then.ended_at == as_of
    assert then.idle_seconds == minute * 60
