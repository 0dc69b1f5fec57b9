"""The one form of all benchmarks: both sides in one run, a table for people, JSON for machines."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = ("salesops", "duckdb", "ibis-framework", "pandas", "papermill", "nbconvert")


@dataclass(frozen=True)
class Row:
    """One comparison. `target` is a sentence; `met` says whether it holds, None where there is no target."""

    what: str
    ours: float
    theirs: float | None
    unit: str
    target: str
    met: bool | None

    @property
    def ratio(self) -> float | None:
        """How many times theirs takes as long as ours."""
        return self.theirs / self.ours if self.theirs is not None and self.ours else None


def seconds(command: Sequence[str | Path], *, runs: int = 3) -> float:
    """Return the median wall time of a command, started afresh each time."""
    return statistics.median(timed(lambda: _run(command)) for _ in range(runs))


def timed(work: Callable[[], object]) -> float:
    """Return the wall time of a call in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def publish(name: str, rows: Iterable[Row]) -> None:
    """Print the table, each row as soon as it is measured, and write build/bench/NAME.json."""
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        + ", ".join(f"{package} {version(package)}" for package in NAMED))  # fmt: skip  # one sentence
    say(f"{'what':58} {'ours':>9} {'theirs':>9} {'theirs ÷ ours':>13}  target")
    listed = []
    for row in rows:
        theirs = "–" if row.theirs is None else f"{row.theirs:.2f}"
        ratio = "–" if row.ratio is None else f"{row.ratio:.2f}×"
        verdict = "" if row.met is None else (" met" if row.met else " MISSED")
        say(f"{row.what:58} {row.ours:9.2f} {theirs:>9} {ratio:>13}  {row.target}{verdict}")
        listed.append({**asdict(row), "ratio": row.ratio})
    (folder / f"{name}.json").write_text(json.dumps(listed, indent=1) + "\n")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
