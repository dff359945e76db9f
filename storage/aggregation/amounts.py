"""Reads amounts that are not plainly written; the plain ones DuckDB reads by itself."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

SCALE = 21
"""Decimals that sums carry; DECIMAL(38, 21) leaves 17 digits before the point."""

_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_STEP = Decimal(1).scaleb(-SCALE)
_LIMIT = Decimal(10) ** (38 - SCALE)
_MARKS = re.compile(r"[\s\u00a0]|[$€£¥]")
# A comma must group three digits each: "1,25" may mean 1.25, and is not guessed at.
PLAIN = r"[+-]?(([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?"
"""What an amount looks like, its marks taken away; DuckDB and Python both read it."""

_PLAIN = re.compile(PLAIN)


def read_amount(text: str | None) -> str | None:
    """Give the amount as DECIMAL(38, 21) text, rounded half to even; None where it is none.

    Takes currency signs, grouped thousands and accountants' parentheses: `$50,000.00`, `(5.00)`.
    """
    if text is None:
        return None
    bare = _MARKS.sub("", text)
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare[1:-1] if negative else bare
    if not _PLAIN.fullmatch(bare):
        return None
    try:
        amount = Decimal(bare.replace(",", ""))
    except InvalidOperation:
        return None
    if abs(amount) >= _LIMIT:
        return None
    rounded = amount.quantize(_STEP, context=_WIDE)
    return format(-rounded if negative else rounded, "f")
