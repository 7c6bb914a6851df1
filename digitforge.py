"""The command `digitforge`, in an isolated Python.

A package in the current folder or in PYTHONPATH may have the name of one of ours. This module imports none of them; the
Python that it starts, with -I, finds ours alone.
"""

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Become `python -I -m cli.main` with the same arguments."""
    os.execv(sys.executable, [sys.executable, "-I", "-m", "cli.main", *sys.argv[1:]])
