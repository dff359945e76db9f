"""First set-up: what a configuration for this machine says, and how clouds come to export bills."""
