"""The API's memory over 100,000 requests, round after round: `python -m bench.flat`. The load comes from wrk.

Each request draws another number of images, of another seed, in another format.
"""

import tempfile
from pathlib import Path

from bench.load import measure, resident_mb
from bench.serve import ours

REQUESTS, ROUND_S, CONNECTIONS = 100_000, 15, 16
MIXED = """
local formats = {"png", "png", "png", "webp", "json", "npz", "zip"}
local count = 0
function request()
  count = count + 1
  local n = 1 + count % 9
  return wrk.format("GET", "/generate?n=" .. n .. "&seed=" .. count .. "&format=" .. formats[1 + count % #formats])
end
"""


def main() -> None:
    """Load it, and print what it holds."""
    server, answered = ours(), 0.0
    script = Path(tempfile.mkdtemp()) / "mixed.lua"
    script.write_text(MIXED)
    server.start()
    try:
        print("| requests | resident MB | failed |\n|---|---|---|")
        while answered < REQUESTS:
            round_ = measure(server.base, CONNECTIONS, ROUND_S, script)
            answered += round_.per_s * ROUND_S
            print(f"| {answered:,.0f} | {resident_mb(server.process.pid):.0f} | {round_.failed} |", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
