"""From what is open to what arrives: told once, in order, nothing lost, one failure kept apart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerts.pipeline import NotifyReport, notify, resume
from alerts.routing import Route
from alerts.settings import AlertSettings
from spendwatt.errors import SendError
from spendwatt.finding_filter import parse_finding_filter
from spendwatt.records import Finding, Severity
from storage import findings, notices, silences
from storage.engine import Store

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTINGS = AlertSettings(
    send_deadline=timedelta(seconds=2), group_by={"idle_gpu": ("host", "owner")}
)

DOWN = SendError("no answer", retryable=True)
GONE = SendError("Slack answered 404 (no_service)", do="Make a new webhook")

MakeFinding = Callable[..., Finding]
Save = Callable[..., None]


class House:
    """A store, a clock that stands still, and the pipeline with its waits counted, not waited."""

    def __init__(self, store: Store, clock: Any) -> None:
        self.store = store
        self.clock = clock
        self.slept: list[float] = []

    def notify(self, routes: Any = (), **channels: Any) -> NotifyReport:
        return notify(
            self.store,
            channels,
            routes,
            clock=self.clock,
            settings=SETTINGS,
            sleep=self.slept.append,
            jitter=lambda: 1.0,
        )


@pytest.fixture
def house(store: Store, clock: Any) -> House:
    return House(store, clock)


@pytest.fixture
def small_house(sqlite_store: Store, clock: Any) -> House:
    return House(sqlite_store, clock)


def test_finding_is_told_once_on_every_channel(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, make_finding())
    ops, boss = remembering(), remembering()
    assert house.notify(ops=ops, boss=boss) == NotifyReport(2, 2, 0, 0, ())
    assert house.notify(ops=ops, boss=boss) == NotifyReport(0, 0, 0, 0, ())
    assert (ops.told, boss.told) == (["first"], ["first"])
    assert ops.messages[0].title == "Service a jumped"


def test_whole_life_of_a_finding_is_told_and_then_its_end(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops = remembering()
    lives: list[list[Finding]] = [
        [make_finding()],
        [make_finding(money="3100")],
        [make_finding(money="6100")],
        [],
        [],
        [make_finding()],
    ]
    for present in lives:
        house.clock.advance(HOUR)
        save_findings(house.store, *present, now=house.clock())
        house.notify(ops=ops)
    assert ops.told == ["first", "worse", "all_resolved", "first"]
    assert [message.title for message in ops.messages[1:3]] == [
        "Worse: Service a jumped",
        "Over: Service a jumped",
    ]
    assert len(set(ops.keys)) == 4


def test_findings_that_the_settings_group_share_a_message(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    def idle(gpu: int, host: str = "node-a") -> Finding:
        labels = {"host": host, "owner": "ada", "gpu_uuid": f"GPU-{gpu}"}
        return make_finding(kind="idle_gpu", labels=labels, title=f"GPU {gpu} idle", money="20.50")

    ops = remembering()
    save_findings(small_house.store, idle(0), idle(1), idle(2, host="node-b"))
    small_house.notify(ops=ops)
    assert sorted(message.title for message in ops.messages) == [
        "2 idle GPU findings, node-a, ada: $41.00 a day",
        "GPU 2 idle",
    ]
    save_findings(small_house.store, idle(1), idle(2, host="node-b"), idle(3))
    small_house.notify(ops=ops)
    assert ops.told[2:] == ["new_member"]
    assert ops.messages[2].title == "1 more: 3 idle GPU findings, node-a, ada: $61.50 a day"


def test_routes_choose_by_filter_and_a_finding_goes_to_a_channel_once(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    routes = [
        Route("boss", parse_finding_filter('severity:"critical"')),
        Route("ops", parse_finding_filter('label[service]:"a"')),
        Route("ops"),
        Route("gone"),
    ]
    save_findings(
        small_house.store, make_finding("a"), make_finding("b", severity=Severity.CRITICAL)
    )
    ops, boss = remembering(), remembering()
    assert small_house.notify(routes, ops=ops, boss=boss).waiting == 0
    assert (len(ops.messages), [m.title for m in boss.messages]) == (2, ["Service b jumped"])


def test_end_is_told_also_where_the_route_no_longer_takes_the_finding(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    routes = [Route("boss", parse_finding_filter('severity:"critical"'))]
    boss = remembering()
    save_findings(small_house.store, make_finding(severity=Severity.CRITICAL))
    small_house.notify(routes, boss=boss)
    save_findings(small_house.store, make_finding(severity=Severity.INFO))
    small_house.notify(routes, boss=boss)
    assert boss.told == ["first"]
    save_findings(small_house.store)
    small_house.notify(routes, boss=boss)
    assert boss.told == ["first", "all_resolved"]


def test_silence_mutes_but_never_swallows_the_end(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops = remembering()
    save_findings(house.store, make_finding("a"))
    house.notify(ops=ops)
    with house.store.write() as connection:
        silences.create(
            connection,
            'kind:"bill_shock"',
            ends_at=house.clock() + DAY,
            reason="known",
            created_by="ada",
            now=house.clock(),
        )
    save_findings(house.store, make_finding("a", money="99000"), make_finding("b"))
    house.notify(ops=ops)
    assert ops.told == ["first"]
    save_findings(house.store, make_finding("b"))
    house.notify(ops=ops)
    assert ops.told == ["first", "all_resolved"]
    house.clock.advance(DAY)
    house.notify(ops=ops)
    assert ops.messages[-1].title == "Service b jumped"


def test_short_failure_is_tried_again_in_the_same_pass(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops = remembering(DOWN, SendError("busy", retryable=True, retry_after=timedelta(seconds=7)))
    save_findings(small_house.store, make_finding())
    assert small_house.notify(ops=ops).sent == 1
    assert small_house.slept == [1.0, 7.0]


def test_unreachable_channel_rests_ever_longer_and_then_gets_all_in_order(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops, boss = remembering(*[DOWN] * 9), remembering()
    save_findings(house.store, make_finding())
    assert house.notify(ops=ops, boss=boss) == NotifyReport(2, 1, 1, 0, ())
    save_findings(house.store, make_finding(money="9000"))
    for rest in (MINUTE, 2 * MINUTE):
        house.clock.advance(rest - timedelta(seconds=1))
        before = ops.attempts
        house.notify(ops=ops, boss=boss)
        assert ops.attempts == before, "it rests"
        house.clock.advance(timedelta(seconds=1))
        house.notify(ops=ops, boss=boss)
        assert ops.attempts == before + SETTINGS.attempts
    save_findings(house.store)
    house.clock.advance(HOUR)
    house.notify(ops=ops, boss=boss)
    assert ops.told == boss.told == ["first", "worse", "all_resolved"]


def test_wait_that_the_receiver_asks_for_holds_back_the_whole_channel(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops = remembering(SendError("slow down", retryable=True, retry_after=30 * MINUTE))
    save_findings(small_house.store, make_finding("a"))
    small_house.notify(ops=ops)
    save_findings(small_house.store, make_finding("a"), make_finding("b"))
    small_house.clock.advance(30 * MINUTE - timedelta(seconds=1))
    small_house.notify(ops=ops)
    assert (ops.attempts, small_house.slept) == (1, [])
    small_house.clock.advance(timedelta(seconds=1))
    small_house.notify(ops=ops)
    assert len(ops.messages) == 2


def test_lasting_refusal_is_told_on_the_other_channels_and_nothing_is_lost(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops, boss = remembering(GONE), remembering()
    save_findings(house.store, make_finding())
    report = house.notify(ops=ops, boss=boss)
    assert report == NotifyReport(intended=3, sent=2, waiting=1, expired=0, refused=("ops",))
    assert ops.attempts == 1
    refusal = boss.messages[1]
    assert refusal.title == 'Channel "ops" refuses messages'
    assert refusal.severity is Severity.CRITICAL
    assert "no_service" in refusal.text
    assert "Make a new webhook" in refusal.text

    house.clock.advance(HOUR)
    house.notify(ops=ops, boss=boss)
    assert ops.attempts == 1, "a refused channel is left alone"

    resume(house.store, clock=house.clock)
    report = house.notify(ops=ops, boss=boss)
    assert (report.waiting, report.refused) == (0, ())
    assert ops.told == ["first"]
    assert boss.told == ["first", "first", "all_resolved"]


def test_refusal_of_a_channel_that_is_no_longer_configured_is_over(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(small_house.store, make_finding())
    small_house.notify(ops=remembering(GONE))
    assert small_house.notify(boss=remembering()).refused == ()


def test_message_that_is_never_taken_keeps_no_other_back(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    class Picky(remembering):  # type: ignore[misc]
        def send(self, message: Any, *, key: str) -> None:
            if "poison" in message.title:
                raise DOWN
            super().send(message, key=key)

    ops = Picky()
    save_findings(small_house.store, make_finding("poison"), make_finding("b"), make_finding("c"))
    for _ in range(3):
        small_house.notify(ops=ops)
        small_house.clock.advance(5 * MINUTE)
    assert sorted(message.title for message in ops.messages) == [
        "Service b jumped",
        "Service c jumped",
    ]


def test_message_that_waited_a_week_is_given_up_and_its_end_still_told(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops = remembering(GONE)
    save_findings(small_house.store, make_finding())
    small_house.notify(ops=ops)
    small_house.clock.advance(7 * DAY + HOUR)
    report = small_house.notify(ops=ops)
    assert (report.expired, report.waiting) == (1, 0)
    with small_house.store.read() as connection:
        assert notices.recent(connection)[-1].outcome == "expired"


def test_hanging_channel_keeps_no_other_back(
    small_house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    over = threading.Event()

    class Hanging(remembering):  # type: ignore[misc]
        def send(self, message: Any, *, key: str) -> None:
            self.attempts += 1
            over.wait()

    hanging, boss = Hanging(), remembering()
    save_findings(small_house.store, make_finding())
    quick = SETTINGS.model_copy(update={"send_deadline": timedelta(milliseconds=20)})
    channels = {"hanging": hanging, "boss": boss}
    report = notify(
        small_house.store,
        channels,
        (),
        clock=small_house.clock,
        settings=quick,
        sleep=small_house.slept.append,
    )
    over.set()
    assert (report.sent, report.waiting, hanging.attempts) == (1, 1, 3)
    assert boss.told == ["first"]
    with small_house.store.read() as connection:
        errors = [notice.last_error for notice in notices.recent(connection)]
    assert "no answer within 20ms" in errors


def test_waiting_notice_is_sent_again_with_its_key_after_a_crash(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops = remembering()
    save_findings(house.store, make_finding())
    # What a process leaves behind that dies between sending and recording: a claim.
    house.notify(ops=remembering(DOWN, DOWN, DOWN))
    with house.store.write() as connection:
        resume_at = house.clock() + 2 * MINUTE
        claimed = notices.claim(connection, "ops", resume_at, resume_at + HOUR)
    assert claimed is not None
    house.clock.advance(10 * MINUTE)
    assert house.notify(ops=ops).sent == 0, "its claim still stands"
    assert resume(house.store, clock=house.clock) == 1
    assert house.notify(ops=ops).sent == 1
    assert ops.keys == [claimed.intent.key]


def test_claimed_notice_is_nobody_elses(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, make_finding("a"), make_finding("b"))
    house.notify(ops=remembering(DOWN, DOWN, DOWN))
    now = house.clock() + HOUR
    with house.store.write() as connection:
        assert notices.claim(connection, "ops", now, now + HOUR) is not None
        assert notices.claim(connection, "ops", now, now + HOUR) is None
        assert notices.claim(connection, "ops", now + HOUR, now + 2 * HOUR) is not None


def test_two_processes_at_once_tell_everything_once(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, *(make_finding(str(number)) for number in range(12)))
    ops, together = remembering(), threading.Barrier(2)

    def run() -> None:
        together.wait()
        house.notify(ops=ops)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.notify(ops=ops)
    assert sorted(ops.keys) == sorted(set(ops.keys))
    assert len(ops.keys) == 12


def test_intent_is_recorded_once_however_many_decide_it(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, make_finding())
    house.notify(ops=remembering())
    with house.store.write() as connection:
        (stored,) = notices.recent(connection)
        assert notices.intend(connection, [stored.intent]) == []


def test_broken_channel_code_is_a_refusal_and_keeps_no_other_back(
    small_house: House,
    make_finding: MakeFinding,
    save_findings: Save,
    remembering: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(remembering):  # type: ignore[misc]
        def send(self, message: Any, *, key: str) -> None:
            raise ZeroDivisionError

    printed: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", printed.append)
    save_findings(small_house.store, make_finding())
    boss = remembering()
    report = small_house.notify(broken=Broken(), boss=boss)
    assert (report.refused, boss.told) == (("broken",), ["first", "first"])
    assert printed[0].exc_type is ZeroDivisionError


def test_money_and_members_are_stored_exactly(
    house: House, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, make_finding(money="0.123456789"))
    house.notify(ops=remembering())
    with house.store.read() as connection:
        (stored,) = notices.recent(connection)
        (found,) = findings.open_findings(connection)
    assert stored.intent.members[0]["money_at_stake"] == "0.123456789"
    assert found.money_at_stake == Decimal("0.123456789")
