"""What a path stands for, asked before it is opened."""

from __future__ import annotations

from pathlib import Path


def is_special(path: Path) -> bool:
    """Tell whether there is something else than a regular file: a folder, a pipe, a device.

    A pipe would be waited on for ever, and can be read only once.
    """
    return path.exists() and not path.is_file()
