"""One child process that tells JSON lines: started, listened to, stopped. Knows nothing of jobs."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from pydantic import ValidationError

from core.log_context import log_context
from core.masking import masked
from core.startup import PYTHON

LOG_TAIL_BYTES = 4000
EXIT_USAGE = 2  # of our programs, and of argparse

E = TypeVar("E")


class Program(Generic[E]):
    """`python -m <module>` in a session of its own; it dies with this process, and with the `with` block.

    `parse` reads a line of its standard output, and raises pydantic.ValidationError for one that is no event.
    """

    def __init__(
        self,
        module: str,
        parse: Callable[[bytes], E],
        arguments: list[str],
        log: Path,
        grace_s: float,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._parse = parse
        self._log = log
        self._grace_s = grace_s
        self._kill_at: float | None = None
        self._events: queue.SimpleQueue[E | None] = queue.SimpleQueue()
        command = [*PYTHON, "-m", module, "--die-with", str(os.getpid()), *arguments]
        _head(log)
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name="events", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()

    def events(self, tick_s: float) -> Iterator[E | None]:
        """Events as they come, None after `tick_s` without one, to the end of the process."""
        while True:
            try:
                event = self._events.get(timeout=tick_s)
            except queue.Empty:
                yield None
            else:
                if event is None:
                    self._process.wait()
                    return
                yield event
            if self._kill_at is not None and time.monotonic() > self._kill_at:
                self._process.kill()

    def stop(self) -> None:
        """Ask the process to save and stop; kill it when it has not within the grace period."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace_s
            self._process.terminate()

    def kill(self) -> None:
        """End the process at once; what it has not saved is lost."""
        self._process.kill()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def was_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._kill_at is not None

    @property
    def refused(self) -> str:
        """What an ended process said of its arguments when it refused them, which is no crash; else empty."""
        if self._process.returncode != EXIT_USAGE:
            return ""
        said = self.log_tail().strip().splitlines()
        return next((line for line in reversed(said) if "error: " in line), f"it ended with {self.ending}")

    @property
    def ending(self) -> str:
        """How the process ended, for a person."""
        code = self._process.returncode
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def log_tail(self) -> str:
        """The end of what the process wrote to standard error."""
        with self._log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return file.read().decode("utf-8", "replace")

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as lines, self._log.open("ab", buffering=0) as log:
                for line in lines:
                    try:
                        self._events.put(self._parse(line))
                    except ValidationError:  # something that a library printed
                        with suppress(OSError):  # a disk that is full for the log is not the end of the run
                            log.write(line)
        finally:
            self._events.put(None)  # or the supervisor would wait for ever


def _head(log: Path) -> None:
    """Begin what the program logs with a line that says for which job and request it is, as far as that is known."""
    if context := log_context():
        said = masked(" ".join(f"{name}={value}" for name, value in context.items()))
        with suppress(OSError), log.open("ab") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {said}\n".encode())
