"""What machines ask: alive, ready, metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from spendwatt.records import Finding, Severity
from storage import findings, migrate, runs
from storage.engine import Store, open_store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_health_is_open_although_there_are_tokens(serve, make_token, store: Store) -> None:
    from storage.tokens import Role

    make_token(store, Role.INGEST)
    client = serve(store)
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_database_of_another_schema_is_not_ready(serve, sqlite_store: Store) -> None:
    migrate.downgrade(sqlite_store, "0001_bills")
    client = serve(sqlite_store)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert client.get("/livez").status_code == 200


def test_a_database_that_is_away_is_not_ready_and_tells_no_address(serve, tmp_path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'no' / 'such.db'}")
    client = serve(store)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "such.db" not in answer.text
    assert client.get("/livez").status_code == 200
    store.close()


def test_metrics_tell_how_findings_and_jobs_stand(serve, store: Store) -> None:
    seen = [
        Finding("budget", {"name": str(n)}, Severity.WARNING, "t", "d", "n", NOW) for n in range(3)
    ]
    with store.write() as connection:
        findings.save(connection, ["budget"], seen, NOW)
        good = runs.start(connection, "collect:aws", NOW)
        runs.finish(connection, good, NOW + timedelta(seconds=90))
        for _ in range(2):
            bad = runs.start(connection, "collect:aws", NOW + timedelta(hours=1))
            runs.finish(connection, bad, NOW + timedelta(hours=1, seconds=30), error="refused")
        sampler = runs.start(connection, "sample:this-host", NOW)
        runs.touch(connection, sampler, NOW + timedelta(hours=2))
    answer = serve(store).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = samples(answer.text)
    stamp = NOW.timestamp()
    assert found["spendwatt_findings_open", "budget", "warning"] == 3
    last = "spendwatt_job_last_success_timestamp_seconds"
    assert found[last, "collect:aws"] == stamp + 90
    assert found[last, "sample:this-host"] == stamp + 7_200
    assert found["spendwatt_job_last_duration_seconds", "collect:aws"] == 30
    assert found["spendwatt_job_failures_in_a_row", "collect:aws"] == 2


def test_scraping_twice_tells_the_same(client) -> None:
    assert client.get("/metrics").text == client.get("/metrics").text
