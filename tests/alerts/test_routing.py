"""A finding goes to the channels whose filter takes it, in the group that it belongs to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from alerts.routing import CHANNEL_REFUSED, GroupKey, Route, group_of, route, to_all
from alerts.settings import RouteSettings
from spendwatt.finding_filter import parse_finding_filter
from spendwatt.records import Finding

MakeFinding = Callable[..., Finding]


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        ('kind:"bill_shock"', True),
        ('severity:"critical","warning"', True),
        ('label[service]:"a"+severity!:"info"', True),
        ('label[team]:""', True),
        ('label[team]:"ml"', False),
        ('currency:"EUR"', False),
    ],
)
def test_route_takes_what_its_filter_matches(
    make_finding: MakeFinding, text: str, takes: bool
) -> None:
    assert Route("ops", parse_finding_filter(text)).takes(make_finding()) is takes


def test_route_that_asks_for_what_findings_have_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="filtered by service"):
        RouteSettings.model_validate({"channel": "ops", "filter": 'service:"EC2"'})


def test_channel_is_not_told_of_its_own_refusal(make_finding: MakeFinding) -> None:
    refusal = make_finding(kind=CHANNEL_REFUSED, labels={"channel": "ops"})
    groups = route([refusal], to_all(["ops", "boss"]), {})
    assert [channel for channel, _ in groups] == ["boss"]


def test_finding_has_a_message_of_its_own_unless_its_kind_is_grouped(
    make_finding: MakeFinding,
) -> None:
    a, b = make_finding("a"), make_finding("b")
    assert group_of(a, {}) != group_of(b, {})
    assert group_of(a, {"bill_shock": ()}) == group_of(b, {"bill_shock": ()})
    failed = [make_finding(name, kind="collector_failed") for name in "ab"]
    assert group_of(failed[0], {}) == group_of(failed[1], {})


def test_group_has_the_same_id_whatever_the_order_of_labels(make_finding: MakeFinding) -> None:
    one = make_finding(labels={"a": "1", "b": "2"})
    other = make_finding(labels={"b": "2", "a": "1"})
    assert group_of(one, {}).id == group_of(other, {}).id
    assert len(GroupKey("x", (("host", "\ud800"),)).id) == 16
