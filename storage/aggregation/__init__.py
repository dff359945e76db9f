"""What the child process does: reads a bill's files and aggregates them to facts, in DuckDB."""
