"""`digitforge store`: look at the object store that machines share, and remove what nothing names in it."""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from redis import RedisError

from cli.commands import Commands
from cli.own_redis import holding, redis_of
from core.errors import StartError, StoreError
from core.settings import Settings
from jobs.store import JobStore
from objects.opening import open_store
from objects.probe import SCRATCH, probe
from objects.store import Listed, ObjectStore
from sharing.garbage import Collector, StoreOfAnother
from sharing.moving import Move
from sharing.survey import Survey

ROUNDS = 10  # of each call that is timed
MOST_S = 1e9
KINDS = ("models", "datasets", "uploads", "runs")


def add_to(commands: Commands) -> None:
    """Add the command and its own commands."""
    actions = commands.add_parser("store", help="the object store that machines share").add_subparsers(
        dest="action", required=True
    )
    check = actions.add_parser(
        "check", help="whether it works, how fast, what is in it, and whether anything is missing"
    )
    check.set_defaults(run=_check)
    collect = actions.add_parser("collect", help="remove what nothing names; workers do so every hour by themselves")
    collect.add_argument("--dry-run", action="store_true", help="say what it is, and remove nothing")
    collect.add_argument(
        "--grace",
        type=_grace,
        metavar="S",
        help="how old it must be, in seconds (DIGITFORGE_STORE_GRACE_S); less only while neither API nor worker runs",
    )
    collect.add_argument(
        "--adopt", action="store_true", help="first, let the store belong to this Redis: its own was lost"
    )
    collect.set_defaults(run=_collect)
    upload = actions.add_parser("upload", help="move what DIGITFORGE_DATA_DIR has of one machine into an empty store")
    upload.set_defaults(run=_upload)


def _check(_: argparse.Namespace, settings: Settings) -> int:
    """Print what was found. The exit status is 1 where something is named and not there."""
    with _opened(settings) as (store, jobs):
        probe(store, str(settings.store_url))
        print(f"{settings.store_url}: " + ", ".join(f"{name} {1000 * s:.1f} ms" for name, s in _timed(store)))
        collector = Collector(store, jobs, settings.store_grace_s)
        collector.require_ours()
        survey = collector.survey()
        _print(survey)
        again = set(collector.survey().missing) if survey.missing else set()  # else it was written or removed meanwhile
        missing = [key for key in survey.missing if key in again]
        for key in missing:
            print(f"missing: {key}", file=sys.stderr)
    return 1 if missing else 0


def _collect(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the keys that are removed, one a line, and a summary to standard error."""
    with _opened(settings) as (store, jobs):
        grace_s = settings.store_grace_s if arguments.grace is None else arguments.grace
        collector = Collector(store, jobs, grace_s)
        collector.require_ours(adopt=arguments.adopt)
        survey = collector.survey() if arguments.dry_run else collector.collect()
        for one in survey.garbage:
            print(one.key)
        done = "garbage" if arguments.dry_run else "removed"
        print(
            f"{done}: {_size(survey.garbage)}; named by nothing, but younger than {grace_s:g} s: {_size(survey.young)};"
            f" of no known form, and left: {len(survey.unknown)} objects",
            file=sys.stderr,
        )
    return 0


def _upload(_: argparse.Namespace, settings: Settings) -> int:
    """Print how much went into the store, and to standard error what did not."""
    if not settings.data_dir.is_dir():
        raise StartError(f"DIGITFORGE_DATA_DIR = {str(settings.data_dir)!r}: no such folder")
    with holding(settings.data_dir.resolve()):  # no `digitforge up` does
        pass
    with _opened(settings) as (store, jobs):
        moved = Move(settings, store, jobs).carry_out()
    for fault in moved.left_out:
        print(f"left out: {fault}", file=sys.stderr)
    print(
        f"{moved.models} models, {moved.datasets} data sets, {moved.uploads} uploads, and the files of"
        f" {moved.jobs} jobs are in {settings.store_url}"
    )
    return 0


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[ObjectStore, JobStore]]:
    """The store and the records of the deployment. Whatever goes wrong is a StartError."""
    store = open_store(settings)
    if store is None:
        raise StartError("DIGITFORGE_STORE_URL is not set: everything is in DIGITFORGE_DATA_DIR")
    try:
        with redis_of(settings) as url:
            yield store, JobStore.of(settings.model_copy(update={"redis_url": url}))
    except StoreOfAnother as error:
        raise StartError(
            f"DIGITFORGE_STORE_URL = {settings.store_url!r}: {error}; allowed: the DIGITFORGE_REDIS_URL of the"
            " deployment, or --adopt where its Redis was lost: the files of jobs without a record are garbage then"
        ) from error
    except StoreError as error:
        raise StartError(f"DIGITFORGE_STORE_URL = {settings.store_url!r}: {error}") from error
    except RedisError as error:
        raise StartError(f"DIGITFORGE_REDIS_URL: {error}") from error


def _timed(store: ObjectStore) -> Iterator[tuple[str, float]]:
    """What each call takes, in seconds: the median of some on small objects."""
    keys = [f"{SCRATCH}/{secrets.token_hex(8)}" for _ in range(ROUNDS)]
    try:
        yield "create", _median_s(lambda key: store.put_once(key, b"x"), keys)
        yield "read", _median_s(store.get, keys)
        yield "read and swap", _median_s(lambda key: store.swap(key, key.encode(), store.get(key).tag), keys)
        yield "list", _median_s(lambda _: list(store.list(f"{SCRATCH}/")), keys)
    finally:
        for key in keys:
            store.delete(key)


def _median_s(call: Callable[[str], object], keys: Iterable[str]) -> float:
    def seconds(key: str) -> float:
        began = time.perf_counter()
        call(key)
        return time.perf_counter() - began

    return median(map(seconds, keys))


def _print(survey: Survey) -> None:
    for kind in sorted(survey.objects):
        if kind in KINDS:
            print(f"{kind}: {survey.objects[kind]} objects, {survey.bytes[kind] / 1e6:.1f} MB")
    print(f"garbage: {_size(survey.garbage)}; named by nothing, but younger: {_size(survey.young)}")
    if survey.unknown:
        print(f"of no known form: {len(survey.unknown)} objects, such as {survey.unknown[0]}")


def _size(listed: Sequence[Listed]) -> str:
    return f"{len(listed)} objects, {sum(one.bytes for one in listed) / 1e6:.1f} MB"


def _grace(text: str) -> float:
    try:
        grace_s = float(text)
    except ValueError:
        grace_s = -1.0
    if not 0 <= grace_s <= MOST_S:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: 0 to {MOST_S:g}")
    return grace_s
