"""`scripts/chaos`: golden runs, chaos, calm, checks. Prints the seed first and last."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from redis import RedisError

from jobs.store import JobStore
from tests.chaos.checker import broken_promises, temporaries
from tests.chaos.clients import Clients
from tests.chaos.faults import Faults
from tests.chaos.golden import Golden, train_golden, write_images
from tests.chaos.ledger import Ledger
from tests.chaos.processes import processes_of
from tests.chaos.records import read_records
from tests.chaos.service import LEASE_S, WATCHDOG_S, ChaosService, OneMachine
from tests.chaos.shared import Watcher, one_content, what_the_store_holds
from tests.chaos.table import table
from tests.chaos.two_hosts import TwoHosts

READY_S = 60.0
CALM_S, CALM_PER_JOB_S = 60.0, 20.0
FOLLOWED_S = 30.0  # after the last job has ended
SWEPT_S = (
    max(10 * LEASE_S, 2 * WATCHDOG_S) + 20.0
)  # when the sweeper takes what is half written for abandoned, and more
GONE_S = 5.0
POLL_S = 0.3


def main() -> int:
    """Run as the arguments say. 0 when every promise was kept, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, required=True, help="how long to do harm")
    parser.add_argument("--seed", type=int, required=True, help="decides all that can be decided")
    parser.add_argument("--hosts", type=int, choices=[1, 2], default=1, help="2: on two hosts with a store; as root")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"seed {arguments.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    ledger = Ledger()
    try:
        _run(folder, ledger, TwoHosts if arguments.hosts == 2 else OneMachine, arguments.minutes * 60, arguments.seed)
    except KeyboardInterrupt:
        ledger.violate("interrupted")
    for what in ledger.violations:
        print(f"BROKEN  {what}")
    if ledger.violations:
        print(f"{len(ledger.violations)} broken promises; everything is in {folder}")
    else:
        shutil.rmtree(folder)
        print("every promise was kept")
    print(f"seed {arguments.seed}", flush=True)
    return 1 if ledger.violations else 0


def _run(folder: Path, ledger: Ledger, kind: type[ChaosService], seconds: float, seed: int) -> None:
    datasets = folder / "datasets"
    write_images(datasets)
    _say("undisturbed runs")
    golden = train_golden(folder / "golden", datasets)
    service = kind(folder, datasets)
    with Clients(ledger, seed) as clients, service:  # no service, and no client waits for an answer
        for part in service.servers:
            service.start(part)
        keys = service.make_keys()
        for part in (*service.apis, *service.workers):
            service.start(part)
        for api in service.apis:
            if not _wait(partial(service.answers, api), READY_S):
                ledger.violate(f"{api} does not answer after its start")
                return
        _say(f"chaos for {seconds:g} s")
        clients.start(service.bases, keys)
        with Watcher(service.machines, ledger):
            Faults(service, ledger, Random(f"{seed} faults")).run(seconds)
            _settle(service, ledger, clients)
        one_content(service.bases, keys, ledger)
        _check(service, ledger, golden)


def _settle(service: ChaosService, ledger: Ledger, clients: Clients) -> None:
    """Do nothing but wait, with everything running, until all jobs have ended and all was cleared up."""
    store = JobStore.of(service.settings)

    def still_open() -> int:
        try:
            return sum(not job.status.is_terminal for job in store.page(limit=100_000))
        except RedisError:
            return sys.maxsize

    clients.cease()
    _say(f"calm, until {still_open()} jobs have ended")
    _wait(lambda: still_open() == 0, CALM_S + CALM_PER_JOB_S * len(ledger.jobs))
    clients.finish(FOLLOWED_S)
    _say(f"calm, until {len(temporaries(service.machines))} half-written files are swept")
    if not _wait(lambda: not temporaries(service.machines), SWEPT_S):
        ledger.violate(f"half written and never swept: {', '.join(map(str, temporaries(service.machines)))}")


def _check(service: ChaosService, ledger: Ledger, golden: dict[str, Golden]) -> None:
    """Stop the service part by part, in order, and hold everything to what was promised."""
    for part in (*service.workers, *service.apis):
        if not service.stop(part):
            ledger.violate(f"{part} did not stop in the end")
    records = read_records(service)
    for promise in broken_promises(ledger, records, golden, service.machines):
        ledger.violate(promise)
    found = list(what_the_store_holds(service.settings, ledger))
    for part in service.servers:
        if not service.stop(part):
            ledger.violate(f"{part} did not stop in the end")
    if not _wait(lambda: not any(processes_of(service.folder)), GONE_S):
        for pid, command in processes_of(service.folder):
            ledger.violate(f"process {pid} is left: {command}")
    print("\n".join([*table(ledger, records), *found]))


def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until it is so. Whether it became so in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
