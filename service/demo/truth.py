"""What really happened at the made-up company, held against what was said of it."""

from __future__ import annotations

from datetime import timedelta

from service.demo.catalogue import SHOCK_FROM
from service.demo.fleet import HELD_HOST
from spendwatt.records import Finding

_SHOCK_DAYS = {str(SHOCK_FROM + timedelta(days=late)) for late in range(3)}


def is_true(finding: Finding) -> bool:
    """Tell whether a finding speaks of something that was planted, and of nothing else."""
    labels = finding.labels
    match finding.kind:
        case "bill_shock":
            return (
                labels.get("provider") == "AWS"
                and labels.get("direction") == "up"
                and labels.get("started_on") in _SHOCK_DAYS
            )
        case "budget":
            return labels.get("budget") == "ml"
        case "idle_gpu":
            return labels.get("host") == HELD_HOST
        case "breakeven":
            return labels.get("workload") == "llama-serving" and labels.get("verdict") == "buy"
        case _:
            return False
