"""What the made-up company pays for, day by day: the table behind the demo's bills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

FIRST_MONTH = date(2026, 7, 1)
SHOCK_FROM = date(2026, 10, 13)
"""Two training instances are started on this day, and forgotten."""


class Place(NamedTuple):
    """What a provider calls the service, what FOCUS calls its category, and where it runs."""

    service: str
    category: str
    region: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the company pays for: about `per_day` units on each day that it runs."""

    source: str
    account: str
    place: Place
    resource: str
    team: str
    unit_price: str
    per_day: float
    unit: str = "Hours"
    weekend: float = 1.0
    growth_per_month: float = 0.0
    noise: float = 0.02
    starts: date = FIRST_MONTH
    ends: date = date.max
    day_of_month: int | None = None
    """Set for a fee: it is charged on that day of each month only."""
    charge_category: str = "Usage"


PROVIDERS = {
    "aws": ("AWS", "acme-aws", "Acme AWS payer"),
    "gcp": ("Google Cloud", "01A2B3-ACME", "Acme Google Cloud"),
    "azure": ("Microsoft", "acme-ea", "Acme Azure enrolment"),
    "llm": ("OpenAI", "org-acme", "Acme LLM API"),
}
KNOWN_AFTER_DAYS = {
    "aws": (Decimal("0.85"), Decimal(1)),
    "gcp": (Decimal("0.9"), Decimal("0.98"), Decimal(1)),
    "azure": (Decimal("0.8"), Decimal(1)),
    "llm": (Decimal(1),),
}
"""Share of a day that the bill shows 1, 2, ... days after it began; all of it thereafter."""

_EC2 = Place("Amazon Elastic Compute Cloud", "Compute", "us-east-1")
_GCE = Place("Compute Engine", "Compute", "us-central1")
_VM = Place("Virtual Machines", "Compute", "westeurope")
_RDS = Place("Amazon Relational Database Service", "Databases", "us-east-1")
_S3 = Place("Amazon Simple Storage Service", "Storage", "us-east-1")
_TRANSFER = Place("AWS Data Transfer", "Networking", "us-east-1")
_SUPPORT = Place("AWS Support (Business)", "Other", "global")
_SAVINGS = Place("AWS Savings Plans", "Compute", "global")
_BIGQUERY = Place("BigQuery", "Analytics", "us")
_GCS = Place("Cloud Storage", "Storage", "us")
_VERTEX = Place("Vertex AI", "AI and Machine Learning", "us-central1")
_SQL = Place("Azure SQL Database", "Databases", "westeurope")
_AKS = Place("Azure Kubernetes Service", "Compute", "westeurope")
_INPUT = Place("gpt-5 input tokens", "AI and Machine Learning", "global")
_OUTPUT = Place("gpt-5 output tokens", "AI and Machine Learning", "global")


LINES = (
    Line("aws", "prod", _EC2, "asg-web", "web", "0.192", 640, weekend=0.8, growth_per_month=0.02),
    Line("aws", "prod", _EC2, "asg-batch", "data", "0.384", 300, weekend=0.5, noise=0.05),
    Line("aws", "prod", _RDS, "db-orders", "web", "4.84", 24),
    Line(
        "aws",
        "prod",
        _S3,
        "acme-datalake",
        "data",
        "0.00077",
        410_000,
        "GB-days",
        growth_per_month=0.03,
    ),
    Line("aws", "prod", _TRANSFER, "egress", "web", "0.09", 900, "GB", weekend=0.7, noise=0.06),
    Line("aws", "ml", _EC2, "i-llama-serving", "ml", "21.96", 24),
    Line("aws", "ml", _EC2, "asg-ml-train", "ml", "3.06", 330, noise=0.04),
    Line("aws", "ml", _EC2, "i-0p5a", "ml", "55.04", 24, starts=SHOCK_FROM),
    Line("aws", "ml", _EC2, "i-0p5b", "ml", "55.04", 24, starts=SHOCK_FROM),
    Line(
        "aws", "prod", _SUPPORT, "support", "platform", "4200", 1, "Month", day_of_month=1, noise=0
    ),
    Line(
        "aws",
        "prod",
        _SAVINGS,
        "sp-web",
        "web",
        "2900",
        1,
        "Month",
        day_of_month=1,
        noise=0,
        charge_category="Purchase",
    ),
    Line(
        "gcp",
        "analytics",
        _BIGQUERY,
        "reporting",
        "data",
        "6.25",
        62,
        "TiB",
        weekend=0.35,
        noise=0.05,
    ),
    Line("gcp", "analytics", _GCE, "gke-pool", "data", "0.268", 1_450, weekend=0.9),
    Line(
        "gcp",
        "analytics",
        _GCS,
        "exports",
        "data",
        "0.00066",
        190_000,
        "GB-days",
        growth_per_month=0.02,
    ),
    Line("gcp", "vision", _VERTEX, "tuning", "vision", "3.67", 70, weekend=0.6, noise=0.06),
    Line("azure", "corp", _VM, "vmss-erp", "platform", "0.42", 720, weekend=0.95),
    Line("azure", "corp", _SQL, "sql-erp", "platform", "3.10", 24),
    Line("azure", "corp", _AKS, "aks-tools", "platform", "0.23", 800, weekend=0.8),
    Line(
        "llm",
        "helpdesk",
        _INPUT,
        "helpdesk",
        "ml",
        "1.25",
        210,
        "Mtok",
        weekend=0.5,
        noise=0.06,
        growth_per_month=0.05,
    ),
    Line(
        "llm",
        "helpdesk",
        _OUTPUT,
        "helpdesk",
        "ml",
        "10",
        38,
        "Mtok",
        weekend=0.5,
        noise=0.06,
        growth_per_month=0.05,
    ),
)
