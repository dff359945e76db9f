"""Analyzers judge what is stored. Pure: values in, findings out; no session, clock or network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from analysis.inputs import Inputs
from spendwatt.parts import PartDays, PartsAsked
from spendwatt.records import Finding

ANALYZERS: dict[str, str] = {
    "bill_shock": "analysis.bill_shock:BillShock",
    "budget": "analysis.budget:BudgetWatch",
    "idle": "analysis.idle:IdleWatch",
    "breakeven": "analysis.economics.watch:BreakevenWatch",
    "freshness": "analysis.freshness:FreshnessWatch",
}
"""Name -> "module:Class". Each class has its own `Settings` model in its file."""

GROUP = "spendwatt.analyzers"
"""Entry points of this group add analyzers of other packages."""


class Analyzer(Protocol):
    """Judges some inputs. Made with its own Settings."""

    kinds: tuple[str, ...]
    """The kinds of findings that it may give; open ones that it no longer gives are resolved."""
    needs: tuple[str, ...]
    """The fields of `Inputs` that it reads; only those are loaded."""

    def analyze(self, inputs: Inputs) -> Sequence[Finding]:
        """Give everything of its kinds that is so at `inputs.as_of`.

        Where the data no longer carry a judgement, give the finding of `inputs.open_findings`
        again: only what is known to be over may be resolved.
        """


class Look(Protocol):
    """What an analyzer has found, before it is explained."""

    @property
    def asks(self) -> Sequence[PartsAsked]:
        """Ask for the parts that may explain it; few, for each is a query."""

    def findings(self, parts: Mapping[PartsAsked, Sequence[PartDays]]) -> Sequence[Finding]:
        """Give the findings, explained by as many of the asked parts as are given."""


@runtime_checkable
class LooksTwice(Protocol):
    """An analyzer that can use details of what it found, which are too many to load of all."""

    def look(self, inputs: Inputs) -> Look:
        """Judge `inputs`; `analyze` gives the same findings with nothing more to explain them."""
