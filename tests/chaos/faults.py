"""The faults: kills, freezes and terminations of random parts, and cuts of networks, each undone after a while."""

import heapq
import itertools
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random

from tests.chaos.ledger import Ledger
from tests.chaos.processes import Held, hold
from tests.chaos.service import LEASE_S, WATCHDOG_S, ChaosService
from tests.hosts.machine import STOP_S

WEIGHTS = {"worker": 3, "supervisor": 3, "trainer": 4, "api": 2, "process": 2, "redis": 2, "store": 3, "network": 3}
KINDS = {"kill": 5, "freeze": 4, "terminate": 2}
CUT = "cut"  # what is done to a network
BETWEEN_S = (1.5, 5.0)  # so that three strikes without a checkpoint between are possible, and rare
DOWN_S = (0.2, 3.0)
SHORT_FREEZE_S, LONG_FREEZE_S, LONG_FREEZES = (0.2, 0.8 * LEASE_S), (1.2 * LEASE_S, 3 * LEASE_S), 0.4
STALL_S, STALLS = (0.9 * WATCHDOG_S, 1.3 * WATCHDOG_S), 0.15  # of frozen trainers
READY_S = 60.0
POLL_S = 0.1


class Faults:
    """Does harm for as long as it is told to, and then sees to it that everything runs again.

    One thread, with a calendar of what is to be undone, so faults of several parts overlap.
    """

    def __init__(self, service: ChaosService, ledger: Ledger, random: Random) -> None:
        self._service, self._ledger, self._random = service, ledger, random
        self._calendar: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()  # entries of one moment in the order that they were made
        self._busy: set[str] = set()  # what a fault is being undone of
        self._targets = _targets(service)
        self._weights = {role: weight for role, weight in WEIGHTS.items() if self._targets[role]}

    def run(self, seconds: float) -> None:
        """Do harm for so long; when this returns all parts run again."""
        end = time.monotonic() + seconds
        following = time.monotonic() + self._random.uniform(*BETWEEN_S)
        while time.monotonic() < end:
            if time.monotonic() >= following:
                self._harm()
                following = time.monotonic() + self._random.uniform(*BETWEEN_S)
            self._pass_time()
        while self._calendar:
            self._pass_time()

    def _pass_time(self) -> None:
        while self._calendar and self._calendar[0][0] <= time.monotonic():
            heapq.heappop(self._calendar)[2]()
        for part in self._service.parts:
            if part not in self._busy and not self._service.is_running(part):
                if not self._service.gave_up_at_start(part):
                    self._ledger.violate(f"{part} ended by itself")
                self._busy.add(part)
                self._start(part)
        time.sleep(POLL_S / 2)

    def _harm(self) -> None:
        role = self._pick(self._weights)
        part = self._random.choice(self._targets[role])
        kind = self._pick(KINDS)
        is_api = part in self._service.apis
        target = f"{part}/{role}" if role in ("supervisor", "trainer", "process", "network") else part
        busy = target in self._busy or (is_api and any(other.startswith(part) for other in self._busy))
        if role == "network":
            if not busy:
                self._cut(part, target)
            return
        pid = self._service.pid(target)
        victim = None if busy or pid is None else hold(pid)
        if victim is None:  # down already, or no job there
            return
        print(f"  {kind} {target}", flush=True)
        self._ledger.faults[kind, role] += 1
        if is_api:  # one of its processes holds connections that fail with it
            self._ledger.api_goes_down(part)
        self._busy.add(target)
        if kind == "freeze":
            victim.send(signal.SIGSTOP)
            self._after(self._freeze_s(role), lambda: self._thaw(target, victim))
            return
        victim.send(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
        victim.close()
        if target != part:  # what is below a main process comes back by itself
            self._after(POLL_S, lambda: self._is_back(target))
            return
        pause_s, give_up_at = self._random.uniform(*DOWN_S), time.monotonic() + STOP_S
        self._after(0, lambda: self._start_when_ended(target, pause_s, give_up_at))

    def _cut(self, api: str, target: str) -> None:
        print(f"  {CUT} {target}", flush=True)
        self._ledger.faults[CUT, "network"] += 1
        self._ledger.api_goes_down(api)
        self._busy.add(target)
        self._service.cut(api)
        self._after(self._freeze_s("network"), lambda: self._mend(api, target))

    def _mend(self, api: str, target: str) -> None:
        self._service.mend(api)
        self._is_back(target)

    def _freeze_s(self, role: str) -> float:
        if role == "trainer" and self._random.random() < STALLS:
            return self._random.uniform(*STALL_S)
        return self._random.uniform(*(LONG_FREEZE_S if self._random.random() < LONG_FREEZES else SHORT_FREEZE_S))

    def _thaw(self, target: str, victim: Held) -> None:
        victim.send(signal.SIGCONT)
        victim.close()
        self._is_back(target)

    def _start_when_ended(self, part: str, pause_s: float, give_up_at: float) -> None:
        if not self._service.is_running(part):
            self._after(pause_s, lambda: self._start(part))
        elif time.monotonic() > give_up_at:
            self._ledger.violate(f"{part} did not end within {STOP_S:g} s of its SIGTERM")
            self._kill(part)
            self._after(POLL_S, lambda: self._start_when_ended(part, pause_s, time.monotonic() + STOP_S))
        else:
            self._after(POLL_S, lambda: self._start_when_ended(part, pause_s, give_up_at))

    def _kill(self, part: str) -> None:
        pid = self._service.pid(part)
        if pid is not None and (victim := hold(pid)):
            victim.send(signal.SIGKILL)
            victim.close()

    def _start(self, part: str) -> None:
        self._service.start(part)
        self._is_back(part)

    def _is_back(self, target: str) -> None:
        if target.partition("/")[0] in self._service.apis:
            self._await_api(target, time.monotonic() + READY_S)
        else:
            self._busy.discard(target)

    def _await_api(self, target: str, give_up_at: float) -> None:
        api = target.partition("/")[0]
        if self._service.answers(api):
            self._ledger.api_is_back(api)
            self._busy.discard(target)
        elif time.monotonic() > give_up_at:
            self._ledger.violate(f"{api} does not answer {READY_S:g} s after its start")
            self._busy.discard(target)
        else:
            self._after(POLL_S, lambda: self._await_api(target, give_up_at))

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._calendar, (time.monotonic() + seconds, next(self._numbers), action))

    def _pick(self, weights: Mapping[str, int]) -> str:
        return self._random.choices(list(weights), list(weights.values()))[0]


def _targets(service: ChaosService) -> dict[str, Sequence[str]]:
    """The parts that have each role."""
    workers, apis = service.workers, service.apis
    servers = {part: [part] if part in service.servers else [] for part in ("redis", "store")}
    of_workers = dict.fromkeys(("worker", "supervisor", "trainer"), workers)
    return {**of_workers, "api": apis, "process": apis, "network": service.networks, **servers}
