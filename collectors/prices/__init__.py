"""Collectors of prices."""
