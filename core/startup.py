"""How each command of this project begins and ends: what cannot work is one line on standard error, not a traceback."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from core.errors import StartError
from core.moved import require_moved
from core.redis_url import without_password
from core.schema import claim_folder
from core.settings import Settings
from core.validation import Fault, explain

PYTHON = [sys.executable, "-I"]  # imports our own modules, whatever lies in the current folder or in PYTHONPATH
EXIT_FAILED, EXIT_REFUSED, EXIT_INTERRUPTED = 1, 2, 130


def run(command: Callable[[], int]) -> NoReturn:
    """Exit with what the command returns, or with 2 and a line when it cannot start."""
    for stream in (sys.stdout, sys.stderr):  # a path need not be text that they can show
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(command())
    except StartError as error:
        _say(error)
        sys.exit(EXIT_REFUSED)
    except OSError as error:
        _say(error)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def read_settings() -> Settings:
    """The settings in the environment. Raises StartError, a line for each that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise StartError("\n".join(_line(explain(details, [])) for details in error.errors())) from None


def open_data_dir(settings: Settings, *names: str, writes: bool = True) -> None:
    """Make the data directory with its folders, and those `names` too.

    Raises StartError when that cannot be done, for one that a newer version wrote, and as `require_moved` does.
    """
    own = (settings.data_dir, settings.runs_dir, settings.shelf_dir, settings.imported_dir, settings.uploads_dir)
    folders = [*own, *(settings.data_dir / name for name in names)]
    with blaming("DIGITFORGE_DATA_DIR", settings.data_dir, "a folder that this user can make and write in"):
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            if writes and not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(None, "no right to write", str(folder))
        claim_folder(settings.data_dir, writes=writes)
        require_moved(settings)


@contextmanager
def blaming(setting: str, value: str | Path, allowed: str) -> Iterator[None]:
    """Turn what the system says into a StartError that names the setting behind it."""
    try:
        yield
    except (OSError, UnicodeError) as error:
        raise StartError(f"{setting} = {str(value)!r}: {_reason(error)}; allowed: {allowed}") from error


def _line(fault: Fault) -> str:
    """The setting, the value or the item of a list that is wrong, and what is allowed."""
    value = repr(fault.value) if isinstance(fault.value, int | float) else repr(without_password(str(fault.value)))
    return f"DIGITFORGE_{str(fault.path[0]).upper()} = {value}: {fault.detail}"


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):  # a name that cannot be looked up, such as one with an empty part
        return "not a name of a host"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _say(error: Exception) -> None:
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)
