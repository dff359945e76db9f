"""Everything that analyzers may be given, as values. `service.inputs` loads what each needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from analysis.ledger import Ledger
from spendwatt.estate import Estate
from spendwatt.records import Finding


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known at `as_of`; nothing that arrived later is in here."""

    as_of: datetime
    estate: Estate
    open_findings: Sequence[Finding] = ()
    """Open findings of the analyzer's own kinds."""
    ledger: Ledger = field(default_factory=Ledger.empty)
    """Changes of the bill, by day, account, service, region and currency."""
