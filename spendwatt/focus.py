"""FOCUS's columns that Spendwatt reads; all others stay in the provider's files.

Source: FinOps Open Cost and Usage Specification, versions 1.0 to 1.4.
"""

from __future__ import annotations

BILLED_COST = "BilledCost"
EFFECTIVE_COST = "EffectiveCost"
LIST_COST = "ListCost"
CONTRACTED_COST = "ContractedCost"

COSTS = (BILLED_COST, EFFECTIVE_COST, LIST_COST, CONTRACTED_COST)

CHARGE_PERIOD_START = "ChargePeriodStart"
BILLING_PERIOD_START = "BillingPeriodStart"

PERIOD_STARTS = (BILLING_PERIOD_START, CHARGE_PERIOD_START)

CHARGE_PERIOD_END = "ChargePeriodEnd"
BILLING_PERIOD_END = "BillingPeriodEnd"

PERIOD_ENDS = (BILLING_PERIOD_END, CHARGE_PERIOD_END)
"""Only compared with the starts: a line item is counted on the day on which it starts."""

QUANTITIES = ("ConsumedQuantity", "PricingQuantity")

TEXTS = (
    "BillingCurrency",
    "ProviderName",
    "BillingAccountId",
    "BillingAccountName",
    "SubAccountId",
    "SubAccountName",
    "ServiceName",
    "ServiceCategory",
    "RegionId",
    "SkuId",
    "ResourceId",
    "ChargeCategory",
    "CommitmentDiscountId",
    "Tags",
    "ConsumedUnit",
    "PricingUnit",
)

COLUMNS = COSTS + PERIOD_STARTS + PERIOD_ENDS + QUANTITIES + TEXTS
"""Every column that is read, named as FOCUS 1.0 to 1.2 name it."""

NOT_READ = frozenset(
    """
    AllocatedMethodDetails AllocatedMethodId AllocatedResourceId AllocatedResourceName
    AllocatedTags AvailabilityZone BillingAccountType CapacityReservationId
    CapacityReservationStatus ChargeClass ChargeDescription ChargeFrequency
    CommitmentDiscountCategory CommitmentDiscountName CommitmentDiscountQuantity
    CommitmentDiscountStatus CommitmentDiscountType CommitmentDiscountUnit ContractApplied
    ContractedUnitPrice HostProviderName InvoiceId InvoiceIssuerName ListUnitPrice
    PricingCategory PricingCurrency PricingCurrencyContractedUnitPrice
    PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice PublisherName RegionName
    ResourceName ResourceType ServiceProviderName ServiceSubcategory SkuMeter SkuPriceDetails
    SkuPriceId SubAccountType
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""The other columns of FOCUS 1.0 to 1.4: known, and left in the files."""


def is_known(column: str) -> bool:
    """Tell whether FOCUS has this column, in whatever spelling."""
    return spelling(column) in _SPELLINGS


def spelling(column: str) -> str:
    """Reduce a column's name to what all its spellings share: BilledCost is billed_cost."""
    return "".join(letter for letter in column.lower() if letter.isalnum())


_SPELLINGS = frozenset(spelling(column) for column in (*COLUMNS, *NOT_READ))
