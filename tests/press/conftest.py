"""What the tests of the press share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from salesops.press import run
from salesops.press.plan import Report
from salesops.press.pool import Pool
from salesops.press.warm.pool import WarmPool


class KeptPool(WarmPool):
    """A pool whose parent stays for the runs to come; with reports that still run, it ends as any other."""

    def close(self) -> None:
        if self.running:
            self.end()

    def end(self) -> None:
        super().close()


@pytest.fixture(scope="session")
def kept_pool() -> Iterator[KeptPool]:
    pool = KeptPool(())
    yield pool
    pool.end()


@pytest.fixture
def one_parent(kept_pool: KeptPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run of the test fork its reports from the same parent: to start one takes longer than the reports."""

    def pool(engine: str, reports: Sequence[Report]) -> Pool:
        return kept_pool if engine == "auto" and run.warm_works() else started(engine, reports)

    started = run._pool
    monkeypatch.setattr(run, "_pool", pool)
