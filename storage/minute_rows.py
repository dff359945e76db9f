"""Turns a minute's record into the whole numbers that its row holds, or says what is wrong."""

from __future__ import annotations

from typing import Any

from spendwatt.records import MinuteReading

_LENGTH = 60.000_001
_MIB = 500_000.0
"""Beyond any GPU; an hour of it still fits the integer that holds MiB seconds."""
_WATTS = 10_000.0


def problem_of(reading: MinuteReading) -> str | None:
    """Say which value cannot be, None where all can. NaN can be nowhere."""
    energy = (
        reading.energy_counter_seconds
        + reading.energy_integrated_seconds
        + reading.energy_gap_seconds
    )
    joules = reading.energy_counter_joules + reading.energy_integrated_joules
    checks = (
        ("covered_seconds", 0 <= reading.covered_seconds <= _LENGTH),
        ("util_seconds", 0 <= reading.util_seconds <= reading.covered_seconds + 1e-6),
        ("busy_seconds", 0 <= reading.busy_seconds <= reading.util_seconds + 1e-6),
        ("gpu_util", 0 <= reading.util_percent_seconds <= 100 * reading.util_seconds + 1e-3),
        ("gpu_util", 0 <= (reading.util_max_percent or 0) <= 100),
        ("memory_seconds", 0 <= reading.memory_seconds <= reading.covered_seconds + 1e-6),
        ("memory_used", 0 <= reading.memory_mib_seconds <= _MIB * 60),
        ("memory_used", 0 <= (reading.memory_max_mib or 0) <= _MIB),
        ("energy", min(reading.energy_counter_joules, reading.energy_integrated_joules) >= 0),
        ("energy", 0 <= joules <= _WATTS * 60),
        ("energy_seconds", reading.energy_gap_seconds >= 0 and 0 <= energy <= _LENGTH),
        ("power_draw", 0 <= (reading.power_max_watts or 0) <= _WATTS),
        ("temperature", -100 <= (reading.temperature_max_celsius or 0) <= 300),
        ("sm_clock", 0 <= (reading.sm_clock_max_mhz or 0) <= 30_000),
        ("processes", 0 <= (reading.processes_max or 0) <= 30_000),
    )
    name = next((name for name, fine in checks if not fine), None)
    return None if name is None else f"impossible {name}"


def minute_row(minute: int, gpu_id: int, reading: MinuteReading) -> tuple[Any, ...]:
    """Give the row, in the order of the columns of `gpu_minute`."""
    covered = round(reading.covered_seconds)
    known = round(reading.util_seconds)
    # Rounded as running totals, so that the three spans cannot come to more than a minute.
    counter = round(reading.energy_counter_seconds)
    energy = reading.energy_counter_seconds + reading.energy_integrated_seconds
    integrated = round(energy) - counter
    gap = round(energy + reading.energy_gap_seconds) - counter - integrated
    return (
        minute,
        gpu_id,
        min(round(reading.util_percent_seconds), 100 * known),
        round(reading.memory_mib_seconds),
        round(reading.energy_counter_joules),
        round(reading.energy_integrated_joules),
        _rounded(reading.memory_max_mib),
        covered,
        covered - known,
        covered - round(reading.memory_seconds),
        round(reading.busy_seconds),
        counter,
        integrated,
        gap,
        _rounded(reading.power_max_watts),
        _rounded(reading.temperature_max_celsius),
        _rounded(reading.util_max_percent),
        _rounded(reading.sm_clock_max_mhz),
        reading.clocks_event_reasons & 0x7FFF,
        reading.processes_max,
    )


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
