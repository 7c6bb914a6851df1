"""A large upload: how long it takes, what it costs the API's memory, and what other requests feel of it.

python -m bench.uploads
"""

import argparse
import os
import subprocess
import threading
import time
from pathlib import Path

from bench.load import Measured, Memory, measure, resident_mb
from bench.serve import Server, ours

MB = 1_000_000
TURNS = 5


def send(server: Server, file: Path) -> float:
    """Upload a file, and the seconds that it took."""
    headers = [f"Upload-Length: {file.stat().st_size}", "Content-Type: application/offset+octet-stream"]
    command = ["curl", "-sf", "-o", os.devnull, "-X", "POST", "-T", str(file), f"{server.base}/uploads"]
    began = time.monotonic()
    subprocess.run([*command, *(part for header in headers for part in ("-H", header))], check=True)
    return time.monotonic() - began


def during(server: Server, file: Path, seconds: int) -> tuple[Measured, int]:
    """The load of one client while files are uploaded without a pause, and how many were begun meanwhile."""
    stop, sent = threading.Event(), 0

    def upload() -> None:
        nonlocal sent
        while not stop.is_set():
            send(server, file)
            sent += 1

    uploading = threading.Thread(target=upload)
    uploading.start()
    try:
        measured = measure(f"{server.base}/generate", 1, seconds)
    finally:
        stop.set()
        uploading.join()
    return measured, sent


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.uploads", description="A large upload.")
    parser.add_argument("--mb", type=int, default=100, help="megabytes of the file")
    parser.add_argument("--seconds", type=int, default=10, help="of load for each figure")
    arguments = parser.parse_args()
    server = ours(DIGITFORGE_API_PROCESSES="1")
    server.start()
    try:
        file = server.folder / "file"
        file.write_bytes(os.urandom(arguments.mb * MB))
        print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start")
        idle = measure(f"{server.base}/generate", 1, arguments.seconds)
        before_mb = resident_mb(server.process.pid)
        with Memory(server.process.pid) as memory:
            alone_s = sorted(send(server, file) for _ in range(TURNS))[TURNS // 2]
            loaded, sent = during(server, file, arguments.seconds)
    finally:
        server.stop()
    print(f"{arguments.mb} MB in {alone_s:.2f} s alone, the median of {TURNS}")
    print(f"{before_mb:.0f} MB resident before, {memory.peak_mb:.0f} MB at most")
    print("| one client of /generate | grids/s | p50 ms | p99 ms |")
    print("|---|---|---|---|")
    for name, found in (("idle", idle), (f"during {sent} uploads", loaded)):
        print(f"| {name} | {found.per_s:.0f} | {found.p50_ms:.1f} | {found.p99_ms:.1f} |")


if __name__ == "__main__":
    main()
