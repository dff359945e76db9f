"""Knows every GPU by its UUID, and what was last told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.dialects import postgresql, sqlite

from spendwatt.records import Gpu
from storage.tables.telemetry import gpu

UNKNOWN_POOL = "unknown"


def identify(
    connection: Connection, gpus: Iterable[Gpu], *, may_correct: bool = True
) -> dict[str, int]:
    """Give the id of each GPU by UUID; those never seen before are added.

    What is told for the first time is filled in; what differs is corrected only if `may_correct`:
    an import of old readings must not undo what a collector knows now. On PostgreSQL the GPUs stay
    locked until the transaction ends, so that two sources cannot claim one at the same time.
    """
    told = {one.uuid: _values(one) for one in gpus}
    known = _known(connection, told)
    missing = [values for uuid, values in told.items() if uuid not in known]
    if missing:
        _add(connection, missing)
        known = _known(connection, told)
    for uuid, values in told.items():
        _correct(connection, known[uuid], values, may_correct=may_correct)
    return {uuid: row["gpu_id"] for uuid, row in known.items()}


def _known(connection: Connection, told: Mapping[str, object]) -> dict[str, RowMapping]:
    rows = connection.execute(
        select(gpu).where(gpu.c.uuid.in_(told)).order_by(gpu.c.gpu_id).with_for_update()
    )
    return {row["uuid"]: row for row in rows.mappings()}


def _add(connection: Connection, missing: list[dict[str, Any]]) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(gpu).on_conflict_do_nothing()
    connection.execute(
        statement, [{**values, "pool": values["name"] or UNKNOWN_POOL} for values in missing]
    )


def _correct(
    connection: Connection, row: RowMapping, values: Mapping[str, Any], *, may_correct: bool
) -> None:
    changed = {
        name: value
        for name, value in values.items()
        if value is not None and value != row[name] and (may_correct or row[name] is None)
    }
    if "name" in changed:
        changed["pool"] = changed["name"]
    if changed:
        connection.execute(update(gpu).where(gpu.c.gpu_id == row["gpu_id"]).values(changed))


def _values(one: Gpu) -> dict[str, Any]:
    return {
        "uuid": one.uuid,
        "host": one.host,
        "name": one.name,
        "device_index": one.index,
        "memory_total_bytes": one.memory_total_bytes,
        "power_limit_watts": one.power_limit_watts,
        "cloud_resource_id": one.cloud_resource_id,
    }
