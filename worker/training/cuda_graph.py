"""Work on a GPU that is recorded once and then launched as a whole: a CUDA graph.

A step of these networks is some hundred small operations, most of which a GPU ends sooner than the host launches the
next one. Source: the notes on CUDA semantics in torch's documentation, "CUDA Graphs".
"""

from collections.abc import Callable

import torch

WARM_UP_CALLS = 3  # in which libraries choose their kernels and allocate what they need


class CudaGraph:
    """A function whose every call is the same operations on the same tensors.

    The first calls run it as it is, the next one records it; that one and all later ones launch the recording. Random
    numbers come from the state that torch's generator of the GPU has before each launch.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._calls = 0
        self._graph = torch.cuda.CUDAGraph()
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def __call__(self) -> None:
        """Do the work on the current stream."""
        self._calls += 1
        if self._calls <= WARM_UP_CALLS:
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                self._work()
            torch.cuda.current_stream().wait_stream(self._stream)
            return
        if self._calls == WARM_UP_CALLS + 1:
            with torch.cuda.graph(self._graph, stream=self._stream):
                self._work()
        self._graph.replay()
