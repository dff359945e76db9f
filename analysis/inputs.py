"""Everything that analyzers may be given, as values. `service.inputs` loads what each needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from analysis.budget_days import BudgetDays
from analysis.economics.demand import AssetHours, WorkloadSpend
from analysis.ledger import Ledger
from analysis.source_state import SourceState
from spendwatt.estate import Estate
from spendwatt.records import Finding, Gpu, IdleStretch


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known at `as_of`; nothing that arrived later is in here."""

    as_of: datetime
    estate: Estate
    open_findings: Sequence[Finding] = ()
    """Open findings of the analyzer's own kinds."""
    ledger: Ledger = field(default_factory=Ledger.empty)
    """Changes of the bill, by day, account, service, region and currency."""
    account_names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(provider, account) -> what people call the account, where that is known."""
    asset_hours: Sequence[AssetHours] = ()
    """One per configured asset that telemetry knows, over the 49 days before `as_of`."""
    workload_spend: Sequence[WorkloadSpend] = ()
    """One per configured workload with a filter and currency, over the 49 days before `as_of`."""
    budget_days: Mapping[str, BudgetDays] = field(default_factory=dict)
    """Name of a budget -> exact billed cost per day, from `budget_days.first_needed(as_of)` on."""
    sources: Sequence[SourceState] = ()
    """Every source of bills and readings, configured or ever imported."""
    idle_stretches: Sequence[IdleStretch] = ()
    """Those of the last seven days, each whole, up to `as_of`."""
    gpus: Sequence[Gpu] = ()
    """Every GPU that was ever read."""
    gpu_read_until: Mapping[str, datetime] = field(default_factory=dict)
    """UUID -> end of its last reading before `as_of`."""
