"""How each cloud comes to export its bill: exact commands, least rights, when data first comes.

Sources: the providers' own guides to AWS Data Exports, Cloud Billing export to BigQuery, and
Cost Management exports.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template


@dataclass(frozen=True, slots=True)
class Guide:
    """The steps of one provider."""

    name: str
    create: Template
    """Commands that create the export. $folder is where its files shall lie."""
    rights: str
    """The least that the reader of the export needs."""
    fetch: Template
    """Commands that bring the files to $folder; worth a cron line."""
    first_data: str


_AWS_COLUMNS = (
    "BilledCost, EffectiveCost, ListCost, ContractedCost, BillingAccountId, BillingAccountName, "
    "BillingCurrency, BillingPeriodStart, BillingPeriodEnd, ChargePeriodStart, ChargePeriodEnd, "
    "ChargeCategory, ChargeClass, ChargeDescription, CommitmentDiscountId, "
    "CommitmentDiscountStatus, ConsumedQuantity, ConsumedUnit, PricingQuantity, PricingUnit, "
    "ProviderName, PublisherName, InvoiceIssuerName, RegionId, ResourceId, ServiceCategory, "
    "ServiceName, SkuId, SubAccountId, SubAccountName, Tags"
)

_AWS = Guide(
    name="AWS",
    create=Template(
        """\
# In the payer account. Data Exports live in us-east-1, wherever the bucket is.
ACCOUNT=$$(aws sts get-caller-identity --query Account --output text)
BUCKET=spendwatt-billing-$$ACCOUNT
aws s3api create-bucket --bucket "$$BUCKET" --region us-east-1
cat > bucket-policy.json <<END
{"Version": "2012-10-17", "Statement": [{
  "Effect": "Allow",
  "Principal": {"Service": ["billingreports.amazonaws.com", "bcm-data-exports.amazonaws.com"]},
  "Action": ["s3:PutObject", "s3:GetBucketPolicy"],
  "Resource": ["arn:aws:s3:::$$BUCKET", "arn:aws:s3:::$$BUCKET/*"],
  "Condition": {"StringEquals": {"aws:SourceAccount": "$$ACCOUNT"}}
}]}
END
aws s3api put-bucket-policy --bucket "$$BUCKET" --policy file://bucket-policy.json
cat > export.json <<END
{"Name": "focus-daily",
 "DataQuery": {
   "QueryStatement": "SELECT $columns FROM FOCUS_1_2_AWS",
   "TableConfigurations": {"FOCUS_1_2_AWS": {"TIME_GRANULARITY": "DAILY"}}},
 "DestinationConfigurations": {"S3Destination": {
   "S3Bucket": "$$BUCKET", "S3Prefix": "exports", "S3Region": "us-east-1",
   "S3OutputConfigurations": {"Format": "PARQUET", "Compression": "PARQUET",
     "OutputType": "CUSTOM", "Overwrite": "OVERWRITE_REPORT"}}},
 "RefreshCadence": {"Frequency": "SYNCHRONOUS"}}
END
aws bcm-data-exports create-export --region us-east-1 --export file://export.json"""
    ),
    rights="""\
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::BUCKET"},
  {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/exports/*"}]}""",
    fetch=Template('aws s3 sync --delete "s3://$$BUCKET/exports/focus-daily/data" $folder'),
    first_data="The first files come within 24 hours, then at least daily, from this month on.",
)

_GCP = Guide(
    name="Google Cloud",
    create=Template(
        """\
PROJECT=your-project
bq --location=US mk --dataset "$$PROJECT:billing"
# The export itself is switched on only in the console: Billing > Billing export >
# BigQuery export > FOCUS (or Detailed usage cost) > dataset "billing"."""
    ),
    rights="""\
roles/bigquery.dataViewer on the dataset, roles/bigquery.jobUser on the project:
gcloud projects add-iam-policy-binding PROJECT --role roles/bigquery.jobUser \\
  --member serviceAccount:spendwatt@PROJECT.iam.gserviceaccount.com""",
    fetch=Template(
        """\
bq extract --destination_format PARQUET "$$PROJECT:billing.FOCUS_TABLE" \\
  "gs://$$PROJECT-billing/focus-*.parquet"
gcloud storage rsync --delete-unmatched-destination-objects "gs://$$PROJECT-billing" $folder"""
    ),
    first_data=(
        "The first rows come after some hours. A dataset in US or EU is filled back to the start "
        "of last month within five days; in a single region nothing comes from before today."
    ),
)

_AZURE = Guide(
    name="Azure",
    create=Template(
        """\
SUBSCRIPTION=$$(az account show --query id --output tsv)
ACCOUNT=spendwattbilling   # storage account: 3-24 small letters and digits, unique in the world
az group create --name spendwatt --location westeurope
az storage account create --name "$$ACCOUNT" --resource-group spendwatt --sku Standard_LRS
az storage container create --account-name "$$ACCOUNT" --name exports --auth-mode login
STORAGE=$$(az storage account show --name "$$ACCOUNT" --query id --output tsv)
TOMORROW=$$(date --utc --date tomorrow +%Y-%m-%dT00:00:00Z)
cat > export.json <<END
{"properties": {
  "format": "Parquet", "compressionMode": "Snappy", "partitionData": true,
  "dataOverwriteBehavior": "OverwritePreviousReport",
  "definition": {"type": "FocusCost", "timeframe": "MonthToDate",
    "dataSet": {"granularity": "Daily", "configuration": {"dataVersion": "1.0r2"}}},
  "deliveryInfo": {"destination": {"type": "AzureBlob", "resourceId": "$$STORAGE",
    "container": "exports", "rootFolderPath": "focus"}},
  "schedule": {"status": "Active", "recurrence": "Daily",
    "recurrencePeriod": {"from": "$$TOMORROW", "to": "2035-01-01T00:00:00Z"}}}}
END
SCOPE="/subscriptions/$$SUBSCRIPTION/providers/Microsoft.CostManagement/exports/focus-daily"
az rest --method put --body @export.json \\
  --url "https://management.azure.com$$SCOPE?api-version=2023-08-01\""""
    ),
    rights="""\
az role assignment create --role "Storage Blob Data Reader" --assignee READER \\
  --scope STORAGE_ACCOUNT_ID/blobServices/default/containers/exports""",
    fetch=Template(
        'azcopy sync --delete-destination=true "https://$$ACCOUNT.blob.core.windows.net/exports" '
        "$folder"
    ),
    first_data="The first files come within 24 hours, then daily; each holds the month to date.",
)

GUIDES: dict[str, Guide] = {"aws": _AWS, "gcp": _GCP, "azure": _AZURE}


def guide_text(provider: str, folder: str) -> str:
    """Write a provider's steps for people."""
    guide = GUIDES[provider]
    return "\n".join(
        [
            f"{guide.name}: create the export",
            _indented(guide.create.substitute(folder=folder, columns=_AWS_COLUMNS)),
            f"{guide.name}: the least rights that reading it needs",
            _indented(guide.rights),
            f"{guide.name}: fetch it into the folder that Spendwatt watches (put it into cron)",
            _indented(guide.fetch.substitute(folder=folder)),
            guide.first_data,
        ]
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
