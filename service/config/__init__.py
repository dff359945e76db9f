"""The settings: one TOML file, environment variables on top, every problem told at once."""

from service.config.load import load
from service.config.settings import Settings

__all__ = ["Settings", "load"]
