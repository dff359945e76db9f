"""The command `spendwatt`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. The node agent is dispatched before anything heavy is imported."""
    if sys.argv[1:2] == ["agent"]:
        from service import agent

        sys.exit(agent.main(sys.argv[2:]))
    from service.cli.app import run

    sys.exit(run())
