"""What each command of `digitforge` is: a module with `add_to(commands)`, which adds its parser and sets its `run`."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

from core.settings import Settings

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command = Callable[[argparse.Namespace, Settings], int]  # its exit status
