"""What a filter may ask of a finding: the same words in routes, silences and searches."""

from __future__ import annotations

from spendwatt.errors import UsageError
from spendwatt.filter_grammar import parse_filter
from spendwatt.query import Filter, Getter, fields_of, getter
from spendwatt.records import Finding

FIELDS = ("kind", "severity", "state", "currency", "id", "label")
EXAMPLE = 'severity:"critical"+label[team]:"ml"'


def parse_finding_filter(text: str) -> Filter:
    """Read a filter over findings. Raises UsageError that names what may be asked."""
    filter_ = parse_filter(text)
    check_fields(filter_)
    return filter_


def check_fields(filter_: Filter | None) -> None:
    """Raise UsageError where the filter asks for something that findings do not have."""
    foreign = sorted(fields_of(filter_) - set(FIELDS))
    if foreign:
        raise UsageError(
            f"findings cannot be filtered by {', '.join(foreign)}",
            do=f"Allowed: kind, severity, state, currency, id, label[NAME]. Example: {EXAMPLE}",
            parameter="filter",
        )


def subject(finding: Finding, state: str = "open") -> Getter:
    """Give what `query.matches` asks of a finding."""
    values = {
        "kind": finding.kind,
        "severity": finding.severity.value,
        "state": state,
        "currency": finding.currency,
        "id": finding.id,
    }
    return getter(values, finding.labels)
