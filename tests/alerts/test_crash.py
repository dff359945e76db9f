"""A process killed anywhere in the pipeline loses nothing, and repeats only what was under way."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spendwatt.records import Finding
from storage import notices
from storage.engine import Store

SCRIPT = Path(__file__).with_name("notify_until_killed.py")


def test_every_notice_arrives_though_the_process_is_killed_again_and_again(
    store: Store,
    web_server: Any,
    make_finding: Callable[..., Finding],
    save_findings: Callable[..., None],
) -> None:
    save_findings(store, *(make_finding(name) for name in "abcde"))
    address = store.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, SCRIPT, address, web_server.url],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    kills, exit_code = map(int, done.stdout.split())
    assert exit_code == 0, done.stderr
    assert kills > 10
    with store.read() as connection:
        kept = notices.recent(connection)
    assert [notice.outcome for notice in kept] == ["sent"] * 5
    arrived = Counter(web_server.keys)
    assert set(arrived) == {notice.intent.key for notice in kept}
    assert 5 <= arrived.total() <= 5 + kills
