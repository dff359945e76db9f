"""Which web addresses a channel may post to."""

from __future__ import annotations

import re

_POSTABLE = re.compile(r"^https://\S+$|^http://(127\.0\.0\.1|localhost|\[::1\])[:/]\S*$")


def is_postable(url: str) -> bool:
    """Tell whether what is posted there is hidden from others: https, or this machine itself."""
    return _POSTABLE.match(url) is not None
