"""The API in 1, 2 and 4 processes on the cores of this machine: grids a second, and memory.

python -m bench.processes
"""

import argparse
import os

from bench.serve import ours

PROCESSES = (1, 2, 4)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.processes", description="The API in several processes.")
    parser.add_argument("--seconds", type=int, default=6, help="of load for each figure")
    seconds = parser.parse_args().seconds
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start")
    print("| processes | n | connections | grids/s | p50 ms | p99 ms | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for processes in PROCESSES:
        server = ours(DIGITFORGE_API_PROCESSES=str(processes))
        server.start()
        try:
            server.load(seconds)
        finally:
            server.stop()
        for (n, connections), found in server.results.items():
            cells = [processes, n, connections, f"{found.per_s:.0f}", f"{found.p50_ms:.1f}", f"{found.p99_ms:.1f}"]
            print("| " + " | ".join(map(str, [*cells, f"{server.peak_mb:.0f}"])) + " |", flush=True)


if __name__ == "__main__":
    main()
