"""`digitforge models prune`: remove the models that are more, or older, than the shelf is to keep."""

import argparse

from cli.commands import Commands
from core.errors import ShelfBusy, StartError, StoreError
from core.settings import Settings
from models.retention import Retention, remove_too_many
from sharing.places import Places

MOST, MOST_DAYS = 1_000_000, 36_500.0  # as the settings have them


def add_to(commands: Commands) -> None:
    """Add the command and its own command."""
    actions = commands.add_parser("models", help="prune the shelf of models").add_subparsers(
        dest="action", required=True
    )
    prune = actions.add_parser(
        "prune", help="remove models that are neither active, nor were just before, nor labelled"
    )
    prune.add_argument(
        "--keep", type=_count, metavar="N", help="how many of each data set stay (DIGITFORGE_KEEP_MODELS)"
    )
    prune.add_argument(
        "--days", type=_days, metavar="DAYS", help="how many days they stay (DIGITFORGE_KEEP_MODELS_DAYS)"
    )
    prune.add_argument("--dry-run", action="store_true", help="say which they are, and remove none")
    prune.set_defaults(run=_prune)


def _prune(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the ids of the models that are removed, one a line, and what was done to standard error."""
    keep = Retention(arguments.keep or settings.keep_models, arguments.days or settings.keep_models_days)
    if keep.is_for_ever:
        raise StartError(
            "DIGITFORGE_KEEP_MODELS is not set; allowed: this, DIGITFORGE_KEEP_MODELS_DAYS, --keep or --days"
        )
    if settings.store_url is None and not settings.shelf_dir.is_dir():
        raise StartError(f"DIGITFORGE_DATA_DIR = {str(settings.data_dir)!r}: no shelf of models is there")
    try:
        shelf = Places.of(settings).shelf
        shelf.catch_up()
        removed = remove_too_many(shelf, keep, dry_run=arguments.dry_run)
    except (ShelfBusy, StoreError) as error:
        raise StartError(f"{error}; try again") from error
    print("\n".join(removed), end="\n" if removed else "")
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: 1 to {MOST}")
    return int(text)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: above 0, to {MOST_DAYS:g}")
    return days
