"""The DuckDB SQL that turns line items into daily facts, summaries and exact totals.

Line items are grouped by their texts as they stand. Texts are cleaned and numbered on the groups,
of which there are far fewer; the numbered groups are then summed once more, to facts.
"""

# ruff: noqa: S608 - the SQL is built from our own constants; texts from outside are quoted

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from spendwatt.money import NO_CURRENCY

UNKNOWN = "unknown"
PURCHASE = "Purchase"

_KEYS = (
    *("ProviderName", "BillingAccountId", "BillingAccountName", "SubAccountId", "SubAccountName"),
    *("ServiceName", "ServiceCategory", "RegionId", "SkuId", "ResourceId", "ChargeCategory"),
    *("CommitmentDiscountId", "Tags", "unit", "BillingCurrency"),
)

MACROS = """
CREATE MACRO or_none(x) AS coalesce(known(x), '');
CREATE MACRO or_unknown(x) AS coalesce(known(x), 'unknown');
CREATE MACRO nano(x) AS
    CAST(CAST(round_even(x, 9) AS DECIMAL(28, 9)) * CAST(1000000000 AS DECIMAL(10, 0)) AS BIGINT);
"""


@dataclass(frozen=True, slots=True)
class Role:
    """A part of a fact's key: which dimension it points into, and how its text is made."""

    name: str
    table: str
    text: str
    """SQL over the groups; '' where the bill names none."""
    columns: tuple[str, ...]
    """The columns as they stand, on which the text depends."""
    more: str = "''"
    """SQL of the second part of the dimension's key, if it has one."""


def _role(name: str, column: str, *, table: str | None = None, required: bool = False) -> Role:
    text = f"or_{'unknown' if required else 'none'}({column})"
    return Role(name, table or name, text, ("ProviderName", column))


# FOCUS demands the required ones in each row: where they are missing they are `unknown`.
ROLES = (
    Role("provider", "provider", "or_unknown(ProviderName)", ("ProviderName",)),
    _role("account", "BillingAccountId", required=True),
    _role("sub_account", "SubAccountId", table="account"),
    Role(
        "service",
        "service",
        "or_unknown(ServiceName)",
        ("ProviderName", "ServiceName", "ServiceCategory"),
        "or_unknown(ServiceCategory)",
    ),
    _role("region", "RegionId"),
    _role("sku", "SkuId"),
    _role("resource", "ResourceId"),
    _role("charge_category", "ChargeCategory", required=True),
    _role("commitment", "CommitmentDiscountId"),
    Role(
        "tag_set",
        "tag_set",
        "CASE WHEN coalesce(canonical_tags(Tags), '{}') = '{}' THEN '' "
        "ELSE sha256(canonical_tags(Tags)) END",
        ("Tags",),
        "coalesce(canonical_tags(Tags), '{}')",
    ),
    _role("unit", "unit"),
)
"""In the order of the columns of `cost_daily`."""

TABLES = tuple(dict.fromkeys(role.table for role in ROLES))

_SLOTS = ("a", "b", "c")
"""Where the columns of any role stand, in one table for all."""

COSTS = "billed_nano, effective_nano, list_nano, contracted_nano"

SUMMARIES = {
    "cost_day_service": "day, provider_id, service_id",
    "cost_day_account": "day, provider_id, account_id, sub_account_id",
    "cost_month_resource": "month, provider_id, resource_id",
    "cost_day_mix": (
        "day, provider_id, account_id, sub_account_id, service_id, region_id, charge_category_id"
    ),
}
"""Table -> its key, less the currency that ends each."""


def group(line_items: list[str]) -> str:
    """Give the statement that reads every file and groups its line items."""
    items = " UNION ALL ".join(line_items)
    return (
        f"CREATE OR REPLACE TABLE groups AS SELECT fault, period, day, {', '.join(_KEYS)}, "
        "charge_end, billing_end, "
        "sum(billed) AS billed, sum(effective) AS effective, sum(listed) AS listed, "
        "sum(contracted) AS contracted, sum(quantity) AS quantity, count(*) AS line_items, "
        "count(listed) AS with_list, count(contracted) AS with_contracted, "
        "count_if(is_rounded) AS rounded "
        f"FROM ({items}) GROUP BY ALL"
    )


DISTINCT_TAGS = "SELECT DISTINCT Tags FROM groups WHERE fault IS NULL AND known(Tags) IS NOT NULL"


def take_tags(path: str) -> str:
    """Give the statements that read tag sets and their canonical texts from a CSV file."""
    columns = "{'tags': 'VARCHAR', 'canonical': 'VARCHAR'}"
    return (
        f"CREATE TABLE tag_texts AS FROM read_csv('{path}', auto_detect = false, delim = ',', "
        f"quote = '\"', escape = '\"', columns = {columns}); "
        "CREATE MACRO canonical_tags(x) AS CASE WHEN known(x) IS NULL THEN '{}' "
        "ELSE (SELECT canonical FROM tag_texts WHERE tag_texts.tags = x) END"
    )


def number(default_currency: str | None) -> list[str]:
    """Give the statements that clean the groups' texts, and number those of each dimension.

    `raw` leads from a role's texts as they stand to the clean ones; `texts` numbers the latter.
    """
    currency = (default_currency or NO_CURRENCY).replace("'", "''")
    # As it is given, but on one line: the rows that hold it are moved to the database line by line.
    code = "known(regexp_replace(BillingCurrency, '[\\r\\n\\t]+', ' ', 'g'))"
    # All roles in one statement: most bills are small, and each statement has its price.
    return [
        f"""CREATE TABLE currencies AS
            SELECT BillingCurrency, coalesce({code}, '{currency}') AS currency
            FROM (SELECT DISTINCT BillingCurrency FROM groups)""",
        """CREATE VIEW good AS SELECT groups.*, currency FROM groups JOIN currencies
            ON groups.BillingCurrency IS NOT DISTINCT FROM currencies.BillingCurrency
            WHERE fault IS NULL""",
        f"CREATE TABLE raw AS {' UNION ALL '.join(_raw(role) for role in ROLES)}",
        """CREATE TABLE texts AS SELECT row_number() OVER (ORDER BY place, provider, text, more)
            AS code, place, provider, text, more
            FROM (SELECT DISTINCT place, provider, text, more FROM raw WHERE text <> '')""",
    ]


def _raw(role: Role) -> str:
    # Tag sets and providers belong to no provider.
    has_provider = role.table not in {"provider", "tag_set"}
    provider = "or_unknown(ProviderName)" if has_provider else "''"
    columns = ", ".join(
        f"{column} AS {slot}"
        for column, slot in zip_longest(role.columns, _SLOTS, fillvalue="NULL::VARCHAR")
    )
    return (
        f"SELECT '{role.name}' AS role, {TABLES.index(role.table)} AS place, {columns}, "
        f"{provider} AS provider, {role.text} AS text, {role.more} AS more "
        f"FROM (SELECT DISTINCT {', '.join(role.columns)} FROM good)"
    )


def texts_of(table: str) -> str:
    """Give the query of a dimension's numbered texts."""
    return (
        "SELECT code, provider, text, more FROM texts "
        f"WHERE place = {TABLES.index(table)} ORDER BY code"
    )


ACCOUNT_NAMES = f"""
SELECT code, max(name) AS name FROM (
    SELECT or_unknown(ProviderName) AS provider, or_unknown(account) AS text, known(name) AS name
    FROM (
        SELECT DISTINCT ProviderName, BillingAccountId AS account, BillingAccountName AS name
        FROM groups WHERE fault IS NULL
    )
    UNION
    SELECT or_unknown(ProviderName), known(account), known(name) FROM (
        SELECT DISTINCT ProviderName, SubAccountId AS account, SubAccountName AS name
        FROM groups WHERE fault IS NULL
    )
) JOIN texts USING (provider, text)
WHERE name IS NOT NULL AND place = {TABLES.index("account")} GROUP BY code ORDER BY code
"""
"""What each numbered account is called."""


def map_ids(folder: str) -> list[str]:
    """Give the statements that lead each role's texts to the ids that the database gave.

    Each role gets a table: only of those does DuckDB know the size, so that it builds its hash
    tables of these few texts and not of the groups.
    """
    columns = "{'code': 'BIGINT', 'id': 'BIGINT'}"
    ids = f"read_csv('{folder}/ids-*.csv', auto_detect = false, columns = {columns})"
    known = f"SELECT place, provider, text, more, id FROM texts JOIN {ids} USING (code)"
    mapped = (
        f"CREATE TABLE map AS SELECT role, {', '.join(_SLOTS)}, coalesce(id, 0) AS id "
        f"FROM raw LEFT JOIN ({known}) USING (place, provider, text, more)"
    )
    each = "CREATE TABLE map_{0} AS SELECT {1}, id FROM map WHERE role = '{0}'"
    return [mapped, *(each.format(role.name, ", ".join(_SLOTS)) for role in ROLES)]


def sum_up() -> str:
    """Give the statement that sums the numbered groups to facts, each figure rounded once."""
    ids = ", ".join(f"map_{role.name}.id AS {role.name}_id" for role in ROLES)
    joins = " ".join(
        f"JOIN map_{role.name} ON "
        + " AND ".join(
            f"good.{column} IS NOT DISTINCT FROM map_{role.name}.{slot}"
            for column, slot in zip(role.columns, _SLOTS, strict=False)
        )
        for role in ROLES
    )
    return (
        f"CREATE TABLE facts AS SELECT period, day, {ids}, currency, "
        "nano(sum(billed)) AS billed_nano, nano(sum(effective)) AS effective_nano, "
        "nano(sum(listed)) AS list_nano, nano(sum(contracted)) AS contracted_nano, "
        "CAST(sum(quantity) AS DOUBLE) AS quantity, sum(line_items) AS line_items, "
        f"bool_or(trim(good.ChargeCategory) = '{PURCHASE}') IS TRUE AS is_purchase "
        f"FROM good {joins} GROUP BY ALL"
    )


FACT_KEY = ", ".join(["day", *(f"{role.name}_id" for role in ROLES), "currency"])


def facts_of(period: str) -> str:
    """Give the query of a period's facts, as the columns of `cost_daily` after its delivery."""
    return (
        f"SELECT {FACT_KEY}, {COSTS}, quantity, line_items FROM facts "
        f"WHERE period = DATE '{period}' ORDER BY {FACT_KEY}"
    )


def summary_of(period: str, table: str) -> str:
    """Give the query of a period's rows of a summary table, after their delivery.

    List and contracted costs leave purchases out: what was bought is listed again when used.
    """
    key = SUMMARIES[table]
    sums = ", ".join(
        [f"CAST(sum({cost}) AS BIGINT)" for cost in ("billed_nano", "effective_nano")]
        + [
            f"CAST(sum({cost}) FILTER (NOT is_purchase) AS BIGINT)"
            for cost in ("list_nano", "contracted_nano")
        ]
    )
    return (
        f"SELECT {key}, currency, {sums} "
        "FROM (SELECT *, CAST(date_trunc('month', day) AS DATE) AS month FROM facts) "
        f"WHERE period = DATE '{period}' GROUP BY {key}, currency ORDER BY {key}, currency"
    )


TOTALS = """
SELECT period, currency, line_items, facts, billed, effective, listed, contracted FROM (
    SELECT period, currency, sum(line_items) AS line_items,
        sum(billed) AS billed, sum(effective) AS effective, sum(listed) AS listed,
        sum(contracted) AS contracted
    FROM good GROUP BY ALL
) JOIN (
    SELECT period, currency, count(*) AS facts FROM facts GROUP BY ALL
) USING (period, currency) ORDER BY period, line_items DESC, currency
"""
"""Exact totals of each period and currency, the currency of most line items first."""

FAULTY = "SELECT fault, period, sum(line_items) FROM groups WHERE fault IS NOT NULL GROUP BY ALL"
SPANS = """
SELECT period, min(day), max(day), CAST(sum(line_items) AS BIGINT) FROM good
GROUP BY period ORDER BY period
"""
"""Of each period: first and last usage day, and how many line items."""
