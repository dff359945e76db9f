"""Sums over any window are those of the minutes that begin in it."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from spendwatt.records import Gpu, MinuteReading
from spendwatt.window import Window
from storage import telemetry
from storage.engine import Store
from storage.queries.gpu_sums import gpu_sums
from storage.queries.gpus import gpus
from storage.roll_up import roll_up
from storage.tables.telemetry import gpu_hour, gpu_minute

START = datetime(2026, 3, 2, 22, 17, tzinfo=UTC)
NOW = datetime(2026, 3, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LENGTH = 400


def readings() -> list[MinuteReading]:
    luck = random.Random(7)
    found = []
    for gpu in (Gpu("GPU-1"), Gpu("GPU-2")):
        for minute in range(LENGTH):
            seconds = luck.randint(1, 60)
            found.append(
                MinuteReading(
                    gpu=gpu,
                    minute_at=START + minute * MINUTE,
                    covered_seconds=seconds,
                    util_seconds=seconds,
                    util_percent_seconds=seconds * luck.randint(0, 100),
                    util_max_percent=100,
                    busy_seconds=luck.randint(0, seconds),
                    energy_counter_joules=luck.randint(0, 9_000),
                    energy_counter_seconds=seconds,
                    power_max_watts=luck.randint(50, 400),
                )
            )
    return [reading for reading in found if luck.random() < 0.8]


@pytest.fixture
def minutes(store: Store) -> list[MinuteReading]:
    made = readings()
    telemetry.save(store, "test", made, now=NOW)
    return made


def test_sums_are_exact_for_any_window(store: Store, minutes: list[MinuteReading]) -> None:
    with store.read() as connection:
        uuids = {known.gpu_id: known.gpu.uuid for known in gpus(connection)}

    @settings(deadline=None, max_examples=40)
    @given(st.integers(-100, LENGTH), st.integers(1, LENGTH), st.sampled_from([None, 60, 1440]))
    def check(first: int, length: int, step: int | None) -> None:
        window = Window(START + first * MINUTE, START + (first + length) * MINUTE)
        with store.read() as connection:
            found = gpu_sums(connection, window, step_minutes=step)
        assert not found.estimated
        for uuid in ("GPU-1", "GPU-2"):
            inside = [
                m
                for m in minutes
                if m.gpu.uuid == uuid and window.start <= m.minute_at < window.end
            ]
            rows = [sums for (gpu_id, _), sums in found.rows.items() if uuids[gpu_id] == uuid]
            assert sum(r["busy_seconds"] for r in rows) == sum(m.busy_seconds for m in inside)
            assert sum(r.energy_joules for r in rows) == sum(
                m.energy_counter_joules for m in inside
            )

    check()


def test_a_cut_hour_without_its_minutes_is_shared_by_time_and_says_so(store: Store) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    gpu = Gpu("GPU-1")
    full = [
        MinuteReading(gpu, start + m * MINUTE, covered_seconds=60, energy_gap_seconds=60)
        for m in range(180)
    ]
    telemetry.save(store, "test", full, now=NOW)
    with store.write() as connection:
        connection.execute(delete(gpu_minute))
    window = Window(start + 30 * MINUTE, start + 165 * MINUTE)
    with store.read() as connection:
        found = gpu_sums(connection, window)
    (sums,) = found.rows.values()
    assert sums["covered_seconds"] == 135 * 60
    assert found.estimated


def test_days_stand_in_for_hours_that_are_gone(store: Store) -> None:
    start = datetime(2026, 2, 1, tzinfo=UTC)
    gpu = Gpu("GPU-1")
    full = [
        MinuteReading(gpu, start + m * MINUTE, covered_seconds=60, energy_gap_seconds=60)
        for m in range(0, 3 * 1440, 10)
    ]
    telemetry.save(store, "test", full, now=NOW, history=True)
    roll_up(store, now=NOW)
    with store.write() as connection:
        kept = int((start + timedelta(days=2)).timestamp()) // 3600
        connection.execute(delete(gpu_minute))
        connection.execute(delete(gpu_hour).where(gpu_hour.c.hour < kept))
    with store.read() as connection:
        found = gpu_sums(connection, Window(start - timedelta(days=5), NOW))
        by_day = gpu_sums(connection, Window(start, NOW), step_minutes=1440)
    assert [sums["covered_seconds"] for sums in found.rows.values()] == [3 * 144 * 60]
    assert [sums["covered_seconds"] for sums in by_day.rows.values()] == [144 * 60] * 3
