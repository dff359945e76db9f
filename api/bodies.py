"""What the bodies of requests are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from spendwatt.filter_grammar import is_storable


def _storable(text: str) -> str:
    if not is_storable(text) or not text.strip():
        raise ValueError("write text in Unicode, not blank, without the character NUL")
    return text


Storable = Annotated[str, AfterValidator(_storable)]
"""Text that every database takes."""
