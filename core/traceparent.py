"""`traceparent` of W3C's Trace Context: which trace a request is a part of.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
from typing import NamedTuple

_FIELDS = re.compile(
    "(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-[ -~]*)?"
)
_LONGEST = 512


class Trace(NamedTuple):
    """A trace, and the caller's span in it: 32 and 16 hex digits."""

    trace_id: str
    span_id: str


def read_traceparent(text: str) -> Trace | None:
    """What a header says, or None for one that the standard has ignored. A later version may say more behind it."""
    found = _FIELDS.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"]):
        return None
    if not found["trace"].strip("0") or not found["span"].strip("0"):
        return None
    return Trace(found["trace"], found["span"])
