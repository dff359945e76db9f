"""Makes the big bill that `bench.ingest` reads: one month, 50 FOCUS columns, hourly line items."""

from __future__ import annotations

from pathlib import Path

import duckdb

FACTS_PER_ROW = 0.08
"""About 400 k daily facts from 5 M line items, as a month of hourly usage gives."""

DAYS = 30

# Column -> SQL over `i` (line item), `r` (resource), `h` (hour of the month). Multiplying by a
# large prime scatters values without a random generator, so that every run has the same bill.
_COLUMNS = {
    "AvailabilityZone": "'us-east-1' || chr(97 + (r % 3)::INT)",
    "BilledCost": "round(((i * 7919) % 100003) / 1e7, 10)",
    "BillingAccountId": "'100000000' || (r % 3)",
    "BillingAccountName": "'payer ' || (r % 3)",
    "BillingCurrency": "'USD'",
    "BillingPeriodEnd": "TIMESTAMP '2026-02-01'",
    "BillingPeriodStart": "TIMESTAMP '2026-01-01'",
    "CapacityReservationId": "NULL::VARCHAR",
    "CapacityReservationStatus": "NULL::VARCHAR",
    "ChargeCategory": "CASE WHEN r % 97 = 0 THEN 'Tax' ELSE 'Usage' END",
    "ChargeClass": "NULL::VARCHAR",
    "ChargeDescription": "'$0.0' || (r % 89) || ' per hour of on-demand usage, tier ' || (r % 7)",
    "ChargeFrequency": "'Usage-Based'",
    "ChargePeriodEnd": "TIMESTAMP '2026-01-01' + to_hours((h + 1)::BIGINT)",
    "ChargePeriodStart": "TIMESTAMP '2026-01-01' + to_hours(h::BIGINT)",
    "CommitmentDiscountCategory": "NULL::VARCHAR",
    "CommitmentDiscountId": "CASE WHEN r % 11 = 0 THEN 'arn:aws:savingsplans::' || (r % 5) END",
    "CommitmentDiscountName": "NULL::VARCHAR",
    "CommitmentDiscountQuantity": "NULL::DOUBLE",
    "CommitmentDiscountStatus": "NULL::VARCHAR",
    "CommitmentDiscountType": "NULL::VARCHAR",
    "CommitmentDiscountUnit": "NULL::VARCHAR",
    "ConsumedQuantity": "round(((i * 31) % 977) / 1e3, 6)",
    "ConsumedUnit": "CASE WHEN r % 4 = 0 THEN 'GB' ELSE 'Hours' END",
    "ContractedCost": "round(((i * 7919) % 100003) / 1e7, 10)",
    "ContractedUnitPrice": "0.0125",
    "EffectiveCost": "round(((i * 7907) % 100003) / 1e7, 10)",
    "InvoiceId": "'INV-2026-01'",
    "InvoiceIssuerName": "'Amazon Web Services, Inc.'",
    "ListCost": "round(((i * 7901) % 100003) / 1e7, 10)",
    "ListUnitPrice": "0.015",
    "PricingCategory": "'Standard'",
    "PricingCurrency": "'USD'",
    "PricingQuantity": "round(((i * 31) % 977) / 1e3, 6)",
    "PricingUnit": "'Hours'",
    "ProviderName": "'AWS'",
    "PublisherName": "'Amazon Web Services, Inc.'",
    "RegionId": "'region-' || (r % 9)",
    "RegionName": "'Region ' || (r % 9)",
    "ResourceId": "'arn:aws:ec2:region-' || (r % 9) || ':100:instance/i-' || printf('%017x', r)",
    "ResourceName": "'node-' || r",
    "ResourceType": "'Instance'",
    "ServiceCategory": "CASE WHEN r % 2 = 0 THEN 'Compute' ELSE 'Storage' END",
    "ServiceName": "'Service ' || (r % 60)",
    "ServiceSubcategory": "NULL::VARCHAR",
    "SkuId": "'SKU' || (r % 2000)",
    "SkuPriceId": "'SKU' || (r % 2000) || '.JRTCKXETXF'",
    "SubAccountId": "'2000000' || (r % 50)",
    "SubAccountName": "'team ' || (r % 50)",
    "Tags": '\'{"team": "t\' || (r % 40) || \'", "environment": "prod"}\'',
}


def write(path: Path, *, rows: int) -> None:
    """Write the bill to `path`: Parquet, or CSV where the name ends in `.csv.gz`."""
    resources = max(1, int(rows * FACTS_PER_ROW / DAYS))
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in _COLUMNS.items())
    form = "FORMAT csv, HEADER, COMPRESSION gzip" if path.suffix == ".gz" else "FORMAT parquet"
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute(
            f"COPY (SELECT {columns} FROM (SELECT i, i % {resources} AS r, "
            f"(i // {resources}) * 2 % {DAYS * 24} AS h FROM range({rows}) t(i))) "
            f"TO '{path}' ({form})"
        )
