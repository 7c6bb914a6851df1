"""What was made for the last few thousand keys, because the same requests come again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

KEPT = 4096
LONGEST = 512  # bytes of what a client sends in a key; what is made for longer ones is not kept

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Values by their keys, each a pure function of its key. For use on the event loop."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, Value] = OrderedDict()  # least recently used first

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made where it is not here. What `make` raises is not kept."""
        try:
            self._values.move_to_end(key)
            return self._values[key]
        except KeyError:
            value = self._values[key] = make()
        if len(self._values) > KEPT:
            self._values.popitem(last=False)
        return value
