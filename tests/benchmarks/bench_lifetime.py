"""Fitting lifetime models, side by side with lifetimes 0.11.3, with and without its weights.

lifetimes runs in a process of its own, since its import changes the warnings and options of pandas; only its fits are
timed, not its start. LIFETIMES_PYTHON names the interpreter that has it, this one by default. Our time includes
finding the distinct rows; the time with weights includes finding them by pandas.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import Row, publish, say, timed

from salesops.models.lifetime import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from salesops.models.lifetime.purchase_model import PurchaseModel
from salesops.models.lifetime.rows import read_histories

THEIRS = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd, lifetimes
name, path, runs, weighted = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "True"
columns = np.load(path)
x, t_x, T = columns["x"], columns["t_x"], columns["T"]
for _ in range(runs):
    start = time.perf_counter()
    model = getattr(lifetimes, name)()
    if weighted:
        table = pd.DataFrame({"x": x, "t_x": t_x, "T": T}).groupby(["x", "t_x", "T"]).size().reset_index(name="n")
        model.fit(table.x, table.t_x, table["T"], weights=table.n)
    else:
        model.fit(x, t_x, T)
    print(json.dumps({"seconds": time.perf_counter() - start, "params": dict(model.params_.astype(float))}))
"""
FITTERS = {BetaGeoNBD: "BetaGeoFitter", ModifiedBetaGeoNBD: "ModifiedBetaGeoFitter", ParetoNBD: "ParetoNBDFitter"}
CASES: list[tuple[type[PurchaseModel], int, int, float | None]] = [
    (BetaGeoNBD, 100_000, 3, 5),
    (BetaGeoNBD, 1_000_000, 1, 25),
    (ModifiedBetaGeoNBD, 100_000, 3, None),
    (ParetoNBD, 100_000, 1, 10),
]


def main() -> None:
    """Fit the same customers on both sides and publish the table."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for model, count, runs, target in CASES:
            customers = Path(scratch) / f"{count}.npz"
            columns = _customers(count)
            np.savez(customers, **columns)
            rows += _compare(model, customers, columns, runs, target)
    publish("lifetime", rows)


def _compare(
    model: type[PurchaseModel], path: Path, columns: dict[str, np.ndarray], runs: int, target: float | None
) -> list[Row]:
    x, t_x, T = columns.values()
    fitted = model()
    ours = statistics.median(timed(lambda: fitted.fit(x, t_x, T)) for _ in range(5))
    name = f"{model.__name__}, {len(x):,}"
    say(f"{name} customers, {len(read_histories(x, t_x, T).n):,} distinct: {fitted.message_}")
    plain, weighted = (_theirs(FITTERS[model], path, runs, weighted, fitted.params_) for weighted in (False, True))
    limit, met = ("–", None) if target is None else (f"≥ {target:g}×", plain / ours >= target)
    return [
        Row(f"{name} / lifetimes", ours, plain, "s", limit, met),
        Row(f"{name} / lifetimes with weights", ours, weighted, "s", "–", None),
    ]


def _theirs(fitter: str, path: Path, runs: int, weighted: bool, ours: dict[str, float]) -> float:
    """Return the median seconds of a fit; both sides must agree on the parameters."""
    python = os.environ.get("LIFETIMES_PYTHON", sys.executable)
    command = [python, "-c", THEIRS, fitter, str(path), str(runs), str(weighted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"lifetimes did not run in {python}. Install lifetimes==0.11.3 there.\n{done.stderr[-2000:]}")
    fits = [json.loads(line) for line in done.stdout.splitlines()]
    apart = max(abs(fits[0]["params"][name] / value - 1) for name, value in ours.items())
    say(f"  {fitter}{' with weights' if weighted else ''}: parameters apart by {apart:.1e} at most")
    if apart > 0.01:
        raise SystemExit(f"The two sides differ: {ours} and {fits[0]['params']}.")
    return statistics.median(fit["seconds"] for fit in fits)


def _customers(count: int) -> dict[str, np.ndarray]:
    """Customers of a CDNOW-like shop, dated by the day and counted in weeks."""
    rng = np.random.default_rng(1)
    T = rng.integers(27 * 7, 39 * 7 + 1, count)
    rate, leaves = rng.gamma(0.55, 1 / (10.6 * 7), count), rng.gamma(0.6, 1 / (11.7 * 7), count)
    seen = np.minimum(rng.exponential(1 / np.maximum(leaves, 1e-300)), T)
    x = rng.poisson(rate * seen)
    # the latest of x days at random
    last = np.where(x > 0, np.ceil(seen * rng.random(count) ** (1 / np.maximum(x, 1))), 0)
    return {"x": x, "t_x": np.minimum(last, T) / 7, "T": T / 7}


if __name__ == "__main__":
    main()
