"""Fixtures that all tests share."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import examples
import pytest
from compiled import compiled_once
from hypothesis import HealthCheck, Phase, settings
from kept_pool import KeptPool, in_place_of_others
from unasked import stirred_results

from salesops.book.source import Book, open_book
from salesops.errors import PressError
from salesops.press.pdf import find_browser

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("SALESOPS_SHARED", ROOT.parent / "shared"))

# what people, or GitHub, set for their terminals changes what commands print; a shelf of theirs, what is computed
OF_PEOPLE = ("COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "NO_COLOR", "PY_COLORS", "SALESOPS_SHELF", "TERMINAL_WIDTH")

# the same examples at each run, however slow the machine; other ones: --hypothesis-profile=search. Of all that a law
# names (`examples.of`) a quarter is tried by default, and the whole by `make test-all`
CALM = (HealthCheck.too_slow,)  # it measures the machine
FOUND = (Phase.explicit, Phase.reuse, Phase.generate)  # a failing example as it is found, without minutes of shrinking
SAME = {"deadline": None, "derandomize": True, "suppress_health_check": CALM}
settings.register_profile("some", max_examples=25, **SAME)
settings.register_profile("all", max_examples=examples.ALL, **SAME)
settings.register_profile("search", deadline=None, max_examples=examples.ALL, suppress_health_check=CALM)
settings.register_profile("quick", max_examples=10, phases=FOUND, **SAME)
settings.load_profile("some")


def pytest_configure() -> None:
    """Make the surroundings of the tests the same everywhere, also for the workers and whatever else this starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell turns Ctrl-C off for what runs in the background
    for name in OF_PEOPLE:
        os.environ.pop(name, None)
    os.environ["SALESOPS_REDACT_KEY"] = "the key of pseudonyms in tests"  # else one is made in the home of who tests
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers share the processors: more threads only wait
    gc.set_threshold(100_000, 50, 100)  # expressions of Ibis are many small objects: a sixth of the time went here


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a worker tests that stand together, for their fixtures are made once, and what is left to who is idle."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getvalue("dist") == "load" else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `make quick` asks for."""
    parser.addoption("--quick", action="store_true", help="only tests of single functions, which open no book")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that want what the machine does not have; under CI they stay in and fail."""
    if config.getoption("quick"):
        left_out = [item for item in items if not _is_quick(item)]
        items[:] = [item for item in items if _is_quick(item)]
        config.hook.pytest_deselected(items=left_out)
    if os.environ.get("CI") == "true":
        return
    wanting: dict[str, list[pytest.Item]] = {}
    for item in items:
        if not SHARED.is_dir() and "shared" in getattr(item, "fixturenames", ()):
            wanting.setdefault(f"on real data left out: no folder {SHARED}. Set SALESOPS_SHARED.", []).append(item)
        elif item.get_closest_marker("browser") and not _has_browser():
            wanting.setdefault(f"in a browser left out: {BRING_A_BROWSER}", []).append(item)
    for left_out in wanting.values():
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    counts = {why: len(left_out) for why, left_out in wanting.items()}
    config.stash[LEFT_OUT] = counts
    if hasattr(config, "workeroutput"):
        config.workeroutput["left out"] = counts


# a test of a single function takes none of these: what opens a book, writes one or starts a program does
OF_BOOKS = {"company_book", "sample", "shared", "tmp_path", "tmp_path_factory"}
SLOW = ("browser", "press", "widgets", "models/churn", "models/lifetime", "models/plays")  # processes, and worlds


def _is_quick(item: pytest.Item) -> bool:
    path = item.path.relative_to(ROOT / "tests").as_posix()
    marked = any(item.get_closest_marker(name) for name in ("long", "browser", "hypothesis"))
    return not marked and not path.startswith(SLOW) and OF_BOOKS.isdisjoint(getattr(item, "fixturenames", ()))


LEFT_OUT = pytest.StashKey[dict[str, int]]()
BRING_A_BROWSER = "no Chromium or Chrome here. One comes with: apt-get install chromium (as root)."


def _has_browser() -> bool:
    try:
        return bool(find_browser())
    except PressError:
        return False


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over from a worker, all of which collect the same tests, what it left out."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left out", {})


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say at the very end which tests were left out, how many, and what brings them in."""
    if hasattr(config, "workeroutput"):
        return
    for why, count in config.stash.get(LEFT_OUT, {}).items():
        print(f"{count} test{'' if count == 1 else 's'} {why}", flush=True)  # noqa: T201  pytest's own lines are done


@pytest.fixture(scope="session", autouse=True)
def nothing_rests_on_the_order_of_rows() -> Iterator[None]:
    """Rows come in no order but one asked for."""
    with stirred_results():
        yield


@pytest.fixture(scope="session", autouse=True)
def an_expression_is_compiled_once() -> Iterator[None]:
    """Books of the same tables are asked in the same words."""
    with compiled_once():
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


@pytest.fixture(scope="session")
def company_book(sample: Path) -> Book:
    """The sample company, open once for all tests: what one of them has asked of it, others need not ask again."""
    return open_book(sample)


@pytest.fixture(scope="session")
def kept_pool() -> Iterator[KeptPool]:
    """A pool of the press for all tests in which the press is not what is tried."""
    pool = KeptPool(())
    yield pool
    pool.end()


@pytest.fixture
def one_parent(kept_pool: KeptPool) -> Iterator[None]:
    """Let each run of a test fork its reports from the parent that stays."""
    with in_place_of_others(kept_pool):
        yield
