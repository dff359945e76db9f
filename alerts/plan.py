"""Gives everything that is to be told now, on which channel: pure, so that it can be previewed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.lifecycle import Decision, Told, decide
from alerts.routing import GroupKey
from alerts.settings import AlertSettings
from spendwatt.records import Finding
from storage.silences import Silence

Groups = Mapping[tuple[str, GroupKey], Sequence[Finding]]
"""(channel, group) -> the open findings that the channel should know."""


@dataclass(frozen=True, slots=True)
class Last:
    """The newest notice of a channel and group: what it told, and its place in the order."""

    told: Told
    sequence: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A decision to tell something on a channel."""

    channel: str
    group_key: str
    sequence: int
    decision: Decision


def plan(
    groups: Groups,
    last: Mapping[tuple[str, str], Last],
    open_findings: Mapping[str, Finding],
    silences: Sequence[Silence],
    settings: AlertSettings,
    *,
    now: datetime,
) -> Iterator[Planned]:
    """Decide for each channel and group whether it is told something now.

    `last` is by (channel, group key). A finding that was told stays part of its group while it is
    open, also where its route no longer takes it.
    """
    routed = {(channel, group.id): findings for (channel, group), findings in groups.items()}
    silenced = {
        id_
        for id_, finding in open_findings.items()
        if any(silence.mutes(finding, now) for silence in silences)
    }
    for place in dict.fromkeys([*routed, *last]):
        before = last.get(place)
        told = before.told.members if before else {}
        present = {finding.id: finding for finding in routed.get(place, ())}
        present |= {id_: open_findings[id_] for id_ in told if id_ in open_findings}
        decision = decide(
            before.told if before else None, present.values(), silenced, now, settings.repeat_every
        )
        if decision is not None:
            yield Planned(*place, before.sequence + 1 if before else 1, decision)
