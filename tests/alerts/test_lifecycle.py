"""Whether something is told, and why, for cases one by one and for random histories."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.lifecycle import Decision, Member, Reason, Told, decide
from alerts.settings import AlertSettings
from spendwatt.records import Finding, MoneyBasis, Severity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
REPEAT = AlertSettings().repeat_every

MakeFinding = Callable[..., Finding]


def told(*findings: Finding, at: datetime = NOON) -> Told:
    return Told({finding.id: Member.of(finding) for finding in findings}, at)


def now_decide(
    last: Told | None, *present: Finding, silenced: Any = (), now: datetime = NOON + HOUR
) -> Decision | None:
    ids = {finding.id for finding in silenced}
    return decide(last, present, ids, now, REPEAT)


def reason_of(*args: Any, **options: Any) -> Reason | None:
    decision = now_decide(*args, **options)
    return decision.reason if decision else None


def test_new_finding_is_told_first_and_then_kept_quiet(make_finding: MakeFinding) -> None:
    a = make_finding()
    assert reason_of(None, a) is Reason.FIRST
    assert reason_of(told(a), a) is None


def test_silenced_finding_starts_no_message(make_finding: MakeFinding) -> None:
    assert reason_of(None, make_finding(), silenced=[make_finding()]) is None


def test_finding_speaks_when_its_silence_ends(make_finding: MakeFinding) -> None:
    a, b = make_finding("a"), make_finding("b")
    quiet = now_decide(None, a, b, silenced=[b])
    assert quiet is not None
    assert set(quiet.members) == {a.id}
    later = now_decide(Told(quiet.members, NOON), a, b)
    assert later is not None
    assert (later.reason, later.new) == (Reason.NEW_MEMBER, {b.id})


def test_resolve_is_told_also_when_silenced_meanwhile(make_finding: MakeFinding) -> None:
    a, b = make_finding("a"), make_finding("b")
    assert reason_of(told(a), silenced=[a]) is Reason.ALL_RESOLVED
    assert reason_of(told(a, b), b, silenced=[a, b]) is Reason.RESOLVED_MEMBER
    assert reason_of(told(a), b, silenced=[b]) is Reason.ALL_RESOLVED


def test_end_of_what_was_never_told_is_not_told(make_finding: MakeFinding) -> None:
    assert reason_of(None) is None
    assert reason_of(told()) is None


def test_finding_that_comes_back_after_its_end_is_told_again(make_finding: MakeFinding) -> None:
    assert reason_of(told(), make_finding()) is Reason.FIRST


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        ({"money": "100"}, {"money": "199.99"}, False),
        ({"money": "100"}, {"money": "200"}, True),
        ({"money": "-100"}, {"money": "-250"}, True),
        ({"money": "0"}, {"money": "0"}, False),
        ({"money": "0"}, {"money": "0.01"}, True),
        ({"money": None}, {"money": "900"}, False),
        ({"money": "900"}, {"money": None}, False),
        ({"money": "100"}, {"money": "900", "currency": "JPY"}, False),
        ({"money": "100"}, {"money": "900", "money_basis": MoneyBasis.SPENT}, False),
        ({"severity": Severity.WARNING}, {"severity": Severity.CRITICAL}, True),
        ({"severity": Severity.CRITICAL}, {"severity": Severity.WARNING}, False),
    ],
)
def test_worse_is_doubled_money_or_higher_severity(
    make_finding: MakeFinding, before: Any, after: Any, is_told: bool
) -> None:
    expected = Reason.WORSE if is_told else None
    assert reason_of(told(make_finding(**before)), make_finding(**after)) is expected


def test_muted_growth_is_told_when_the_silence_ends(make_finding: MakeFinding) -> None:
    small, big, other = make_finding(), make_finding(money="9000"), make_finding("b")
    quiet = now_decide(told(small), big, other, silenced=[big])
    assert quiet is not None
    assert quiet.reason is Reason.NEW_MEMBER
    assert reason_of(Told(quiet.members, NOON), big, other) is Reason.WORSE


def test_new_member_is_named_before_worse_and_resolved(make_finding: MakeFinding) -> None:
    decision = now_decide(
        told(make_finding("a"), make_finding("b")),
        make_finding("b", money="9000"),
        make_finding("c"),
    )
    assert decision is not None
    assert decision.reason is Reason.NEW_MEMBER
    assert (len(decision.new), len(decision.worse), len(decision.resolved)) == (1, 1, 1)


def test_open_critical_finding_is_repeated_and_a_warning_is_not(make_finding: MakeFinding) -> None:
    critical, warning = make_finding(severity=Severity.CRITICAL), make_finding()
    week = timedelta(days=7)
    assert reason_of(told(critical), critical, now=NOON + week - HOUR) is None
    assert reason_of(told(critical), critical, now=NOON + week) is Reason.REPEAT
    assert reason_of(told(critical), critical, now=NOON + week, silenced=[critical]) is None
    assert reason_of(told(warning), warning, now=NOON + 99 * week) is None


def test_member_survives_storage(make_finding: MakeFinding) -> None:
    for finding in (make_finding(money="0.000000001"), make_finding(money=None, currency=None)):
        member = Member.of(finding)
        assert Member.from_json(member.to_json()) == member


# A history is a list of moments; each says which of four findings are open, with which severity
# and money, and which are silenced.
STATES = st.dictionaries(
    st.sampled_from("abcd"),
    st.tuples(st.sampled_from(list(Severity)), st.integers(0, 1_000)),
    max_size=4,
)
HISTORIES = st.lists(
    st.tuples(STATES, st.sets(st.sampled_from("abcd")), st.integers(1, 40)), max_size=30
)


def as_finding(name: str, severity: Severity, money: int) -> Finding:
    return Finding(
        kind="bill_shock",
        labels={"service": name},
        severity=severity,
        title=name,
        detail="",
        next_step="",
        opened_at=NOON,
        money_at_stake=Decimal(money),
        money_basis=MoneyBasis.SPENT,
        currency="USD",
    )


class Reader:
    """What somebody who reads every message believes, kept apart from the code under test."""

    def __init__(self) -> None:
        self.believes: dict[str, Finding] = {}

    def read(self, decision: Decision, present: dict[str, Finding], muted: set[str]) -> None:
        for id_ in decision.resolved:
            assert id_ in self.believes, "an end is announced once, and only of what was told"
            assert id_ not in present
            del self.believes[id_]
        for id_ in decision.new:
            assert id_ not in self.believes, "nothing is told as new twice"
            assert id_ not in muted
        for id_ in decision.worse:
            assert is_worse(present[id_], self.believes[id_])
            assert id_ not in muted
        self.believes |= {id_: found for id_, found in present.items() if id_ not in muted}

    def misses(self, present: dict[str, Finding], muted: set[str]) -> list[str]:
        new = [id_ for id_ in present if id_ not in self.believes and id_ not in muted]
        over = [id_ for id_ in self.believes if id_ not in present]
        worse = [
            id_
            for id_, found in present.items()
            if id_ in self.believes and id_ not in muted and is_worse(found, self.believes[id_])
        ]
        return [*new, *over, *worse]


def is_worse(now: Finding, then: Finding) -> bool:
    order = list(Severity)
    assert now.money_at_stake is not None
    assert then.money_at_stake is not None
    has_grown = now.money_at_stake > then.money_at_stake
    doubled = has_grown and now.money_at_stake >= 2 * then.money_at_stake
    return doubled or order.index(now.severity) > order.index(then.severity)


@settings(deadline=None, max_examples=200)
@given(HISTORIES)
def test_reader_of_all_messages_knows_all_that_matters_and_hears_nothing_twice(
    history: list[tuple[dict[str, tuple[Severity, int]], set[str], int]],
) -> None:
    reader, last, now = Reader(), None, NOON
    for state, silenced_names, hours in history:
        now += hours * HOUR
        made = [as_finding(name, *values) for name, values in state.items()]
        present = {finding.id: finding for finding in made}
        muted = {f.id for f in made if f.labels["service"] in silenced_names}
        decision = decide(last, present.values(), muted, now, REPEAT)
        if decision is not None:
            if decision.reason is Reason.REPEAT:
                assert last is not None
                assert now - last.at >= timedelta(days=1)
            else:
                assert decision.new or decision.worse or decision.resolved
            reader.read(decision, present, muted)
            assert (decision.reason is Reason.ALL_RESOLVED) == (not reader.believes)
            last = Told(decision.members, now)
        assert reader.misses(present, muted) == []
        again = decide(last, present.values(), muted, now, REPEAT)
        assert again is None, "the same state is not told twice"
