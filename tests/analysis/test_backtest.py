from __future__ import annotations

from datetime import date, timedelta

import pytest

from analysis.backtest import beginnings, output_rows, read_labels, read_ledger, replay, told
from analysis.backtest_score import Label, Told, false_episodes, score
from analysis.bill_shock import Settings
from spendwatt.errors import InputError

HEADER = "usage_date,account,provider,service,region,cost,ingested_at"
FIRST = date(2025, 1, 6)


def lines(days: int = 120) -> list[str]:
    rows = [HEADER]
    for place in range(days):
        day = FIRST + timedelta(days=place)
        for service, usual in (("compute", 500.0), ("storage", 80.0)):
            cost = usual + place % 7
            if service == "compute" and 100 <= place < 104:
                cost *= 2
            rows.append(f"{day},prod,aws,{service},eu,{cost / 2},{day + timedelta(days=1)}")
            rows.append(f"{day},prod,aws,{service},eu,{cost / 2},{day + timedelta(days=2)}")
    return rows


def test_a_past_is_replayed_as_of_each_day() -> None:
    ledger = read_ledger(lines(), file="past.csv")
    said = replay(ledger, FIRST + timedelta(days=90), FIRST + timedelta(days=119))
    assert [(one.usage_date - FIRST).days for one in said] == [100, 101, 102, 103]
    assert {one.key.service for one in said} == {"compute"}
    assert all(1 <= (one.alerted_at - one.usage_date).days <= 2 for one in said)
    assert [one.is_notice for one in said] == [True, False, False, False]
    assert [begun.usage_date for begun, notice in beginnings(said) if notice] == [
        FIRST + timedelta(days=100)
    ]
    first = next(output_rows(said))
    assert (first["account"], first["direction"], first["causes"]) == ("prod", "up", "compute")
    assert float(first["excess"]) > 400


def test_what_was_said_before_the_first_day_is_left_out() -> None:
    ledger = read_ledger(lines(), file="past.csv")
    assert replay(ledger, FIRST + timedelta(days=112), FIRST + timedelta(days=119)) == []


def test_the_floor_decides_what_is_worth_a_message() -> None:
    ledger = read_ledger(lines(), file="past.csv")
    said = replay(
        ledger,
        FIRST + timedelta(days=90),
        FIRST + timedelta(days=119),
        Settings.model_validate({"floor": 1_000_000}),
    )
    assert said
    assert not any(one.is_notice for one in said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("usage_date,account\n", "past.csv, line 1: the first line lacks cost"),
        ("", "the first line lacks account"),
        (f"{HEADER}\n2025-13-01,a,b,c,d,1,2025-01-02\n", 'line 2, column usage_date: "2025-13-01"'),
        (f"{HEADER}\n2025-01-01,a,b,c,d,much,2025-01-02\n", 'line 2, column cost: "much"'),
        (f"{HEADER}\n2025-01-01,a,b,c,d,nan,2025-01-02\n", 'column cost: "nan"'),
        (f"{HEADER}\n2025-01-01,a,b\n", "line 2: the row is too short"),
    ],
)
def test_a_file_that_is_no_ledger_is_refused_naming_the_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_ledger(text.splitlines(), file="past.csv")
    assert message in str(caught.value)


def test_labels_are_read_whole() -> None:
    text = (
        "event_id,account,service,kind,direction,start,end,detect_by,ignore_until,material\n"
        "e1,prod,compute,spike,up,2025-04-16,2025-04-19,2025-04-20,2025-04-29,True\n"
    )
    [label] = read_labels(text.splitlines(), file="labels.csv")
    assert (label.kind, label.detect_by, label.material) == ("spike", date(2025, 4, 20), True)


def day(number: int) -> date:
    return date(2025, 6, 1) + timedelta(days=number)


SHOCK = Label("prod", "compute", "level", "up", day(10), day(30), day(20), day(60))


def up(number: int, service: str = "compute") -> Told:
    return Told("prod", service, day(number), day(number + 2), "up")


def test_the_score_counts_found_shocks_and_false_episodes() -> None:
    alerts = [up(12), up(13), up(1), up(3), up(8), up(70, "other")]
    result = score(alerts, [SHOCK], "up", 2.0)
    assert (result.detected, result.material, result.false_episodes) == (1, 1, 3)
    assert result.delays == (4,)
    assert result.precision == pytest.approx(0.25)
    assert result.recall == 1
    assert result.f1 == pytest.approx(0.4)
    assert result.false_rate == 1.5


def test_an_alert_after_the_time_to_find_it_neither_finds_nor_is_false() -> None:
    result = score([up(25)], [SHOCK], "up", 1.0)
    assert (result.detected, result.false_episodes) == (0, 0)


def test_false_days_less_than_four_apart_are_one_episode() -> None:
    assert false_episodes([up(0), up(3), up(7)], []) == [day(0), day(7)]


def test_what_was_said_is_scored_as_it_was_told() -> None:
    ledger = read_ledger(lines(), file="past.csv")
    said = replay(ledger, FIRST + timedelta(days=90), FIRST + timedelta(days=119))
    truth = Label(
        "prod",
        "compute",
        "spike",
        "up",
        FIRST + timedelta(days=100),
        FIRST + timedelta(days=103),
        FIRST + timedelta(days=104),
        FIRST + timedelta(days=113),
    )
    assert score(told(said), [truth], "up", 0.1).f1 == 1
