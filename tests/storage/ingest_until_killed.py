"""Ingests a bill and dies by SIGKILL at a named point; run by test_bills_killed.py."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collectors.billing.files import snapshot
from storage import bills, ledger
from storage.bills import dimensions, swap
from storage.engine import open_store

# Point -> the module and the function in front of which the process dies.
POINTS: dict[str, tuple[Any, str]] = {
    "before the texts have ids": (dimensions, "_resolve"),
    "before the swap": (bills, "swap_in"),
    "before the facts": (swap, "_write_rows"),
    "between facts and ledger": (swap, "_reconcile"),
    "before the ledger": (ledger, "record"),
    "before the old facts go": (swap, "_delete_rows"),
    "before the commit": (swap, "_delete_rows"),
}
AFTER = {"before the commit"}
"""Points behind the function instead."""


def dying(call: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def die(*args: Any, **kwargs: Any) -> None:
        if after:
            call(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return die


def main(url: str, path: str, point: str) -> None:
    module, name = POINTS[point]
    setattr(module, name, dying(getattr(module, name), after=point in AFTER))
    bills.ingest(
        open_store(url), snapshot([Path(path)], "aws"), now=datetime(2026, 2, 11, tzinfo=UTC)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
