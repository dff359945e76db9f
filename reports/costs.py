"""What was spent, on what, by whom: the bills, grouped as asked."""

from __future__ import annotations

from reports.contract import ACCUMULATE, COST_METRIC, Report, wrong_sort
from reports.freshness import freshness
from reports.options import Option
from spendwatt.clock import midnight
from spendwatt.estate import Estate
from spendwatt.query import CostMetric, Query
from spendwatt.table import Column, Table
from spendwatt.window import Window
from storage.engine import Store
from storage.queries.costs import costs

FIELDS = (
    Column("provider", "text", "Who made the service."),
    Column("account", "text", "Billing account: who gets the invoice."),
    Column("sub_account", "text", "Sub-account, subscription or project."),
    Column("service", "text", "Service."),
    Column("service_category", "text", "FOCUS's kind of service."),
    Column("region", "text", "Region."),
    Column("sku", "text", "What exactly was sold."),
    Column("resource", "text", "The single thing that was used."),
    Column("charge_category", "text", "Usage, Purchase, Tax, Credit or Adjustment."),
    Column("commitment", "text", "Reservation or savings plan that covered it."),
    Column("source", "text", "The collector or import that brought the bill."),
    Column("currency", "text", "Billing currency."),
)
"""What bills can be grouped by and filtered on, beside labels and tags."""

AGGREGATES = (*(column.name for column in FIELDS), "label", "tag")
WINDOW_START = Column("window_start", "time", "First moment of the step; with accumulate=false.")
CURRENCY = Column("billing_currency", "text", "Currency of the row.")
METRICS = {
    CostMetric.BILLED: "As invoiced.",
    CostMetric.EFFECTIVE: "Commitments spread over what they cover.",
    CostMetric.LIST: "At list prices, without purchases; null where a price is unknown.",
    CostMetric.CONTRACTED: "At negotiated prices, without purchases; null where one is unknown.",
}
MONEY = {
    metric: Column(metric.value, "money", help_text, CURRENCY.name)
    for metric, help_text in METRICS.items()
}

BY = Option(
    "by",
    "text",
    "Whether the window names days of usage, or months as they are billed.",
    "billing_period",
    default="usage",
    choices=("usage", "billing_period"),
)

WHOLE_DAYS = "Bills tell days: each UTC day that the window touches is counted whole."


class Costs(Report):
    """The report `costs`."""

    summary = "What was spent, on what, and who caused it?"
    columns = (WINDOW_START, *FIELDS, CURRENCY, *MONEY.values())
    aggregates = AGGREGATES
    filters = AGGREGATES
    options = (COST_METRIC, ACCUMULATE, BY)
    default_window = "month"

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Answer from the bills as they are known now."""
        columns = _columns(query)
        names = [column.name for column in columns]
        if query.sort_by is not None and query.sort_by.removeprefix("-") not in names:
            raise wrong_sort(query.sort_by, names)
        with store.read() as connection:
            found = costs(connection, query, estate.label_rules)
            status, notes = freshness(connection, query)
        return Table(
            columns=columns,
            rows=found.rows,
            total=found.total,
            total_rows=found.total_rows,
            status=status,
            notes=notes if _is_whole_days(query) else (*notes, WHOLE_DAYS),
        )


def _columns(query: Query) -> tuple[Column, ...]:
    """Give the columns of an answer: the step, what it is grouped by, currency and money."""
    steps = () if query.accumulate else (WINDOW_START,)
    known = {column.name: column for column in FIELDS}
    grouped = (known.get(name) or _keyed(name) for name in query.aggregate)
    return (*steps, *grouped, CURRENCY, MONEY[query.cost_metric])


def _keyed(name: str) -> Column:
    kind, _, key = name.partition(":")
    return Column(name, "text", f"The {kind} {key}; null where there is none.")


def _is_whole_days(query: Query) -> bool:
    window = query.window
    whole = Window(midnight(window.start_day), midnight(window.end_day))
    return window == whole
