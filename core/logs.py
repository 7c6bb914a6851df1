"""The log of a process: on standard error, a line each, as text for people or as JSON for a collector.

Every logger of the process goes through here, those of uvicorn and Celery too.
"""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from core.log_context import log_context
from core.masking import masked
from core.settings import Settings

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
INDENT = "    "  # of what follows a line: nothing that is logged can look like a line of its own

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def log_to_stderr(settings: Settings, process: str) -> None:
    """Log all of this process as the settings say. `process` names it in JSON: api, worker, import-lane."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process) if settings.log_format == "json" else TextLines(TEXT))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


class TextLines(logging.Formatter):
    """A line as text, with its context in brackets behind it. Tracebacks follow indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the indented lines of its traceback."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        context = _context_of(record)
        line = self.formatMessage(record)
        if context:
            line += f" [{' '.join(f'{name}={value}' for name, value in context.items())}]"
        lines = [line, *(INDENT + more for more in _traceback_of(self, record).split("\n") if more)]
        return "\n".join(_CONTROLS.sub(_escape, masked(line)) for line in lines)


class JsonLines(logging.Formatter):
    """A JSON object a line: the time, the level, the logger, the message, its context, and a traceback as one text."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The object on one line, in ASCII."""
        line: dict[str, Any] = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": self._process,
            "pid": record.process,
            **_context_of(record),
            **getattr(record, "fields", {}),
        }
        if text := _traceback_of(self, record):
            line["exception"] = text
        shown = {name: masked(value) if isinstance(value, str) else value for name, value in line.items()}
        return json.dumps(shown, default=str)


def _context_of(record: logging.LogRecord) -> dict[str, str | int]:
    """The context of a line: that of its task or thread, and what its `extra` says of it."""
    return {**log_context(), **getattr(record, "context", {})}


def _traceback_of(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def _escape(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode("ascii")


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logging.getLogger(__name__).critical("the process ends on an error", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread else "?"
        trace = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        logging.getLogger(__name__).critical("the thread %s ends on an error", name, exc_info=trace)
