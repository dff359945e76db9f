"""Reports answer questions, one file each: `run(query, store, estate) -> Table`."""

from __future__ import annotations

REPORTS: dict[str, str] = {}
"""Name -> "module:Class". REST mounts each at /api/v1/<name>; the CLI runs the same class."""

GROUP = "spendwatt.reports"
"""Entry points of this group add reports of other packages."""
