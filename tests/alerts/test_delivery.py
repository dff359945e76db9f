"""Failures of channels, processes and messages: each kept apart, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from alerts.pipeline import NotifyReport, notify, resume
from alerts.settings import AlertSettings
from spendwatt.errors import SendError
from spendwatt.records import Finding, Severity
from storage import notices

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DOWN = SendError("no answer", retryable=True)
GONE = SendError("Slack answered 404 (no_service)", do="Make a new webhook")

MakeFinding = Callable[..., Finding]
Save = Callable[..., None]


def test_short_failure_is_tried_again_in_the_same_pass(
    small_house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    ops = remembering(DOWN, SendError("busy", retryable=True, retry_after=timedelta(seconds=7)))
    save_findings(small_house.store, make_finding())
    assert small_house.notify(ops=ops).sent == 1
    assert small_house.slept == [1.0, 7.0]


def test_unreachable_channel_rests_ever_longer_and_then_gets_all_in_order(
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
        assert ops.attempts == before + 3
    save_findings(house.store)
    house.clock.advance(HOUR)
    house.notify(ops=ops, boss=boss)
    assert ops.told == boss.told == ["first", "worse", "all_resolved"]


def test_wait_that_the_receiver_asks_for_holds_back_the_whole_channel(
    small_house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    small_house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(small_house.store, make_finding())
    small_house.notify(ops=remembering(GONE))
    assert small_house.notify(boss=remembering()).refused == ()


def test_message_that_is_never_taken_keeps_no_other_back(
    small_house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    small_house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    small_house: Any,
    make_finding: MakeFinding,
    save_findings: Save,
    remembering: Any,
    alert_settings: AlertSettings,
) -> None:
    over = threading.Event()

    class Hanging(remembering):  # type: ignore[misc]
        def send(self, message: Any, *, key: str) -> None:
            self.attempts += 1
            over.wait()

    hanging, boss = Hanging(), remembering()
    save_findings(small_house.store, make_finding())
    quick = alert_settings.model_copy(update={"send_deadline": timedelta(milliseconds=20)})
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
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, make_finding("a"), make_finding("b"))
    house.notify(ops=remembering(DOWN, DOWN, DOWN))
    now = house.clock() + HOUR
    with house.store.write() as connection:
        assert notices.claim(connection, "ops", now, now + HOUR) is not None
        assert notices.claim(connection, "ops", now, now + HOUR) is None
        assert notices.claim(connection, "ops", now + HOUR, now + 2 * HOUR) is not None


def test_two_processes_at_once_tell_everything_once(
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, make_finding())
    house.notify(ops=remembering())
    with house.store.write() as connection:
        (stored,) = notices.recent(connection)
        assert notices.intend(connection, [stored.intent]) == []


def test_broken_channel_code_is_a_refusal_and_keeps_no_other_back(
    small_house: Any,
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
