"""Turns the fields, filters and labels of costs into SQL over a table of facts.

A condition becomes `service_id IN (SELECT id FROM service WHERE ...)`: the facts are filtered by
their ids, and texts are looked up only for what remains. Labels are rules applied here, at read
time, so that changing a rule changes every answer and no stored row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from spendwatt.errors import UsageError
from spendwatt.estate import LabelRule
from spendwatt.query import Condition, Filter, Group, Op
from storage.tables import bills
from storage.tables.deliveries import delivery

Text = ColumnElement[str]
Truth = ColumnElement[bool]
Columns = Any
"""Columns of facts by name: `table.c`, of a table or a subquery."""

Field = tuple[str, FromClause, Text]
"""The column of ids among the facts, the table that they lead to, its text."""

FIELDS: dict[str, Field] = {
    "provider": ("provider_id", bills.provider, bills.provider.c.text),
    "account": ("account_id", bills.account, bills.account.c.text),
    "sub_account": ("sub_account_id", bills.account, bills.account.c.text),
    "service": ("service_id", bills.service, bills.service.c.text),
    "service_category": ("service_id", bills.service, bills.service.c.category),
    "region": ("region_id", bills.region, bills.region.c.text),
    "sku": ("sku_id", bills.sku, bills.sku.c.text),
    "resource": ("resource_id", bills.resource, bills.resource.c.text),
    "charge_category": ("charge_category_id", bills.charge_category, bills.charge_category.c.text),
    "commitment": ("commitment_id", bills.commitment, bills.commitment.c.text),
    "source": ("delivery_id", delivery, delivery.c.source),
}
"""What costs can be grouped by and filtered on, beside currency, labels and tags."""

CURRENCY = "currency"


class Fields:
    """The fields of costs under one set of label rules, on one engine."""

    def __init__(self, rules: Sequence[LabelRule], dialect: str) -> None:
        self.rules = rules
        self.is_sqlite = dialect == "sqlite"

    def columns(self, name: str) -> set[str]:
        """Give the columns of the facts that a field rests on; `name` may be `label:team`."""
        field, _, key = name.partition(":")
        if field == CURRENCY:
            return {CURRENCY}
        if field == "tag":
            return {"tag_set_id"}
        if field == "label":
            needed: set[str] = set()
            for rule in self._rules_of(key):
                needed |= {"tag_set_id"} if rule.from_tag else set()
                needed |= self.columns_of(rule.filter)
            return needed
        return {_known(field)[0]}

    def columns_of(self, filter_: Filter | None) -> set[str]:
        """Give the columns of the facts that a filter rests on."""
        if filter_ is None:
            return set()
        if isinstance(filter_, Group):
            return set().union(*(self.columns_of(part) for part in filter_.parts))
        return self.columns(filter_.name)

    def truth(self, filter_: Filter | None, facts: Columns) -> Truth:
        """Give the SQL that tells whether a row of `facts` satisfies the filter."""
        if filter_ is None:
            return true()
        if isinstance(filter_, Group):
            join = and_ if filter_.how == "all" else or_
            return join(*(self.truth(part, facts) for part in filter_.parts))
        found = or_(*(self._compares(filter_, value, facts) for value in filter_.values))
        return not_(found) if filter_.negated else found

    def text(self, name: str, facts: Columns) -> Text:
        """Give the SQL of a field's text for a row of `facts`, empty where it has none."""
        field, _, key = name.partition(":")
        if field == CURRENCY:
            return _text_of(facts[CURRENCY])
        if field == "tag":
            return self._looked_up(facts["tag_set_id"], bills.tag_set, self._tag(key))
        if field == "label":
            cases = [
                (self._applies(rule, facts), self._value(rule, facts))
                for rule in self._rules_of(key)
            ]
            return case(*cases, else_=literal("")) if cases else literal("")
        column, table, text = _known(field)
        return self._looked_up(facts[column], table, text)

    def _compares(self, asked: Condition, value: str, facts: Columns) -> Truth:
        if asked.field == CURRENCY:
            return self._compare(asked.op, _text_of(facts[CURRENCY]), value)
        if asked.field == "label":
            return self._compares_label(asked, value, facts)
        if asked.field == "tag":
            field: Field = ("tag_set_id", bills.tag_set, self._tag(asked.key or ""))
        else:
            field = _known(asked.field)
        column, table, text = field
        ids: Select[Any] = select(table.c.id).where(self._compare(asked.op, text, value))
        found: Truth = facts[column].in_(ids)
        return found

    def _compares_label(self, asked: Condition, value: str, facts: Columns) -> Truth:
        """Compare the value that the first applying rule gives, or the empty text."""
        ways: list[Truth] = []
        earlier: list[Truth] = []
        for rule in self._rules_of(asked.key or ""):
            applies = self._applies(rule, facts)
            if rule.from_tag:
                tag = Condition("tag", rule.from_tag, asked.op, (value,))
                compares = self.truth(tag, facts)
            else:
                compares = self._compare(asked.op, literal(rule.value or ""), value)
            ways.append(and_(applies, compares, *(not_(other) for other in earlier)))
            earlier.append(applies)
        unlabeled = self._compare(asked.op, literal(""), value)
        return or_(*ways, and_(unlabeled, *(not_(other) for other in earlier)))

    def _rules_of(self, label: str) -> list[LabelRule]:
        return [rule for rule in self.rules if rule.label == label]

    def _applies(self, rule: LabelRule, facts: Columns) -> Truth:
        matches = self.truth(rule.filter, facts)
        if rule.from_tag is None:
            return matches
        has_tag = Condition("tag", rule.from_tag, Op.EQUALS, ("",), negated=True)
        return and_(matches, self.truth(has_tag, facts))

    def _value(self, rule: LabelRule, facts: Columns) -> Text:
        if rule.from_tag is None:
            return literal(rule.value or "")
        return self.text(f"tag:{rule.from_tag}", facts)

    def _tag(self, key: str) -> Text:
        tags = bills.tag_set.c.tags
        tags_json = tags if self.is_sqlite else cast(tags, JSONB)
        return func.coalesce(tags_json.op("->>")(key), "")

    def _looked_up(self, id_: Any, table: FromClause, text: Text) -> Text:
        return select(text).where(table.c.id == id_).scalar_subquery()

    def _compare(self, op: Op, text: Text, value: str) -> Truth:
        """Compare as `spendwatt.query.matches` does: LIKE would ignore case on SQLite."""
        if op is Op.EQUALS:
            return text == value
        if not value:
            return true()
        if op is Op.CONTAINS:
            place = func.instr if self.is_sqlite else func.strpos
            return place(text, value) > 0
        if op is Op.STARTS:
            return func.substr(text, 1, len(value)) == value
        if self.is_sqlite:
            return func.substr(text, -len(value)) == value
        return func.right(text, len(value)) == value


def _text_of(column: Any) -> Text:
    found: Text = column
    return found


def _known(field: str) -> Field:
    if field not in FIELDS:
        allowed = ", ".join([*FIELDS, CURRENCY, "label:NAME", "tag:NAME"])
        raise UsageError(f'costs have no field "{field[:80]}"', do=f"Allowed: {allowed}")
    return FIELDS[field]
