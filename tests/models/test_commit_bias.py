"""Commit bias: calls as known then, by hand, drawn to the team as far as few quarters ask for it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from books import Row, Rows, make_book

from salesops.book.source import Book, open_book
from salesops.models.forecast.commits import commit_bias
from salesops.periods import parse_period

NOW = date(2026, 11, 10)
QUARTERS = [parse_period(f"{year}-Q{quarter}") for year in (2025, 2026) for quarter in (1, 2, 3, 4)][:-1]


def company(folder: Path, kept: dict[str, list[float]], *, category: str = "Commit") -> Book:
    """Each rep wins 100 in each quarter out of so much in Commit; what is not won slips, and is lost years later."""
    deals: Rows = []
    history: Rows = []
    for user, calls in kept.items():
        for quarter, call in zip(QUARTERS, calls, strict=True):
            for part, amount in (("won", 100.0), ("slips", call - 100.0)):
                if amount <= 0:
                    continue
                key = f"{user}-{quarter}-{part}"
                won = part == "won"
                deals.append(
                    {
                        "opportunity_id": key,
                        "owner_id": user,
                        "amount": amount,
                        "created_date": quarter.start - timedelta(days=5),
                        "close_date": quarter.end if won else "2030-01-01",
                        "is_closed": won,
                        "is_won": won,
                        "forecast_category": category,
                    }
                )
                since = (quarter.start - timedelta(days=5)).isoformat()
                told: Row = {"opportunity_id": key, "valid_from": since}
                values = {"amount": amount, "close_date": quarter.end, "forecast_category": category, "stage_name": "X"}
                history += [{**told, "field_name": name, "new_value": str(value)} for name, value in values.items()]
                if not won:
                    moved = {"field_name": "close_date", "new_value": "2030-01-01", "valid_from": quarter.end}
                    history.append({**told, **moved})
    first: Row = {"owner_id": "Z", "close_date": "2024-12-31", "is_closed": True, "created_date": "2024-12-01"}
    users: Rows = [{"user_id": user} for user in [*kept, "Z"]]
    return make_book(folder, {"users": users, "opportunities": [*deals, first], "opportunity_history": history})


def test_calls_by_hand(tmp_path: Path) -> None:
    """Who commits 150 and brings 100 in each quarter has a ratio of 1.5, from categories and dates as known then."""
    found = commit_bias(company(tmp_path, {"A": [150.0] * 7, "B": [100.0] * 7}), NOW)
    reps = found.reps.set_index("user_id")
    assert (found.why_not, found.quarters, found.day) == ("", 7, 41)
    assert (reps.commit["A"], reps.actual["A"]) == (1050, 700)
    assert reps.raw["A"] == pytest.approx(1.5)
    assert found.team == pytest.approx(1750 / 1400)


def test_reps_who_differ_keep_their_own(tmp_path: Path) -> None:
    """Reps whose ratios differ far beyond their scatter keep their own; each lies between own and team's."""
    rng = np.random.default_rng(2)
    levels = {"A": 110.0, "B": 150.0, "C": 190.0, "D": 230.0}
    kept = {user: list(level + rng.normal(0, 5, 7)) for user, level in levels.items()}
    found = commit_bias(company(tmp_path, kept), NOW)
    reps = found.reps[found.reps.actual > 0]
    assert np.abs(reps.bias - reps.raw).max() < 0.05
    assert ((reps.bias - found.team) * (reps.raw - found.team) >= 0).all()
    assert (np.abs(reps.bias - found.team) <= np.abs(reps.raw - found.team) + 1e-12).all()
    assert ((reps.low <= reps.bias) & (reps.bias <= reps.high)).all()


def test_luck_alone_gives_everyone_the_teams_ratio(tmp_path: Path) -> None:
    """Where the same wild scatter makes all calls, fair figures lie far nearer to the team's than own ones."""
    rng = np.random.default_rng(7)
    kept = {user: list(100 + rng.exponential(100, 7)) for user in "ABCDEFGHIJ"}
    reps = commit_bias(company(tmp_path, kept), NOW).reps
    reps = reps[reps.actual > 0]
    assert reps.bias.std() < 0.5 * reps.raw.std()


def test_a_later_change_of_category_changes_nothing(tmp_path: Path) -> None:
    """Today's category of an old deal is no call of that time: without history there is no bias, and it is said."""
    assert commit_bias(company(tmp_path, {"A": [150.0] * 7}), NOW).why_not == ""
    (tmp_path / "opportunity_history.parquet").unlink()
    found = commit_bias(open_book(tmp_path), NOW)
    assert "needs opportunity_history of forecast_category" in found.why_not
    assert found.reps.empty


def test_without_commits_or_past_a_sentence_says_so(tmp_path: Path) -> None:
    """No deal in Commit, or no whole quarter in the book: a sentence, and no figures."""
    none = commit_bias(company(tmp_path / "none", {"A": [150.0] * 7}, category="Best Case"), NOW)
    assert none.why_not.startswith("No open deal was in forecast category Commit")
    short = commit_bias(make_book(tmp_path / "short", {"users": [{"user_id": "A"}], "opportunities": []}), NOW)
    assert short.why_not.startswith("No past quarter is in the book from its first day on")
    assert np.isnan(short.team)


def test_sample_calls_are_most_of_what_comes(sample: Path) -> None:
    """On the sample company a month into the quarter, calls are well below what then comes, and of the same order."""
    found = commit_bias(open_book(sample), date(2026, 10, 30))
    assert found.why_not == ""
    assert 0.5 < found.team < 1
    assert (found.reps.periods <= found.quarters).all()
