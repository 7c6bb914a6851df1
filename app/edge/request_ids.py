"""The id of each request: the client's own if it is sane, else a new one. It stands in the answer and in all that is
logged, and the record of a job that the request makes keeps it; so with the trace that the request is a part of.
"""

import re
import secrets
from collections.abc import Iterator
from itertools import count

from starlette.types import Scope

from app.http.guard import REQUEST_ID, TRACEPARENT
from core.log_context import begin_context
from core.traceparent import read_traceparent

HEADER, TRACE_HEADER = b"x-request-id", b"traceparent"
SANE = re.compile(rb"[0-9A-Za-z._~+/=:@-]{1,128}")

_TAILS = [f"{tail:02x}" for tail in range(256)]


def request_ids() -> Iterator[str]:
    """Ids that no other requests have: 12 random hex digits, which all have in common, and 8 that count."""
    common = secrets.token_hex(6)
    for block in count():
        start = f"{common}{block & 0xFFFFFF:06x}"
        for tail in _TAILS:  # most of an id is ready before its request comes
            yield start + tail


def identify(scope: Scope, new_ids: Iterator[str]) -> tuple[bytes, bytes]:
    """Give a request its id, in its scope and for the log of its task. The header that its answer is to have."""
    ids, traces = [], []
    for name, value in scope["headers"]:
        if name == HEADER:
            ids.append(value)
        elif name == TRACE_HEADER:
            traces.append(value)
    sane = len(ids) == 1 and SANE.fullmatch(ids[0])
    request_id = scope[REQUEST_ID] = ids[0].decode() if sane else next(new_ids)
    context: dict[str, str | int] = {"request_id": request_id}
    if len(traces) == 1 and (trace := read_traceparent(text := traces[0].decode("latin-1"))):
        scope[TRACEPARENT] = text
        context |= trace._asdict()
    begin_context(context)  # not ended: each request is a task of its own
    return HEADER, request_id.encode()
