"""From what is open to what arrives: told once, in order, nothing lost, one failure kept apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from alerts.pipeline import NotifyReport
from alerts.routing import Route
from spendwatt.errors import SendError
from spendwatt.finding_filter import parse_finding_filter
from spendwatt.records import Finding, Severity
from storage import findings, notices, silences

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DOWN = SendError("no answer", retryable=True)
GONE = SendError("Slack answered 404 (no_service)", do="Make a new webhook")

MakeFinding = Callable[..., Finding]
Save = Callable[..., None]


def test_finding_is_told_once_on_every_channel(
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, make_finding())
    ops, boss = remembering(), remembering()
    assert house.notify(ops=ops, boss=boss) == NotifyReport(2, 2, 0, 0, ())
    assert house.notify(ops=ops, boss=boss) == NotifyReport(0, 0, 0, 0, ())
    assert (ops.told, boss.told) == (["first"], ["first"])
    assert ops.messages[0].title == "Service a jumped"


def test_whole_life_of_a_finding_is_told_and_then_its_end(
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    small_house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    small_house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    small_house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
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


def test_money_and_members_are_stored_exactly(
    house: Any, make_finding: MakeFinding, save_findings: Save, remembering: Any
) -> None:
    save_findings(house.store, make_finding(money="0.123456789"))
    house.notify(ops=remembering())
    with house.store.read() as connection:
        (stored,) = notices.recent(connection)
        (found,) = findings.open_findings(connection)
    assert stored.intent.members[0]["money_at_stake"] == "0.123456789"
    assert found.money_at_stake == Decimal("0.123456789")
