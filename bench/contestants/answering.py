"""The protocol of a contestant; it needs no package, so that each can run in an environment of its own."""

import json
import resource
import sys
from collections.abc import Callable


def answer(measure: Callable[[int, int], float]) -> None:
    """Answer each line of standard input with what `measure(batch_size, steps)` gives."""
    for line in sys.stdin:
        batch_size, steps = map(int, line.split())
        rate = measure(batch_size, steps)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"rate": rate, "peak_mb": peak_mb}), flush=True)
