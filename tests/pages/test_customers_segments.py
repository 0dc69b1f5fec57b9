"""Segments of all customers: one definition on two dates, what it told in advance, and each segment's plays."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from salesops.book.redact import redacted
from salesops.book.source import Book, open_book
from salesops.errors import BookError, PeriodError
from salesops.models.plays.segment_plays import NO_PURCHASE, log_segment_plays
from salesops.models.segments import SegmentGrid, fit_grid, save_clusters, save_grid
from salesops.pages.segments.findings import CustomerSegments, customer_segments
from salesops.pages.segments.stability import segment_stability, verdict
from salesops.pages.segments.tables import value_test

DAY = date(2026, 10, 31)


@pytest.fixture(scope="module")
def found(company_book: Book) -> CustomerSegments:
    """The sample by the default rules."""
    return customer_segments(company_book, DAY)


@pytest.fixture(scope="module")
def clustered(company_book: Book) -> CustomerSegments:
    """The sample in five clusters."""
    return customer_segments(company_book, DAY, method="kmeans", count=5)


@pytest.mark.long
def test_planted_segments_are_recovered(sample: Path, clustered: CustomerSegments) -> None:
    """Five clusters of the page's own table recover the planted rhythms: adjusted Rand index of .8 or more."""
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))["segments"]
    table = clustered.now.table
    assert len(table) >= 500
    assert adjusted_rand_score(table.account_id.map(truth), table.segment.astype(str)) >= 0.8
    assert clustered.verdict.startswith("These clusters are stable: mean ARI .")


@pytest.mark.long
def test_one_definition_on_both_dates(found: CustomerSegments) -> None:
    """Both tables hold what the one grid assigns, and the moves are the differences between them."""
    grid = found.definition
    assert isinstance(grid, SegmentGrid)
    tables = {}
    for name, side in (("now", found.now), ("before", found.before)):
        expected = grid.assign(side.table).segment
        assert side.table.segment.astype(str).to_list() == expected.astype(str).to_list()
        tables[name] = side.table.set_index("account_id").segment.astype(str)
    both = tables["before"].index.intersection(tables["now"].index)
    changed = {account for account in both if tables["before"][account] != tables["now"][account]}
    assert set(found.movers.account_id) == changed
    assert found.movers.total.is_monotonic_decreasing


def test_what_came_since_is_counted_from_the_orders(sample: Path, found: CustomerSegments) -> None:
    """Buyers and money since the earlier date, by segment, are those of the order lines themselves."""
    orders, lines = (pd.read_parquet(sample / f"{name}.parquet") for name in ("orders", "order_lines"))
    sold = lines.merge(orders, on="order_id")
    days = pd.to_datetime(sold.ordered_at, utc=True).dt.tz_convert("Europe/Berlin").dt.date
    sold = sold[(days > found.before.as_of) & (days <= DAY)]
    money = sold.groupby("account_id").net_amount.sum()
    before = found.before.table
    for row in found.since.to_dict("records"):
        mine = before.account_id[before.segment == row["segment"]]
        assert row["customers"] == len(mine)
        assert row["bought"] == mine.isin(money.index).sum()
        assert row["money_each"] == pytest.approx(money.reindex(mine).fillna(0).mean())
        assert row["low"] <= row["rate"] + 0.01
        assert row["rate"] <= row["high"] + 0.01


def test_segment_sums_are_those_of_the_customers(found: CustomerSegments) -> None:
    """Sizes, money and value of the segments add up to the table's, and the shares to 1."""
    table, segments = found.now.table, found.segments
    assert segments.customers.sum() == len(table)
    assert segments.money.sum() == pytest.approx(table.total.sum())
    assert segments.value.sum() == pytest.approx(table.value.sum())
    for name in ("customer_share", "money_share", "value_share"):
        assert segments[name].sum() == pytest.approx(1)


def test_value_is_put_to_the_test(found: CustomerSegments) -> None:
    """The money expected then stands against the money that came, over the customers of then."""
    test = found.value_test
    assert test is not None
    assert test["expected"] == pytest.approx(found.before.table.value.sum())
    came = found.since.money_each * found.since.customers
    assert test["came"] == pytest.approx(came.sum())
    assert -1 <= test["rank"] <= 1


@pytest.mark.long
def test_value_test_needs_one_horizon(company_book: Book) -> None:
    """Against a date that is not a horizon earlier the money expected then cannot be judged."""
    book = company_book
    assert customer_segments(book, DAY, previous=date(2026, 1, 31), method="value").value_test is None


def test_value_test_needs_money(found: CustomerSegments) -> None:
    """Where no customer has an expected amount, as in a currency without rates, there is nothing to test."""
    unpriced = replace(found.before, table=found.before.table.assign(value=float("nan")))
    assert value_test(unpriced, found.now, None) is None


def test_every_client_has_one_play(sample: Path, found: CustomerSegments) -> None:
    """Each account of the book stands once, those that never bought apart; counts by segment and play agree."""
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))["segments"]
    plays = found.plays
    assert sorted(plays.clients.account_id) == sorted(truth)
    assert (plays.clients.segment == NO_PURCHASE).sum() == found.now.never_bought
    assert plays.by_segment.clients.sum() == plays.by_play.clients.sum() == len(truth)
    np.testing.assert_allclose(plays.by_segment.groupby("segment", observed=True).share.sum(), 1)
    segments = plays.clients.set_index("account_id").segment.astype(str)
    table = found.now.table
    assert segments[table.account_id].to_list() == table.segment.astype(str).to_list()


def test_alike_segments_share_their_main_play(found: CustomerSegments) -> None:
    """Segments named as alike have the same most frequent play; the others have one of their own."""
    main = found.plays.main.set_index("segment").play_name
    named = [segment for _, segments in found.plays.alike for segment in segments]
    for play, segments in found.plays.alike:
        assert set(main[segments]) == {play}
    rest = main.drop(named)
    assert rest.is_unique


@pytest.mark.long
def test_saved_definitions_are_reused(
    company_book: Book, tmp_path: Path, found: CustomerSegments, clustered: CustomerSegments
) -> None:
    """Rules and clusters read from a file give the same customers the same segments, and the result says so."""
    assert isinstance(found.definition, SegmentGrid)
    assert clustered.definition is not None
    assert not isinstance(clustered.definition, SegmentGrid)
    save_grid(found.definition, tmp_path / "grid.toml")
    save_clusters(clustered.definition, tmp_path / "clusters.toml")
    book = company_book
    for first, method, name in ((found, "grid", "grid.toml"), (clustered, "kmeans", "clusters.toml")):
        again = customer_segments(book, DAY, method=method, file=str(tmp_path / name))
        pd.testing.assert_frame_equal(again.now.table, first.now.table)
        assert (again.reused, first.reused) == (True, False)


@pytest.mark.long
def test_redacted_book_names_nobody(company_book: Book, found: CustomerSegments) -> None:
    """With pseudonyms sizes and moves stay as they are, and no name of an account is left."""
    names = set(found.now.table.account_name)
    hidden = customer_segments(redacted(company_book), DAY)
    assert not names & set(hidden.now.table.account_name)
    assert hidden.segments.customers.to_list() == found.segments.customers.to_list()
    assert len(hidden.movers) == len(found.movers)


@pytest.mark.long
def test_bad_playbook_is_named_and_stops_nothing(sample: Path, tmp_path: Path) -> None:
    """A playbook that cannot be followed leaves the segments standing and says what is wrong."""
    shutil.copytree(sample, tmp_path, dirs_exist_ok=True)
    (tmp_path / "playbook.toml").write_text("version = 1", encoding="utf-8")
    found = customer_segments(open_book(tmp_path), DAY, method="value")
    assert len(found.segments) == 4
    assert found.plays.clients.empty
    assert "The playbook cannot be followed" in found.plays.notes[0]


@pytest.mark.long
def test_overrides_of_strangers_are_counted_and_not_named(sample: Path, tmp_path: Path) -> None:
    """An override of an account that is no client is counted; its key stays off the page."""
    shutil.copytree(sample, tmp_path, dirs_exist_ok=True)
    rows = "account_id,play_id,reason,decided_by\nNOBODY,rhythm,because,me\nA-000001,project,asked for it,me\n"
    (tmp_path / "overrides.csv").write_text(rows, encoding="utf-8")
    plays = customer_segments(open_book(tmp_path), DAY, method="value").plays
    assert any(note.startswith("1 overrides name no client") for note in plays.notes)
    assert not any("NOBODY" in note for note in plays.notes)
    mine = plays.clients[plays.clients.account_id == "A-000001"]
    assert mine.play_id.to_list() == ["project"]


def test_customers_without_groups_have_no_stable_clusters() -> None:
    """Figures drawn each on its own give clusters that do not come back, and the verdict stays with the rules."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({name: np.exp(rng.normal(3, 1, 300)) for name in ("monetary", "median_gap", "gap_spread")})
    table = table.assign(
        account_id=[f"A{n}" for n in range(300)],
        days_since=rng.integers(0, 400, 300),
        frequency=rng.integers(2, 40, 300),
        total=np.exp(rng.normal(6, 1, 300)),
    )
    grid = fit_grid(table)
    stability = segment_stability(table, 5, grid)
    assert (stability[stability.method != "rules"].mean_ari < 0.85).all()
    assert stability.mean_ari[stability.method == "rules"].iloc[0] > stability.mean_ari[1:].max()
    assert verdict(stability, grid).endswith(": stay with the rules.")


def test_results_are_plain(found: CustomerSegments) -> None:
    """The results are JSON without NaN, and name what the page states."""
    text = json.dumps(found.results(), allow_nan=False)
    assert json.loads(text)["customers"] == len(found.now.table)


@pytest.mark.long
@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"method": "gird"}, BookError, "no method 'gird'. Did you mean 'grid'"),
        ({"count": 1}, BookError, "must be 2 or more. Got 1"),
        ({"previous": DAY}, PeriodError, "must lie before 2026-10-31. Got 2026-10-31"),
        ({"file": "absent.toml"}, BookError, "absent.toml"),
        ({"horizon_weeks": 0}, PeriodError, "must be 1 to 520 weeks"),
    ],
)
def test_what_cannot_be_is_refused(
    company_book: Book, how: dict[str, object], error: type[Exception], said: str
) -> None:
    """A method, count, date, file or horizon that cannot be is named with the repair."""
    with pytest.raises(error, match=said):
        customer_segments(company_book, DAY, **how)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.long
def test_logged_plays_are_judged_by_who_bought(sample: Path, tmp_path: Path) -> None:
    """Plays logged 100 days ago count their clients and buyers as plain pandas does; logging again adds nothing."""
    shutil.copytree(sample, tmp_path, dirs_exist_ok=True)
    book, then = open_book(tmp_path), DAY - timedelta(days=100)
    plays = customer_segments(book, then, method="value").plays
    assert [log_segment_plays(book, plays, then) for _ in range(2)] == [len(plays.clients), 0]
    lift = customer_segments(book, DAY, method="value").plays.lift.set_index("play_id")
    lines = pd.read_parquet(tmp_path / "order_lines.parquet").merge(
        pd.read_parquet(tmp_path / "orders.parquet"), on="order_id"
    )
    priced = lines.quantity * lines.unit_price * (1 - lines.discount.fillna(0))
    lines["net"] = lines.net_amount.fillna(priced).astype(float)
    day = pd.to_datetime(lines.ordered_at).dt.date
    since = lines[(day > then) & (day <= then + timedelta(days=90))].assign(day=day)
    buyers = set(since.groupby(["account_id", "day"]).net.sum().loc[lambda net: net > 0].reset_index().account_id)
    given = plays.clients[plays.clients.arm != "override"].assign(bought=lambda rows: rows.account_id.isin(buyers))
    for play, mine in given.groupby("play_id"):
        held = mine.arm == "hold-out"
        counted = [int((~held).sum()), int(mine.bought[~held].sum()), int(held.sum()), int(mine.bought[held].sum())]
        assert lift.loc[play, ["played", "played_bought", "held", "held_bought"]].to_list() == counted


@pytest.mark.long
def test_plays_of_pseudonyms_are_not_logged(sample: Path, tmp_path: Path) -> None:
    """Pseudonyms in the log would never meet the clients again."""
    shutil.copytree(sample, tmp_path, dirs_exist_ok=True)
    book = redacted(open_book(tmp_path))
    plays = customer_segments(book, DAY, method="value").plays
    with pytest.raises(BookError, match="own ids"):
        log_segment_plays(book, plays, DAY)
    assert not (tmp_path / "play_log.csv").exists()
