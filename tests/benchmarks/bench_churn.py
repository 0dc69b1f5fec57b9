"""Churn held against what is planted in invented companies, and churn at scale.

Planted: `salesops sample` of ten seeds each. 101 to 110 are those that the definitions were tuned on; 201 to 210 are
run once. Each seed is a process of its own, and its figures stay in build/bench/churn, so that an interrupted run goes
on where it ended. `bench_churn.py --fresh` measures anew; `--scale` leaves the companies out.

- Buys again: of the clients lost at the end of a horizon of the usual length, after five cuts 30 days apart of which
  the last has a whole year after it, the share who bought by a year after the cut.
- Lift: among the clients with a rhythm, the share of planted churners who had stopped before the cut in the tenth that
  the page rates highest ÷ their share in all; at the last day, and a horizon and two before it. Beside it the same for
  silence ÷ the 95% point of the own gaps, and for days of silence.
- Calls: of the calls that the page makes on its default terms on these days, the share that goes to planted churners
  who stopped by the end of the horizon, and the share to project, lumpy or seasonal clients who did not stop.
- Range: whether the range that the page of a horizon ago printed for the next slice's AUC holds the AUC of that slice.
- Money: the money that segments expect in 13 weeks on a day 13 weeks before the end, against what came.

Reasons: 100,000 clients with 30 features, the contributions of every feature and the top three of each client, ours by
look-up and shap's TreeExplainer on the very booster that we fitted, in one process; the largest difference is printed.
Once with the small trees that we use, once with trees of scikit-learn's usual size: the cost of TreeSHAP grows with
them, that of a look-up does not. TreeSHAP takes a part of the rows, and its time is scaled to all: it is linear in
them. Both are the best of three. A million: fit with calibration, chances and reasons of all rows, each model in a
process of its own with one thread, and its peak memory.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import ROOT, Row, publish, say

TUNED, HELD_OUT = range(101, 111), range(201, 211)
FOUND = ROOT / "build" / "bench" / "churn"

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


PLANTED = """
import json, sys, warnings
from datetime import timedelta
from pathlib import Path
import numpy as np, pandas as pd
from salesops import open_book
from salesops.book.horizon import default_as_of
from salesops.models.churn.calls import Terms
from salesops.pages.churn.findings import churn_review
from salesops.models.churn.scores import lift
from salesops.models.ranking import auc
from salesops.pages.segments.findings import customer_segments
from salesops.models.rhythm import client_rhythms, purchase_days
warnings.simplefilter("ignore")

book = open_book(sys.argv[1])
truth = json.loads((Path(sys.argv[1]) / "truth.json").read_text())
kind = truth["segments"]
stopped = {key: pd.Timestamp(gone["stopped_on"]) for key, gone in truth["churned"].items()}
last = default_as_of(book)
days = purchase_days(book, last)
bought = days.filter(days.is_purchase).select("account_id", "day").to_pandas()
bought["day"] = pd.to_datetime(bought.day)

def again():
    lost = back = 0
    for step in range(5):
        cut = last - timedelta(days=365 + 30 * step)
        table = client_rhythms(book, cut)
        table = table[table.rhythm & (table.hiatus_days < 365)]
        horizon = int(table.horizon_days.iloc[0])
        end, year = (pd.Timestamp(cut) + pd.Timedelta(days=days) for days in (horizon, 365))
        after = bought[bought.day > pd.Timestamp(cut)]
        silent = ~table.account_id.isin(after.account_id[after.day <= end])
        mine = table.account_id[silent & (table.hiatus_days + horizon > table.lost_after)]
        lost += len(mine)
        back += mine.isin(after.account_id[(after.day > end) & (after.day <= year)]).sum()
    return {"lost": lost, "again": int(back) / lost}

def page(cut):
    review = churn_review(book, cut, Terms())
    now = review.now
    table, end = now.table, pd.Timestamp(cut) + pd.Timedelta(days=now.horizon_days)
    when = table.account_id.map(stopped)
    gone = (when <= pd.Timestamp(cut)).to_numpy()
    # by the page's order: equal chances keep it
    silence = {"own rhythm": table.hiatus_ratio, "days": table.hiatus_days}
    scores = {"page": -np.arange(len(table)), **{name: found.to_numpy() for name, found in silence.items()}}
    called = review.calls.called.account_id
    right = called.map(stopped) <= end
    wrong = called.map(kind).isin(["project", "lumpy", "seasonal"]) & ~right
    test = now.backtest
    newest = test.scores[test.scores.newest.astype(bool) & test.scores.chosen.astype(bool)]
    return {
        "horizon": now.horizon_days, "model": now.model, "churners": int(gone.sum()),
        "lift": {name: lift(score, gone) for name, score in scores.items()},
        "calls": len(called), "right": int(right.sum()), "wrong": int(wrong.sum()),
        "talks": review.calls.counts["talk"],
        "range": [test.auc_low, test.auc_high], "auc": test.auc, "newest": float(newest.auc.iloc[0]),
    }

def held(horizon):
    # the page of two horizons ago, and the slice that was its next
    then = last - timedelta(days=horizon)
    before = churn_review(book, then, Terms(), horizon_days=horizon).now
    now = churn_review(book, last, Terms(), horizon_days=horizon).now
    came = now.outcomes[now.outcomes.cut == pd.Timestamp(then)].set_index("account_id").churned
    table = before.table[before.table.at_stake]
    known = table.account_id.map(came)
    found = auc(table.p_churn[known.notna()], known[known.notna()].astype(bool))
    low, high = before.backtest.auc_low, before.backtest.auc_high
    return {"low": low, "high": high, "came": found, "holds": bool(low <= found <= high)}

def money():
    then = last - timedelta(weeks=13)
    found = customer_segments(book, then).outlook
    known = customer_segments(book, then).now.table.set_index("account_id").total
    now = customer_segments(book, last).now.table.set_index("account_id").total
    came = float((now.reindex(known.index) - known).sum())
    return {"total": found.total, "low": found.low, "high": found.high, "came": came}

pages = [page(last - timedelta(days=90 * step)) for step in range(3)]
print(json.dumps({"again": again(), "pages": pages, "range": held(90), "money": money()}))
"""


def main() -> None:
    """Measure, and print with targets."""
    if "--fresh" in sys.argv:
        for kept in FOUND.glob("*.json"):
            kept.unlink()
    planted = [] if "--scale" in sys.argv else [*_planted("tuned on", TUNED), *_planted("run once", HELD_OUT)]
    if "--planted" in sys.argv:
        publish("churn_planted", planted)
        return
    rows = [*planted, *_reasons(), *(row for name in ("logistic", "additive") for row in _million(name))]
    publish("churn", rows)


def _planted(what: str, seeds: range) -> list[Row]:
    """Return the table of the planted figures over ten companies; each seed is measured once."""
    found = [_seed(seed) for seed in seeds]
    again = [one["again"]["again"] for one in found]
    pages = [page for one in found for page in one["pages"]]
    lifts = {name: statistics.mean(page["lift"][name] for page in pages) for name in ("page", "own rhythm", "days")}
    calls = sum(page["calls"] for page in pages)
    right, wrong = (sum(page[name] for page in pages) / calls for name in ("right", "wrong"))
    holds = sum(one["range"]["holds"] for one in found)
    width = statistics.median(one["range"]["high"] - one["range"]["low"] for one in found)
    inside = sum(one["money"]["low"] <= one["money"]["came"] <= one["money"]["high"] for one in found)
    bias = statistics.mean(one["money"]["total"] / one["money"]["came"] - 1 for one in found)
    say(f"seeds {seeds[0]} to {seeds[-1]}: horizons {sorted({page['horizon'] for page in pages})}, methods "
        f"{sorted({page['model'] for page in pages})}, {calls} calls, {sum(page['talks'] for page in pages)} of them "
        f"talks; lift by days of silence {lifts['days']:.2f}")  # fmt: skip  # one sentence
    name = f"{what} {seeds[0]}–{seeds[-1]}"
    mean = statistics.mean(again)
    return [
        Row(f"{name}: lost who buy again in a year, mean", mean, None, "", "≤ .15", mean <= 0.15),
        Row(f"{name}: lift, page / silence ÷ own 95%", lifts["page"], lifts["own rhythm"], "", "≥ 6, and not below",
            lifts["page"] >= 6 and lifts["page"] >= lifts["own rhythm"]),
        Row(f"{name}: calls to planted churners", right, None, "", "≥ .50", right >= 0.5),
        Row(f"{name}: calls to others who did not stop", wrong, None, "", "≤ .20", wrong <= 0.2),
        Row(f"{name}: ranges that hold the next AUC", holds / len(found), None, "", "≥ .8", holds >= 8),
        Row(f"{name}: their width, median", width, None, "", "≤ .20", width <= 0.2),
        Row(f"{name}: money in its 80% interval", inside / len(found), None, "", "≥ .7", inside >= 7),
        Row(f"{name}: bias of the money, mean", bias, None, "", "± .05", abs(bias) <= 0.05),
    ]  # fmt: skip  # one row a line


def _seed(seed: int) -> dict[str, Any]:
    """Return the figures of one invented company; made and measured once."""
    kept = FOUND / f"{seed}.json"
    if not kept.exists():
        say(f"seed {seed}")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([Path(sys.executable).parent / "salesops", "sample", folder, "--seed", str(seed),
                                   "--size", "small"], capture_output=True, text=True, check=False)  # fmt: skip
            if done.returncode:
                raise RuntimeError(done.stderr[-2000:])
            found = _run(PLANTED, folder, head="")
        FOUND.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found) + "\n")
    measured: dict[str, Any] = json.loads(kept.read_text())
    return measured


def _reasons() -> list[Row]:
    rows = []
    for name, size in SIZES.items():
        found = _run(SIDE_BY_SIDE, CLIENTS, EXPLAINED, json.dumps(size))
        say(f"{name}: largest difference to TreeSHAP {found['gap']:.1e} log-odds")
        met = found["ours"] <= 0.5 and found["theirs"] / found["ours"] >= 30
        rows.append(Row(f"reasons of {CLIENTS:,}: {name}", found["ours"], found["theirs"], "s", "≤ 0.5 s, ≥ 30×", met))
    return rows


def _million(name: str) -> list[Row]:
    found = _run(LARGE, MILLION, name)
    say(f"{name}: fit {found['fit']:.1f} s, chances {found['score']:.1f} s")
    return [
        Row(f"{MILLION:,} × 30, {name}: fit, chances, reasons", found["seconds"], None, "s", "≤ 60 s",
            found["seconds"] <= 60),
        Row(f"{MILLION:,} × 30, {name}: peak memory", found["peak"], None, "GB", "≤ 4 GB", found["peak"] <= 4),
    ]  # fmt: skip  # one row a line


def _run(code: str, *arguments: object, head: str = WORLD) -> dict[str, Any]:
    """Run one side in a process of its own, on one thread."""
    command = [sys.executable, "-W", "ignore", "-c", head + code, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return last


if __name__ == "__main__":
    main()
