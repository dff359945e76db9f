"""Runs in a process of its own, whose NVML is the stand-in: samples when told to, answers in JSON.

Each line on stdin is a moment in seconds since 1970; the answer holds the minutes that the sample
completed, the errors of single GPUs, and the failure of all where there is one.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from collectors.gpu.fold import Mark, microseconds
from collectors.gpu.watch import Watch
from spendwatt.errors import CollectError


def main() -> None:
    moment = datetime.now(UTC)

    def clock() -> datetime:
        return moment

    deadline = timedelta(seconds=float(sys.argv[1]))
    watch = Watch(host="node-a", step=timedelta(seconds=10), deadline=deadline, clock=clock)
    for line in sys.stdin:
        asked = json.loads(line)
        moment = datetime.fromtimestamp(asked["at"], UTC)
        if "marks" in asked:
            watch.resume(
                {
                    uuid: Mark(microseconds(datetime.fromtimestamp(at, UTC)), joules)
                    for uuid, (at, joules) in asked["marks"].items()
                }
            )
        answer = {"minutes": [], "failed": None}
        try:
            answer["minutes"] = [asdict(minute) for minute in watch.sample()]
        except CollectError as err:
            answer["failed"] = str(err)
        answer["errors"] = {index: str(err) for index, err in watch.errors.items()}
        print(json.dumps(answer, default=str), flush=True)  # noqa: T201 - the answer


main()
