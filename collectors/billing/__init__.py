"""Collectors of bills."""
