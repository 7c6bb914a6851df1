"""Command lines that say in one line what is wrong with them."""

import argparse
from collections.abc import Callable
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Wrong arguments end the process with status 2 and one line, which a supervisor can put into an error."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, without the usage."""
        self.exit(2, f"error: {message}; --help shows what there is\n")


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """For `type=` of an argument: a whole number within bounds."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.removeprefix("-").isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"allowed: {least} to {most}, not {text!r}")
        return int(text)

    return parse
