"""Pages of a company that lacks a table or a column: what cannot be known is told by no figure."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lived import FIRST, Company
from notebook_pages import page_of

pytestmark = pytest.mark.long

DAYS = 800
DAY = (FIRST + timedelta(days=DAYS)).isoformat()
RUNNING = {"period": "running", "as_of": DAY}
REP, TEAM, CLIENT, CONTRACTS, ASKED = "rep_accountability", "team_accountability", "client", "contracts", "follow_up"
PARAMETERS: dict[str, dict[str, str]] = {
    REP: {**RUNNING, "rep": "U3"}, TEAM: RUNNING, "forecast": RUNNING, "quota_whatif": RUNNING,
    CLIENT: {"as_of": DAY, "account": "A26"}, "churn": {"as_of": DAY}, "segments": {"as_of": DAY},
    CONTRACTS: {"as_of": DAY}, ASKED: {"as_of": DAY},
}  # fmt: skip  # two lines read better than seven


@dataclass(frozen=True)
class Lack:
    """A page of a book without a table, or without what some of its columns say; and what must not be on it."""

    page: str
    table: str
    columns: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # keys of the results that are None
    silent: tuple[str, ...] = ()  # words that are not on the page
    said: tuple[str, ...] = ()  # words that are
    also: str = ""  # a table without which the case is plain: goals count deals here

    def __str__(self) -> str:
        """Name the case in pytest's list."""
        return "-".join((self.page, self.table, *self.columns))


KEPT = ("commitments_kept", "commitments_missed")
ON_TIME = ("Activities on time", "done on time", "not done")
LACKS = (
    Lack(REP, "commitments", unknown=(*KEPT, "commitments_moved"), silent=("Commitments kept", "0 of 0")),
    Lack(REP, "activities", unknown=("on_time_rate",), silent=ON_TIME),
    Lack(REP, "activities", ("completed_at",), unknown=("on_time_rate",), silent=ON_TIME),
    Lack(REP, "opportunity_history", silent=("Pushed",), said=("Stage conversion needs",)),
    Lack(REP, "quotas", unknown=("quota", "gap", "attainment", "pace", "p_make_it"), silent=("even pace", "of goal")),
    Lack(
        REP, "opportunities", also="quotas", unknown=("open_deals", "must_close", "decided", "win_rate"),
        silent=("Win rate", "Open deals", "must close", "From stage"), said=("Orders: ", "a year before"),
    ),
    Lack(TEAM, "commitments", unknown=KEPT, silent=("Commitments kept", "no missed commitment")),
    Lack(TEAM, "activities", silent=ON_TIME),
    Lack(TEAM, "activities", ("completed_at",), silent=ON_TIME),
    Lack(TEAM, "opportunity_history", silent=("% of it moved",), said=("needs history of close dates",)),
    Lack(TEAM, "opportunities", ("created_date",), silent=("a day  ", "older than 90 days")),
    Lack(
        TEAM, "quotas", unknown=("quota", "gap", "attainment", "p_make_it", "reps_attained"),
        silent=("At goal", "% of goal"), said=("no goals",),
    ),
    Lack(
        TEAM, "opportunities", also="quotas", silent=("Open deals", "Win rate", "Slippage", "No exception"),
        said=("Orders: ", "Silent"),
    ),
    Lack(TEAM, "orders", unknown=("house_sales",), silent=("sell 9.00 k by 10 Jan 2026  ✕", "House sales")),
    Lack(
        CLIENT, "deliveries", unknown=("otif", "on_time", "open_lines"), silent=("in full:", "On time"),
        said=("holds no deliveries",),
    ),
    Lack(
        CLIENT, "deliveries", ("quantity_delivered",), unknown=("otif",), silent=("in full:",), said=("On time only",)
    ),
    Lack(CLIENT, "deliveries", ("quantity_rejected",), silent=("rejected",)),
    Lack(CLIENT, "order_lines", ("promised_date",), unknown=("otif", "on_time"), silent=("On time", "100%")),
    Lack(
        CLIENT, "survey_responses", unknown=("answered", "low_answers", "last_score"),
        silent=("never asked", "answered"), said=("holds no surveys",),
    ),
    Lack(CLIENT, "survey_responses", ("responded_at",), unknown=("last_score",), silent=("Last answer",)),
    Lack(CLIENT, "contracts", unknown=("action_date",), silent=("Under contract", "No contract so far")),
    Lack(CLIENT, "contracts", ("annual_amount",), silent=("0 EUR a year", "Under contract: 0")),
    Lack(CLIENT, "products", silent=("No peer",), said=("holds no products",)),
    Lack(CLIENT, "activities", silent=("No contact",), said=("holds no activities",)),
    Lack(CLIENT, "orders", unknown=("year_value", "year_before"), silent=("Sales, 365", "History:", "Last purchase")),
    Lack("forecast", "quotas", unknown=("target", "p_target"), silent=("P(make it): about", "of target")),
    Lack("forecast", "opportunity_history", unknown=("slipped",), silent=("moved out of it",)),
    Lack(
        "forecast", "opportunities", unknown=("slipped",),
        silent=("Open deals 0", "weighted pipeline", "These chances"),
    ),
    Lack(
        "quota_whatif", "quotas", unknown=("p_target", "quota_total", "reps_attaining", "fairness", "payout_p90"),
        silent=("Commission, expected", "Cost of sales  ", "Pay "),
    ),
    Lack("segments", "accounts", silent=("not yet a client", "not yet clients")),
    Lack(
        CONTRACTS, "deliveries", unknown=("lines_due", "lines_late", "on_time", "otif"),
        silent=("came on time", "came late"), said=("nothing in the book tells if they were kept",),
    ),
    Lack(CONTRACTS, "deliveries", ("quantity_delivered",), unknown=("otif",), said=("On time only",)),
    Lack(
        CONTRACTS, "contracts", unknown=("contracts", "renewals_due", "renewals_undecided", "grr", "nrr"),
        silent=("To decide", "GRR of", "must be acted on"),
    ),
    Lack(CONTRACTS, "contracts", ("annual_amount",), unknown=("grr", "nrr"), silent=("0 EUR a year", "GRR of")),
    Lack(
        ASKED, "activities", unknown=("followed_up", "overdue", "gifts_sent"),
        silent=("Followed up in time", "Calls for", "contacted within"),
        said=("whether they were followed up is not known",),
    ),
    Lack(ASKED, "survey_responses", unknown=("asked", "answered", "nps", "csat"), silent=("Answered", "Mean score")),
    Lack(ASKED, "deliveries", unknown=("orders_delivered", "due"), silent=("of 0",), said=("holds no deliveries",)),
    Lack("churn", "contracts", silent=("Under contract", "net of")),
)  # fmt: skip  # a case reads best in few lines


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a company's book that holds every table that the pages read."""
    folder = tmp_path_factory.mktemp("whole")
    Company(3).book_on(folder, DAYS)
    return folder


@pytest.mark.parametrize("lack", LACKS, ids=str)
def test_no_figure_is_made_of_nothing(whole: Path, tmp_path: Path, lack: Lack) -> None:
    """Where the source of a figure is taken away, the figure is None in the results, and its words are gone."""
    folder = tmp_path / "book"
    shutil.copytree(whole, folder)
    _take_away(folder / f"{lack.table}.parquet", lack.columns)
    if lack.also:
        _take_away(folder / f"{lack.also}.parquet", ())
    text, results = page_of(lack.page, folder, **PARAMETERS[lack.page])
    assert {name: results[name] for name in lack.unknown} == dict.fromkeys(lack.unknown)
    assert [words for words in lack.silent if words in text] == []
    assert [words for words in lack.said if words not in text] == []
    assert "nan" not in text.casefold().split()


def test_what_is_told_of_the_whole_book(whole: Path) -> None:
    """With all tables each of these figures is told, so that their absence is that of their source."""
    for name in (REP, TEAM, CLIENT):
        _, results = page_of(name, whole, **PARAMETERS[name])
        wanted = {key for lack in LACKS if lack.page == name for key in lack.unknown} - {"p_make_it", "action_date"}
        assert [key for key in sorted(wanted) if results[key] is None] == []


def _take_away(path: Path, columns: tuple[str, ...]) -> None:
    """Delete a table, or empty some of its columns."""
    if not columns:
        path.unlink()
        return
    rows = pq.read_table(path)
    for name in columns:
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, pa.nulls(rows.num_rows, rows.schema.field(place).type))
    pq.write_table(rows, path)
