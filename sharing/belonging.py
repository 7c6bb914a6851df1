"""Whether the store is that of this deployment, asked by each process that starts.

An address with a slip of the pen, or a file system that is not mounted, is an empty store, and one that works: a worker
would keep there what no other machine finds. Store and Redis share an id (`sharing/garbage.py`), which the first worker
makes, in the store first.

`python -m sharing.belonging` probes the store, and asks: status 0 ours, 2 refused, 1 away or empty.
"""

import secrets
import sys

from redis import RedisError

from core.errors import ObjectNotFound, StartError, StoreError
from core.settings import Settings
from core.startup import EXIT_FAILED, read_settings, run
from jobs.store import JobStore
from objects import probe
from objects.opening import open_store
from objects.store import ObjectStore
from sharing.garbage import DEPLOYMENT

ADOPT = "`digitforge store collect --adopt` binds it to this Redis: the files of jobs without a record are garbage then"


def check_start(settings: Settings, *, waits: bool) -> None:
    """As that of `objects/probe.py`: a store that lacks the id of the deployment is away."""
    probe.check_start(settings, waits=waits, module="sharing.belonging")


def main() -> int:
    """Probe the store in the settings, and ask whether it is ours."""
    if status := probe.main():
        return status
    settings = read_settings()
    store = open_store(settings)
    if store is None:
        return 0
    try:
        fault = fault_of(store, JobStore.of(settings), str(settings.store_url))
    except RedisError:  # which is away: whoever starts waits for it, or goes on
        return 0
    except StoreError as error:
        fault = str(error)
    if fault:
        print(fault, file=sys.stderr)
    return EXIT_FAILED if fault else 0


def fault_of(store: ObjectStore, jobs: JobStore, url: str) -> str | None:
    """Why the store cannot be the deployment's at the moment, or None; one that is new to both is made so.

    Raises StartError for the store of another deployment.
    """
    ours, theirs = jobs.deployment_id(), _id_of(store)
    if ours is None and theirs is None:
        store.put_once(DEPLOYMENT, secrets.token_hex(8).encode())
        theirs = _id_of(store)
        ours = jobs.deployment_id(theirs)
    if ours is None or theirs == ours:  # a Redis that was lost does not hold up trainings; collection says so
        return None
    if theirs is None:
        return (
            f"DIGITFORGE_STORE_URL = {url!r}: an empty store, and this Redis belongs to one that is not; allowed: the"
            f" store of the deployment, mounted if it is a folder; if that was lost, {ADOPT}"
        )
    raise StartError(
        f"DIGITFORGE_STORE_URL = {url!r}: the store of a deployment with another Redis than DIGITFORGE_REDIS_URL;"
        f" allowed: store and Redis of one deployment; else {ADOPT}"
    )


def _id_of(store: ObjectStore) -> str | None:
    try:
        return store.get(DEPLOYMENT).data.decode("ascii", "replace")
    except ObjectNotFound:
        return None


if __name__ == "__main__":
    run(main)
