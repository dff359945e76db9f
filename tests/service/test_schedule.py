"""When sources are asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from service.config.sections import CollectorEntry
from service.schedule import retry_wait, when
from service.wiring import DEFAULT_EVERY, Source

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


class Bills:
    """A collector that is asked on a schedule."""

    def deliveries(self, known):
        return iter(())


def source(**timing: str) -> Source:
    return Source(CollectorEntry(name="aws", kind="focus_files", **timing), Bills())


def test_a_source_that_was_never_asked_is_asked_at_once() -> None:
    assert when(source(every="6h"), None, NOW, BERLIN)[1] == NOW
    assert when(source(schedule="0 3 * * *"), None, NOW, BERLIN)[1] == NOW


def test_a_restart_asks_no_sooner_than_planned() -> None:
    began = NOW - timedelta(hours=2)
    assert when(source(every="6h"), began, NOW, BERLIN)[1] == began + timedelta(hours=6)
    assert when(source(every="1h"), began, NOW, BERLIN)[1] == NOW


def test_a_cron_schedule_is_read_in_the_zone_of_the_display() -> None:
    trigger, first = when(source(schedule="30 3 * * *"), NOW, NOW, BERLIN)
    assert first is None
    next_time = trigger.get_next_fire_time(None, NOW)
    assert next_time == datetime(2026, 3, 2, 2, 30, tzinfo=UTC)


def test_how_often_a_source_is_asked_is_known_for_every_way_to_say_it() -> None:
    assert source().every == DEFAULT_EVERY
    assert source(every="90m").every == timedelta(minutes=90)
    assert source(schedule="15 */6 * * *").every == timedelta(hours=6)
    assert source(schedule="0 4 * * *").every == timedelta(days=1)


@given(st.integers(0, 50), st.timedeltas(timedelta(seconds=10), timedelta(days=2)))
@settings(deadline=None, max_examples=60)
def test_the_wait_after_failures_grows_and_stays_within_the_plan(
    tries: int, every: timedelta
) -> None:
    wait = retry_wait(tries, every)
    assert timedelta(0) < wait <= every
    assert wait <= retry_wait(tries + 1, every)
