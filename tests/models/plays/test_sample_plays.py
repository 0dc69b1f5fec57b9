"""The sample's plays on the sample's clients: what was planted is what is acted on."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from customers import sample_customers

from salesops.book.playbook import find_playbook, read_playbook
from salesops.book.source import open_book
from salesops.models.plays import Plays, assign_plays, client_table
from salesops.models.segments import fit_grid

DAY = date(2026, 10, 31)
EARLIER = "2026-07-31"


@pytest.fixture(scope="module")
def plays(sample: Path) -> Plays:
    """The plays of the last day of data/sample."""
    book = open_book(sample)
    now, before = sample_customers(sample), sample_customers(sample, EARLIER)
    grid = fit_grid(before)
    clients = client_table(book, now, DAY, segments=grid.assign(now), segments_before=grid.assign(before))
    path = find_playbook(book)
    assert path is not None
    return assign_plays(read_playbook(path), clients, as_of=DAY)


@pytest.fixture(scope="module")
def truth(sample: Path) -> dict[str, Any]:
    return dict(json.loads((sample / "truth.json").read_text(encoding="utf-8")))


def test_every_client_has_one_play_and_every_play_clients(plays: Plays, truth: dict[str, Any]) -> None:
    """600 accounts, 600 rows; no play is without clients, and no reason has a gap where a number should be."""
    assert sorted(plays.table.account_id) == sorted(truth["segments"])
    assert plays.findings == ()
    assert not plays.table.why.str.contains("unknown").any()


def test_planted_seasons_are_planned(plays: Plays, truth: dict[str, Any]) -> None:
    """Nine in ten clients of the play for seasons are planted as seasonal, and it finds most of them."""
    planted = plays.table.account_id.map(truth["segments"]) == "seasonal"
    season = plays.table.play_id == "season"
    assert (planted & season).sum() >= 0.9 * season.sum()
    assert (planted & season).sum() >= 0.7 * planted.sum()


def test_planted_churners_are_seen_as_silent(plays: Plays, truth: dict[str, Any]) -> None:
    """Most clients that stopped are asked about their silence, and few of the others are."""
    silent = plays.table.play_id.isin(["win-back", "let-rest", "falling"])
    churned = plays.table.account_id.isin(truth["churned"])
    assert silent[churned].mean() >= 0.75
    assert silent[~churned].mean() <= 0.1


def test_cadence_follows_the_planted_rhythm(plays: Plays, truth: dict[str, Any]) -> None:
    """A steady client in the play "rhythm" is written to in its own planted gap, within a quarter of it."""
    mine = plays.table[plays.table.play_id == "rhythm"]
    steady = mine[mine.account_id.map(truth["segments"]) == "steady"]
    planted = steady.account_id.map(truth["rhythms"])
    assert len(steady) >= 80
    assert ((steady.cadence_days / planted - 1).abs() <= 0.25).mean() >= 0.95


def test_who_has_no_rhythm_is_not_given_one(plays: Plays, truth: dict[str, Any]) -> None:
    """Clients of the play for projects are planted as projects, and are called at the ceiling."""
    mine = plays.table[plays.table.play_id == "project"]
    assert (mine.account_id.map(truth["segments"]) == "project").mean() >= 0.95
    assert pd.Series(mine.cadence_days).between(60, 120).all()
