"""What a process runs: versions and machine, as a metric tells them."""

import platform
from importlib.metadata import PackageNotFoundError, version

from core.version import VERSION


def build_info() -> dict[str, str]:
    """By name. Imports none of the packages whose versions it tells."""
    return {"version": VERSION, "python": platform.python_version(), "torch": _version("torch")}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
