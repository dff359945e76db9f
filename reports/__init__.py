"""Reports answer questions, one file each: `run(query, store, estate) -> Table`."""

from __future__ import annotations

REPORTS: dict[str, str] = {
    "costs": "reports.costs:Costs",
    "changes": "reports.changes:Changes",
    "gpus": "reports.gpus:Gpus",
    "idle": "reports.idle:Idle",
    "energy": "reports.energy:Energy",
    "forecast": "reports.forecast:Forecast",
    "breakeven": "reports.breakeven:Breakeven",
    "sources": "reports.sources:Sources",
}
"""Name -> "module:Class". REST mounts each at /api/v1/<name>; the CLI runs the same class."""

GROUP = "spendwatt.reports"
"""Entry points of this group add reports of other packages."""
