"""The real pynvml over a stand-in library: values, resets, lost GPUs, hanging calls, no library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import pynvml
import pytest

from collectors.gpu.nvml_errors import FAULTS, Reach, explained, fault_of

ROOT = Path(__file__).parents[3]
NOON = 1_772_366_400  # 2026-03-01 12:00 UTC
CODES = (1, 2, 3, 4, 6, 9, 10, 12, 13, 15, 16, 17, 18, 20, 21, 999)


def gpu(index: int = 0, **values: Any) -> str:
    known = {
        "uuid": f"GPU-{index}",
        "name": "NVIDIA_H100_80GB_HBM3",
        "util": 50,
        "used": 2048 << 20,
        "total": 81559 << 20,
        "power": 301_000,
        "average": 300_000,
        "energy": 1_000_000,
        "temp": 55,
        "clock": 1980,
        "reasons": 4,
        "procs": 2,
        "limit": 700_000,
        "mig": 0,
    }
    return f"gpu {index} " + " ".join(f"{k}={v}" for k, v in {**known, **values}.items())


def minutes(started: Any, seconds: int = 70, **more: Any) -> list[Any]:
    """Sample every ten seconds; 300 W all the time, by power and counter alike."""
    done = []
    for second in range(0, seconds, 10):
        started.write(gpu(energy=1_000_000 + second * 300_000, **more))
        done += started.sample(NOON + second)["minutes"]
    return done


def test_minute_holds_everything_that_the_gpu_tells(stand_in: Callable[..., Any]) -> None:
    (minute,) = minutes(stand_in(gpu()))
    assert minute["gpu"] == {
        "uuid": "GPU-0",
        "host": "node-a",
        "name": "NVIDIA H100 80GB HBM3",
        "index": 0,
        "memory_total_bytes": 81559 << 20,
        "power_limit_watts": 700,
        "cloud_resource_id": None,
    }
    assert minute["covered_seconds"] == 60
    assert minute["util_percent_seconds"] == 50 * 60
    assert minute["memory_max_mib"] == 2048  # without what the driver reserves
    assert minute["energy_counter_joules"] == pytest.approx(18_000)
    assert minute["counter_joules_at_end"] == pytest.approx(1_000 + 18_000)
    assert minute["power_max_watts"] == 300  # the average, not the instant
    assert (minute["temperature_max_celsius"], minute["sm_clock_max_mhz"]) == (55, 1980)
    assert (minute["clocks_event_reasons"], minute["processes_max"]) == (4, 2)


def test_older_board_tells_its_power_of_the_moment(stand_in: Callable[..., Any]) -> None:
    (minute,) = minutes(stand_in(gpu()), average=-1)
    assert minute["power_max_watts"] == 301


def test_counter_reset_falls_back_to_power(stand_in: Callable[..., Any]) -> None:
    started = stand_in(gpu(energy=9_000_000))
    started.sample(NOON)
    started.write(gpu(energy=5_000))
    started.sample(NOON + 30)
    started.write(gpu(energy=9_005_000))
    (minute,) = started.sample(NOON + 60)["minutes"]
    assert minute["energy_integrated_joules"] == pytest.approx(9_000)
    assert minute["energy_counter_joules"] == pytest.approx(9_000)


def test_collector_goes_on_from_the_counter_of_its_last_run(stand_in: Callable[..., Any]) -> None:
    started = stand_in(gpu(energy=181_000_000))
    done = started.sample(NOON + 600, marks={"GPU-0": (NOON, 1_000.0)})["minutes"]
    assert len(done) == 10
    assert sum(m["energy_counter_joules"] for m in done) == pytest.approx(180_000)
    assert {m["covered_seconds"] for m in done} == {0}


def test_value_that_is_not_supported_stays_unknown(stand_in: Callable[..., Any]) -> None:
    (minute,) = minutes(stand_in(gpu()), util=-1, temp=-1, procs=-1, reasons=-1)
    assert (minute["covered_seconds"], minute["util_seconds"]) == (60, 0)
    assert minute["util_max_percent"] is None
    assert minute["temperature_max_celsius"] is None
    assert minute["processes_max"] is None


@pytest.mark.parametrize("code", [3, 4, 13], ids=["not supported", "no permission", "too old"])
def test_refused_value_harms_no_other(stand_in: Callable[..., Any], code: int) -> None:
    started = stand_in(gpu(), f"fail nvmlDeviceGetUtilizationRates * {code}")
    started.sample(NOON)
    answer = started.sample(NOON + 60)
    assert answer["errors"] == {}
    assert answer["minutes"][0]["memory_max_mib"] == 2048


def test_lost_gpu_has_an_error_of_its_own_and_comes_back(stand_in: Callable[..., Any]) -> None:
    both = (gpu(0), gpu(1))
    started = stand_in(*both)
    started.sample(NOON)
    started.write(*both, "fail nvmlDeviceGetMemoryInfo_v2 1 15")
    answer = started.sample(NOON + 10)
    assert list(answer["errors"]) == ["1"]
    assert "GPU 1 (GPU-1): the GPU has fallen off the bus. Check `dmesg`" in answer["errors"]["1"]
    started.write(*both)
    assert started.sample(NOON + 20)["errors"] == {}
    done = started.sample(NOON + 60)["minutes"]
    assert [m["gpu"]["uuid"] for m in done] == ["GPU-0", "GPU-1"]


def test_gpu_that_is_lost_at_the_start_leaves_the_others(stand_in: Callable[..., Any]) -> None:
    started = stand_in(gpu(0), gpu(1), "fail nvmlDeviceGetHandleByIndex_v2 0 15")
    started.sample(NOON)
    answer = started.sample(NOON + 60)
    assert "GPU 0: the GPU has fallen off the bus" in answer["errors"]["0"]
    assert [m["gpu"]["uuid"] for m in answer["minutes"]] == ["GPU-1"]


def test_gpu_is_found_again_after_a_while(stand_in: Callable[..., Any]) -> None:
    started = stand_in(gpu(0), "fail nvmlDeviceGetHandleByIndex_v2 0 15")
    assert started.sample(NOON)["errors"]
    started.write(gpu(0))
    errors = [started.sample(NOON + 10 * n)["errors"] for n in range(1, 31)]
    assert errors[0]
    assert not errors[-1]


def test_call_that_hangs_harms_only_its_gpu_until_it_returns(stand_in: Callable[..., Any]) -> None:
    both = (gpu(0), gpu(1))
    started = stand_in(*both, deadline=0.3)
    started.sample(NOON)
    started.write(*both, "hang nvmlDeviceGetUtilizationRates 0")
    first = started.sample(NOON + 10)["errors"]["0"]
    assert first.startswith("GPU 0 (GPU-0): the driver did not answer within 0.3 s")
    assert started.sample(NOON + 20)["errors"]["0"] == first  # told once, not each time
    done = started.sample(NOON + 60)["minutes"]
    assert [m["gpu"]["uuid"] for m in done] == ["GPU-1"]
    started.write(*both)
    answers = [started.sample(NOON + 61 + n) for n in range(200)]
    assert answers[-1]["errors"] == {}


def test_library_of_another_version_is_one_clear_line(stand_in: Callable[..., Any]) -> None:
    started = stand_in(gpu(), "fail nvmlInitWithFlags * 18")
    assert started.sample(NOON)["failed"] == (
        "NVIDIA GPUs cannot be read: the NVIDIA driver and its library have different versions. "
        "Restart the host, or load the driver again: it was updated while running"
    )
    started.write(gpu())
    assert started.sample(NOON + 10)["failed"] is None


def test_driver_that_goes_away_is_opened_again(stand_in: Callable[..., Any]) -> None:
    started = stand_in(gpu())
    started.sample(NOON)
    started.write(gpu(), "fail nvmlDeviceGetMemoryInfo_v2 * 1")
    assert "NVML was shut down" in started.sample(NOON + 10)["failed"]
    started.write(gpu())
    assert started.sample(NOON + 20)["failed"] is None
    assert len(started.sample(NOON + 60)["minutes"]) == 1


@pytest.mark.skipif(find_library("nvidia-ml") is not None, reason="this machine has NVML")
def test_machine_without_nvml_is_one_clear_line(stand_in: Callable[..., Any]) -> None:
    assert stand_in(installed=False).sample(NOON)["failed"] == (
        "NVIDIA GPUs cannot be read: there is no NVML on this machine (libnvidia-ml.so.1). "
        "Install the NVIDIA driver, or remove the `nvml` collector here"
    )


def test_mig_instances_have_their_memory_and_the_board_its_energy(
    stand_in: Callable[..., Any],
) -> None:
    lines = (
        gpu(util=-1, mig=1, energy=0),
        f"slice 0 3 0 name=NVIDIA_H100_MIG_1g.10gb used={1 << 30} total={10 << 30} procs=1",
        f"slice 0 5 0 name=NVIDIA_H100_MIG_1g.10gb used={0} total={10 << 30} procs=0",
    )
    started = stand_in(*lines)
    started.sample(NOON)
    started.write(gpu(util=-1, mig=1, energy=4_200_000), *lines[1:])
    done = {m["gpu"]["uuid"]: m for m in started.sample(NOON + 60)["minutes"]}
    assert list(done) == ["GPU-0", "GPU-0/3/0", "GPU-0/5/0"]
    assert done["GPU-0"]["energy_counter_seconds"] == 60
    assert done["GPU-0"]["util_seconds"] == 0
    assert done["GPU-0/3/0"]["energy_counter_seconds"] == 0
    assert (done["GPU-0/3/0"]["memory_max_mib"], done["GPU-0/3/0"]["processes_max"]) == (1024, 1)


def test_xid_is_counted_for_its_gpu(stand_in: Callable[..., Any]) -> None:
    started = stand_in(gpu(0), gpu(1))
    started.sample(NOON)
    started.write(gpu(0), gpu(1), "xid 1 79", "xid 1 48")
    started.sample(NOON + 10)
    done = started.sample(NOON + 60)["minutes"]
    assert [sorted(m["xids"]) for m in done] == [[], [48, 79]]


def test_clock_that_is_set_back_loses_no_more_than_it_must(stand_in: Callable[..., Any]) -> None:
    started = stand_in(gpu())
    started.sample(NOON)
    assert started.sample(NOON - 100)["minutes"] == []
    assert len(started.sample(NOON + 60)["minutes"]) == 1
    started.sample(NOON - 4_000)
    assert started.sample(NOON - 3_940)["minutes"]


def test_sampling_needs_nothing_but_pynvml_and_the_vocabulary() -> None:
    ours = (
        "import sys, collectors.gpu.watch; print(*{name.partition('.')[0] for name in sys.modules})"
    )
    answer = subprocess.run(
        [sys.executable, "-c", ours], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {name for name in answer.stdout.split() if name not in sys.stdlib_module_names}
    assert {name for name in loaded if not name.startswith("_")} == {
        "collectors",
        "pynvml",
        "spendwatt",
    }


@pytest.mark.parametrize("code", CODES)
def test_table_explains_every_code(code: int) -> None:
    assert code in FAULTS
    err = explained(pynvml.NVMLError(code), "GPU 0")
    assert str(err).startswith(f"GPU 0: {FAULTS[code].meaning}. ")
    assert err.reach is FAULTS[code].reach


def test_code_of_tomorrow_is_the_gpus_own_error() -> None:
    fault = fault_of(pynvml.NVMLError(777))
    assert (fault.meaning, fault.reach) == ("NVML failed with code 777", Reach.GPU)
