"""How well bill shocks are found, beside simple rules on the same data, and how fast.

Run `python -m bench.shock` for the table on the held-out seeds, `--tuning` for the others.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from statistics import median

import numpy as np

from analysis.backtest_score import Score, Told, score
from analysis.bill_shock_replay import Alert, Replay
from analysis.forecast import month_end
from analysis.series import Floats, SeriesKey
from bench import _shock_data as data
from spendwatt.clock import next_month

LEVELS = ("spike", "level", "ramp", "new", "drop")


def told(alerts: Iterable[Alert], keys: Sequence[SeriesKey], evaluated_from: int) -> list[Told]:
    """Give alerts of the evaluated time as the scorer takes them."""
    return [
        Told(
            account=keys[alert.row].account,
            service=keys[alert.row].service,
            usage_date=data.EPOCH + timedelta(days=alert.day),
            alerted_at=data.EPOCH + timedelta(days=alert.alerted_on),
            direction="up" if alert.direction > 0 else "down",
        )
        for alert in alerts
        if alert.alerted_on >= evaluated_from and keys[alert.row].level == "service"
    ]


def ours(made: data.Made) -> list[Told]:
    """Replay a made-up ledger; give what was told."""
    replay = Replay(made.ledger, last_day=made.last_day, roll_up=False)
    return told(replay.run(), replay.keys, made.evaluated_from)


FORECAST_DAYS = (3, 10, 20)
Errors = dict[int, list[tuple[float, bool]]]
"""Day of month -> per series and month: absolute relative error, and whether p10-p90 held it."""


def forecast_errors(made: data.Made) -> Errors:
    """Forecast each evaluated month on the 3rd, 10th and 20th, as known then."""
    replay = Replay(made.ledger, last_day=made.last_day, roll_up=False)
    found: Errors = {day: [] for day in FORECAST_DAYS}
    for number in range(replay.first_day, made.last_day + 1):
        replay.step(number)
        today = data.EPOCH + timedelta(days=number)
        last = next_month(today) - timedelta(days=1)
        whole_month = (last - data.EPOCH).days <= made.last_day
        if today.day in found and number >= made.evaluated_from and whole_month:
            found[today.day] += _month_errors(made, replay, today, last)
    return found


def _month_errors(
    made: data.Made, replay: Replay, today: date, last: date
) -> list[tuple[float, bool]]:
    first = today.replace(day=1)
    span = slice((first - data.FIRST_DAY).days, (last - data.FIRST_DAY).days + 1)
    end = month_end(replay, today)
    found = []
    for row, key in enumerate(replay.keys):
        true = float(made.true_cost[key.account, key.service][span].sum())
        if true > 0 and not _shocked(made, key, first, last):
            error = abs(float(end.p50[row]) - true) / true
            found.append((error, bool(end.p10[row] <= true <= end.p90[row])))
    return found


def _shocked(made: data.Made, key: SeriesKey, first: date, last: date) -> bool:
    """Tell whether a shock begins or ends within the month: no forecast can know that."""
    return any(
        (label.account, label.service) == (key.account, key.service)
        and label.start <= last
        and label.ignore_until >= first
        for label in made.labels
    )


Rule = Callable[[Floats], Floats]
"""Takes 57 days (rows, 57); gives 1 where the last is too high, -1 where it is too low."""


def _mean_plus_30(days: Floats) -> Floats:
    usual = days[:, -31:-1].mean(axis=1)
    return np.where(days[:, -1] > 1.3 * usual, 1, np.where(days[:, -1] < 0.7 * usual, -1, 0))


def _z_score(days: Floats) -> Floats:
    past = days[:, -31:-1]
    z = (days[:, -1] - past.mean(axis=1)) / np.maximum(past.std(axis=1), 1e-9)
    return np.where(z > 3, 1, np.where(z < -3, -1, 0))


def _weekday_mad(days: Floats) -> Floats:
    past = days[:, -57:-1].reshape(-1, 8, 7)[:, :, 0]
    usual = np.median(past, axis=1)
    spread = 1.4826 * np.median(np.abs(past - usual[:, None]), axis=1)
    far = np.abs(days[:, -1] - usual) > np.maximum(4 * spread, 0.15 * usual)
    return np.where(far, np.sign(days[:, -1] - usual), 0)


SIMPLE: dict[str, Rule] = {
    "mean + 30 %": _mean_plus_30,
    "z-score > 3": _z_score,
    "weekday median/MAD": _weekday_mad,
}


def simple(made: data.Made, rule: Rule, wait: int = 4) -> list[Told]:
    """Run a simple rule on final figures, `wait` days late: better data than it would have."""
    names = sorted(made.true_cost)
    cost = np.stack([made.true_cost[name] for name in names])
    alerts = []
    for column in range(data.EVALUATED_FROM, data.DAYS - wait):
        found = rule(cost[:, column - 56 : column + 1])
        for row in np.flatnonzero(found):
            day = data.FIRST_DAY + timedelta(days=column)
            way = "up" if found[row] > 0 else "down"
            alerts.append(Told(*names[row], day, day + timedelta(days=wait), way))
    return alerts


def _add(scores: Sequence[Score]) -> Score:
    by_kind: dict[str, tuple[int, int]] = {}
    for one in scores:
        for kind, (hit, of) in one.by_kind.items():
            before = by_kind.get(kind, (0, 0))
            by_kind[kind] = (before[0] + hit, before[1] + of)
    return Score(
        detected=sum(one.detected for one in scores),
        material=sum(one.material for one in scores),
        false_episodes=sum(one.false_episodes for one in scores),
        series_years=sum(one.series_years for one in scores),
        delays=tuple(delay for one in scores for delay in one.delays),
        by_kind=by_kind,
    )


def table(seeds: Sequence[int], series: int) -> list[str]:
    """Give the lines of the comparison."""
    sets = [data.make(seed, series) for seed in seeds]
    return [*_methods(sets), *_forecasts(sets)]


def _methods(sets: Sequence[data.Made]) -> list[str]:
    methods: dict[str, Callable[[data.Made], list[Told]]] = {"spendwatt": ours}
    for name, rule in SIMPLE.items():
        methods[name] = lambda m, rule=rule: simple(m, rule)  # type: ignore[misc]
    lines = [
        "| method | direction | F1 | precision | recall | false a year | delay | recall by kind |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, method in methods.items():
        given = [method(made) for made in sets]
        for way in ("up", "down"):
            whole = _add(
                [
                    score(one, made.labels, way, made.series_years)
                    for one, made in zip(given, sets, strict=True)
                ]
            )
            kinds = ", ".join(
                f"{kind} {whole.by_kind[kind][0] / whole.by_kind[kind][1]:.2f}"
                for kind in LEVELS
                if kind in whole.by_kind
            )
            lines.append(
                f"| {name} | {way} | {whole.f1:.2f} | {whole.precision:.2f} | {whole.recall:.2f} "
                f"| {whole.false_rate:.2f} | {median(whole.delays or [0]):.0f} | {kinds} |"
            )
    return lines


def _forecasts(sets: Sequence[data.Made]) -> list[str]:
    given = [forecast_errors(made) for made in sets]
    lines = []
    for day in FORECAST_DAYS:
        found = [one for errors in given for one in errors[day]]
        inside = sum(held for _, held in found) / len(found)
        lines.append(
            f"month end on day {day}: median error {100 * median(e for e, _ in found):.2f} %, "
            f"{100 * inside:.0f} % inside p10-p90 ({len(found)} series-months without a shock)"
        )
    return lines


def one_day_seconds(series: int = 1_000) -> float:
    """Time the judgement of one day of many series, with the history that it rests on."""
    made = data.make(HELD_OUT, series)
    first = made.last_day - 240
    ledger = made.ledger.where(made.ledger.day >= first)
    began = time.process_time()
    Replay(ledger, last_day=made.last_day).run()
    return time.process_time() - began


def backtest_seconds(series: int = 200) -> float:
    """Time a backtest of 210 days, its 120 days of warming up included."""
    made = data.make(HELD_OUT, series)
    began = time.process_time()
    Replay(made.ledger, last_day=made.last_day, roll_up=False).run()
    return time.process_time() - began


HELD_OUT = data.HELD_OUT_SEEDS[0]


def rows() -> list[tuple[str, str, str]]:
    """Give (what, bar, measured) for the table of all benches."""
    made = data.make(HELD_OUT)
    given = ours(made)
    up = score(given, made.labels, "up", made.series_years)
    down = score(given, made.labels, "down", made.series_years)
    simple_f1 = ", ".join(
        f"{name} {score(simple(made, rule), made.labels, 'up', made.series_years).f1:.2f}"
        for name, rule in SIMPLE.items()
    )
    errors = forecast_errors(made)
    month = " / ".join(
        f"{100 * median(error for error, _ in errors[day]):.1f}" for day in FORECAST_DAYS
    )
    kinds = " / ".join(
        f"{up.by_kind[kind][0] / up.by_kind[kind][1]:.2f}"
        for kind in ("new", "level", "spike", "ramp")
    )
    return [
        ("F1 of rises, 200 unseen series", ">= .88", f"{up.f1:.2f} ({simple_f1})"),
        ("false rises per series-year", "<= .20", f"{up.false_rate:.2f}"),
        ("recall of new / level / spike / ramp", ">= .98 / .92 / .85 / .80", kinds),
        ("recall of drops", ">= .85", f"{down.recall:.2f}"),
        ("false drops per series-year", "<= .6", f"{down.false_rate:.2f}"),
        ("month-end error on day 3 / 10 / 20, %", "<= 2.0 / 1.6 / 1.1", month),
        ("one day of 1,000 series judged, CPU", "<= 10 s", f"{one_day_seconds():.1f} s"),
        ("backtest of 210 days x 200 series, CPU", "<= 60 s", f"{backtest_seconds():.1f} s"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="use the seeds used for tuning")
    parser.add_argument("--series", type=int, default=200)
    args = parser.parse_args()
    seeds = data.TUNING_SEEDS if args.tuning else data.HELD_OUT_SEEDS
    print("\n".join(table(seeds, args.series)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
