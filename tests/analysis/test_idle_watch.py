"""What is said of GPUs that stand idle now, and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.energy_cost import tariff_of
from analysis.idle import IdleWatch, Settings
from analysis.idle_cost import add_costs, idle_cost, owned_hours
from analysis.idle_texts import gpu_numbers
from analysis.inputs import Inputs
from spendwatt.estate import Asset, EnergyPrice, Estate, TariffBand
from spendwatt.money import Money
from spendwatt.records import Finding, Gpu, GpuState, IdleStretch, MoneyBasis, Severity

NOW = datetime(2026, 3, 3, 7, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLAT = TariffBand(Money(Decimal("0.15"), "USD"), frozenset(range(7)), 0, 24)
RACK = Asset(
    name="rack-a",
    match="host:node-a*",
    purchase_price=Money(Decimal(250_000), "USD"),
    purchased_on=date(2025, 3, 1),
    useful_life_years=Decimal(4),
    salvage_value=Money(Decimal(40_000), "USD"),
    maintenance_percent_per_year=Decimal(5),
)
ESTATE = Estate(assets=(RACK,), energy=EnergyPrice(bands=(FLAT,), pue=Decimal("1.3")))
GPUS = [Gpu(f"GPU-{i}", host="node-a03", name="NVIDIA H100", index=i) for i in range(8)]


def idle(
    gpu: Gpu,
    hours: float,
    *,
    until: datetime = NOW,
    state: GpuState = GpuState.IDLE_HELD,
    watts: float | None = 74,
) -> IdleStretch:
    seconds = hours * 3600
    return IdleStretch(
        gpu_uuid=gpu.uuid,
        state=state,
        started_at=until - hours * HOUR,
        ended_at=until,
        idle_seconds=seconds,
        util_percent_seconds=0.4 * seconds,
        util_seconds=seconds,
        memory_mib_seconds=61 * 1024 * seconds,
        memory_seconds=seconds,
        power_joules=(watts or 0) * seconds,
        power_seconds=0 if watts is None else seconds,
    )


def found(
    stretches: Sequence[IdleStretch],
    *,
    estate: Estate = ESTATE,
    read_until: Mapping[str, datetime] | None = None,
    open_findings: Sequence[Finding] = (),
    gpus: Sequence[Gpu] = GPUS,
) -> list[Finding]:
    inputs = Inputs(
        as_of=NOW,
        estate=estate,
        open_findings=open_findings,
        idle_stretches=stretches,
        gpus=gpus,
        gpu_read_until=read_until or {gpu.uuid: NOW for gpu in gpus},
    )
    return list(IdleWatch(Settings()).analyze(inputs))


def test_four_gpus_of_a_host_are_one_finding() -> None:
    (finding,) = found([idle(gpu, 22) for gpu in GPUS[:4]])
    assert finding.title == "Idle: 4 x H100 held 22 h on node-a03, GPUs 0-3"
    assert finding.severity is Severity.WARNING
    assert finding.labels == {"host": "node-a03", "state": "idle_held"}
    assert finding.opened_at == NOW - 22 * HOUR
    assert "Since Mon 2 Mar 2026 09:10 UTC." in finding.detail
    assert "Utilization 0.4 %, 61.0 GiB in use per GPU, 74 W, 88.0 GPU-hours" in finding.detail
    assert finding.evidence["idle_gpu_hours"] == "88"


def test_its_cost_is_that_of_the_formula() -> None:
    (finding,) = found([idle(gpu, 22) for gpu in GPUS[:4]])
    owned = (Decimal(210_000) / (4 * 8760) + Decimal(250_000) * 5 / 100 / 8760) / 8
    energy = Decimal("0.074") * Decimal("1.3") * Decimal("0.15")
    assert Decimal(finding.evidence["avoidable_cost"]) == energy * 88
    total = Decimal(finding.evidence["idle_cost"])
    assert abs(total - (owned + energy) * 88) < Decimal("1e-6")
    assert finding.money_at_stake == ((owned + energy) * 24 * 4).quantize(Decimal("0.01"))
    assert finding.money_basis is MoneyBasis.PER_DAY
    assert finding.currency == "USD"
    assert "$1.27 is electricity, which ending it saves" in finding.detail


def test_without_a_price_gpu_hours_are_told_and_the_setting_named() -> None:
    estate = Estate(assets=(replace(RACK, purchase_price=None),))
    (finding,) = found([idle(GPUS[0], 10)], estate=estate)
    assert finding.money_at_stake is None
    assert finding.evidence["idle_cost"] is None
    assert "10.0 GPU-hours, price unknown: set assets.rack-a.purchase_price." in finding.detail


def test_without_an_asset_the_entry_to_write_is_named() -> None:
    (finding,) = found([idle(GPUS[0], 10)], estate=Estate())
    assert 'set an [[assets]] entry with match = "host:node-a03"' in finding.detail


def test_what_the_price_leaves_out_is_said() -> None:
    estate = Estate(assets=(replace(RACK, salvage_value=None, maintenance_percent_per_year=None),))
    (finding,) = found([idle(GPUS[0], 10, watts=None)], estate=estate)
    assert finding.evidence["price_leaves_out"] == [
        "assets.rack-a.salvage_value",
        "assets.rack-a.maintenance_percent_per_year",
        "the GPU's power",
    ]
    assert finding.evidence["avoidable_cost"] is None
    assert Decimal(finding.evidence["idle_cost"]) > 0


def test_states_of_a_host_are_apart() -> None:
    findings = found([idle(GPUS[0], 9), idle(GPUS[1], 9, state=GpuState.ORPHAN_MEMORY)])
    assert [f.labels["state"] for f in findings] == ["idle_held", "orphan_memory"]


def test_an_empty_card_is_no_warning() -> None:
    (finding,) = found([idle(gpu, 30, state=GpuState.IDLE_EMPTY) for gpu in GPUS])
    assert finding.severity is Severity.INFO


def test_little_idleness_is_told_quietly_and_less_not_at_all() -> None:
    (finding,) = found([idle(GPUS[0], 5)])
    assert finding.severity is Severity.INFO
    assert found([idle(GPUS[0], 0.95)]) == []


def test_gpus_that_fell_idle_apart_are_told_as_such() -> None:
    (finding,) = found([idle(GPUS[0], 30), idle(GPUS[2], 9), idle(GPUS[3], 0.2)])
    assert finding.title == "Idle: 2 x H100 held up to 30 h on node-a03, GPUs 0, 2"
    assert "the last of them since Mon 2 Mar 2026 22:10 UTC" in finding.detail


def test_a_host_that_no_reading_names_is_said_to_be_unknown() -> None:
    (finding,) = found([idle(Gpu("GPU-x"), 9)], gpus=[Gpu("GPU-x")])
    assert finding.title == "Idle: 1 x GPU held 9 h on an unknown host"
    assert finding.labels["host"] == "unknown"


def test_what_ended_is_over() -> None:
    assert found([idle(GPUS[0], 9, until=NOW - HOUR)]) == []


def test_a_burst_at_the_end_does_not_end_it_yet() -> None:
    assert len(found([idle(GPUS[0], 9, until=NOW - timedelta(minutes=6))])) == 1


def test_a_silent_gpu_keeps_a_finding_open_and_opens_none() -> None:
    heard = NOW - 5 * HOUR
    stretches, silent = [idle(GPUS[0], 9, until=heard)], {GPUS[0].uuid: heard}
    before = found([idle(GPUS[0], 9)])
    (kept,) = found(stretches, read_until=silent, open_findings=before)
    assert kept.id == before[0].id
    assert "Not heard of since Tue 3 Mar 2026 02:10 UTC: it may be over" in kept.detail
    assert found(stretches, read_until=silent) == []


def test_numbers_of_gpus_are_read_as_spans() -> None:
    assert gpu_numbers([GPUS[i] for i in (6, 0, 1, 2)]) == "GPUs 0-2, 6"
    assert gpu_numbers([GPUS[3]]) == "GPU 3"
    assert gpu_numbers([Gpu("x")]) == ""


def test_prices_in_two_currencies_are_not_added() -> None:
    euro = TariffBand(Money(Decimal("0.15"), "EUR"), frozenset(range(7)), 0, 24)
    hours = owned_hours(ESTATE, GPUS)
    tariff = tariff_of(EnergyPrice(bands=(euro,)))
    cost = idle_cost(idle(GPUS[0], 10), hours[GPUS[0].uuid], tariff)
    assert cost.currency == "USD"
    assert cost.avoidable is None
    assert "energy.price_per_kwh in USD" in cost.leaves_out


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0.1, 500), min_size=1, max_size=8), st.floats(5, 400))
def test_parts_of_the_cost_sum_to_the_whole(lengths: list[float], watts: float) -> None:
    hours, tariff = owned_hours(ESTATE, GPUS), tariff_of(ESTATE.energy)
    costs = [
        idle_cost(idle(gpu, length, watts=watts), hours[gpu.uuid], tariff)
        for gpu, length in zip(GPUS, lengths, strict=False)
    ]
    whole = add_costs(costs)
    totals = [cost.total for cost in costs if cost.total is not None]
    assert whole.total == sum(totals)
    assert whole.owned is not None
    assert whole.avoidable is not None
    assert whole.total == whole.owned + whole.avoidable
