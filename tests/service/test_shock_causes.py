"""A shock in a real bill is explained by the resources that caused it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from collectors.billing import files
from service import jobs, wiring
from service.config import Settings
from storage import findings
from storage.bills import ingest
from storage.engine import Store

HEADER = (
    "BillingPeriodStart,ChargePeriodStart,BillingAccountId,SubAccountId,SubAccountName,RegionId,"
    "ServiceName,ResourceId,BilledCost,EffectiveCost,ConsumedQuantity,ConsumedUnit,"
    "BillingCurrency,ProviderName,Tags"
)
FIRST, SHOCK, LAST = date(2025, 11, 1), date(2026, 3, 8), date(2026, 3, 10)
NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)


def test_the_new_instances_behind_a_jump_are_named_with_region_tag_and_quantity(
    sqlite_store: Store, tmp_path: Path
) -> None:
    lines = [HEADER]
    for place in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=place)
        names = ("i-old", "i-new-a", "i-new-b") if day >= SHOCK else ("i-old",)
        for name in names:
            period = f"{day:%Y-%m}-01T00:00:00Z,{day}T05:00:00Z,111,222,ml,us-east-1,EC2,{name}"
            lines.append(f'{period},480,480,24,Hours,USD,AWS,"{{""team"":""ml""}}"')
    file = tmp_path / "bill.csv"
    file.write_text("\n".join(lines))
    ingest(sqlite_store, replace(files.snapshot([file], "aws"), received_at=NOW), now=NOW)
    wired = wiring.build(Settings(), sqlite_store, clock=lambda: NOW)

    jobs.judge(wired, NOW)

    with sqlite_store.read() as connection:
        [shock] = findings.open_findings(connection, ("bill_shock",))
    assert shock.title.startswith("AWS ml EC2: $1,440 on 9 Mar, expected $480")
    assert (
        "Because of: 100 % two new resources i-new-a, i-new-b (us-east-1), tag team=ml"
        " (quantity up)." in shock.detail
    )
    assert [one["value"] for one in shock.evidence["causes"]] == ["i-new-a", "i-new-b"]
    assert {one["share"] for one in shock.evidence["causes"]} == {0.5}
