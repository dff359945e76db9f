"""REST: reports, findings, health, metrics; bearer tokens with roles."""
