from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.economics.answers import AnswerKind, Origin
from analysis.economics.asset import compare_asset, compare_assets
from analysis.economics.comparator import CloudPrice
from analysis.economics.comparison import Comparison
from analysis.economics.demand import AssetHours, WorkloadSpend, use_of
from analysis.economics.watch import BreakevenWatch, Settings
from analysis.economics.workload import compare_workload, compare_workloads
from analysis.inputs import Inputs
from spendwatt.errors import ConfigError
from spendwatt.estate import (
    Asset,
    EnergyPrice,
    Estate,
    HardwareOption,
    Quote,
    TariffBand,
    Workload,
)
from spendwatt.filter_grammar import parse_filter
from spendwatt.money import Money
from spendwatt.records import MoneyBasis, Severity

quick = settings(deadline=None, max_examples=25)
TODAY = date(2026, 3, 1)
ALWAYS = frozenset(range(7))


def usd(amount: float | str) -> Money:
    return Money(Decimal(str(amount)), "USD")


def flat(price: float | str) -> EnergyPrice:
    return EnergyPrice(bands=(TariffBand(usd(price), ALWAYS, 0, 24),), pue=Decimal("1.3"))


OPTION = HardwareOption(
    name="eight-h100",
    gpus=8,
    purchase_price=usd(250_000),
    useful_life_years=Decimal(4),
    power_watts=Decimal(8_000),
    maintenance_percent_per_year=Decimal(5),
    staff_per_month=usd(1_000),
    quoted_on=date(2026, 2, 1),
    lead_time_days=60,
)
WORKLOAD = Workload(name="train", filter=parse_filter('service:"Amazon EC2"'), option="eight-h100")
QUOTE = Quote("cloud-h100", usd("3.00"), quoted_on=date(2026, 1, 15))
ASSET = Asset(
    name="rack-a",
    match="host:node-a*",
    purchase_price=usd(250_000),
    purchased_on=date(2025, 3, 1),
    useful_life_years=Decimal(4),
    resale_value=usd(120_000),
    salvage_value=usd(40_000),
    maintenance_percent_per_year=Decimal(5),
    staff_per_month=usd(1_500),
    host_overhead_watts=Decimal(900),
    comparator="cloud-h100",
)
ESTATE = Estate(
    assets=(ASSET,),
    energy=flat("0.15"),
    quotes=(QUOTE,),
    hardware_options=(OPTION,),
    workloads=(WORKLOAD,),
)


def spend(per_day: float, days: int = 60, until: date = TODAY) -> WorkloadSpend:
    first = until - timedelta(days=days)
    costs = {first + timedelta(days=n): Decimal(str(per_day)) for n in range(days)}
    return WorkloadSpend("train", "USD", costs, first_day=first, complete_until=until)


def hours(busy: float, *, gpus: int = 8, days: int = 60, watts: float = 500.0) -> AssetHours:
    start = int(datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp())
    hour = np.arange(start - days * 86_400, start, 3_600, dtype=np.int64)
    ones = np.full(len(hour), float(gpus))
    return AssetHours("rack-a", gpus, hour, ones, ones * busy, ones * watts / 1000, ones)


def against(asset: Asset, busy: float, price: float = 3.0, gpus: int = 8) -> Comparison:
    cloud = CloudPrice("cloud-h100", usd(price), Origin.QUOTED, date(2026, 1, 15))
    return compare_asset(ESTATE, asset, hours(busy, gpus=gpus), cloud, TODAY)


def test_workload_that_pays_back_gets_its_three_dates() -> None:
    result = compare_workload(ESTATE, WORKLOAD, OPTION, spend(700), TODAY)
    assert result.answer.kind is AnswerKind.DATE
    assert result.answer.worth_on == TODAY
    assert result.answer.live_on == TODAY + timedelta(days=60)
    assert result.cloud_per_month == Decimal(700) * 365 / 12
    own = Decimal(8) * 730 * Decimal("0.15") * Decimal("1.3") + Decimal(250_000) * 5 / 1200 + 1_000
    assert result.own_per_month is not None
    assert abs(result.own_per_month - own - Decimal(250_000) / 48) < Decimal("1e-9")
    assert result.answer.months is not None
    assert abs(result.answer.months - 250_000 / (result.cloud_per_month - own)) < Decimal("1e-9")
    assert result.answer.paid_back_on is not None
    assert result.answer.paid_back_on > result.answer.live_on


def test_workload_that_costs_less_than_hardware_never_pays_back() -> None:
    result = compare_workload(ESTATE, WORKLOAD, OPTION, spend(50), TODAY)
    assert result.answer.kind is AnswerKind.NEVER
    assert "useful life of 48 months" in result.answer.why
    assert result.saving_per_month is not None
    assert result.saving_per_month < 0


def test_growing_spend_is_worth_moving_on_a_day_ahead() -> None:
    growing = replace(WORKLOAD, growth_percent_per_month=Decimal(5))
    result = compare_workload(ESTATE, growing, OPTION, spend(250), TODAY)
    assert result.answer.worth_on is not None
    assert result.answer.worth_on > TODAY


@pytest.mark.parametrize(
    ("change", "need"),
    [
        ({"staff_per_month": None}, "hardware_options.eight-h100.staff_per_month"),
        ({"power_watts": None}, "hardware_options.eight-h100.power_watts"),
        (
            {"maintenance_percent_per_year": None},
            "hardware_options.eight-h100.maintenance_percent_per_year",
        ),
        (
            {"staff_per_month": Money(Decimal(5), "EUR")},
            "hardware_options.eight-h100.staff_per_month in USD, or a rate EUR to USD for 2026-03",
        ),
        (
            {"salvage_value": usd(300_000)},
            "hardware_options.eight-h100.salvage_value at most its purchase_price",
        ),
        (
            {"useful_life_years": Decimal(-1)},
            "hardware_options.eight-h100.useful_life_years above 0 (it is -1)",
        ),
    ],
)
def test_missing_or_impossible_setting_is_named_and_never_taken_for_nothing(
    change: dict[str, object], need: str
) -> None:
    option = replace(OPTION, **change)  # type: ignore[arg-type]
    result = compare_workload(ESTATE, WORKLOAD, option, spend(700), TODAY)
    assert result.answer.kind is AnswerKind.UNKNOWN
    assert result.answer.needs == (need,)
    assert str(result.answer) == f"unknown: set {need}"
    assert result.own_per_month is None


def test_rate_of_the_month_converts_a_foreign_amount() -> None:
    estate = replace(ESTATE, currency_rates={("2026-03", "EUR", "USD"): Decimal("1.1")})
    option = replace(OPTION, staff_per_month=Money(Decimal(1_000), "EUR"))
    dearer = compare_workload(estate, WORKLOAD, option, spend(700), TODAY)
    same = compare_workload(ESTATE, WORKLOAD, OPTION, spend(700), TODAY)
    assert dearer.own_per_month == (same.own_per_month or 0) + 100


def test_missing_tariff_is_named() -> None:
    estate = replace(ESTATE, energy=EnergyPrice())
    result = compare_workload(estate, WORKLOAD, OPTION, spend(700), TODAY)
    assert result.answer.needs == ("energy.price_per_kwh",)


def test_tariff_with_a_hole_is_refused_naming_the_hour() -> None:
    holed = EnergyPrice(bands=(TariffBand(usd(1), ALWAYS, 1, 24),))
    with pytest.raises(ConfigError, match="hour 0 of weekday 0"):
        compare_workload(replace(ESTATE, energy=holed), WORKLOAD, OPTION, spend(700), TODAY)


def test_commitment_still_payable_delays_the_date() -> None:
    free = compare_workload(ESTATE, WORKLOAD, OPTION, spend(700), TODAY)
    bound = replace(WORKLOAD, committed_per_month=usd(5_000), committed_until=date(2026, 9, 1))
    locked = compare_workload(ESTATE, bound, OPTION, spend(700), TODAY)
    assert locked.answer.months is not None
    assert free.answer.months is not None
    assert locked.answer.months > free.answer.months
    assert locked.payback is not None
    monthly = [month.go for month in locked.payback.curve[1:]]
    assert monthly[6] - monthly[7] == 5_000


def test_commitment_without_an_end_needs_one() -> None:
    bound = replace(WORKLOAD, committed_per_month=usd(5_000))
    result = compare_workload(ESTATE, bound, OPTION, spend(700), TODAY)
    assert result.answer.needs == ("workloads.train.committed_until",)


def test_few_days_of_spend_are_waited_for_not_judged() -> None:
    result = compare_workload(ESTATE, WORKLOAD, OPTION, spend(700, days=10), TODAY)
    assert result.answer.kind is AnswerKind.UNKNOWN
    assert result.answer.waits
    assert result.answer.needs == ("28 whole days of spend (10 so far)",)


def test_late_days_are_left_out_and_do_not_read_as_a_drop() -> None:
    late = spend(700, until=TODAY - timedelta(days=3))
    result = compare_workload(ESTATE, WORKLOAD, OPTION, late, TODAY)
    assert result.cloud_per_month == Decimal(700) * 365 / 12


def test_workload_too_large_for_one_server_buys_what_it_takes() -> None:
    quoted = replace(WORKLOAD, quote="cloud-h100")
    result = compare_workload(ESTATE, quoted, OPTION, spend(1_000), TODAY)
    hours_per_month = Decimal(1_000) * 365 / 12 / 3
    assert hours_per_month > 8 * 730
    assert result.upfront == 500_000
    assert result.utilization is not None
    assert abs(result.utilization - hours_per_month / (16 * 730)) < Decimal("1e-12")
    assert result.utilization_turn is not None


def test_other_model_needs_its_throughput() -> None:
    estate = replace(ESTATE, quotes=(replace(QUOTE, gpu_model="A100"),))
    quoted = replace(WORKLOAD, quote="cloud-h100")
    other = replace(OPTION, gpu_model="H100")
    result = compare_workload(estate, quoted, other, spend(700), TODAY)
    assert result.answer.needs == (
        "hardware_options.eight-h100.cloud_gpus_per_gpu (an H100 against a cloud A100)",
    )


def test_workload_without_hardware_to_compare_names_the_setting() -> None:
    estate = replace(ESTATE, hardware_options=())
    (result,) = compare_workloads(estate, [spend(700)], TODAY)
    assert result.answer.needs == ("workloads.train.option",)


def test_busy_asset_is_kept_and_its_price_once_paid_changes_nothing() -> None:
    free_of_service = replace(ASSET, maintenance_percent_per_year=Decimal(0))
    result = against(free_of_service, 0.9)
    richer = against(replace(free_of_service, purchase_price=usd(900_000)), 0.9)
    assert result.own_per_month == richer.own_per_month
    assert result.answer.kind is AnswerKind.NEVER
    assert result.answer.why == "in no month within 36 months does moving save anything"
    assert result.answer.worth_on is None
    assert result.ratio is not None
    assert result.ratio < 1


def test_idle_asset_is_cheaper_to_rent() -> None:
    result = against(ASSET, 0.1)
    assert result.answer.kind is AnswerKind.ALREADY
    assert result.answer.worth_on == TODAY
    assert result.saving_per_month is not None
    assert result.saving_per_month > 0


def test_utilization_at_which_it_turns_is_where_both_sides_cost_the_same() -> None:
    turn = against(ASSET, 0.1).utilization_turn
    assert turn is not None
    assert 0 < turn < 1
    at_turn = against(ASSET, float(turn))
    assert at_turn.ratio is not None
    assert abs(at_turn.ratio - 1) < Decimal("1e-6")


@pytest.mark.parametrize(
    "key", ["purchase_price", "resale_value", "staff_per_month", "host_overhead_watts"]
)
def test_asset_that_lacks_a_setting_names_it(key: str) -> None:
    result = against(replace(ASSET, **{key: None}), 0.5)
    assert str(result.answer) == f"unknown: set assets.rack-a.{key}"


def test_asset_without_a_cloud_price_asks_for_one() -> None:
    (result,) = compare_assets(replace(ESTATE, quotes=()), [hours(0.5)], [], TODAY)
    assert result.answer.needs == ("assets.rack-a.comparator (cloud-h100 is no [[quotes]] entry)",)


def test_billed_price_per_gpu_hour_can_be_the_comparator() -> None:
    billed = spend(700)
    counted = replace(billed, gpu_hours=dict.fromkeys(billed.effective_cost, Decimal(350)))
    estate = replace(ESTATE, assets=(replace(ASSET, comparator="workload:train"),))
    (result,) = compare_assets(estate, [hours(0.5)], [counted], TODAY)
    assert result.cloud_per_month is not None
    assert abs(result.cloud_per_month - 4 * 730 * 2) < Decimal("1e-12")


def test_asset_seen_for_too_short_or_with_gaps_is_waited_for() -> None:
    cloud = CloudPrice("q", usd(3), Origin.QUOTED)
    short = compare_asset(ESTATE, ASSET, hours(0.5, days=5), cloud, TODAY)
    assert short.answer.needs == ("28 days of telemetry (5 so far)",)
    whole = hours(0.5)
    thin = replace(whole, covered_gpu_hours=whole.covered_gpu_hours * 0.5)
    gaps = compare_asset(ESTATE, ASSET, thin, cloud, TODAY)
    assert gaps.answer.needs == ("telemetry of 80% of 28 days (50% so far)",)


def test_unknown_hours_count_as_the_known_ones_and_not_as_idle() -> None:
    whole = hours(0.5)
    half = replace(
        whole,
        covered_gpu_hours=whole.covered_gpu_hours * 0.9,
        busy_gpu_hours=whole.busy_gpu_hours * 0.9,
    )
    end = datetime(2026, 3, 1, tzinfo=UTC)
    known, partly = use_of(whole, end), use_of(half, end)
    assert known is not None
    assert partly is not None
    assert abs(known.busy_gpu_hours_per_month - partly.busy_gpu_hours_per_month) < Decimal("1e-6")


def test_power_splits_into_idle_and_busy() -> None:
    whole = hours(0.0)
    busy = np.where(np.arange(len(whole.hour)) % 2 == 0, 1.0, 0.0) * 8
    mixed = replace(whole, busy_gpu_hours=busy, energy_kwh=8 * 0.075 + busy * 0.6)
    use = use_of(mixed, datetime(2026, 3, 1, tzinfo=UTC))
    assert use is not None
    assert use.idle_kw is not None
    assert abs(use.idle_kw - Decimal("0.6")) < Decimal("1e-6")
    assert use.busy_kw_per_gpu is not None
    assert abs(use.busy_kw_per_gpu - Decimal("0.6")) < Decimal("1e-6")


def test_power_drawn_at_night_costs_the_night_price() -> None:
    day = TariffBand(usd("0.30"), ALWAYS, 6, 22, "day")
    night = (
        TariffBand(usd("0.10"), ALWAYS, 0, 6, "night"),
        TariffBand(usd("0.10"), ALWAYS, 22, 24, "night"),
    )
    zone = ZoneInfo("Etc/GMT-2")
    estate = replace(ESTATE, energy=EnergyPrice((day, *night), zone, Decimal(1)))
    whole = hours(0.5)
    local_hour = (whole.hour // 3_600 + 2) % 24
    at_night = replace(whole, energy_kwh=np.where((local_hour < 6) | (local_hour >= 22), 4.0, 0.0))
    cloud = CloudPrice("q", usd(3), Origin.QUOTED)
    nightly = compare_asset(estate, ASSET, at_night, cloud, TODAY)
    cheap = replace(ESTATE, energy=replace(flat("0.10"), pue=Decimal(1)))
    flatly = compare_asset(cheap, ASSET, at_night, cloud, TODAY)
    assert nightly.own_per_month == flatly.own_per_month


@quick
@given(st.decimals("0.05", 1, places=2), st.decimals(0, "0.5", places=2))
def test_busier_asset_is_never_better_rented(busy: Decimal, more: Decimal) -> None:
    lower, higher = against(ASSET, float(busy)), against(ASSET, float(min(1, busy + more)))
    assert lower.ratio is not None
    assert higher.ratio is not None
    assert higher.ratio <= lower.ratio + Decimal("1e-12")


@quick
@given(st.decimals("0.05", 1, places=2))
def test_asset_split_in_two_costs_the_same(busy: Decimal) -> None:
    half = replace(
        ASSET,
        purchase_price=usd(125_000),
        resale_value=usd(60_000),
        salvage_value=usd(20_000),
        staff_per_month=usd(750),
        host_overhead_watts=Decimal(450),
    )
    whole, part = against(ASSET, float(busy)), against(half, float(busy), gpus=4)
    for name in ("own_per_month", "cloud_per_month", "saving_per_month"):
        assert abs(getattr(whole, name) - 2 * getattr(part, name)) < Decimal("1e-6")
    assert whole.utilization_turn is not None
    assert part.utilization_turn is not None
    assert abs(whole.utilization_turn - part.utilization_turn) < Decimal("1e-9")


@quick
@given(st.decimals("0.01", "0.90", places=2), st.decimals("0.01", "0.50", places=2))
def test_dearer_kilowatt_hour_never_brings_the_date_forward(tariff: Decimal, more: Decimal) -> None:
    def months(price: Decimal) -> Decimal:
        estate = replace(ESTATE, energy=flat(str(price)))
        found = compare_workload(estate, WORKLOAD, OPTION, spend(700), TODAY).answer.months
        return Decimal("Infinity") if found is None else found

    assert months(tariff + more) >= months(tariff)


def watch(inputs: Inputs, *, tell_unknown: bool = True) -> dict[str, str]:
    found = BreakevenWatch(Settings(tell_unknown=tell_unknown)).analyze(inputs)
    return {f.labels.get("workload", f.labels.get("asset", "")): f.labels["verdict"] for f in found}


def inputs(**changes: object) -> Inputs:
    whole = Inputs(
        as_of=datetime(2026, 3, 1, 9, tzinfo=UTC),
        estate=ESTATE,
        asset_hours=[hours(0.9)],
        workload_spend=[spend(700)],
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_crossing_is_found_with_its_money_and_its_assumptions() -> None:
    (found,) = BreakevenWatch().analyze(inputs())
    assert found.labels == {
        "workload": "train",
        "verdict": "buy",
        "option": "eight-h100",
        "currency": "USD",
    }
    assert found.severity is Severity.WARNING
    assert found.money_basis is MoneyBasis.PER_DAY
    assert found.money_at_stake is not None
    assert found.money_at_stake > 0
    assert found.evidence["answer"] == "date"
    assert len(found.evidence["ratios"]) == 3
    assert "owning eight-h100 saves" in found.title
    assert any("quoted, 28 days old" in line for line in found.evidence["assumptions"])


def test_one_dear_week_is_no_crossing() -> None:
    calm = spend(280)
    late = {
        d: c * (5 if d >= TODAY - timedelta(days=7) else 1) for d, c in calm.effective_cost.items()
    }
    assert compare_workload(
        ESTATE, WORKLOAD, OPTION, replace(calm, effective_cost=late), TODAY
    ).ratio
    assert watch(inputs(workload_spend=[replace(calm, effective_cost=late)])) == {}


def test_idle_asset_is_told_to_be_rented() -> None:
    found = watch(inputs(asset_hours=[hours(0.05)], workload_spend=[spend(280)]))
    assert found == {"rack-a": "rent"}


def test_told_crossing_stays_until_it_is_back_near_one() -> None:
    (told,) = BreakevenWatch().analyze(inputs())
    assert told.id
    ratio_one = Decimal(str(told.evidence["own_per_month"])) / (Decimal(365) / 12)
    near = spend(float(ratio_one * Decimal("1.05")))
    assert watch(inputs(workload_spend=[near])) == {}
    assert watch(inputs(workload_spend=[near], open_findings=[told])) == {"train": "buy"}
    equal = spend(float(ratio_one * Decimal("1.01")))
    assert watch(inputs(workload_spend=[equal], open_findings=[told])) == {}


def test_told_crossing_stays_while_the_data_no_longer_carry_a_judgement() -> None:
    (told,) = BreakevenWatch().analyze(inputs())
    blind = inputs(workload_spend=[spend(700, days=5)], open_findings=[told])
    assert BreakevenWatch().analyze(blind) == [told]


def test_lacking_setting_is_told_at_info_unless_switched_off() -> None:
    bare = replace(ESTATE, assets=(replace(ASSET, staff_per_month=None),), workloads=())
    (found,) = BreakevenWatch().analyze(inputs(estate=bare))
    assert found.severity is Severity.INFO
    assert found.title == "Break-even of asset rack-a: unknown: set assets.rack-a.staff_per_month"
    assert watch(inputs(estate=bare), tell_unknown=False) == {}


def test_data_to_wait_for_is_no_finding() -> None:
    assert watch(inputs(asset_hours=[], workload_spend=[])) == {}


def test_told_crossing_stays_while_nothing_at_all_is_known_of_its_workload() -> None:
    (told,) = BreakevenWatch().analyze(inputs())
    every_option = replace(ESTATE, workloads=(replace(WORKLOAD, option=None),))
    blind = inputs(workload_spend=[], estate=every_option, open_findings=[told])
    assert BreakevenWatch().analyze(blind) == [told]


def test_asset_that_never_works_is_told_to_be_rented() -> None:
    found = watch(inputs(asset_hours=[hours(0.0)], workload_spend=[spend(280)]))
    assert found == {"rack-a": "rent"}


def test_workload_billed_in_two_currencies_gives_a_finding_for_each() -> None:
    rates = {("2026-03", "USD", "EUR"): Decimal(1), ("2026-02", "USD", "EUR"): Decimal(1)}
    estate = replace(ESTATE, currency_rates=rates)
    both = [spend(700), replace(spend(700), currency="EUR")]
    found = BreakevenWatch().analyze(inputs(estate=estate, workload_spend=both))
    assert {f.labels["currency"] for f in found} == {"USD", "EUR"}


def test_base_load_is_worth_owning_and_the_peak_worth_renting() -> None:
    whole = hours(0.0)
    base = np.where(whole.hour // 3_600 % 24 < 2, 8.0, 3.0)
    cloud = CloudPrice("cloud-h100", usd(3), Origin.QUOTED)
    load = replace(whole, busy_gpu_hours=base)
    result = compare_asset(ESTATE, ASSET, load, cloud, TODAY)
    assert result.sizing is not None
    assert result.sizing.best == 3
    assert result.sizing.best_cost < result.sizing.all_cloud
    assert result.sizing.best_cost < result.sizing.all_own
    assert against(ASSET, 0.05).sizing is not None
