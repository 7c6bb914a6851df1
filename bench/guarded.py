"""What keys and metrics cost: this API without them, with metrics, and with keys, in turns under the load of wrk.

    python -m bench.guarded --rounds 5 --seconds 4

A turn loads each of them with the same request, and the next turn goes round the other way. All of them run all the
time: one that is not loaded takes no core. Shares are medians over the turns. That of CPU time a request, by that of
`open`, says what it costs also where other work makes the rates differ from turn to turn.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from access.key_record import NewKey
from bench.load import Measured, cpu_s, measure
from bench.serve import Server, ours
from core.access import Limits, Scope

OPEN = "open"
REQUESTS = {
    "1 image, 1 connection": ("/generate?n=1", 1),
    "1 image": ("/generate?n=1", 8),
    "16 images": ("/generate?n=16", 8),
    "from memory": ("/generate?n=16&seed=1", 8),
}
AMPLE = 1_000_000_000  # a limit that is counted and never reached


class Contestant:
    """An API with some settings, and the header that its requests carry."""

    def __init__(self, name: str, key: NewKey | None = None, **settings: str) -> None:
        if key is not None:
            file = Path(tempfile.mkdtemp()) / "keys.json"
            file.write_text(f'{{"keys": [{key.record.model_dump_json()}]}}')
            settings["DIGITFORGE_KEYS_FILE"] = str(file)
        self.server: Server = ours(name, **settings)
        self.header = f"Authorization: Bearer {key.text}" if key else None
        self.results: dict[str, list[Measured]] = defaultdict(list)
        self.cpu_ms: dict[str, list[float]] = defaultdict(list)  # of CPU time a request

    def take_turn(self, request: str, seconds: int) -> None:
        """Load it with a request."""
        path, connections = REQUESTS[request]
        pid = self.server.process.pid
        before = cpu_s(pid)
        found = measure(f"{self.server.base}{path}", connections, seconds, header=self.header)
        if found.failed:
            raise SystemExit(f"{self.server.name}: {found.failed} of its answers to {path} were no success")
        self.cpu_ms[request].append(1000 * (cpu_s(pid) - before) / (found.per_s * seconds))
        self.results[request].append(found)


def contestants() -> list[Contestant]:
    """The API as it is without keys and metrics, and what is to be compared with it."""
    key = NewKey.make("bench", [Scope.GENERATE])
    limited = NewKey.make(
        "limited", [Scope.GENERATE], limits=Limits(requests_per_minute=AMPLE, images_per_minute=AMPLE)
    )
    return [
        Contestant(OPEN, DIGITFORGE_METRICS="false"),
        Contestant("metrics"),
        Contestant("keys and metrics", key),
        Contestant("keys with limits, and metrics", limited),
    ]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.guarded", description="What keys and metrics cost.")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    parser.add_argument("--seconds", type=int, default=4, help="of load in a turn")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("the load comes from wrk, which is not installed: apt-get install wrk")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start", flush=True)
    entered = contestants()
    try:
        for one in entered:
            one.server.start()
            one.take_turn("1 image", 1)  # warms it up
            one.results.clear()
            one.cpu_ms.clear()
        for request in REQUESTS:
            for turn in range(arguments.rounds):
                for one in entered if turn % 2 == 0 else entered[::-1]:
                    one.take_turn(request, arguments.seconds)
    finally:
        for one in entered:
            one.server.stop()
    _print(entered)


def _print(entered: list[Contestant]) -> None:
    costs_of = "CPU ms a request | by `open`'s | lowest, highest"
    print(f"| request | API | a second | p50 ms | p99 ms | rate by `open`'s | {costs_of} |")
    print("|---|---|---|---|---|---|---|---|---|")
    base = entered[0]
    for request in REQUESTS:
        for one in entered:
            found, took = one.results[request], one.cpu_ms[request]
            rates = [mine.per_s / other.per_s for mine, other in zip(found, base.results[request], strict=True)]
            costs = [mine / other for mine, other in zip(took, base.cpu_ms[request], strict=True)]
            cells = [request, one.server.name, f"{median(row.per_s for row in found):.0f}"]
            cells += [f"{median(row.p50_ms for row in found):.2f}", f"{median(row.p99_ms for row in found):.2f}"]
            cells += [f"{median(rates):.3f}", f"{median(took):.3f}", f"{median(costs):.3f}"]
            cells += [f"{min(costs):.3f}, {max(costs):.3f}"]
            print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
