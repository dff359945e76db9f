"""Calls that may hang, each with a deadline: a call that hangs is left behind, and nothing waits.

A call into a driver cannot be ended from outside. It is made in a thread of its own; where it does
not come back in time, that thread is given up and the next call gets a new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from spendwatt.errors import SpendwattError

T = TypeVar("T")


class OverdueError(Exception):
    """A call did not come back in time; `returned` is set when it does."""

    def __init__(self, returned: threading.Event) -> None:
        super().__init__("the call did not come back in time")
        self.returned = returned


class Worker:
    """Makes calls in one thread, one after the other, until one of them hangs."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call | None] | None = None

    def call(self, work: Callable[[], T], *, seconds: float) -> T:
        """Give what `work` returns. Raises OverdueError, and every SpendwattError of `work`."""
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(
                target=_serve, args=(self._calls,), name="deadline", daemon=True
            ).start()
        call = _Call(work)
        self._calls.put(call)
        if not call.returned.wait(seconds):
            self.close()
            raise OverdueError(call.returned)
        if call.error is not None:
            raise call.error
        result: T = call.result
        return result

    def close(self) -> None:
        """Let the thread end as soon as it is free."""
        if self._calls is not None:
            self._calls.put(None)
            self._calls = None


class _Call:
    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.returned = threading.Event()
        self.result: Any = None
        self.error: Exception | None = RuntimeError("the call broke off")


def _serve(calls: SimpleQueue[_Call | None]) -> None:
    while (call := calls.get()) is not None:
        try:
            call.result = call.work()
            call.error = None
        except SpendwattError as err:
            call.error = err
        finally:
            call.returned.set()
