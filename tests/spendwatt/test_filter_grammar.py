"""Filters: written, read, written again; never another error than one that names the place."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spendwatt.errors import UsageError
from spendwatt.filter_grammar import MAX_LENGTH, filter_text, parse_filter
from spendwatt.query import Condition, Filter, Group, Op, fields_of, matches

FIELDS = ["service", "account", "region", "x1"]
storable = st.characters(codec="utf-8", exclude_characters="\0")
values = st.text(storable, max_size=12)
keys = st.text(st.characters(codec="utf-8", exclude_characters='\0]"'), min_size=1, max_size=12)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    field = draw(st.sampled_from([*FIELDS, "label", "tag"]))
    return Condition(
        field=field,
        key=draw(keys) if field in {"label", "tag"} else None,
        op=draw(st.sampled_from(Op)),
        values=tuple(draw(st.lists(values, min_size=1, max_size=3))),
        negated=draw(st.booleans()),
    )


def groups(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    members = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(Group, st.sampled_from(["all", "any"]), members)


filters = st.recursive(conditions(), groups, max_leaves=8)
# Texts that are nearly filters find more than random ones.
nearly = st.lists(
    st.sampled_from(
        [
            *("service", "label[a]", "tag[b]", "label", "tag[", "]", "[", ":", "!", "!:", "~:"),
            *("<~:", "~>:", '"a"', '"', "\\", '\\"', "+", "|", ",", "(", ")", " ", "\n"),
            *("é", "\0", "\ud800"),
        ]
    ),
    max_size=14,
).map("".join)


@settings(deadline=None)
@given(filters)
def test_a_filter_reads_back_as_it_was_written(filter_: Filter) -> None:
    assert parse_filter(filter_text(filter_)) == filter_


@settings(deadline=None, max_examples=300)
@given(nearly | st.text(max_size=40))
def test_no_text_raises_anything_but_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        found = parse_filter(text)
        assert parse_filter(filter_text(found)) == found
        assert fields_of(found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "character 1 (the end): expected a field"),
        ("service", "character 1 (service): expected a field and a comparison"),
        ("service:EC2", "character 9 (EC2): expected a value in double quotes"),
        ('service:"a" region:"b"', "in a URL, + is written %2B"),
        ('service:"a"+', "expected a field"),
        ('(service:"a"', "expected )"),
        ('service:"a")', "expected +, | or the end"),
        ('label:"a"', "expected label[NAME]"),
        ('tag:"a"', "expected tag[NAME]"),
        ('service[a]:"b"', "expected service without [...]"),
        ('service="a"', "expected a field and a comparison"),
        ("(" * 30 + 'service:"a"' + ")" * 30, "at most 20 nested parentheses"),
        ("a" * (MAX_LENGTH + 1), "at most 4,000"),
    ],
)
def test_an_error_says_where_reading_stopped_and_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter(text)
    assert says in str(caught.value)


def test_and_binds_tighter_than_or() -> None:
    a, b, c = (Condition(name, None, Op.EQUALS, ("1",)) for name in "abc")
    assert parse_filter('a:"1"+b:"1"|c:"1"') == Group("any", (Group("all", (a, b)), c))
    assert parse_filter('a:"1"+(b:"1"|c:"1")') == Group("all", (a, Group("any", (b, c))))


@pytest.mark.parametrize(
    ("text", "is_true"),
    [
        ('service:"EC2"', True),
        ('service:"ec2"', False),
        ('service:"S3","EC2"', True),
        ('service!:"S3","EC2"', False),
        ('service~:"C"', True),
        ('service<~:"EC"', True),
        ('service~>:"EC"', False),
        ('service!<~:"S"', True),
        ('label[team]:"ml"', True),
        ('label[owner]:""', True),
        ('label[owner]!:""', False),
        ('region:""', True),
        ('service:"EC2"+region!:""', False),
        ('service:"S3"|label[team]:"ml"', True),
    ],
)
def test_a_filter_matches_what_it_says(text: str, is_true: bool) -> None:
    fact = {("service", None): "EC2", ("label", "team"): "ml"}
    assert matches(parse_filter(text), lambda field, key: fact.get((field, key))) is is_true


def test_no_filter_matches_everything() -> None:
    assert matches(None, lambda _field, _key: None)


@settings(deadline=None)
@given(filters, st.dictionaries(st.sampled_from(FIELDS), values))
def test_turning_a_filter_round_turns_its_answer_round(
    filter_: Filter, fact: dict[str, str]
) -> None:
    def get(field: str, _key: str | None) -> str | None:
        return fact.get(field)

    assert matches(_turned(filter_), get) is not matches(filter_, get)


def _turned(filter_: Filter) -> Filter:
    if isinstance(filter_, Condition):
        return Condition(
            filter_.field, filter_.key, filter_.op, filter_.values, negated=not filter_.negated
        )
    how = "any" if filter_.how == "all" else "all"
    return Group(how, tuple(_turned(part) for part in filter_.parts))
