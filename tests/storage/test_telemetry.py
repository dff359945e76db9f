"""GPU minutes are saved once, by one source, and roll up exactly on both engines."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, delete, select

from spendwatt.records import Gpu, MinuteReading
from storage import telemetry
from storage.engine import Store
from storage.retention import retain
from storage.roll_up import roll_up
from storage.steps import HOUR, MINUTE, number_of
from storage.tables.telemetry import (
    fleet_hour,
    gpu,
    gpu_change,
    gpu_day,
    gpu_hour,
    gpu_minute,
    gpu_owner,
    gpu_xid,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GPUS = [Gpu(f"GPU-{n}", host="node-a", name="NVIDIA H100", index=n) for n in range(3)]


def minute(at: datetime, gpu_: Gpu = GPUS[0], **values: Any) -> MinuteReading:
    given_ = {
        "covered_seconds": 60.0,
        "util_seconds": 60.0,
        "util_percent_seconds": 3_000.0,
        "util_max_percent": 80.0,
        "busy_seconds": 50.0,
        "memory_seconds": 60.0,
        "memory_mib_seconds": 60 * 1024.0,
        "memory_max_mib": 1024.0,
        "energy_counter_joules": 6_000.0,
        "energy_counter_seconds": 60.0,
        "power_max_watts": 120.0,
    }
    return MinuteReading(gpu=gpu_, minute_at=at, **{**given_, **values})


def hour_of(at: datetime, gpu_: Gpu = GPUS[0], count: int = 60) -> list[MinuteReading]:
    return [minute(at + n * MINUTE, gpu_) for n in range(count)]


def rows(store: Store, table: Table) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def save(store: Store, readings: Iterable[MinuteReading], source: str = "node", **options: Any):
    return telemetry.save(store, source, readings, **{"now": NOON + HOUR, **options})


def test_minutes_become_hours_days_and_the_fleet(store: Store) -> None:
    readings = [r for one in GPUS for r in hour_of(NOON - HOUR, one, 90)]
    assert save(store, readings).saved == 270
    assert roll_up(store, now=NOON) == 2
    first, *_ = rows(store, gpu_hour)
    assert first.hour == number_of(NOON - HOUR, HOUR)
    assert (first.covered_seconds, first.busy_seconds) == (3_600, 3_000)
    assert first.energy_counter_joules == 360_000
    assert first.memory_max_mib == 1024
    (day, *_) = rows(store, gpu_day)
    assert (day.covered_seconds, day.util_percent_seconds) == (90 * 60, 90 * 3_000)
    fleet = rows(store, fleet_hour)
    assert [(f.pool, f.gpus, f.covered_seconds) for f in fleet] == [
        ("NVIDIA H100", 3, 3 * 3_600),
        ("NVIDIA H100", 3, 3 * 1_800),
    ]
    assert roll_up(store, now=NOON) == 0


def test_same_minute_written_twice_is_there_once(store: Store) -> None:
    save(store, hour_of(NOON))
    before = rows(store, gpu_minute), rows(store, gpu_hour), rows(store, gpu_owner)
    save(store, hour_of(NOON))
    assert (rows(store, gpu_minute), rows(store, gpu_hour), rows(store, gpu_owner)) == before


def test_replaced_minute_is_not_added_to_its_hour(store: Store) -> None:
    save(store, hour_of(NOON))
    save(store, [minute(NOON, busy_seconds=0.0)])
    (hour,) = rows(store, gpu_hour)
    assert hour.busy_seconds == 59 * 50


def test_second_source_is_refused_until_the_first_is_silent(store: Store) -> None:
    save(store, hour_of(NOON, count=3), "agent")
    report = save(store, hour_of(NOON, count=30), "prometheus")
    assert report.refused == {'reported by the source "agent" already': 17}
    assert report.saved == 13
    again = save(store, [minute(NOON + 30 * MINUTE)], "agent")
    assert again.saved == 0
    spans = [(o.source, o.last_minute - o.first_minute) for o in rows(store, gpu_owner)]
    assert spans == [("agent", 2), ("prometheus", 12)]


def test_import_may_bring_what_lies_before_a_collectors_time(store: Store) -> None:
    save(store, hour_of(NOON), "agent")
    report = save(store, hour_of(NOON - HOUR), "old-log", history=True)
    assert (report.saved, report.refused) == (60, {})


def test_impossible_future_and_old_minutes_are_refused_with_a_reason(store: Store) -> None:
    readings = [
        minute(NOON, covered_seconds=math.nan),
        minute(NOON, util_max_percent=101.0),
        minute(NOON, energy_counter_joules=-1.0),
        minute(NOON, memory_mib_seconds=math.inf),
        minute(NOON + 2 * HOUR),
        minute(NOON - timedelta(days=32)),
        minute(NOON),
    ]
    report = save(store, readings)
    assert report.saved == 1
    assert report.refused == {
        "impossible covered_seconds": 1,
        "impossible gpu_util": 1,
        "impossible energy": 1,
        "impossible memory_used": 1,
        telemetry.FUTURE: 1,
        telemetry.TOO_OLD: 1,
    }


def test_import_of_old_history_leaves_hours_and_days_behind(store: Store) -> None:
    then = NOON - timedelta(days=900)
    assert save(store, hour_of(then, count=120), "log", history=True).saved == 120
    retain(store, now=NOON)
    assert len(rows(store, gpu_minute)) == 120  # the idle stretches are not found yet
    with store.write() as connection:
        connection.execute(delete(gpu_change))
    retain(store, now=NOON)
    assert rows(store, gpu_minute) == []
    assert rows(store, gpu_hour) == []  # over two years old
    assert [d.covered_seconds for d in rows(store, gpu_day)] == [7_200]


def test_nothing_is_added_to_an_hour_whose_minutes_are_gone(store: Store) -> None:
    then = NOON - timedelta(days=60)
    save(store, hour_of(then), "log", history=True)
    with store.write() as connection:
        connection.execute(delete(gpu_change))
    retain(store, now=NOON)
    before = rows(store, gpu_hour)
    report = save(store, [minute(then)], "log", history=True)
    assert report.refused == {telemetry.SEALED: 1}
    assert rows(store, gpu_hour) == before


def test_retention_keeps_what_is_young(store: Store) -> None:
    old, young = NOON - timedelta(days=31), NOON - timedelta(days=29)
    save(store, [*hour_of(old), *hour_of(young)], "log", history=True)
    with store.write() as connection:
        connection.execute(delete(gpu_change))
    assert retain(store, now=NOON) == 60
    assert len(rows(store, gpu_minute)) == 60
    assert len(rows(store, gpu_hour)) == 2


def test_collector_learns_where_it_stopped(store: Store) -> None:
    save(store, [minute(NOON, counter_joules_at_end=5.0), minute(NOON + MINUTE)], "node")
    assert telemetry.marks(store, "node") == {"GPU-0": telemetry.Mark(NOON + 2 * MINUTE, None)}
    save(store, [minute(NOON + 2 * MINUTE, counter_joules_at_end=9.0)], "node")
    assert telemetry.marks(store, "node") == {"GPU-0": telemetry.Mark(NOON + 3 * MINUTE, 9.0)}
    assert telemetry.newest(store, "node") == NOON + 3 * MINUTE
    assert telemetry.marks(store, "other") == {}
    assert telemetry.newest(store, "other") is None


def test_xids_are_kept_by_minute(store: Store) -> None:
    for _ in range(2):
        save(store, [minute(NOON, xids=(79, 79, 48))])
    assert [(x.xid, x.events) for x in rows(store, gpu_xid)] == [(48, 1), (79, 2)]


def test_import_fills_what_is_unknown_of_a_gpu_and_corrects_nothing(store: Store) -> None:
    bare = Gpu("GPU-0", host="node-a")
    save(store, [minute(NOON, bare)])
    moved = replace(bare, host="elsewhere", name="NVIDIA A100")
    save(store, [minute(NOON - HOUR, moved)], "log", history=True)
    (known,) = rows(store, gpu)
    assert (known.host, known.name, known.pool) == ("node-a", "NVIDIA A100", "NVIDIA A100")
    save(store, [minute(NOON + MINUTE, moved)])
    assert rows(store, gpu)[0].host == "elsewhere"


def test_rounded_parts_never_exceed_their_minute(store: Store) -> None:
    parts = {
        "covered_seconds": 20.6,
        "util_seconds": 20.6,
        "util_percent_seconds": 2_060.0,
        "util_max_percent": 100.0,
        "busy_seconds": 20.6,
        "energy_counter_seconds": 20.6,
        "energy_integrated_seconds": 20.6,
        "energy_gap_seconds": 18.8,
    }
    assert save(store, [minute(NOON, memory_seconds=20.6, **parts)]).saved == 1
    (row,) = rows(store, gpu_minute)
    spans = row.energy_counter_seconds, row.energy_integrated_seconds, row.energy_gap_seconds
    assert sum(spans) == 60


@st.composite
def readings_of_some_gpus(draw: st.DrawFn) -> list[MinuteReading]:
    keys = draw(
        st.sets(st.tuples(st.integers(0, 2), st.integers(0, 2_000)), min_size=1, max_size=25)
    )
    return [
        minute(
            NOON - timedelta(days=2) + number * MINUTE,
            GPUS[index],
            busy_seconds=float(draw(st.integers(0, 60))),
            energy_counter_joules=float(draw(st.integers(0, 40_000))),
            memory_max_mib=draw(st.one_of(st.none(), st.floats(0, 81_920))),
        )
        for index, number in sorted(keys)
    ]


@given(readings=readings_of_some_gpus(), seed=st.integers())
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_order_batches_and_repeats_change_nothing(
    sqlite_store: Store, readings: list[MinuteReading], seed: int
) -> None:
    def state() -> list[Any]:
        roll_up(sqlite_store, now=NOON)
        return [rows(sqlite_store, t) for t in (gpu_minute, gpu_hour, gpu_day, fleet_hour)]

    _empty(sqlite_store)
    save(sqlite_store, readings)
    expected = state()

    luck = random.Random(seed)
    shuffled = luck.sample(readings, len(readings)) + luck.choices(readings, k=5)
    _empty(sqlite_store)
    while shuffled:
        cut = luck.randint(1, len(shuffled))
        save(sqlite_store, shuffled[:cut])
        shuffled = shuffled[cut:]
        roll_up(sqlite_store, now=NOON)
    assert state() == expected

    for table in (gpu_hour, gpu_day, fleet_hour):
        total = sum(row.energy_counter_joules for row in rows(sqlite_store, table))
        assert total == sum(r.energy_counter_joules for r in readings)


def _empty(store: Store) -> None:
    with store.write() as connection:
        for table in (gpu_minute, gpu_hour, gpu_day, fleet_hour, gpu_owner, gpu_change):
            connection.execute(delete(table))
        # The same ids in each round, whatever the order in which the GPUs come.
        if not connection.scalar(select(gpu.c.gpu_id).limit(1)):
            for index, one in enumerate(GPUS, start=1):
                values = {"gpu_id": index, "uuid": one.uuid, "pool": one.name}
                connection.execute(gpu.insert().values(values))


@pytest.mark.parametrize("table", [gpu_minute, gpu_hour, gpu_day, gpu_owner, gpu_change, gpu_xid])
def test_every_growing_table_can_be_distributed_by_gpu(table: Table) -> None:
    assert "gpu_id" in table.primary_key.columns
