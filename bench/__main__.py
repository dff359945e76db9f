"""Prints every figure beside its bar: `make bench`, or `make bench ARGS="ingest shock"` for some.

Figures are ratios between two things measured in one run wherever the machine's speed would
otherwise be what is measured. Nothing here is asserted anywhere.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent


def main() -> None:
    """Run the named benches, or all of them, each in turn."""
    every = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    names = parser.parse_args().names or every
    unknown = sorted(set(names) - set(every))
    if unknown:
        parser.error(f"there is no bench {unknown[0]}; there are {', '.join(every)}")
    console = Console()
    for name in names:
        table = Table("what", "bar", "measured", title=name, title_justify="left")
        for what, bar, figure in import_module(f"bench.{name}").rows():
            table.add_row(what, bar, figure)
        console.print(table)


if __name__ == "__main__":
    main()
