"""Tells nvidia-smi's outputs apart: one of them is a log of readings, the others are not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from collectors.gpu.reading_files import Line

LOG = "nvidia-smi --query-gpu=timestamp,uuid,utilization.gpu,... --format=csv -l 10"

_OTHER_FORMS: tuple[tuple[str, str], ...] = (
    (r"=+NVSMI LOG", "it is the page of `nvidia-smi -q`: a state, and no log"),
    (r"#\s*gpu\s+pid", "it is the output of `nvidia-smi pmon`: processes, without a time"),
    (r"#\s*gpu\s", "it is the output of `nvidia-smi dmon`, which has no time"),
    (r"#\s*Date\s", "it is the output of `nvidia-smi dmon` or `pmon`, which names no GPU's UUID"),
    (r"\+-{3}|\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d", "it is the table that `nvidia-smi` shows"),
    (r"NVIDIA System Management Interface|List of valid properties", "it is a page of help"),
    (r"NVIDIA-SMI version", "it is the answer of `nvidia-smi --version`"),
    (r"GPU \d+: ", "it is a list of GPUs or of their links"),
    (r"<\?xml|<nvidia_smi_log", "it is the XML page of `nvidia-smi -q -x`: a state, and no log"),
    (r"timestamp,.*\bpid\b", "it is a list of processes"),
    (r"timestamp,.*retired_pages", "it is a list of retired memory pages"),
    (
        r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d",
        "it has no header, so nobody can tell what its columns are",
    ),
)
_READINGS = {
    "utilization.gpu",
    "memory.used",
    "power.draw",
    "power.draw.average",
    "power.draw.instant",
}
_BANNER = "####"


def refusal(header: str) -> str | None:
    """Say why an output with this first line is no log of readings; None where it is one."""
    line = header.strip()
    columns = [cell.strip().partition(" [")[0] for cell in line.split(",")]
    if "timestamp" in columns and not _READINGS.isdisjoint(columns):
        return None
    for pattern, reason in _OTHER_FORMS:
        if re.match(pattern, line):
            return reason
    if "timestamp" in columns:
        return "it holds neither utilization nor memory nor power"
    if not _READINGS.isdisjoint(columns):
        return "it has no column timestamp, so nobody can tell when it was so"
    return "it is not a log of readings"


def sections(lines: Iterable[Line]) -> Iterator[tuple[str | None, Iterator[Line]]]:
    """Split a capture of several outputs, each under a banner of `#`, into (title, lines).

    A file that does not begin with such a banner is one section without a title.
    """
    title: str | None = None
    for is_title, group in groupby(_marked(lines), lambda line: line[0]):
        if not is_title:
            yield title, ((number, text) for _, number, text in group)
            continue
        titles = [text.lstrip("# ") for _, _, text in group if not text.startswith(_BANNER)]
        title = titles[0] if titles else None


def _marked(lines: Iterable[Line]) -> Iterator[tuple[bool, int, str]]:
    """Say of each line whether it belongs to a banner: two lines of `#` and what is between."""
    is_capture: bool | None = None
    is_open = False
    for number, text in lines:
        is_edge = text.startswith(_BANNER)
        if is_capture is None and text.strip():
            is_capture = is_edge
        if is_capture and is_edge:
            is_open = not is_open
        yield bool(is_capture) and (is_open or is_edge), number, text
