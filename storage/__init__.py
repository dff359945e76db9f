"""The SQL store: schema, migrations, the exact ledger, telemetry, findings."""
