"""`digitforge`: the commands for this machine's service."""

import argparse

from cli import backup, keys, models, restore, store, up
from cli.commands import Command
from core.startup import read_settings, run
from core.version import VERSION


def main() -> int:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="digitforge", description="Train a DCGAN by REST, and draw digits from it.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    for module in (up, keys, backup, restore, models, store):
        module.add_to(commands)
    arguments = parser.parse_args()
    command: Command = arguments.run
    return command(arguments, read_settings())


if __name__ == "__main__":
    run(main)
