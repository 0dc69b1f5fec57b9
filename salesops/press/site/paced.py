"""The index while reports are made: true at each moment, and not often written anew."""

from __future__ import annotations

import time
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from salesops.press.ledger import Ledger
from salesops.press.site import write_index

_LEAST = 1.0  # seconds between two indexes
_SHARE = 20  # writing takes at most this part of the time


class PacedIndex:
    """The index of a folder in which reports are made.

    Raises
    ------
    PressError
        If the ledger, from which it is written, is damaged.
    """

    def __init__(self, out: Path, ledger: Ledger) -> None:
        self._out, self._ledger = out, ledger
        self._ledger.entries()  # better known now than after the first report
        self._changed, self._next = False, 0.0

    def change(self) -> None:
        """Note that the index is no longer what the ledger says."""
        self._changed = True

    def tick(self) -> None:
        """Write the index if it has changed and it is time; one for which there is no room is written later."""
        if self._changed and time.monotonic() >= self._next:
            with suppress(OSError):
                self.write()

    def write(self, *, without: Container[str] = ()) -> Path:
        """Write the index, without some reports by their ids, and return the path of its page.

        Raises OSError if there is no room for it; the last one stays.
        """
        began = time.monotonic()
        self._changed, self._next = False, began + _LEAST  # also if it fails
        entries = [entry for entry in self._ledger.entries() if entry["id"] not in without]
        page = write_index(self._out, entries, self._ledger.unplanned())
        took = time.monotonic() - began
        self._next = began + max(_LEAST, took * _SHARE)
        return page
