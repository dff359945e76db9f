"""Reads the GPUs of this machine through NVML: one sample of each, MIG instances included.

Imports nothing but the standard library, pynvml and the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pynvml

from collectors.gpu.energy import Sample
from collectors.gpu.nvml_errors import Reach, explained, fault_of
from spendwatt.records import Gpu

_MIB = 1 << 20
_UNSIGNED_INT = 1  # the type of the power field's value

Reading = tuple[Gpu, Sample]


class Board:
    """One GPU of the machine. Not safe to share between threads."""

    def __init__(self, index: int, host: str) -> None:
        """Find the GPU. Raises NvmlError."""
        self.subject = f"GPU {index}"
        self._host = host
        self._handle = self._ask(pynvml.nvmlDeviceGetHandleByIndex, index)
        uuid = str(self._ask(pynvml.nvmlDeviceGetUUID))
        self.subject = f"GPU {index} ({uuid})"
        self.gpu = Gpu(uuid, host=host, index=index)
        self._slices: list[tuple[Gpu, Any]] = []
        self.refresh()

    def refresh(self) -> None:
        """Look again at what seldom changes: name, memory size, power limit, MIG instances."""
        memory = self._memory(self._handle)
        limit = self._value(pynvml.nvmlDeviceGetEnforcedPowerLimit)
        name = self._value(pynvml.nvmlDeviceGetName)
        self.gpu = Gpu(
            self.gpu.uuid,
            host=self._host,
            name=None if name is None else str(name),
            index=self.gpu.index,
            memory_total_bytes=None if memory is None else int(memory.total),
            power_limit_watts=None if limit is None else limit / 1000,
        )
        self._slices = [self._slice(handle) for handle in self._mig_handles()]

    def read(self, at: int, xids: tuple[int, ...] = ()) -> list[Reading]:
        """Give a sample of the board, then one of each MIG instance. Raises NvmlError.

        Under MIG the board has no utilization, and its energy is counted once: at the board.
        """
        memory = self._memory(self._handle)
        util = self._value(pynvml.nvmlDeviceGetUtilizationRates)
        joules = self._value(pynvml.nvmlDeviceGetTotalEnergyConsumption)
        board = Sample(
            at=at,
            util_percent=None if util is None else float(util.gpu),
            memory_used_mib=None if memory is None else memory.used / _MIB,
            power_watts=self._watts(),
            counter_joules=None if joules is None else joules / 1000,
            temperature_celsius=self._value(
                pynvml.nvmlDeviceGetTemperature, pynvml.NVML_TEMPERATURE_GPU
            ),
            sm_clock_mhz=self._value(pynvml.nvmlDeviceGetClockInfo, pynvml.NVML_CLOCK_SM),
            clocks_event_reasons=self._event_reasons(),
            processes=self._processes(self._handle),
            xids=xids,
        )
        return [(self.gpu, board), *(self._read_slice(at, *one) for one in self._slices)]

    def listen(self, events: Any) -> None:
        """Let XIDs of this board come to an event set; a board that has none stays silent."""
        self._value(pynvml.nvmlDeviceRegisterEvents, pynvml.nvmlEventTypeXidCriticalError, events)

    def _read_slice(self, at: int, gpu: Gpu, handle: Any) -> Reading:
        memory = self._memory(handle)
        sample = Sample(
            at=at,
            memory_used_mib=None if memory is None else memory.used / _MIB,
            processes=self._processes(handle),
        )
        return gpu, sample

    def _slice(self, handle: Any) -> tuple[Gpu, Any]:
        instance = self._ask(pynvml.nvmlDeviceGetGpuInstanceId, of=handle)
        compute = self._ask(pynvml.nvmlDeviceGetComputeInstanceId, of=handle)
        memory = self._memory(handle)
        gpu = Gpu(
            f"{self.gpu.uuid}/{instance}/{compute}",
            host=self._host,
            name=self._value(pynvml.nvmlDeviceGetName, of=handle),
            index=self.gpu.index,
            memory_total_bytes=None if memory is None else int(memory.total),
        )
        return gpu, handle

    def _mig_handles(self) -> list[Any]:
        mode = self._value(pynvml.nvmlDeviceGetMigMode)
        if mode is None or mode[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return []
        most = self._value(pynvml.nvmlDeviceGetMaxMigDeviceCount) or 0
        handles = (
            self._value(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, number)
            for number in range(most)
        )
        return [handle for handle in handles if handle is not None]

    def _watts(self) -> float | None:
        """Give the mean power of the last second; older boards know only that of the moment."""
        fields = self._value(pynvml.nvmlDeviceGetFieldValues, [pynvml.NVML_FI_DEV_POWER_AVERAGE])
        if fields is not None and fields[0].nvmlReturn == pynvml.NVML_SUCCESS:
            value = fields[0].value
            milliwatts = value.uiVal if fields[0].valueType == _UNSIGNED_INT else value.ullVal
            return float(milliwatts) / 1000
        usage = self._value(pynvml.nvmlDeviceGetPowerUsage)
        return None if usage is None else usage / 1000

    def _memory(self, handle: Any) -> Any:
        # The second version leaves out what the driver reserves, as nvidia-smi does.
        second = self._value(pynvml.nvmlDeviceGetMemoryInfo, pynvml.nvmlMemory_v2, of=handle)
        return second or self._value(pynvml.nvmlDeviceGetMemoryInfo, of=handle)

    def _processes(self, handle: Any) -> int | None:
        running = self._value(pynvml.nvmlDeviceGetComputeRunningProcesses, of=handle)
        return None if running is None else len(running)

    def _event_reasons(self) -> int:
        reasons = self._value(pynvml.nvmlDeviceGetCurrentClocksEventReasons)
        if reasons is None:  # the name that drivers before 535 know it by
            reasons = self._value(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons)
        return int(reasons or 0)

    def _value(self, ask: Callable[..., Any], *more: Any, of: Any = None) -> Any:
        """Ask for one value; None where only this one cannot be told."""
        try:
            return ask(self._handle if of is None else of, *more)
        except pynvml.NVMLError as err:
            if fault_of(err).reach is Reach.VALUE:
                return None
            raise explained(err, self.subject) from err

    def _ask(self, ask: Callable[..., Any], *arguments: Any, of: Any = None) -> Any:
        """Ask for something without which nothing else makes sense."""
        try:
            return ask(*(arguments or (self._handle if of is None else of,)))
        except pynvml.NVMLError as err:
            raise explained(err, self.subject) from err


def start() -> int:
    """Open NVML and give the number of GPUs. Raises NvmlError."""
    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError as err:
        raise explained(err, "NVIDIA GPUs cannot be read") from err


def stop() -> None:
    """Close NVML; one that is closed already stays so."""
    try:
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return


class XidEvents:
    """The errors that the driver reports as they happen."""

    def __init__(self, boards: Sequence[Board]) -> None:
        self._set = _quietly(pynvml.nvmlEventSetCreate)
        for board in boards:
            if self._set is not None:
                board.listen(self._set)

    def drain(self) -> dict[str, tuple[int, ...]]:
        """Give what was reported since the last call, by the board's UUID."""
        seen: dict[str, tuple[int, ...]] = {}
        while self._set is not None:
            event = _quietly(pynvml.nvmlEventSetWait_v2, self._set, 0)
            if event is None:
                break
            uuid = _quietly(pynvml.nvmlDeviceGetUUID, event.device)
            if uuid is not None:
                seen[uuid] = (*seen.get(uuid, ()), int(event.eventData))
        return seen

    def close(self) -> None:
        """Give the event set back."""
        if self._set is not None:
            _quietly(pynvml.nvmlEventSetFree, self._set)
            self._set = None


def _quietly(ask: Callable[..., Any], *arguments: Any) -> Any:
    """Ask for something that many machines cannot tell; None where it fails."""
    try:
        return ask(*arguments)
    except pynvml.NVMLError:
        return None
