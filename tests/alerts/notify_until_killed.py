"""Runs the pipeline again and again, each time killed before a later statement, until one lives.

Called by `test_crash.py` as `python notify_until_killed.py DATABASE_URL WEBHOOK_URL`; prints the
number of kills.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any

from sqlalchemy import event

from alerts.channels.slack import Slack
from alerts.pipeline import notify, resume
from spendwatt import clock
from storage.engine import Store, open_store


def main(database_url: str, webhook_url: str) -> None:
    for heavy in ("jinja2", "psycopg", "slack_sdk.webhook"):
        import_module(heavy)  # once, and not in every child
    kills = 0
    while True:
        pid = os.fork()
        if pid == 0:
            live_once(database_url, webhook_url, statements=5 + kills)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            break
        kills += 1
    sys.stdout.write(f"{kills} {os.waitstatus_to_exitcode(status)}")


def live_once(database_url: str, webhook_url: str, *, statements: int) -> None:
    store = open_store(database_url)
    die_before(store, statements)
    settings = Slack.Settings.model_validate({"webhook_url": webhook_url})
    resume(store, clock=clock.now)
    notify(store, {"ops": Slack(settings)}, (), clock=clock.now)


def die_before(store: Store, statements: int) -> None:
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen > statements:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(store.engine, "before_cursor_execute", count)


if __name__ == "__main__":
    main(*sys.argv[1:])
