"""The tables, one file per room. Importing this package fills `storage.schema.metadata`."""

from storage.tables import bills, deliveries, service, telemetry

__all__ = ["bills", "deliveries", "service", "telemetry"]
