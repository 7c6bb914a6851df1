"""`digitforge up`: the whole service on this machine, in one command."""

import argparse

from cli.up import up
from core.startup import read_settings, run
from core.version import VERSION


def main() -> int:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="digitforge", description="Train a DCGAN by REST, and draw digits from it.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start Redis, the worker and the API here; Ctrl-C stops all three")
    parser.parse_args()
    return up(read_settings())


if __name__ == "__main__":
    run(main)
