"""Collectors of GPU readings."""
