"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from unasked import stirred_results

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("SALESOPS_SHARED", ROOT.parent / "shared"))

# the same examples at each run, however slow the machine; other ones: --hypothesis-profile=search
CALM = (HealthCheck.too_slow,)  # it measures the machine
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=CALM)
settings.register_profile("search", deadline=None, suppress_health_check=CALM)
settings.load_profile("same")


def pytest_configure() -> None:
    """Listen to Ctrl-C, which a shell turns off for what it runs in the background, and for all that this starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests on real data where the folder is absent; under CI they stay in and fail."""
    if SHARED.is_dir() or os.environ.get("CI") == "true":
        return
    left_out = [item for item in items if "shared" in getattr(item, "fixturenames", ())]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
        config.stash[LEFT_OUT] = len(left_out)


LEFT_OUT = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line that tests on real data were left out."""
    if LEFT_OUT in config.stash:
        terminalreporter.write_line(
            f"{config.stash[LEFT_OUT]} tests on real data left out: no folder {SHARED}. Set SALESOPS_SHARED."
        )


@pytest.fixture(scope="session", autouse=True)
def nothing_rests_on_the_order_of_rows() -> Iterator[None]:
    """Rows come in no order but one asked for."""
    with stirred_results():
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real data sets."""
    assert SHARED.is_dir(), f"The real data is not at {SHARED}. Set SALESOPS_SHARED."
    return SHARED


@pytest.fixture(scope="session")
def sample() -> Path:
    """The committed sample company."""
    return ROOT / "data" / "sample"
