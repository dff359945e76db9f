"""Which findings go to which channel, and which of them share a message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from spendwatt.finding_filter import subject
from spendwatt.query import Filter, matches
from spendwatt.records import Finding

CHANNEL_REFUSED = "channel_refused"
"""Kind of the finding that a channel takes nothing any more; label `channel` names it."""

GROUP_BY: Mapping[str, tuple[str, ...]] = {"collector_failed": (), "stale_source": ()}
"""Kind to labels whose equal values share a message; other kinds have a message per finding.

When the network is away every source fails: that is one message, not ten.
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Sends the findings that match `filter` to a channel; without one, all."""

    channel: str
    filter: Filter | None = None

    def takes(self, finding: Finding) -> bool:
        """Tell whether the finding goes this way."""
        own_refusal = (
            finding.kind == CHANNEL_REFUSED and finding.labels.get("channel") == self.channel
        )
        return not own_refusal and matches(self.filter, subject(finding))


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What a channel is told in one message: a kind, and the labels that its findings share."""

    kind: str
    labels: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        """First 16 hex digits of the sha256 of kind and labels."""
        text = json.dumps([self.kind, self.labels], separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def to_all(channels: Collection[str]) -> tuple[Route, ...]:
    """Give the routes of settings without any: everything goes everywhere."""
    return tuple(Route(channel) for channel in channels)


def route(
    findings: Iterable[Finding],
    routes: Sequence[Route],
    group_by: Mapping[str, tuple[str, ...]],
) -> dict[tuple[str, GroupKey], list[Finding]]:
    """Give what each channel should know, by group. A finding goes to a channel once."""
    groups: dict[tuple[str, GroupKey], list[Finding]] = {}
    for finding in findings:
        for channel in dict.fromkeys(way.channel for way in routes if way.takes(finding)):
            groups.setdefault((channel, group_of(finding, group_by)), []).append(finding)
    return groups


def group_of(finding: Finding, group_by: Mapping[str, tuple[str, ...]]) -> GroupKey:
    """Give the group that a finding belongs to; a label that it lacks counts as empty."""
    names = group_by.get(finding.kind, GROUP_BY.get(finding.kind))
    shared = sorted(finding.labels if names is None else names)
    return GroupKey(finding.kind, tuple((name, finding.labels.get(name, "")) for name in shared))
