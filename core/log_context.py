"""What a log line says of where it comes from: the request, its trace, the caller's key, the job and its attempt.

It is kept in a context variable, so each request (a task of its own) and each thread has its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

LogContext = Mapping[str, str | int]

_NOTHING: LogContext = MappingProxyType({})
_context: ContextVar[LogContext] = ContextVar("digitforge_log_context", default=_NOTHING)


def log_context() -> LogContext:
    """The fields of the lines that are logged here, by name."""
    return _context.get()


def begin_context(fields: dict[str, str | int]) -> None:
    """Begin a request with these fields alone. They last as long as its task."""
    _context.set(fields)


def add_to_context(**fields: str | int) -> None:
    """Add fields until the block around this ends, or else the task or thread."""
    context = _context.get()
    if isinstance(context, dict):  # in place, because every request passes here
        context.update(fields)
    else:
        _context.set(fields)


@contextmanager
def in_context(**fields: str | int) -> Iterator[None]:
    """Add fields to the lines that the block logs. Those that are empty are left out."""
    filled = {name: value for name, value in fields.items() if value != ""}
    token = _context.set({**_context.get(), **filled})
    try:
        yield
    finally:
        _context.reset(token)
