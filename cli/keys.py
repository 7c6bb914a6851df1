"""`digitforge keys`: make, list, rotate and revoke the keys of the API."""

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from redis import RedisError

from access.key_file import read_keys, write_keys
from access.key_record import NewKey
from access.key_store import KeyStore
from cli.commands import Commands
from cli.own_redis import FOLDER, redis_of
from core.access import Limits, Scope
from core.errors import KeyNotFound, StartError
from core.redis_url import without_password
from core.settings import Settings
from core.startup import open_data_dir
from core.validation import explain

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NUMBER = re.compile(r"-?[0-9]{1,20}")
DURATION = re.compile(r"(\d{1,7})([smhd])")
LONGEST = timedelta(days=3650)
DAY = timedelta(days=1)


def add_to(commands: Commands) -> None:
    """Add the command and its own commands."""
    actions = commands.add_parser("keys", help="make, list, rotate and revoke keys of the API").add_subparsers(
        dest="action", required=True
    )
    create = actions.add_parser("create", help="make a key and print it, once")
    create.add_argument("name", help="who it is for")
    create.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[scope.value for scope in Scope],
        metavar="SCOPE",
        help=f"what it may do, as often as needed: {', '.join(Scope)}",
    )
    create.add_argument("--expires", type=_life, metavar="90d", help="how long it lives: s, m, h or d; else for ever")
    create.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="LIMIT=N",
        help=f"how much it may have, as often as needed: {', '.join(Limits.model_fields)}",
    )
    create.add_argument(
        "--in-file", type=Path, metavar="FILE", help="add it to this file, for DIGITFORGE_KEYS_FILE; needs no service"
    )
    create.set_defaults(run=_create)
    actions.add_parser("list", help="list the keys").set_defaults(run=_list)
    rotate = actions.add_parser("rotate", help="give a key another text, and print it, once")
    rotate.add_argument("id", help="as `list` shows it")
    rotate.add_argument(
        "--overlap", type=_duration, default=DAY, metavar="24h", help="how long the text before goes on (24h)"
    )
    rotate.set_defaults(run=_rotate)
    revoke = actions.add_parser("revoke", help="revoke a key: the API refuses it within 5 seconds")
    revoke.add_argument("id", help="as `list` shows it")
    revoke.set_defaults(run=_revoke)


def _create(arguments: argparse.Namespace, settings: Settings) -> int:
    try:
        limits = Limits.model_validate(dict(map(_limit, arguments.limit)))
        new = NewKey.make(arguments.name, map(Scope, arguments.scope), arguments.expires, limits)
    except ValidationError as error:
        raise StartError("\n".join(_fault(error))) from error
    if arguments.in_file:
        path: Path = arguments.in_file
        try:
            write_keys(path, [*(read_keys(path) if path.exists() else ()), new.record])
        except OSError as error:
            allowed = "a file in a folder that is there and may be written to"
            raise StartError(f"--in-file = {str(path)!r}: {error.strerror}; allowed: {allowed}") from error
    else:
        with _store(settings) as store:
            store.add(new.record)
    return _show(new)


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    with _store(settings) as store:
        stored, used = store.all().records, store.last_used()
    filed = read_keys(settings.keys_file) if settings.keys_file else ()
    print(f"{'ID':<9} {'EXPIRES':<17} {'LAST USED':<17} {'IN':<6} NAME: SCOPES")
    for record in sorted([*stored, *filed], key=lambda record: record.created_at):
        last = datetime.fromtimestamp(used[record.id], UTC) if record.id in used else None
        where = "file" if record in filed else "redis"
        scopes = " ".join(sorted(record.scopes))
        print(f"{record.id:<9} {_minute(record.expires_at):<17} {_minute(last):<17} {where:<6} {record.name}: {scopes}")
    return 0


def _rotate(arguments: argparse.Namespace, settings: Settings) -> int:
    with _store(settings) as store:
        return _show(store.rotate(arguments.id, arguments.overlap))


def _revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    with _store(settings) as store:
        store.revoke(arguments.id)
    print(f"key {arguments.id} is revoked", file=sys.stderr)
    return 0


@contextmanager
def _store(settings: Settings) -> Iterator[KeyStore]:
    """The keys in Redis. Raises StartError where it does not answer, or has no such key."""
    open_data_dir(settings, FOLDER)  # so that a key can be made before the first start too
    with redis_of(settings) as redis_url:
        store = KeyStore.of(settings.model_copy(update={"redis_url": redis_url}))
        try:
            yield store
        except RedisError as error:
            raise StartError(
                f"DIGITFORGE_REDIS_URL = {without_password(redis_url)!r}: {error}; allowed: a Redis that answers, such "
                "as that of a service that runs. `digitforge keys create --in-file` needs none"
            ) from error
        except KeyNotFound as error:
            raise StartError(
                f"{error} in Redis; allowed: the ids in `digitforge keys list` whose key is not in a file"
            ) from error
        finally:
            store.close()


def _show(new: NewKey) -> int:
    """The key alone on standard output, so that a script can take it."""
    record = new.record
    print(f"key {record.id} of {record.name}: {' '.join(sorted(record.scopes))}", file=sys.stderr)
    print(f"expires: {_minute(record.expires_at)}. It is shown this once:", file=sys.stderr, flush=True)
    print(new.text)
    return 0


def _duration(text: str) -> timedelta:
    found = DURATION.fullmatch(text)
    time = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else None
    if time is None or time > LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: up to 3650d, such as 90d, 24h, 30m or 0s")
    return time


def _life(text: str) -> timedelta:
    """A duration, and one that a key can be used in."""
    life = _duration(text)
    if not life:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: 1s to 3650d, or no --expires for a key that never does")
    return life


def _limit(text: str) -> tuple[str, int | str]:
    """Name and value; what is no number is left for the model to refuse."""
    name, _, value = text.partition("=")
    return name, int(value) if NUMBER.fullmatch(value) else value


def _minute(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%MZ}" if time else "never"


def _fault(error: ValidationError) -> Iterator[str]:
    for details in error.errors():
        fault = explain(details, list(Limits.model_fields))
        option = "NAME" if fault.field == "name" else f"--limit {fault.field}"
        yield f"{option} = {fault.value!r}: {fault.detail}"
