"""A made-up pair of GPU servers: one trains without pause, one serves until its job hangs."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from service.demo.company import SEED
from spendwatt.records import Gpu, MinuteReading

HELD_FROM = datetime(2026, 10, 20, 9, 10, tzinfo=UTC)
HELD_UNTIL = datetime(2026, 10, 21, 9, 30, tzinfo=UTC)
HELD_HOST = "node-b"

_MODEL = "NVIDIA H100 80GB HBM3"
_MEMORY_BYTES = 80 * 1024**3
_LIMIT_WATTS = 700.0
_IDLE_WATTS = 71.0
_HELD_MIB = 61 * 1024


def gpus() -> list[Gpu]:
    """Give the company's eight GPUs, four on each server."""
    return [
        Gpu(
            uuid=f"GPU-{host[-1]}000000{index}-0000-4000-8000-00000000000{index}",
            host=host,
            name=_MODEL,
            index=index,
            memory_total_bytes=_MEMORY_BYTES,
            power_limit_watts=_LIMIT_WATTS,
        )
        for host in ("node-a", "node-b")
        for index in range(4)
    ]


def readings(since: datetime, until: datetime) -> Iterator[MinuteReading]:
    """Yield each GPU's minutes with since <= minute < until."""
    for gpu in gpus():
        luck = random.Random(f"{SEED}/{gpu.uuid}/{since}")  # noqa: S311 - a story
        moment = since
        while moment < until:
            yield _minute(gpu, moment, luck)
            moment += timedelta(minutes=1)


def _minute(gpu: Gpu, at: datetime, luck: random.Random) -> MinuteReading:
    util = _util_percent(gpu, at, luck)
    watts = _IDLE_WATTS + (620 - _IDLE_WATTS) * util / 100 + luck.uniform(-1.5, 1.5)
    return MinuteReading(
        gpu=gpu,
        minute_at=at,
        covered_seconds=60,
        util_seconds=60,
        util_percent_seconds=60 * util,
        util_max_percent=min(100.0, util * 1.1),
        busy_seconds=60 if util >= 5 else 0,
        memory_seconds=60,
        memory_mib_seconds=60 * _HELD_MIB,
        memory_max_mib=_HELD_MIB,
        power_max_watts=watts + 5,
        energy_counter_joules=60 * watts,
        energy_counter_seconds=60,
        temperature_max_celsius=round(32 + util / 3),
        processes_max=1,
    )


def _util_percent(gpu: Gpu, at: datetime, luck: random.Random) -> float:
    if gpu.host == HELD_HOST and HELD_FROM <= at < HELD_UNTIL:
        # A hung job still wakes its GPU now and then: strict zero would miss it.
        return 7.0 if luck.random() < 0.004 else 0.0
    if gpu.host == HELD_HOST:
        hour = at.hour + at.minute / 60
        return 42 + 25 * math.sin((hour - 8) * math.pi / 12) + luck.uniform(-8, 8)
    return 93 + luck.uniform(-4, 4)
