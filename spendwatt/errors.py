"""Every error that Spendwatt raises on purpose.

SpendwattError                what failed, and what to do next
├── UsageError                the command line or a request's parameter is wrong        (exit 2)
├── ConfigError               the configuration is wrong; carries every problem at once (exit 2)
├── InputError                a file that we were given cannot be used
├── CollectError              a provider or a device did not answer as it should
├── StorageError              the database refused, or is not there
│   └── SchemaError           the database has another schema than this version needs
├── MoneyError                an amount or a currency cannot be computed with
└── SendError                 a channel did not take a message
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


class SpendwattError(Exception):
    """Something failed that a person can mend.

    `what` names what was tried and on what; `do` says what to do next. Neither holds a secret.
    `retryable` says whether the same call may succeed later without anybody's help.
    """

    exit_code = 1

    def __init__(self, what: str, *, do: str | None = None, retryable: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.do = do
        self.retryable = retryable

    def __str__(self) -> str:
        return f"{self.what}. {self.do}" if self.do else self.what


class UsageError(SpendwattError):
    """A command's argument or a request's parameter is wrong; `parameter` names it."""

    exit_code = 2

    def __init__(self, what: str, *, do: str | None = None, parameter: str | None = None) -> None:
        super().__init__(what, do=do)
        self.parameter = parameter


class ConfigError(SpendwattError):
    """The configuration is wrong; `problems` holds a line for each key."""

    exit_code = 2

    def __init__(self, what: str, problems: Sequence[str] = (), *, do: str | None = None) -> None:
        super().__init__(what, do=do)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {problem}" for problem in self.problems)])


class InputError(SpendwattError):
    """A file cannot be used; names the file and, where known, the line and the column."""

    def __init__(
        self,
        what: str,
        *,
        file: str,
        line: int | None = None,
        column: str | None = None,
        do: str | None = None,
    ) -> None:
        place = file if line is None else f"{file}, line {line}"
        if column is not None:
            place = f"{place}, column {column}"
        super().__init__(f"{place}: {what}", do=do)
        self.problem = what
        self.file = file
        self.line = line
        self.column = column


class CollectError(SpendwattError):
    """A provider or a device did not answer as it should; `permission` names a missing right."""

    def __init__(
        self,
        what: str,
        *,
        do: str | None = None,
        retryable: bool = False,
        permission: str | None = None,
    ) -> None:
        super().__init__(what, do=do, retryable=retryable)
        self.permission = permission


class StorageError(SpendwattError):
    """The database refused an operation, or cannot be reached."""


class SchemaError(StorageError):
    """The database's schema is older, newer or foreign to this version."""


class MoneyError(SpendwattError):
    """An amount cannot be read, stored or added."""


class SendError(SpendwattError):
    """A channel did not take a message.

    Permanent (`retryable=False`) disables the channel until somebody mends it; `retry_after` is
    the wait that the receiver asked for.
    """

    def __init__(
        self,
        what: str,
        *,
        do: str | None = None,
        retryable: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(what, do=do, retryable=retryable)
        self.retry_after = retry_after
