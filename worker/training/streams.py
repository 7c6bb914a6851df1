"""Standard output and standard error: whose reader goes away, as in `... | head -1`, or that cannot hold a letter."""

import errno
import os
import select
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import ParamSpec, TextIO

GONE = {errno.EPIPE, errno.EIO}  # a pipe that nobody reads, a terminal that was closed

P = ParamSpec("P")


def heard(say: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Say something on the standard streams. False, once, where nobody reads one of them: what follows goes nowhere."""
    try:
        say(*args, **kwargs)
    except OSError as error:
        if error.errno not in GONE:
            raise
        for stream in (sys.stdout, sys.stderr):
            if _is_unread(stream):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
        return False
    return True


def escape_what_does_not_fit() -> None:
    """Have standard output escape what its encoding cannot hold, as standard error does."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _is_unread(stream: TextIO) -> bool:
    poll = select.poll()
    poll.register(stream, 0)  # errors and hang-ups are told without being asked for
    return bool(poll.poll(0))
