"""What may take long calls a tick now and then. A tick ends it by raising."""

from collections.abc import Callable

Tick = Callable[[], object]


def no_tick() -> None:
    """A tick that does nothing."""
