"""Runs the child process that aggregates a delivery, and speaks with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from spendwatt.errors import InputError, MoneyError, SpendwattError, StorageError
from spendwatt.records import Delivery

_KINDS: dict[str, type[SpendwattError]] = {"MoneyError": MoneyError, "StorageError": StorageError}


@dataclass(frozen=True, slots=True)
class Total:
    """Exact totals of one currency."""

    currency: str
    rows: int
    facts: int
    billed_cost: Decimal
    effective_cost: Decimal
    list_cost: Decimal | None
    contracted_cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Period:
    """One billing period, staged: what will be stored of it."""

    start: date
    rows: int
    """Line items, without the quarantined ones."""
    quarantined: int
    first_day: date | None
    last_day: date | None
    """First and last usage day; None for a period without facts."""
    totals: tuple[Total, ...]
    content: str
    notes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """What the child found in the files, before anything has an id."""

    periods: tuple[Mapping[str, Any], ...]
    quarantined: Mapping[str | None, int]
    examples: tuple[Mapping[str, Any], ...]
    """Quarantined rows: file, line, column, reason; the first thousand."""
    notes: tuple[Mapping[str, Any], ...]


class Staging:
    """The child process and its folder; both go with the `with` block."""

    def __init__(self, *, memory_limit: str, threads: int, folder: Path | None = None) -> None:
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="spendwatt-stage-", dir=folder))
        except OSError as err:
            raise _no_room(str(folder or tempfile.gettempdir()), err) from err
        # -P: the user's folder must not offer modules of the same names.
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "storage.aggregation.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._say({"folder": str(self.folder), "memory_limit": memory_limit, "threads": threads})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            # It may be in the middle of a long query that nobody waits for any more.
            self._child.terminate()
        self._child.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, delivery: Delivery) -> Read:
        """Have the files read and grouped. Raises InputError, MoneyError, StorageError."""
        period = delivery.billing_period
        answer = self._ask(
            {
                "command": "aggregate",
                "files": [
                    {
                        "path": str(file.path),
                        "columns": list(file.columns),
                        "focus": dict(file.focus),
                        "delimiter": file.delimiter,
                    }
                    for file in delivery.files
                ],
                "billing_period": None if period is None else period.isoformat(),
                "default_currency": delivery.default_currency,
            }
        )
        return Read(
            periods=tuple(answer["periods"]),
            quarantined=dict(answer["quarantined"]),
            examples=tuple(answer["examples"]),
            notes=tuple(answer["notes"]),
        )

    def facts(self, read: Read) -> list[Period]:
        """Have the facts written, the ids of all texts being known. Gives the periods in order."""
        answer = self._ask({"command": "facts"})
        return [
            Period(
                start=date.fromisoformat(each["period"]),
                rows=each["rows"],
                quarantined=read.quarantined.get(each["period"], 0),
                first_day=date.fromisoformat(each["first_day"]),
                last_day=date.fromisoformat(each["last_day"]),
                totals=tuple(_total(*values) for values in answer["totals"][each["period"]]),
                content=answer["content"][each["period"]],
                notes=tuple(n for n in read.notes if n["period"] in {None, each["period"]}),
            )
            for each in read.periods
        ]

    def rows_of(self, table: str, period: date) -> Path:
        """Give the CSV file of a period's rows of a table, less the delivery's id."""
        return self.folder / f"{table}-{period}.csv"

    def _say(self, message: Mapping[str, Any]) -> None:
        if self._child.stdin is None:
            raise StorageError("the process that reads bills has no input")
        try:
            self._child.stdin.write(json.dumps(message) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError as err:
            raise self._died() from err

    def _ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        self._say(message)
        line = self._child.stdout.readline() if self._child.stdout is not None else ""
        if not line:
            raise self._died()
        answer = json.loads(line)
        if "error" in answer:
            raise _raised(answer["error"])
        found: dict[str, Any] = answer["ok"]
        return found

    def _died(self) -> StorageError:
        _, said = self._child.communicate()
        last = (said or "").strip().splitlines()[-1:] or [f"exit code {self._child.returncode}"]
        return StorageError(
            f"the process that reads bills ended early ({last[0][:300]})",
            do="Free memory, or give fewer files at a time, and try again",
            retryable=True,
        )


def _total(currency: str, rows: int, facts: int, *costs: str | None) -> Total:
    billed, effective, listed, contracted = (None if c is None else Decimal(c) for c in costs)
    if billed is None or effective is None:
        raise StorageError("the process that reads bills gave no totals")
    return Total(currency, rows, facts, billed, effective, listed, contracted)


def _raised(told: Mapping[str, Any]) -> SpendwattError:
    if told["kind"] == "InputError":
        return InputError(
            told["what"],
            file=told["file"],
            line=told["line"],
            column=told["column"],
            do=told["do"],
        )
    kind = _KINDS.get(told["kind"], StorageError)
    return kind(told["what"], do=told["do"])


def _no_room(folder: str, err: OSError) -> StorageError:
    return StorageError(
        f"no temporary folder could be made in {folder}: {err.strerror or err}",
        do="Free space there, or set TMPDIR to another folder",
        retryable=True,
    )
