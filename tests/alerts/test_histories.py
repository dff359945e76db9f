"""Whatever happens to findings and channels, in the end every reader knows what is so, in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from alerts.message import Message
from alerts.pipeline import notify, resume
from alerts.settings import AlertSettings
from spendwatt.errors import SendError
from spendwatt.records import Finding
from storage import notices
from storage.engine import Store
from storage.schema import metadata

SETTINGS = AlertSettings(attempts=2, repeat_critical_every="never")
ERRORS = {
    "ok": None,
    "down": SendError("down", retryable=True),
    "busy": SendError("busy", retryable=True, retry_after=timedelta(minutes=3)),
    "gone": SendError("gone"),
}
STEPS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([10, 15, 40]), max_size=3),
        st.lists(st.sampled_from(sorted(ERRORS)), max_size=4),
        st.integers(1, 200),
        st.booleans(),
    ),
    max_size=10,
)


class Reader:
    """Reads a channel's messages as they come, and knows which findings are open by them."""

    def __init__(self) -> None:
        self.fate: list[str] = []
        self.keys: list[str] = []
        self.open: set[str] = set()

    def send(self, message: Message, *, key: str) -> None:
        error = ERRORS[self.fate.pop(0)] if self.fate else None
        if error is not None:
            raise error
        self.keys.append(key)
        if message.footer.split(" · ")[1] == "bill_shock":
            self.read(message)

    def read(self, message: Message) -> None:
        if message.reason == "first":
            assert message.thread not in self.open
            self.open.add(message.thread)
        else:
            assert message.thread in self.open, "nothing goes on that has not begun"
        if message.reason == "all_resolved":
            self.open.remove(message.thread)

    def check(self) -> None:
        pass


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_every_notice_arrives_once_and_in_order(
    sqlite_store: Store,
    clock: Any,
    make_finding: Callable[..., Finding],
    save_findings: Callable[..., None],
    steps: list[tuple[dict[str, int], list[str], int, bool]],
) -> None:
    store = sqlite_store
    with store.write() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name in {"finding", "finding_event", "notice"}:
                connection.execute(delete(table))
    ops, boss = Reader(), Reader()

    def tell() -> None:
        channels = {"ops": ops, "boss": boss}
        notify(store, channels, (), clock=clock, settings=SETTINGS, sleep=lambda _: None)

    state: dict[str, int] = {}
    for state, fate, minutes, restarts in steps:
        clock.advance(timedelta(minutes=minutes))
        ops.fate = fate
        if restarts:
            resume(store, clock=clock)
        save_findings(store, *(make_finding(n, money=m) for n, m in state.items()), now=clock())
        tell()
    ops.fate = []
    resume(store, clock=clock)
    tell()

    with store.read() as connection:
        kept = notices.recent(connection, limit=1_000)
    assert {notice.outcome for notice in kept} <= {"sent"}
    for name, reader in (("ops", ops), ("boss", boss)):
        expected = {notice.intent.key for notice in kept if notice.intent.channel == name}
        assert sorted(reader.keys) == sorted(expected), "each arrives, and once"
        assert len(reader.open) == len(state), "the reader knows what is open"
