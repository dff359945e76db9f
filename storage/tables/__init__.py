"""The tables, one file per room. Importing this package fills `storage.schema.metadata`."""

from storage.tables import bills, service, telemetry

__all__ = ["bills", "service", "telemetry"]
