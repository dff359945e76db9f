"""GPUs and what was read from them: minutes, hours, days, the fleet, idle stretches, holders.

Time is a whole number of minutes, hours or days since 1970 (UTC): half the size of a timestamp,
and one division leads from each to the next; `storage.steps` converts. Rows hold integrals over
known seconds and maxima, never averages, so that roll-ups merge exactly:

    mean utilization = util_percent_seconds / (covered_seconds - util_missing_seconds)
    mean memory      = memory_mib_seconds   / (covered_seconds - memory_missing_seconds)
    mean power       = (counter + integrated joules) / (counter + integrated seconds)

Every key of a table that grows with the fleet holds `gpu_id`, by which Citus distributes it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from storage.schema import Moment, metadata

IDLE_STATES = ("idle_empty", "idle_held", "allocated_no_process", "orphan_memory")


def _key(name: str, comment: str, type_: Any = Integer) -> Column[Any]:
    return Column(name, type_, primary_key=True, autoincrement=False, comment=comment)


def _gpu_key() -> Column[int]:
    return Column(
        "gpu_id",
        Integer,
        ForeignKey("gpu.gpu_id"),
        primary_key=True,
        autoincrement=False,
        comment="The GPU, a row of gpu.",
    )


def _step(name: str) -> Column[int]:
    return _key(name, f"Number of the {name} since 1970-01-01 00:00 UTC.")


def _readings(seconds: Any, sums: Any) -> list[Column[Any]]:
    """Give the columns that every roll-up shares; longer steps need wider types."""

    def total(name: str, type_: Any, comment: str) -> Column[int]:
        return Column(name, type_, nullable=False, comment=comment)

    return [
        total("util_percent_seconds", sums, "Integral of gpu_util over its known seconds, % s."),
        total("memory_mib_seconds", sums, "Integral of used memory over its known seconds, MiB s."),
        total("energy_counter_joules", sums, "Board energy by the device's own counter, J."),
        total("energy_integrated_joules", sums, "Board energy integrated from power readings, J."),
        Column("memory_max_mib", Integer, comment="Most memory in use, MiB; null if unknown."),
        total("covered_seconds", seconds, "Seconds about which anything was read."),
        total("util_missing_seconds", seconds, "Covered seconds without a utilization."),
        total("memory_missing_seconds", seconds, "Covered seconds without used memory."),
        total("busy_seconds", seconds, "Seconds with a utilization of 5 % or more."),
        total("energy_counter_seconds", seconds, "Seconds whose energy the counter told."),
        total("energy_integrated_seconds", seconds, "Seconds whose energy was integrated."),
        total("energy_gap_seconds", seconds, "Seconds whose energy nobody knows."),
        Column("power_max_watts", SmallInteger, comment="Largest power draw, W."),
        Column("temperature_max_celsius", SmallInteger, comment="Highest temperature, C."),
    ]


def _sane(length: str) -> list[CheckConstraint]:
    """Refuse negative sums, and parts that are longer than the whole."""
    return [
        CheckConstraint(
            f"covered_seconds BETWEEN 0 AND {length}"
            " AND util_missing_seconds BETWEEN 0 AND covered_seconds"
            " AND memory_missing_seconds BETWEEN 0 AND covered_seconds"
            " AND busy_seconds BETWEEN 0 AND covered_seconds - util_missing_seconds",
            name="covered",
        ),
        CheckConstraint(
            "energy_counter_seconds >= 0 AND energy_integrated_seconds >= 0"
            " AND energy_gap_seconds >= 0 AND energy_counter_seconds + energy_integrated_seconds"
            f" + energy_gap_seconds <= {length}",
            name="energy",
        ),
        CheckConstraint(
            "util_percent_seconds BETWEEN 0 AND 100 * (covered_seconds - util_missing_seconds)"
            " AND memory_mib_seconds >= 0"
            " AND energy_counter_joules >= 0 AND energy_integrated_joules >= 0",
            name="sums",
        ),
    ]


gpu = Table(
    "gpu",
    metadata,
    Column("gpu_id", Integer, primary_key=True, comment="Key."),
    Column("uuid", Text, nullable=False, comment="NVML's UUID; of a MIG slice with /GI/CI."),
    Column("host", Text, comment="Host that reported it last."),
    Column("name", Text, comment="Product name, such as NVIDIA H100 80GB HBM3."),
    Column("pool", Text, nullable=False, comment="GPUs that can replace each other: their name."),
    Column("device_index", Integer, comment="Its number on the host, as in nvidia-smi."),
    Column("memory_total_bytes", BigInteger, comment="Size of its memory, bytes."),
    Column("power_limit_watts", Float, comment="Enforced power limit, W."),
    Column("cloud_resource_id", Text, comment="Resource of the bill that it belongs to."),
    UniqueConstraint("uuid"),
    comment="Every GPU and MIG instance that was ever read.",
)

gpu_minute = Table(
    "gpu_minute",
    metadata,
    _step("minute"),
    _gpu_key(),
    *_readings(SmallInteger, Integer),
    Column("util_max_percent", SmallInteger, comment="Largest gpu_util, %; null if unknown."),
    Column("sm_clock_max_mhz", SmallInteger, comment="Fastest SM clock, MHz."),
    Column(
        "clocks_event_reasons", SmallInteger, nullable=False, comment="NVML clocks event bits, OR."
    ),
    Column("processes_max", SmallInteger, comment="Most processes at once; null if unknown."),
    *_sane("60"),
    CheckConstraint("util_max_percent BETWEEN 0 AND 100", name="percent"),
    comment="One GPU in one minute, replaced by key, kept 30 days.",
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (minute)",
)

gpu_hour = Table(
    "gpu_hour",
    metadata,
    _step("hour"),
    _gpu_key(),
    *_readings(SmallInteger, Integer),
    *_sane("3600"),
    comment="One GPU in one hour, rebuilt from its minutes, kept two years.",
    sqlite_with_rowid=False,
)
# SQLite's fleets are small enough to scan; there the index would be a quarter of the table.
Index(
    "ix_gpu_hour_gpu_id_hour", gpu_hour.c.gpu_id, gpu_hour.c.hour, info={"engine": "postgresql"}
).ddl_if(dialect="postgresql")

gpu_day = Table(
    "gpu_day",
    metadata,
    _step("day"),
    _gpu_key(),
    *_readings(Integer, BigInteger),
    *_sane("86400"),
    comment="One GPU in one UTC day, rebuilt from its hours, kept.",
    sqlite_with_rowid=False,
)

fleet_hour = Table(
    "fleet_hour",
    metadata,
    _step("hour"),
    _key("pool", "GPUs that can replace each other, see gpu.pool.", Text),
    Column("gpus", Integer, nullable=False, comment="Number of GPUs with a row in the hour."),
    *_readings(BigInteger, BigInteger),
    *_sane("3600 * gpus"),
    comment="All GPUs of a pool in one hour, kept.",
    sqlite_with_rowid=False,
)

gpu_idle = Table(
    "gpu_idle",
    metadata,
    _gpu_key(),
    _key("started_at", "First moment of the stretch, UTC.", Moment),
    Column("ended_at", Moment, nullable=False, comment="First moment after it, UTC."),
    Column("state", Text, nullable=False, comment="What kind of idleness."),
    Column("idle_seconds", Float, nullable=False, comment="Known seconds under 5 % gpu_util."),
    Column("util_percent_seconds", Float, nullable=False, comment="Integral of gpu_util, % s."),
    Column("util_seconds", Float, nullable=False, comment="Seconds with a known gpu_util."),
    Column("memory_mib_seconds", Float, nullable=False, comment="Integral of used memory, MiB s."),
    Column("memory_seconds", Float, nullable=False, comment="Seconds with known used memory."),
    Column("power_joules", Float, nullable=False, comment="Board energy of the idle minutes, J."),
    Column("power_seconds", Float, nullable=False, comment="Seconds whose energy is known."),
    CheckConstraint("ended_at > started_at", name="order"),
    CheckConstraint(
        "idle_seconds >= 0 AND util_seconds >= 0 AND memory_seconds >= 0 AND power_seconds >= 0",
        name="seconds",
    ),
    CheckConstraint(f"state IN {IDLE_STATES}", name="state"),
    comment="Stretches in which a GPU stood idle, kept.",
)
Index(None, gpu_idle.c.ended_at)

gpu_holder = Table(
    "gpu_holder",
    metadata,
    _gpu_key(),
    _key("pid", "Process id on the host."),
    _key("process_started_at", "Start of the process: pids are used again.", Moment),
    Column("first_seen_at", Moment, nullable=False, comment="When it was first seen on the GPU."),
    Column("last_seen_at", Moment, nullable=False, comment="When it was last seen on the GPU."),
    Column("user_name", Text, comment="Owner of the process."),
    Column("program", Text, comment="Name of the program; its arguments may hold secrets."),
    Column("container_id", Text, comment="Container, by its cgroup."),
    Column("pod", Text, comment="Kubernetes pod, namespace/name."),
    Column("job", Text, comment="Slurm job."),
    Column("memory_max_mib", Integer, comment="Most GPU memory it held, MiB; null if unknown."),
    CheckConstraint("last_seen_at >= first_seen_at", name="order"),
    comment="Processes that were seen on a GPU.",
)

gpu_xid = Table(
    "gpu_xid",
    metadata,
    _gpu_key(),
    _step("minute"),
    _key("xid", "NVIDIA's error number, such as 79: fallen off the bus."),
    Column("events", Integer, nullable=False, comment="How often in that minute."),
    CheckConstraint("events > 0", name="events"),
    comment="Errors that the driver reported, kept.",
)

gpu_owner = Table(
    "gpu_owner",
    metadata,
    _gpu_key(),
    _key("first_minute", "First minute that the source wrote."),
    Column("last_minute", Integer, nullable=False, comment="Last minute that the source wrote."),
    Column("source", Text, nullable=False, comment="Collector or import that owns the span."),
    Column("counter_joules", Float, comment="Energy counter at the end of last_minute, J."),
    CheckConstraint("last_minute >= first_minute", name="order"),
    comment="Which source owns a GPU when: two that report the same minutes would count twice.",
)

gpu_change = Table(
    "gpu_change",
    metadata,
    _gpu_key(),
    Column("from_minute", Integer, nullable=False, comment="First minute that changed."),
    Column("to_minute", Integer, nullable=False, comment="Last minute that changed."),
    Column("revision", Integer, nullable=False, comment="Grows with each change."),
    CheckConstraint("to_minute >= from_minute", name="order"),
    comment="Minutes whose idle stretches are still to be found; retention waits for them.",
)

roll_up_due = Table(
    "roll_up_due",
    metadata,
    _step("hour"),
    comment="Hours that changed since days and fleet were rebuilt.",
)
