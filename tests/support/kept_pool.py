"""A pool of the press whose parent stays for many runs: to start one takes longer than the reports of most tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from salesops.press import run
from salesops.press.plan import Report
from salesops.press.pool import Pool
from salesops.press.warm.pool import WarmPool


class KeptPool(WarmPool):
    """A pool that ends with a run only if reports still run then."""

    def close(self) -> None:
        if self.running:
            self.end()

    def end(self) -> None:
        super().close()


@contextmanager
def in_place_of_others(kept: KeptPool) -> Iterator[None]:
    """Let each run whose engine nobody names take this pool."""
    started = run._pool

    def pool(engine: run.Engine, reports: Sequence[Report]) -> Pool:
        return kept if engine == "auto" and run.warm_works() else started(engine, reports)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "_pool", pool)
        yield
