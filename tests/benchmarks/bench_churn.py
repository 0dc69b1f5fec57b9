"""Churn at scale: exact reasons beside TreeSHAP on the same trees, and a million clients from fit to reasons.

Reasons: 100,000 clients with 30 features, the contributions of every feature and the top three of each client, ours by
look-up and shap's TreeExplainer on the very booster that we fitted, in one process; the largest difference is printed.
Once with the small trees that we use, once with trees of scikit-learn's usual size: the cost of TreeSHAP grows with
them, that of a look-up does not. TreeSHAP takes a part of the rows, and its time is scaled to all: it is linear in
them. Both are the best of three. A million: fit with calibration, chances and reasons of all rows, each model in a
process of its own with one thread, and its peak memory.

SALESOPS_SHAP names a Python that has shap 0.51; without it the one that runs this is tried.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from measure import ROOT, Row, publish, say

THEIRS = os.environ.get("SALESOPS_SHAP", sys.executable)
CLIENTS, MILLION, EXPLAINED = 100_000, 1_000_000, 2_000
SIZES = {
    "trees of 3 leaves, as we fit": {},
    "trees of 31 leaves, scikit-learn's size": {"max_iter": 100, "max_leaf_nodes": 31},
}

WORLD = """
import json, resource, sys, time
import numpy as np, pandas as pd
from salesops.models.churn import AdditiveChurn, LogisticChurn
from salesops.models.churn.reasons import top_features

def world(rows):
    rng = np.random.default_rng(7)
    columns = {f"f{n}": rng.normal(size=rows) if n % 3 else rng.exponential(size=rows) for n in range(30)}
    table = pd.DataFrame(columns)
    table.loc[rng.random(rows) < 0.1, "f4"] = np.nan
    # every feature matters, some more, one in a curve
    score = -2 + 0.8 * table.f0 - 0.5 * table.f1 + np.sin(2 * table.f2) + 0.15 * table.fillna(0).sum(axis=1)
    return table, rng.random(rows) < 1 / (1 + np.exp(-score.to_numpy()))
"""
SIDE_BY_SIDE = """
rows, explained, size = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
table, lost = world(rows)
model = AdditiveChurn(**size).fit(table, lost)
model.contributions(table.head(100))
def best(work):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - start)
    return min(times), found

ours, (parts, top) = best(lambda: ((parts := model.contributions(table)), top_features(parts)))
import shap
bins = model._with_gaps(model._bins(model.columns_.read(table.head(explained))))
explainer = shap.TreeExplainer(model.booster_)
explainer.shap_values(bins[:10])
seconds, theirs = best(lambda: explainer.shap_values(bins))
theirs_seconds = seconds * rows / explained
# shap sets each feature against its mean by the covers of the trees, which are those of the fit
gap = float(np.abs(theirs * model.slope_ - parts.to_numpy()[:explained]).max())
print(json.dumps({"ours": ours, "theirs": theirs_seconds, "gap": gap}))
"""
LARGE = """
rows, name = int(sys.argv[1]), sys.argv[2]
table, lost = world(rows)
start = time.perf_counter()
model = {"logistic": LogisticChurn(), "additive": AdditiveChurn()}[name].fit(table, lost)
fitted = time.perf_counter() - start
p = model.predict_proba(table)[:, 1]
scored = time.perf_counter() - start - fitted
top = top_features(model.contributions(table))
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"seconds": seconds, "fit": fitted, "score": scored, "peak": peak}))
"""


def main() -> None:
    """Measure, and print with targets."""
    rows = [*_reasons(), *(row for name in ("logistic", "additive") for row in _million(name))]
    publish("churn", rows)


def _reasons() -> list[Row]:
    rows = []
    for name, size in SIZES.items():
        found = _run(THEIRS, SIDE_BY_SIDE, CLIENTS, EXPLAINED, json.dumps(size))
        if found is None:
            say("shap is not installed: reasons are not measured. Set SALESOPS_SHAP.")
            return []
        say(f"{name}: largest difference to TreeSHAP {found['gap']:.1e} log-odds")
        met = found["ours"] <= 0.5 and found["theirs"] / found["ours"] >= 30
        rows.append(Row(f"reasons of {CLIENTS:,}: {name}", found["ours"], found["theirs"], "s", "≤ 0.5 s, ≥ 30×", met))
    return rows


def _million(name: str) -> list[Row]:
    found = _run(sys.executable, LARGE, MILLION, name)
    if found is None:
        raise RuntimeError("The fit of a million needs no shap.")
    say(f"{name}: fit {found['fit']:.1f} s, chances {found['score']:.1f} s")
    return [
        Row(f"{MILLION:,} × 30, {name}: fit, chances, reasons", found["seconds"], None, "s", "≤ 60 s",
            found["seconds"] <= 60),
        Row(f"{MILLION:,} × 30, {name}: peak memory", found["peak"], None, "GB", "≤ 4 GB", found["peak"] <= 4),
    ]  # fmt: skip  # one row a line


def _run(python: str, code: str, *arguments: object) -> dict[str, Any] | None:
    """Run one side in a process of its own, on one thread; None if it has not got shap."""
    command = [python, "-W", "ignore", "-c", WORLD + code, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if "No module named 'shap'" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return last


if __name__ == "__main__":
    main()
