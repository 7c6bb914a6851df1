"""`digitforge up`: the whole service on this machine, in one command."""

import argparse
import sys

from pydantic import ValidationError

from cli.up import up
from core.settings import Settings


def main() -> int:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="digitforge", description="Train a DCGAN by REST, and draw digits from it.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start Redis, the worker and the API here; Ctrl-C stops all three")
    parser.parse_args()
    try:
        settings = Settings()
    except ValidationError as error:
        for details in error.errors():
            name = f"DIGITFORGE_{'_'.join(map(str, details['loc'])).upper()}"
            print(f"error: {name} = {details['input']!r}: {details['msg']}", file=sys.stderr)
        return 2
    return up(settings)


if __name__ == "__main__":
    sys.exit(main())
