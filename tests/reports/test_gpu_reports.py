"""What the reports gpus, idle and energy say of two made-up hosts, on each engine."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reports.contract import Report, ask, parse_query
from reports.energy import Energy
from reports.gpus import Gpus
from reports.idle import Idle
from service import idle
from spendwatt.errors import UsageError
from spendwatt.estate import Asset, EnergyPrice, Estate, LabelRule, TariffBand
from spendwatt.filter_grammar import parse_filter
from spendwatt.money import Money
from spendwatt.records import Gpu, MinuteReading
from spendwatt.table import DataStatus, Table
from storage import telemetry
from storage.engine import Store

DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOW = datetime(2026, 3, 4, tzinfo=UTC)
WEEK = frozenset(range(7))
NIGHT = TariffBand(Money(Decimal("0.10"), "USD"), WEEK, 0, 8, "night")
DAYTIME = TariffBand(Money(Decimal("0.30"), "USD"), WEEK, 8, 24, "day")

ESTATE = Estate(
    assets=(
        Asset(
            name="rack",
            match="host:node-*",
            purchase_price=Money(Decimal(70_080), "USD"),
            purchased_on=date(2025, 1, 1),
            useful_life_years=Decimal(4),
            salvage_value=Money(Decimal(0), "USD"),
            maintenance_percent_per_year=Decimal(0),
            host_overhead_watts=Decimal(200),
        ),
    ),
    energy=EnergyPrice(bands=(NIGHT, DAYTIME), zone=ZoneInfo("UTC"), pue=Decimal("1.5")),
    label_rules=(
        LabelRule("team", "vision", filter=parse_filter('host:"node-a"')),
        LabelRule("team", "speech"),
    ),
)
"""Two GPUs at 1 USD an hour each."""

A = Gpu("GPU-a", host="node-a", name="H100", index=0, memory_total_bytes=80 << 30)
B = Gpu("GPU-b", host="node-b", name="H100", index=0, memory_total_bytes=80 << 30)


def reading(gpu: Gpu, at: datetime, *, busy: bool) -> MinuteReading:
    watts = 400 if busy else 100
    return MinuteReading(
        gpu=gpu,
        minute_at=at,
        covered_seconds=60,
        util_seconds=60,
        util_percent_seconds=60 * 80 if busy else 0,
        util_max_percent=80 if busy else 0,
        busy_seconds=60 if busy else 0,
        memory_seconds=60,
        memory_mib_seconds=60 * 40_000,
        memory_max_mib=40_000,
        energy_counter_joules=60 * watts,
        energy_counter_seconds=60,
        power_max_watts=watts,
        processes_max=1,
    )


def a_day() -> Iterator[MinuteReading]:
    """A idles from 06:00 to 10:00, B works all day; A is not seen in the last hour."""
    for minute in range(24 * 60):
        at = DAY + timedelta(minutes=minute)
        if minute < 23 * 60:
            yield reading(A, at, busy=not 6 * 60 <= minute < 10 * 60)
        yield reading(B, at, busy=True)


def fill(store: Store) -> Store:
    telemetry.save(store, "test", a_day(), now=NOW)
    assert idle.refresh(store) == 1
    return store


@pytest.fixture
def filled(sqlite_store: Store) -> Store:
    return fill(sqlite_store)


@pytest.fixture
def each_filled(store: Store) -> Store:
    return fill(store)


def told(report: Report, store: Store, estate: Estate = ESTATE, **params: str) -> Table:
    params = {"window": "2026-03-02,2026-03-03"} | params
    return ask(report, parse_query(params, report, NOW), store, estate)


def by(table: Table, *names: str) -> dict[Any, dict[str, Any]]:
    return {
        tuple(row[n] for n in names) if names[1:] else row[names[0]]: dict(row)
        for row in table.rows
    }


def test_every_gpu_has_its_seconds_and_its_energy(each_filled: Store) -> None:
    table = told(Gpus(), each_filled)
    a, b = by(table, "gpu_uuid")["GPU-a"], by(table, "gpu_uuid")["GPU-b"]
    assert (a["host"], a["asset"], a["gpu_index"]) == ("node-a", "rack", 0)
    assert a["covered_seconds"] == 23 * 3600
    assert a["busy_seconds"] == 19 * 3600
    assert a["idle_seconds"] == 4 * 3600
    assert a["energy_joules"] == 19 * 3600 * 400 + 4 * 3600 * 100
    assert a["energy_source_seconds"] == {"counter": 23 * 3600, "integrated": 0, "gap": 0}
    assert a["memory_mean_mib"] == 40_000
    assert b["idle_seconds"] == 0
    assert table.total[0]["covered_seconds"] == 47 * 3600
    assert table.total[0]["gpus"] == 2
    assert table.status is DataStatus.COMPLETE


def test_a_window_is_exact_to_the_minute(each_filled: Store) -> None:
    window = "2026-03-02T09:37:00Z,2026-03-02T11:14:00Z"
    a = by(told(Gpus(), each_filled, window=window), "gpu_uuid")["GPU-a"]
    assert a["covered_seconds"] == 97 * 60
    assert a["busy_seconds"] == 74 * 60
    assert a["idle_seconds"] == 23 * 60
    assert told(Gpus(), each_filled, window=window).status is DataStatus.COMPLETE


def test_steps_sum_to_the_whole(each_filled: Store) -> None:
    whole = told(Gpus(), each_filled).total[0]
    steps = told(Gpus(), each_filled, accumulate="false", step="hour")
    assert len(steps.rows) == 47
    for name in ("covered_seconds", "busy_seconds", "idle_seconds", "energy_joules"):
        assert sum(row[name] for row in steps.rows) == whole[name]
    assert steps.rows[0]["window_start"] == DAY
    first_idle = next(row for row in steps.rows if row["idle_seconds"])
    assert first_idle["window_start"] == DAY.replace(hour=6)


def test_gpus_are_grouped_by_host_and_by_label(filled: Store) -> None:
    teams = by(told(Gpus(), filled, aggregate="label:team"), "label:team")
    assert teams["vision"]["covered_seconds"] == 23 * 3600
    assert teams["speech"]["covered_seconds"] == 24 * 3600
    whole = told(Gpus(), filled, aggregate="pool,gpu_name")
    assert [row["gpus"] for row in whole.rows] == [2]


def test_filters_pages_and_orders_are_honoured(filled: Store) -> None:
    only = told(Gpus(), filled, filter='host:"node-b"')
    assert [row["gpu_uuid"] for row in only.rows] == ["GPU-b"]
    second = told(Gpus(), filled, sort_by="-covered_seconds", limit="1", offset="1")
    assert [row["gpu_uuid"] for row in second.rows] == ["GPU-a"]
    assert second.total_rows == 2
    with pytest.raises(UsageError):
        told(Gpus(), filled, sort_by="nonsense")


def test_a_stretch_is_told_with_what_it_cost(filled: Store) -> None:
    (row,) = told(Idle(), filled).rows
    assert row["gpu_uuid"] == "GPU-a"
    assert row["state"] == "idle_held"
    assert row["started_at"] == DAY.replace(hour=6)
    assert row["ended_at"] == DAY.replace(hour=10)
    assert row["idle_gpu_hours"] == 4
    assert row["power_mean_watts"] == 100
    assert row["energy_kwh"] == Decimal("0.6")
    assert row["owned_cost"] == Decimal(4)
    assert row["avoidable_cost"] == Decimal("0.12")
    assert row["idle_cost"] == row["owned_cost"] + row["avoidable_cost"]
    assert row["currency"] == "USD"


def test_a_window_cuts_a_stretch_and_says_since_when_it_lasts(each_filled: Store) -> None:
    table = told(Idle(), each_filled, window="2026-03-02T09:00:00Z,2026-03-03")
    (row,) = table.rows
    assert row["started_at"] == DAY.replace(hour=9)
    assert row["since"] == DAY.replace(hour=6)
    assert row["idle_seconds"] == 3600
    assert table.status is DataStatus.COMPLETE


def test_without_a_price_idleness_is_counted_and_the_setting_named(filled: Store) -> None:
    bare = Estate(assets=(Asset(name="rack", match="host:*"),))
    table = told(Idle(), filled, bare)
    (row,) = table.rows
    assert row["idle_gpu_hours"] == 4
    assert row["idle_cost"] is None
    assert row["avoidable_cost"] is None
    assert row["currency"] is None
    lacks = "assets.rack.purchase_price, assets.rack.useful_life_years"
    assert row["price_lacks"] == lacks
    assert f"price unknown: set {lacks}" in table.notes


def test_idleness_is_grouped_and_filtered_by_state(filled: Store) -> None:
    grouped = told(Idle(), filled, aggregate="host,state")
    assert [(row["host"], row["state"]) for row in grouped.rows] == [("node-a", "idle_held")]
    assert told(Idle(), filled, filter='state:"idle_empty"').rows == []
    days = told(Idle(), filled, aggregate="asset", accumulate="false")
    assert [(row["window_start"], row["stretches"]) for row in days.rows] == [(DAY, 1)]


def test_board_and_wall_energy_stay_apart(filled: Store) -> None:
    table = told(Energy(), filled)
    row = by(table, "gpu_uuid")["GPU-b"]
    assert row["board_energy_kwh"] == Decimal("9.6")
    assert row["host_overhead_kwh"] == Decimal("2.4")
    assert row["wall_energy_kwh"] == Decimal(18)
    assert row["board_energy_cost"] == Decimal("0.4") * (8 * Decimal("0.1") + 16 * Decimal("0.3"))
    assert row["wall_energy_cost"] == Decimal("0.75") * (8 * Decimal("0.1") + 16 * Decimal("0.3"))
    assert table.total[0]["wall_energy_cost"] == sum(r["wall_energy_cost"] for r in table.rows)


def test_energy_is_told_by_band_of_the_tariff(filled: Store) -> None:
    bands = by(told(Energy(), filled, aggregate="tariff_band"), "tariff_band")
    assert bands["night"]["board_energy_kwh"] == Decimal("0.4") * 14 + Decimal("0.2")
    assert bands["night"]["board_energy_cost"] == Decimal("0.58")
    whole = told(Energy(), filled).total[0]
    for name in ("board_energy_kwh", "wall_energy_cost", "host_overhead_kwh"):
        assert sum(row[name] for row in bands.values()) == whole[name]


def test_bands_that_begin_within_an_hour_are_cut_by_minutes(each_filled: Store) -> None:
    zone = EnergyPrice(bands=(NIGHT, DAYTIME), zone=ZoneInfo("Asia/Kolkata"))
    estate = Estate(assets=ESTATE.assets, energy=zone)
    rows = by(
        told(Energy(), each_filled, estate, aggregate="tariff_band,host"), "tariff_band", "host"
    )
    # 08:00 in India is 02:30 UTC, midnight is 18:30.
    assert rows["night", "node-b"]["board_energy_kwh"] == Decimal("0.4") * 8
    assert rows["day", "node-b"]["board_energy_kwh"] == Decimal("0.4") * 16


def test_without_a_tariff_energy_is_counted_and_the_setting_named(filled: Store) -> None:
    table = told(Energy(), filled, Estate())
    assert table.total[0]["board_energy_kwh"] > 0
    assert table.total[0]["wall_energy_cost"] is None
    assert "price unknown: set energy.price_per_kwh" in table.notes


@pytest.mark.parametrize("report", [Gpus(), Idle(), Energy()])
def test_a_store_without_readings_answers_with_no_rows(store: Store, report: Report) -> None:
    table = told(report, store)
    assert list(table.rows) == []
    assert table.total_rows == 0


@pytest.mark.parametrize("report", [Gpus(), Idle(), Energy()])
def test_an_answer_holds_just_the_columns_that_it_names(filled: Store, report: Report) -> None:
    for params in ({}, {"aggregate": "host,label:team"}, {"accumulate": "false"}):
        table = told(report, filled, **params)
        names = [column.name for column in table.columns]
        assert all(list(row) == names for row in table.rows)
        assert len(table.rows) > 0
