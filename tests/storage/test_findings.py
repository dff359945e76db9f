"""Findings open, change, end and come back; each change is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from spendwatt.errors import StorageError, UsageError
from spendwatt.finding_filter import parse_finding_filter
from spendwatt.records import Finding, MoneyBasis, Severity
from spendwatt.window import Window
from storage import findings
from storage.engine import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def finding(kind: str = "idle_gpu", **changes: Any) -> Finding:
    base = Finding(
        kind=kind,
        labels={"host": "node-a", "team": "ml"},
        severity=Severity.WARNING,
        title="4 x H100 idle",
        detail="since Tuesday",
        next_step="ask the owner",
        opened_at=NOON,
        money_at_stake=Decimal("85.000000001"),
        money_basis=MoneyBasis.SPENT,
        currency="USD",
        evidence={"hours": "22", "gpus": [0, 1]},
    )
    return replace(base, **changes)


def save(store: Store, *present: Finding, now: datetime = NOON, kinds: Any = ("idle_gpu",)) -> Any:
    with store.write() as connection:
        return findings.save(connection, kinds, present, now)


def events(store: Store, id_: str) -> list[str]:
    with store.read() as connection:
        return [event.event for event in findings.history(connection, id_)]


def test_saved_finding_comes_back_whole(store: Store) -> None:
    changes = save(store, finding())
    assert changes == findings.Changes((finding().id,), (), ())
    with store.read() as connection:
        assert findings.open_findings(connection) == [finding()]
        stored = findings.get(connection, finding().id)
    assert stored == findings.StoredFinding(finding(), NOON, NOON, None, 1)


def test_finding_without_money_keeps_it_missing(store: Store) -> None:
    unknown = finding(money_at_stake=None, money_basis=None, currency=None)
    save(store, unknown)
    with store.read() as connection:
        assert findings.open_findings(connection) == [unknown]


def test_saving_twice_leaves_one_episode(store: Store) -> None:
    save(store, finding())
    changes = save(store, finding(title="5 x H100 idle"), now=NOON + HOUR)
    assert changes.updated == (finding().id,)
    assert events(store, finding().id) == ["opened"]
    with store.read() as connection:
        stored = findings.get(connection, finding().id)
    assert stored is not None
    assert (stored.finding.title, stored.updated_at) == ("5 x H100 idle", NOON + HOUR)


def test_finding_no_longer_given_is_resolved_and_others_kinds_are_left_alone(store: Store) -> None:
    save(store, finding())
    save(store, finding("budget"), kinds=("budget",))
    changes = save(store, now=NOON + HOUR)
    assert changes.resolved == (finding().id,)
    with store.read() as connection:
        assert [found.kind for found in findings.open_findings(connection)] == ["budget"]
        assert findings.open_findings(connection, ("idle_gpu",)) == []


def test_finding_that_comes_back_opens_a_new_episode(store: Store) -> None:
    save(store, finding())
    save(store, now=NOON + HOUR)
    changes = save(store, finding(), now=NOON + 2 * HOUR)
    assert changes.opened == (finding().id,)
    assert events(store, finding().id) == ["opened", "resolved", "opened"]
    with store.read() as connection:
        stored = findings.get(connection, finding().id)
    assert stored is not None
    assert (stored.episodes, stored.seen_at, stored.state) == (2, NOON + 2 * HOUR, "open")


def test_change_of_severity_is_kept(store: Store) -> None:
    save(store, finding())
    save(store, finding(severity=Severity.CRITICAL), now=NOON + HOUR)
    with store.read() as connection:
        kept = findings.history(connection, finding().id)
    assert [(event.event, event.severity) for event in kept] == [
        ("opened", Severity.WARNING),
        ("severity_changed", Severity.CRITICAL),
    ]


def test_judging_the_past_may_end_what_was_seen_later(store: Store) -> None:
    save(store, finding())
    save(store, now=NOON - HOUR)
    with store.read() as connection:
        stored = findings.get(connection, finding().id)
    assert stored is not None
    assert stored.resolved_at == NOON


def test_undeclared_kind_is_refused_and_nothing_saved(store: Store) -> None:
    with pytest.raises(StorageError, match="kind budget"):
        save(store, finding(), finding("budget"))
    with store.read() as connection:
        assert findings.open_findings(connection) == []


def test_two_findings_alike_are_refused(store: Store) -> None:
    with pytest.raises(StorageError, match="two findings"):
        save(store, finding(), finding(title="another"))


def test_hostile_text_is_stored(store: Store) -> None:
    save(store, finding(title="a\0b\ud800c"))
    with store.read() as connection:
        assert findings.open_findings(connection)[0].title == "ab?c"


def test_search_filters_by_label_severity_and_state(store: Store) -> None:
    other = finding(labels={"host": "node-b"}, severity=Severity.CRITICAL)
    save(store, finding(), other)
    save(store, other, now=NOON + HOUR)

    def found(text: str) -> list[str]:
        with store.read() as connection:
            page = findings.search(connection, parse_finding_filter(text))
        return [stored.finding.labels["host"] for stored in page.findings]

    assert found('label[team]:"ml"') == ["node-a"]
    assert found('severity:"critical"|label[host]:"node-a"') == ["node-b", "node-a"]
    assert found('state:"open"') == ["node-b"]
    assert found('kind!:"idle_gpu"') == []


def test_search_pages_and_counts_all(store: Store) -> None:
    many = [finding(labels={"host": f"node-{n}"}) for n in range(5)]
    save(store, *many)
    with store.read() as connection:
        page = findings.search(connection, limit=2, offset=4)
    assert (len(page.findings), page.total) == (1, 5)


def test_search_keeps_what_the_window_touches(store: Store) -> None:
    save(store, finding())
    save(store, now=NOON + HOUR)
    with store.read() as connection:
        during = findings.search(connection, window=Window(NOON, NOON + HOUR))
        after = findings.search(connection, window=Window(NOON + 2 * HOUR, NOON + 3 * HOUR))
    assert (during.total, after.total) == (1, 0)


def test_foreign_field_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="filtered by service") as raised:
        parse_finding_filter('service:"EC2"')
    assert "label[NAME]" in str(raised.value)


def test_finding_is_got_by_a_unique_prefix(store: Store) -> None:
    save(store, finding())
    with store.read() as connection:
        stored = findings.get(connection, finding().id[:6])
        assert stored is not None
        assert stored.finding == finding()
        assert findings.get(connection, "0" * 16) is None


def test_shared_prefix_is_refused(store: Store) -> None:
    ids: dict[str, Finding] = {}
    for number in range(2_000):
        made = finding(labels={"n": str(number)})
        if made.id[:4] in ids:
            save(store, made, ids[made.id[:4]])
            break
        ids[made.id[:4]] = made
    with store.read() as connection, pytest.raises(UsageError, match="several findings"):
        findings.get(connection, made.id[:4])


@pytest.mark.parametrize("text", ["", "abc", "%%%%", "ABCDEF", "g" * 16, "a" * 17])
def test_what_is_no_id_is_refused(sqlite_store: Store, text: str) -> None:
    with sqlite_store.read() as connection, pytest.raises(UsageError, match="not the id"):
        findings.get(connection, text)
