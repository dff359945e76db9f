"""Routes that are not reports."""
