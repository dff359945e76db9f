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

WEEK = frozenset(range(7))
NIGHT = TariffBand(Money(Decimal("0.10"), "EUR"), WEEK, 0, 8, "night")
DAY = TariffBand(Money(Decimal("0.30"), "EUR"), WEEK, 8, 24, "day")


def tariff(zone: str) -> EnergyPrice:
    return EnergyPrice(bands=(NIGHT, DAY), zone=ZoneInfo(zone), pue=Decimal("1.3"))


def hour_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600


def test_a_flat_price_is_one_multiplication() -> None:
    flat = TariffBand(Money(Decimal("0.15"), "USD"), WEEK, 0, 24)
    assert energy_cost(3_600_000, flat) == Decimal("0.15")
    assert energy_cost(1, None) is None


def test_the_band_is_that_of_the_local_hour() -> None:
    berlin = tariff_of(tariff("Europe/Berlin"))
    winter, summer = datetime(2026, 1, 12, 7, tzinfo=UTC), datetime(2026, 7, 13, 6, tzinfo=UTC)
    assert berlin.quarters(hour_of(winter)) == (DAY,) * 4
    assert berlin.quarters(hour_of(winter) - 1) == (NIGHT,) * 4
    assert berlin.quarters(hour_of(summer)) == (DAY,) * 4
    assert berlin.quarters(hour_of(summer) - 1) == (NIGHT,) * 4


def test_an_hour_is_cut_where_the_zone_begins_its_hours_in_the_middle_of_one() -> None:
    kolkata = tariff_of(tariff("Asia/Kolkata"))
    assert kolkata.quarters(hour_of(datetime(2026, 1, 12, 2, tzinfo=UTC))) == (
        NIGHT,
        NIGHT,
        DAY,
        DAY,
    )


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
    assert nothing.quarters(490_000) == (None,) * 4


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
