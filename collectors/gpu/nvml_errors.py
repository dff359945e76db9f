"""What NVML's error codes mean, how far each reaches, and what to do: one table."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import pynvml

from spendwatt.errors import CollectError


class Reach(Enum):
    """What an error makes unusable."""

    VALUE = "value"
    """Only the value that was asked for: it is unknown."""
    GPU = "gpu"
    """One GPU; the others go on."""
    LIBRARY = "library"
    """All GPUs of the machine."""


class Fault(NamedTuple):
    """What an error code means."""

    meaning: str
    do: str
    reach: Reach
    retryable: bool = False


FAULTS: dict[int, Fault] = {
    pynvml.NVML_ERROR_UNINITIALIZED: Fault(
        "NVML was shut down", "It is opened again by itself", Reach.LIBRARY, retryable=True
    ),
    pynvml.NVML_ERROR_INVALID_ARGUMENT: Fault(
        "NVML does not know this question", "Update the driver if the value matters", Reach.VALUE
    ),
    pynvml.NVML_ERROR_NOT_SUPPORTED: Fault(
        "the GPU cannot tell this", "Nothing; the value stays unknown", Reach.VALUE
    ),
    pynvml.NVML_ERROR_NO_PERMISSION: Fault(
        "the driver refuses this to the user that runs Spendwatt",
        "Run it as a user with the rights to the GPU's device files",
        Reach.VALUE,
    ),
    pynvml.NVML_ERROR_NOT_FOUND: Fault(
        "there is no such thing", "Nothing; the value stays unknown", Reach.VALUE
    ),
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: Fault(
        "the NVIDIA driver is not loaded",
        "Load it (`modprobe nvidia`) and check with `nvidia-smi`",
        Reach.LIBRARY,
        retryable=True,
    ),
    pynvml.NVML_ERROR_TIMEOUT: Fault(
        "the driver did not answer in time", "Check `dmesg`", Reach.GPU, retryable=True
    ),
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: Fault(
        "there is no NVML on this machine (libnvidia-ml.so.1)",
        "Install the NVIDIA driver, or remove the `nvml` collector here",
        Reach.LIBRARY,
    ),
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: Fault(
        "the driver is too old to tell this", "Update it if the value matters", Reach.VALUE
    ),
    pynvml.NVML_ERROR_GPU_IS_LOST: Fault(
        "the GPU has fallen off the bus", "Check `dmesg` for its XID; restart the host", Reach.GPU
    ),
    pynvml.NVML_ERROR_RESET_REQUIRED: Fault(
        "the GPU must be reset", "Drain it and run `nvidia-smi --gpu-reset`", Reach.GPU
    ),
    pynvml.NVML_ERROR_OPERATING_SYSTEM: Fault(
        "the operating system blocks the GPU", "Check `dmesg`", Reach.GPU, retryable=True
    ),
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: Fault(
        "the NVIDIA driver and its library have different versions",
        "Restart the host, or load the driver again: it was updated while running",
        Reach.LIBRARY,
    ),
    pynvml.NVML_ERROR_MEMORY: Fault(
        "there is not enough memory to ask", "Free memory on the host", Reach.GPU, retryable=True
    ),
    pynvml.NVML_ERROR_NO_DATA: Fault(
        "the GPU has no data for this yet", "Nothing; the value stays unknown", Reach.VALUE
    ),
    pynvml.NVML_ERROR_UNKNOWN: Fault(
        "the driver failed for a reason of its own", "Check `dmesg`", Reach.GPU, retryable=True
    ),
}
_OTHER = Fault("NVML failed", "Check `nvidia-smi`", Reach.GPU, retryable=True)


class NvmlError(CollectError):
    """A GPU, or all of them, cannot be read; `reach` says which."""

    def __init__(self, what: str, *, do: str, reach: Reach, retryable: bool) -> None:
        super().__init__(what, do=do, retryable=retryable)
        self.reach = reach


def fault_of(err: pynvml.NVMLError) -> Fault:
    """Give what NVML's error means."""
    return FAULTS.get(err.value, _OTHER._replace(meaning=f"NVML failed with code {err.value}"))


def explained(err: pynvml.NVMLError, subject: str) -> NvmlError:
    """Make NVML's error ours: `subject` is what was asked, such as `GPU 3`."""
    fault = fault_of(err)
    return NvmlError(
        f"{subject}: {fault.meaning}", do=fault.do, reach=fault.reach, retryable=fault.retryable
    )
