"""The records that flow between the rooms: deliveries, readings, findings, prices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class MoneyBasis(StrEnum):
    """What a finding's money counts."""

    SPENT = "spent"
    """Gone already, over the whole of the finding so far."""
    PER_DAY = "per_day"
    """Going each day while the finding lasts."""
    PROJECTED = "projected"
    """Expected by the end of the period that the finding names."""


@dataclass(frozen=True, slots=True)
class BillFile:
    """A file of a bill, and how its own columns become FOCUS's.

    `focus` maps columns of `spendwatt.focus` to DuckDB expressions over the file's columns. They
    give raw values: amounts, times and missing texts are read by one set of rules for all
    dialects, in the store.
    """

    path: Path
    dialect: str
    columns: tuple[str, ...]
    """The file's own columns, in their order."""
    focus: Mapping[str, str]
    delimiter: str | None = None
    """What separates the cells of a text file; None for Parquet."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One version of a bill, as local files ready to be read.

    `billing_period` is the first day of the period that all rows belong to; None means that the
    files are a whole snapshot of the source, in which each row tells its own period.
    `fingerprint` changes whenever the content does.
    """

    source: str
    files: tuple[BillFile, ...]
    fingerprint: str
    billing_period: date | None = None
    received_at: datetime | None = None
    default_currency: str | None = None


SNAPSHOT = "*"
"""Key under which `known` gives the fingerprint of a source's newest whole snapshot."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """What is known of a GPU (or a MIG instance of one) beside its readings.

    `uuid` is NVML's, with `/<gpu instance>/<compute instance>` appended for a MIG instance.
    """

    uuid: str
    host: str | None = None
    name: str | None = None
    index: int | None = None
    memory_total_bytes: int | None = None
    power_limit_watts: float | None = None
    cloud_resource_id: str | None = None


@dataclass(frozen=True, slots=True)
class MinuteReading:
    """All samples of one GPU in one minute, folded into sums, so that roll-ups merge exactly.

    Each quantity has its own known seconds: a mean is its integral divided by those. A quantity
    that the device cannot tell has 0 known seconds and None as its maximum. Energy has seconds of
    its own, because the device's counter also tells what was used while nobody looked: mean power
    is the joules divided by the counter's and the integrated seconds. The three energy spans cover
    at least `covered_seconds`; together they are at most 60.
    """

    gpu: Gpu
    minute_at: datetime
    """First moment of the minute, UTC."""
    covered_seconds: float
    """Seconds of the minute about which anything is known; at most 60."""

    util_seconds: float = 0.0
    util_percent_seconds: float = 0.0
    util_max_percent: float | None = None
    busy_seconds: float = 0.0
    """Seconds with gpu_util >= 5 %, within util_seconds."""

    memory_seconds: float = 0.0
    memory_mib_seconds: float = 0.0
    memory_max_mib: float | None = None

    energy_counter_joules: float = 0.0
    energy_counter_seconds: float = 0.0
    energy_integrated_joules: float = 0.0
    energy_integrated_seconds: float = 0.0
    energy_gap_seconds: float = 0.0
    """Seconds whose energy nobody knows."""
    counter_joules_at_end: float | None = None
    """The energy counter at the minute's end: who was away goes on from here."""

    power_max_watts: float | None = None
    temperature_max_celsius: float | None = None
    sm_clock_max_mhz: float | None = None
    clocks_event_reasons: int = 0
    """Bitwise OR of NVML's clocks event reasons seen in the minute."""
    processes_max: int | None = None
    xids: tuple[int, ...] = ()
    """Errors that the driver reported in the minute, each as often as it came."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of something costs at one place from one day on."""

    provider: str
    region: str
    sku: str
    unit: str
    amount: Decimal
    currency: str
    valid_from: date
    terms: str = "on_demand"
    """`on_demand`, `spot`, `committed_1y`, `committed_3y` or a quote's own name."""
    gpu_model: str | None = None
    gpu_count: int | None = None
    origin: str = "imported"


@dataclass(frozen=True, slots=True)
class Finding:
    """What an analyzer saw. Kind and labels identify it; all else may change while it lasts."""

    kind: str
    labels: Mapping[str, str]
    severity: Severity
    title: str
    """One line: what, how much, where."""
    detail: str
    """Since when, because of what, how sure; a few sentences or lines."""
    next_step: str
    """What to do, as an instruction."""
    opened_at: datetime
    money_at_stake: Decimal | None = None
    money_basis: MoneyBasis | None = None
    currency: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready facts behind the judgement; numbers that are money are decimal strings."""

    @property
    def id(self) -> str:
        """First 16 hex digits of the sha256 of kind and labels: the same finding, the same id."""
        key = json.dumps([self.kind, sorted(self.labels.items())], separators=(",", ":"))
        return hashlib.sha256(key.encode()).hexdigest()[:16]


class GpuState(StrEnum):
    """What a GPU is about, as far as its readings tell."""

    ACTIVE = "active"
    IDLE_EMPTY = "idle_empty"
    """Idle, and nothing is loaded."""
    IDLE_HELD = "idle_held"
    """Idle while somebody holds it: a process, or at least 1 GiB of its memory."""
    ALLOCATED_NO_PROCESS = "allocated_no_process"
    """Idle, given to a job by the scheduler, and no process of that job is there."""
    ORPHAN_MEMORY = "orphan_memory"
    """Idle with memory held, although the driver knows of no process that could hold it."""
    UNKNOWN = "unknown"
    """Nothing is known of its utilization. Never taken for idle."""


IDLE_STATES = (
    GpuState.IDLE_HELD,
    GpuState.IDLE_EMPTY,
    GpuState.ALLOCATED_NO_PROCESS,
    GpuState.ORPHAN_MEMORY,
)


@dataclass(frozen=True, slots=True)
class IdleStretch:
    """A span [started_at, ended_at) in which a GPU stood idle in one state.

    Sums run over its quiet minutes only: short bursts of work inside are bridged, but neither
    their seconds nor their energy count as idle. Each quantity has its own known seconds.
    """

    gpu_uuid: str
    state: GpuState
    started_at: datetime
    ended_at: datetime
    idle_seconds: float
    """Known seconds with gpu_util < 5 %: what the idleness is counted and priced by."""
    util_percent_seconds: float = 0.0
    """Integral of gpu_util over the quiet minutes' known seconds, `util_seconds`."""
    util_seconds: float = 0.0
    memory_mib_seconds: float = 0.0
    memory_seconds: float = 0.0
    power_joules: float = 0.0
    power_seconds: float = 0.0
