"""The texts, word for word as a reader sees them on the console."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels.console import Console
from alerts.lifecycle import Member, Told, decide
from alerts.message import Message
from alerts.render import TITLE_LIMIT, render
from alerts.routing import group_of
from alerts.settings import AlertSettings, Display
from spendwatt.records import Finding, MoneyBasis, Severity
from storage.findings import StoredFinding

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = Display(ZoneInfo("Europe/Berlin"), "https://spend.example.org/")
PLAIN = Display()


@pytest.fixture
def idle(make_finding: Callable[..., Finding]) -> Callable[..., Finding]:
    def make(gpu: int = 0, **changes: Any) -> Finding:
        values = {
            "kind": "idle_gpu",
            "labels": {"host": "node-a03", "gpu": str(gpu)},
            "title": f"Idle: H100 {gpu} held 22 h by ada",
            "detail": "Utilization 0.4 %, 61 GiB held, 74 W (idle level 71 W), coverage 98 %.",
            "next_step": "Ask ada, or `scancel 48213`.",
            "opened_at": NOON - 22 * HOUR,
            "money": "21.12",
            "money_basis": MoneyBasis.SPENT,
        }
        return make_finding(**(values | changes))

    return make


def tell(
    present: Sequence[Finding],
    *,
    told: Sequence[Finding] = (),
    over: Sequence[Finding] = (),
    silenced: Sequence[Finding] = (),
    display: Display = PLAIN,
    now: datetime = NOON,
) -> Message:
    last = Told({f.id: Member.of(f) for f in told}, NOON - 3 * HOUR) if told else None
    muted = {finding.id for finding in silenced}
    decision = decide(last, present, muted, now, AlertSettings().repeat_every)
    assert decision is not None
    by_id = {finding.id: finding for finding in present}
    stored = [StoredFinding(f, NOON, NOON, NOON - HOUR, 1) for f in over]
    group = group_of([*present, *over][0], {"idle_gpu": ("host",)})
    return render(
        decision,
        group,
        {id_: by_id[id_] for id_ in decision.members},
        stored,
        display=display,
        now=now,
    )


def printed(message: Message) -> str:
    stream = io.StringIO()
    Console(Console.Settings(), stream=stream).send(message, key="k")
    return stream.getvalue()


def is_text(message: Message, expected: str) -> bool:
    assert printed(message) == dedent(expected)
    return True


def test_first_message_says_what_why_since_when_and_what_to_do(idle: Any) -> None:
    assert is_text(
        tell([idle()], display=BERLIN),
        f"""\
        ┃ Idle: H100 0 held 22 h by ada
        ┃ Utilization 0.4 %, 61 GiB held, 74 W (idle level 71 W), coverage 98 %.
        ┃ At stake: $21.12 so far. Since Sat 28 Feb 2026 15:00 CET (22 h).
        ┃ Do: Ask ada, or `scancel 48213`.
        ┃ warning · idle_gpu · {idle().id}
        ┃ https://spend.example.org/api/v1/findings/{idle().id}

        """,
    )


def test_unknown_money_is_left_out_and_never_zero(idle: Any) -> None:
    message = tell([idle(money=None, money_basis=None, currency=None)])
    assert message.paragraphs[-1] == "Since Sat 28 Feb 2026 14:00 UTC (22 h)."
    assert "$" not in message.text


def test_worse_says_what_was_told_before(idle: Any) -> None:
    message = tell([idle(money="43")], told=[idle()])
    assert message.title == "Worse: Idle: H100 0 held 22 h by ada"
    assert message.paragraphs[-1] == (
        "At stake: $43.00 so far. When last told: $21.12. Since Sat 28 Feb 2026 14:00 UTC (22 h)."
    )


def test_group_sums_its_money_and_marks_what_changed(idle: Any) -> None:
    present = [idle(0, money="50"), idle(1), idle(2), idle(4)]
    first = present[0].id
    assert is_text(
        tell(present, told=[idle(0), idle(1), idle(2), idle(3)], over=[idle(3)]),
        f"""\
        ┃ 1 more: 5 idle GPU findings, node-a03: $134 so far
        ┃ • Idle: H100 0 held 22 h by ada (worse)
        ┃   At stake: $50.00 so far. When last told: $21.12. Since Sat 28 Feb 2026 14:00 UTC (22 h).
        ┃ • Idle: H100 1 held 22 h by ada
        ┃   At stake: $21.12 so far. Since Sat 28 Feb 2026 14:00 UTC (22 h).
        ┃ • Idle: H100 2 held 22 h by ada
        ┃   At stake: $21.12 so far. Since Sat 28 Feb 2026 14:00 UTC (22 h).
        ┃ • Idle: H100 4 held 22 h by ada (new)
        ┃   At stake: $21.12 so far. Since Sat 28 Feb 2026 14:00 UTC (22 h).
        ┃ • Over: Idle: H100 3 held 22 h by ada
        ┃   Over since Sun 1 Mar 2026 11:00 UTC, after 21 h. It cost $21.12.
        ┃ Do: Ask ada, or `scancel 48213`.
        ┃ warning · idle_gpu · {first} and 4 more

        """,
    )


def test_end_says_how_long_it_lasted_and_asks_for_nothing(idle: Any) -> None:
    assert is_text(
        tell([], told=[idle()], over=[idle()]),
        f"""\
        ┃ Over: Idle: H100 0 held 22 h by ada
        ┃ Over since Sun 1 Mar 2026 11:00 UTC, after 21 h. It cost $21.12.
        ┃ warning · idle_gpu · {idle().id}

        """,
    )


def test_end_that_nobody_saw_is_told_by_when_it_was_last_so(idle: Any) -> None:
    seen = idle(evidence={"seen_until": "2026-03-01T08:00:00Z"})
    message = tell([], told=[seen], over=[seen])
    assert message.paragraphs[0] == (
        "Lasted 18 h, until Sun 1 Mar 2026 08:00 UTC at least; over by Sun 1 Mar 2026 11:00 UTC. "
        "It cost $21.12."
    )


def test_silenced_members_are_counted_and_not_shown(idle: Any) -> None:
    message = tell([idle(0), idle(1)], told=[idle(0)], silenced=[idle(0)])
    assert message.title == "1 more: Idle: H100 1 held 22 h by ada"
    assert message.paragraphs[-1] == "1 more is silenced."


def test_long_group_is_cut_and_says_so(idle: Any) -> None:
    message = tell([idle(number) for number in range(30)])
    assert message.title == "30 idle GPU findings, node-a03: $634 so far"
    assert "… and 20 more" in message.paragraphs[0]
    assert message.paragraphs[0].count("•") == 10


def test_short_group_shows_the_details(idle: Any) -> None:
    assert tell([idle(0), idle(1)]).paragraphs[0].count("coverage 98 %") == 2


def test_money_in_two_currencies_is_not_added(idle: Any) -> None:
    assert tell([idle(0), idle(1, currency="EUR")]).title == "2 idle GPU findings, node-a03"


def test_still_open_critical_finding_says_so(idle: Any) -> None:
    critical = idle(severity=Severity.CRITICAL)
    message = tell([critical], told=[critical], now=NOON + 7 * 24 * HOUR)
    assert message.title == "Still so: Idle: H100 0 held 22 h by ada"
    assert message.severity is Severity.CRITICAL


def test_message_survives_storage(idle: Any) -> None:
    message = tell([idle()], display=BERLIN)
    assert Message.from_json(message.to_json()) == message


def test_hostile_names_are_made_harmless(idle: Any) -> None:
    name = "a\r\nBcc: x@y.z\u202e\u2066\x1b[31m\0" + "x" * 10_000
    hostile = idle(title=name, detail=name, next_step=name, labels={"host": name})
    for message in (
        tell([hostile]),
        tell([hostile, idle(1)]),
        tell([], told=[hostile], over=[hostile]),
    ):
        assert len(message.title) <= TITLE_LIMIT
        assert len(message.text) < 12_000
        for forbidden in ("\r", "\u202e", "\u2066", "\x1b", "\0"):
            assert forbidden not in message.text
        assert "\n" not in message.title


@settings(deadline=None, max_examples=60)
@given(st.text(), st.text(), st.text(), st.decimals(-(10**9), 10**9, places=9))
def test_any_text_and_any_money_render(title: str, detail: str, step: str, money: Decimal) -> None:
    finding = Finding(
        "odd_kind",
        {},
        Severity.INFO,
        title,
        detail,
        step,
        NOON,
        money,
        MoneyBasis.PROJECTED,
        "XYZ",
    )
    message = tell([finding])
    assert len(message.title) <= TITLE_LIMIT
    assert Message.from_json(message.to_json()) == message
    assert all(line.startswith("┃ ") for line in printed(message).splitlines()[:-1])


def test_console_keeps_lines_inside_its_width(message: Message) -> None:
    stream = io.StringIO()
    channel = Console(Console.Settings(width=30), stream=stream)
    channel.check()
    channel.send(replace(message, link=None), key="k")
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 30
    assert "┃ Do: Ask who started it." in lines


def test_console_prints_to_standard_output(
    message: Message, capsys: pytest.CaptureFixture[str]
) -> None:
    Console(Console.Settings()).send(message, key="k")
    assert "Service a jumped" in capsys.readouterr().out
