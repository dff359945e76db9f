"""Runs migrations on the connection that `storage.migrate` hands over."""

from alembic import context

from storage import tables
from storage.schema import metadata

assert tables.__all__, "importing the tables fills the metadata"  # noqa: S101

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, compare_type=True)
context.run_migrations()
