"""One DuckDB SELECT per provider's native columns, to FOCUS."""
