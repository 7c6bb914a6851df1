"""Whether the store answers: asked now and then by a thread, so that no request has to."""

import logging
import threading

from core.errors import StartError, StoreError
from objects.probe import answers, probe
from objects.store import ObjectStore

LOOK_S = 5.0

logger = logging.getLogger(__name__)


class StoreWatch:
    """Looks after a store from `start` on. It is probed when it answers for the first time."""

    def __init__(self, store: ObjectStore, name: str) -> None:
        """`name` is for texts."""
        self._store, self._name = store, name
        self._fault: str | None = "not asked yet"
        self._is_probed = False
        self._stop = threading.Event()

    @property
    def is_up(self) -> bool:
        """Whether the last look found it, as one that can be used."""
        return self._fault is None

    def start(self) -> None:
        """Look now and every few seconds."""
        threading.Thread(target=self._watch, name="store-watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def look(self) -> None:
        """Ask it. What changes is logged."""
        fault = self._ask()
        if fault and fault != self._fault:
            logger.warning("the store cannot be used: %s", fault)
        elif self._fault and not fault:
            logger.info("the store answers: %s", self._name)
        self._fault = fault

    def _ask(self) -> str | None:
        try:
            if not self._is_probed:
                probe(self._store, self._name)
                self._is_probed = True
            answers(self._store)
        except (StoreError, StartError) as error:
            return str(error)
        return None

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except Exception:
                logger.exception("the store was not asked")
            self._stop.wait(LOOK_S)
