"""Load by wrk, and the memory of a tree of processes."""

import os
import re
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

SAMPLE_S = 0.2
MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class Measured(NamedTuple):
    """What wrk saw."""

    p50_ms: float
    p99_ms: float
    per_s: float
    failed: int


def measure(url: str, connections: int, seconds: int, lua: Path | None = None, header: str | None = None) -> Measured:
    """Load an address for so many seconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
    command += ["-s", str(lua)] if lua else []
    command += ["-H", header] if header else []
    return parse(subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout)


def parse(report: str) -> Measured:
    """Read the report of `wrk --latency`."""
    at = {share: float(value) * MS[unit] for share, value, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", report)}
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    assert rate, report
    return Measured(at["50"], at["99"], float(rate[1]), int(failed[1]) if failed else 0)


class Memory:
    """Watches the resident memory of a process and its descendants while the `with` block runs."""

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self.peak_mb = max(self.peak_mb, resident_mb(self._pid))


def cpu_s(pid: int) -> float:
    """CPU time that a process and its living descendants have taken."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [int(c) for path in Path(f"/proc/{pid}/task").glob("*/children") for c in path.read_text().split()]
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_s, children))


def resident_mb(pid: int) -> float:
    """Megabytes in memory of a process and its descendants; a page that they share counts once for all."""
    try:
        status = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = [int(c) for path in Path(f"/proc/{pid}/task").glob("*/children") for c in path.read_text().split()]
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", status, re.MULTILINE)
    return (int(found[1]) / 1024 if found else 0.0) + sum(map(resident_mb, children))
