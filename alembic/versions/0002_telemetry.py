"""Tables of telemetry: GPUs, their minutes, hours and days, the fleet, idle stretches, holders."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
)

from storage.schema import Moment

revision = "0002_telemetry"
down_revision = "0001_bills"
branch_labels = None
depends_on = None

TABLES = (
    "gpu",
    "gpu_minute",
    "gpu_hour",
    "gpu_day",
    "fleet_hour",
    "gpu_idle",
    "gpu_holder",
    "gpu_xid",
    "gpu_owner",
    "gpu_change",
    "roll_up_due",
)
IDLE_STATES = "('idle_empty', 'idle_held', 'allocated_no_process', 'orphan_memory')"


def upgrade() -> None:
    _create_gpu()
    _create_gpu_minute()
    _create_roll_ups()
    _create_gpu_idle()
    _create_gpu_holder()
    _create_gpu_xid()
    _create_bookkeeping()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_gpu() -> None:
    op.create_table(
        "gpu",
        Column("gpu_id", Integer, primary_key=True, comment="Key."),
        Column("uuid", Text, nullable=False, comment="NVML's UUID; of a MIG slice with /GI/CI."),
        Column("host", Text, comment="Host that reported it last."),
        Column("name", Text, comment="Product name, such as NVIDIA H100 80GB HBM3."),
        Column(
            "pool", Text, nullable=False, comment="GPUs that can replace each other: their name."
        ),
        Column("device_index", Integer, comment="Its number on the host, as in nvidia-smi."),
        Column("memory_total_bytes", BigInteger, comment="Size of its memory, bytes."),
        Column("power_limit_watts", Float, comment="Enforced power limit, W."),
        Column("cloud_resource_id", Text, comment="Resource of the bill that it belongs to."),
        UniqueConstraint("uuid"),
        comment="Every GPU and MIG instance that was ever read.",
    )


def _create_gpu_minute() -> None:
    op.create_table(
        "gpu_minute",
        _step("minute"),
        _gpu_key(),
        *_readings(SmallInteger, Integer),
        Column("util_max_percent", SmallInteger, comment="Largest gpu_util, %; null if unknown."),
        Column("sm_clock_max_mhz", SmallInteger, comment="Fastest SM clock, MHz."),
        Column(
            "clocks_event_reasons",
            SmallInteger,
            nullable=False,
            comment="NVML clocks event bits, OR.",
        ),
        Column("processes_max", SmallInteger, comment="Most processes at once; null if unknown."),
        *_sane("60"),
        CheckConstraint("util_max_percent BETWEEN 0 AND 100", name="percent"),
        comment="One GPU in one minute, replaced by key, kept 30 days.",
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (minute)",
    )


def _create_roll_ups() -> None:
    op.create_table(
        "gpu_hour",
        _step("hour"),
        _gpu_key(),
        *_readings(SmallInteger, Integer),
        *_sane("3600"),
        comment="One GPU in one hour, rebuilt from its minutes, kept two years.",
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_gpu_hour_gpu_id_hour", "gpu_hour", ["gpu_id", "hour"])
    op.create_table(
        "gpu_day",
        _step("day"),
        _gpu_key(),
        *_readings(Integer, BigInteger),
        *_sane("86400"),
        comment="One GPU in one UTC day, rebuilt from its hours, kept.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fleet_hour",
        _step("hour"),
        _key("pool", "GPUs that can replace each other, see gpu.pool.", Text),
        Column("gpus", Integer, nullable=False, comment="Number of GPUs with a row in the hour."),
        *_readings(BigInteger, BigInteger),
        *_sane("3600 * gpus"),
        comment="All GPUs of a pool in one hour, kept.",
        sqlite_with_rowid=False,
    )


def _create_gpu_idle() -> None:
    op.create_table(
        "gpu_idle",
        _gpu_key(),
        _key("started_at", "First moment of the stretch, UTC.", Moment),
        Column("ended_at", Moment, nullable=False, comment="First moment after it, UTC."),
        Column("state", Text, nullable=False, comment="What kind of idleness."),
        Column("idle_seconds", Float, nullable=False, comment="Known seconds under 5 % gpu_util."),
        Column("util_percent_seconds", Float, nullable=False, comment="Integral of gpu_util, % s."),
        Column("util_seconds", Float, nullable=False, comment="Seconds with a known gpu_util."),
        Column(
            "memory_mib_seconds", Float, nullable=False, comment="Integral of used memory, MiB s."
        ),
        Column("memory_seconds", Float, nullable=False, comment="Seconds with known used memory."),
        Column(
            "power_joules", Float, nullable=False, comment="Board energy of the idle minutes, J."
        ),
        Column("power_seconds", Float, nullable=False, comment="Seconds whose energy is known."),
        CheckConstraint("ended_at > started_at", name="order"),
        CheckConstraint(
            "idle_seconds >= 0 AND util_seconds >= 0 AND memory_seconds >= 0"
            " AND power_seconds >= 0",
            name="seconds",
        ),
        CheckConstraint(f"state IN {IDLE_STATES}", name="state"),
        comment="Stretches in which a GPU stood idle, kept.",
    )
    op.create_index("ix_gpu_idle_ended_at", "gpu_idle", ["ended_at"])


def _create_gpu_holder() -> None:
    op.create_table(
        "gpu_holder",
        _gpu_key(),
        _key("pid", "Process id on the host."),
        _key("process_started_at", "Start of the process: pids are used again.", Moment),
        Column(
            "first_seen_at", Moment, nullable=False, comment="When it was first seen on the GPU."
        ),
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


def _create_gpu_xid() -> None:
    op.create_table(
        "gpu_xid",
        _gpu_key(),
        _step("minute"),
        _key("xid", "NVIDIA's error number, such as 79: fallen off the bus."),
        Column("events", Integer, nullable=False, comment="How often in that minute."),
        CheckConstraint("events > 0", name="events"),
        comment="Errors that the driver reported, kept.",
    )


def _create_bookkeeping() -> None:
    op.create_table(
        "gpu_owner",
        _gpu_key(),
        _key("first_minute", "First minute that the source wrote."),
        Column(
            "last_minute", Integer, nullable=False, comment="Last minute that the source wrote."
        ),
        Column("source", Text, nullable=False, comment="Collector or import that owns the span."),
        Column("counter_joules", Float, comment="Energy counter at the end of last_minute, J."),
        CheckConstraint("last_minute >= first_minute", name="order"),
        comment="Which source owns a GPU when: two that report the same minutes would count twice.",
    )
    op.create_table(
        "gpu_change",
        _gpu_key(),
        Column("from_minute", Integer, nullable=False, comment="First minute that changed."),
        Column("to_minute", Integer, nullable=False, comment="Last minute that changed."),
        Column("revision", Integer, nullable=False, comment="Grows with each change."),
        CheckConstraint("to_minute >= from_minute", name="order"),
        comment="Minutes whose idle stretches are still to be found; retention waits for them.",
    )
    op.create_table(
        "roll_up_due",
        _step("hour"),
        comment="Hours that changed since days and fleet were rebuilt.",
    )


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
