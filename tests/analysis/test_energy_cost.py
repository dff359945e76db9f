"""Energy priced by the hour, in the tariff's own zone, over days of 23 and 25 hours too."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.energy_cost import (
    energy_cost,
    known_sum,
    kwh,
    overhead_joules,
    tariff_of,
    wall_joules,
)
from spendwatt.estate import EnergyPrice, TariffBand
from spendwatt.money import Money
from spendwatt.window import Window

WEEK = frozenset(range(7))
NIGHT = TariffBand(Money(Decimal("0.10"), "EUR"), WEEK, 0, 8, "night")
DAY = TariffBand(Money(Decimal("0.30"), "EUR"), WEEK, 8, 24, "day")


def tariff(zone: str) -> EnergyPrice:
    return EnergyPrice(bands=(NIGHT, DAY), zone=ZoneInfo(zone), pue=Decimal("1.3"))


def band_at(zone: str, moment: datetime) -> TariffBand | None:
    return tariff_of(tariff(zone)).band_at(int(moment.timestamp()))


def test_a_flat_price_is_one_multiplication() -> None:
    flat = TariffBand(Money(Decimal("0.15"), "USD"), WEEK, 0, 24)
    assert energy_cost(3_600_000, flat) == Decimal("0.15")
    assert energy_cost(1, None) is None


def test_the_band_is_that_of_the_local_hour() -> None:
    winter, summer = datetime(2026, 1, 12, 7, tzinfo=UTC), datetime(2026, 7, 13, 6, tzinfo=UTC)
    second = timedelta(seconds=1)
    assert band_at("Europe/Berlin", winter) == band_at("Europe/Berlin", summer) == DAY
    assert band_at("Europe/Berlin", winter - second) == NIGHT
    assert band_at("Europe/Berlin", summer - second) == NIGHT


def test_a_window_is_cut_where_the_zone_begins_its_hours_in_the_middle_of_one() -> None:
    start = datetime(2026, 1, 12, 2, 10, tzinfo=UTC)
    border, end = start.replace(minute=30), start.replace(hour=5, minute=7)
    runs = tariff_of(tariff("Asia/Kolkata")).runs(Window(start, end))
    assert runs == [(NIGHT, Window(start, border)), (DAY, Window(border, end))]


def test_one_price_cuts_no_window() -> None:
    window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    flat = TariffBand(Money(Decimal("0.15"), "USD"), WEEK, 0, 24)
    assert tariff_of(EnergyPrice(bands=(flat,))).runs(window) == [(flat, window)]
    assert tariff_of(EnergyPrice()).runs(window) == [(None, window)]


@pytest.mark.parametrize(("day", "night_hours"), [("2026-03-29", 7), ("2026-10-25", 9)])
def test_the_night_is_short_in_spring_and_long_in_autumn(day: str, night_hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = (start + timedelta(days=1)).astimezone(UTC)
    shares = tariff_of(tariff("Europe/Berlin")).shares(start.astimezone(UTC), end)
    hours = (end - start.astimezone(UTC)) // timedelta(hours=1)
    assert shares[NIGHT] * hours == night_hours


def test_the_weekday_is_the_local_one() -> None:
    weekend = frozenset({5, 6})
    cheap = TariffBand(Money(Decimal("0.05"), "USD"), weekend, 0, 24, "weekend")
    dear = TariffBand(Money(Decimal("0.25"), "USD"), WEEK - weekend, 0, 24, "week")
    tokyo = tariff_of(EnergyPrice(bands=(cheap, dear), zone=ZoneInfo("Asia/Tokyo")))
    assert tokyo.band_at(int(datetime(2026, 1, 9, 15, tzinfo=UTC).timestamp())) == cheap
    assert tokyo.band_at(int(datetime(2026, 1, 9, 14, 59, tzinfo=UTC).timestamp())) == dear


def test_without_a_tariff_energy_has_no_price() -> None:
    nothing = tariff_of(EnergyPrice())
    assert nothing.currency is None
    assert nothing.band_at(1_790_000_000) is None


def test_wall_energy_adds_the_hosts_and_then_the_building() -> None:
    overhead = overhead_joules(Decimal(900), 4, 3600)
    assert overhead == 810_000
    assert wall_joules(1_000_000, overhead, Decimal("1.3")) == Fraction(2_353_000)
    assert kwh(3_600_000) == 1


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    assert known_sum([Decimal(1), Decimal(2)]) == 3
    assert known_sum([Decimal(1), None]) is None
    assert known_sum([]) is None


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.integers(490_000, 500_000),
    st.integers(1, 200_000),
)
def test_shares_of_a_span_sum_to_one(zone: str, hour: int, seconds: int) -> None:
    start = datetime.fromtimestamp(hour * 3600 + seconds % 3600, UTC)
    shares = tariff_of(tariff(zone)).shares(start, start + timedelta(seconds=seconds))
    assert sum(shares.values()) == 1
    assert None not in shares


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_parts_of_energy_cost_what_the_whole_costs_within_their_rounding(a: int, b: int) -> None:
    parts = known_sum([energy_cost(a, DAY), energy_cost(b, DAY)])
    whole = energy_cost(a + b, DAY)
    assert parts is not None
    assert whole is not None
    assert abs(parts - whole) <= Decimal("1.5e-9")
