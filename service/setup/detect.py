"""Finds out what this machine offers: GPUs, cloud credentials. Asks no network."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Gpus:
    """What NVML says of this machine; `error` is set where there is no usable NVML."""

    names: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found."""

    host: str
    gpus: Gpus
    providers: tuple[str, ...]
    """Those of PROVIDERS whose credentials lie here."""


# Variables, and files below the home folder, that hold credentials.
_CREDENTIALS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "aws": (
        ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        (".aws/credentials", ".aws/config"),
    ),
    "gcp": (
        ("GOOGLE_APPLICATION_CREDENTIALS",),
        (".config/gcloud/application_default_credentials.json",),
    ),
    "azure": (("AZURE_CLIENT_ID", "AZURE_TENANT_ID"), (".azure/azureProfile.json",)),
}
PROVIDERS = tuple(_CREDENTIALS)


def detect(environ: Mapping[str, str], home: Path) -> Found:
    """Look at NVML, the variables and the usual files."""
    providers = tuple(
        name
        for name, (variables, files) in _CREDENTIALS.items()
        if any(environ.get(v) for v in variables) or any((home / file).exists() for file in files)
    )
    return Found(host=socket.gethostname(), gpus=find_gpus(), providers=providers)


def find_gpus() -> Gpus:
    """Ask NVML for the names of this machine's GPUs."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as err:
        return Gpus(error=str(err))
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return Gpus(names=tuple(str(pynvml.nvmlDeviceGetName(handle)) for handle in handles))
    except pynvml.NVMLError as err:
        return Gpus(error=str(err))
    finally:
        pynvml.nvmlShutdown()
