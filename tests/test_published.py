"""Numbers that others published or measured, reproduced on the real data."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import records

from salesops.book.horizon import resolve
from salesops.book.source import Book, open_book
from salesops.intake import import_book
from salesops.metrics.attainment import attainment, house_sales
from salesops.metrics.pipeline import pipeline
from salesops.metrics.purchases import left_out, purchases
from salesops.metrics.velocity import median_cycle, velocity
from salesops.metrics.win_rate import win_rate
from salesops.models.skill import team_skill
from salesops.pages.team.findings import team_accountability
from salesops.periods import Period, parse_period

EVER = Period(date(2010, 1, 1), date(2014, 12, 31), "ever")
AUTUMN = Period(date(2013, 9, 29), date(2013, 12, 28))
YEAR = parse_period("2017")
YEAR_END = date(2017, 12, 31)


@pytest.fixture(scope="session")
def adventureworks(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Book:
    folder = tmp_path_factory.mktemp("books") / "adventureworks"
    import_book("adventureworks", shared / "data" / "adventureworks_dw", folder)
    return open_book(folder)


@pytest.fixture(scope="session")
def maven(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Book:
    folder = tmp_path_factory.mktemp("books") / "maven"
    import_book("maven_crm", shared / "data" / "maven_crm", folder)
    return open_book(folder)


def test_adventureworks_totals(adventureworks: Book) -> None:
    """163 quotas of 17 reps add up to 95,714,000, and the reps' sales to 80,450,596.98."""
    assert adventureworks.table("quotas").count().to_pyarrow().as_py() == 163
    (team,) = records(attainment(adventureworks, EVER, EVER.end, by="team"))
    assert (team["quota"], team["lines_with_quota"]) == (95_714_000, 17)
    assert team["booked"] == pytest.approx(80_450_596.98, abs=0.01)
    assert team["deals"] == 3_796


def test_adventureworks_median_attainment(adventureworks: Book) -> None:
    """Over each rep's own quota periods the median attainment is .848, and sales correlate with quotas by .987."""
    spans = adventureworks.table("quotas").select("period_start", "period_end").distinct()
    periods = [Period(row["period_start"], row["period_end"]) for row in records(spans)]
    lines = pd.concat([attainment(adventureworks, period, EVER.end).to_pandas() for period in periods])
    own = lines[lines.quota.notna() & ~lines.prorated]
    assert len(own) == 163
    assert own.attainment.median() == pytest.approx(0.848, abs=0.0005)
    assert np.corrcoef(own.quota, own.booked)[0, 1] == pytest.approx(0.987, abs=0.0005)
    assert (own.booked > 0).all()


def test_adventureworks_autumn(adventureworks: Book) -> None:
    """29 September to 28 December 2013: 17 lines, quota 10,359,000, orders 8,935,377, nobody attains."""
    report = team_accountability(adventureworks, AUTUMN, AUTUMN.end)
    results = json.loads(json.dumps(report.results(), allow_nan=False))
    assert (results["measure"], adventureworks.currency) == ("orders", "USD")
    assert (results["reps"], results["reps_attained"], len(results["rows"])) == (17, 0, 17)
    assert results["quota"] == 10_359_000
    assert results["booked"] == pytest.approx(8_935_377, abs=1)
    assert results["gap"] == pytest.approx(10_359_000 - 8_935_377, abs=1)
    assert results["attainment"] == pytest.approx(0.8626, abs=0.0001)
    assert not report.lines.prorated.any()
    assert sum(row["role"] == "manager" for row in results["rows"]) == 3


def test_adventureworks_default_period_is_that_autumn(adventureworks: Book) -> None:
    """The last complete quota period with data is the one that the reports print by default."""
    period, _ = resolve(adventureworks)
    assert (period.start, period.end) == (AUTUMN.start, AUTUMN.end)


def test_adventureworks_house_sales(adventureworks: Book) -> None:
    """Internet orders have no rep: 27,659 orders of 29,358,677.22 are house sales, in nobody's actual."""
    (house,) = records(house_sales(adventureworks, EVER, EVER.end))
    assert (house["deals"], house["no_rate"]) == (27_659, 0)
    assert house["booked"] == pytest.approx(29_358_677.22, abs=0.01)


def test_maven_wins_and_losses(maven: Book) -> None:
    """4,238 won for 10,005,534 and 2,473 lost; lost deals carry 0 and stay out of the average."""
    (team,) = records(win_rate(maven, YEAR, YEAR_END, by="team"))
    assert (team["won"], team["lost"], team["won_amount"]) == (4_238, 2_473, 10_005_534)
    assert team["win_rate"] == pytest.approx(4_238 / 6_711)
    assert (team["win_rate_amount"], team["lost_without_amount"]) == (None, 2_473)
    assert team["average_deal"] == pytest.approx(10_005_534 / 4_238)


def test_maven_every_agent_has_a_line(maven: Book) -> None:
    """35 agents stand in the report; the 5 without any deal with zero, and without an attainment."""
    lines = attainment(maven, YEAR, YEAR_END).to_pandas()
    assert (len(lines), set(lines.role)) == (35, {"rep"})
    idle = set(lines.user_name[lines.booked == 0])
    assert idle == {"Carl Lin", "Carol Thompson", "Elizabeth Anderson", "Mei-Mei Johns", "Natalya Ivanova"}
    assert lines.booked.sum() == 10_005_534
    assert lines[["quota", "gap", "attainment"]].isna().all(axis=None)


def test_maven_without_goals_still_reports(maven: Book) -> None:
    """Without quotas goal, gap and attainment are null, and the actual of the default period shows."""
    period, as_of = resolve(maven)
    assert (period, as_of) == (parse_period("2017-Q4"), YEAR_END)
    results = json.loads(json.dumps(team_accountability(maven, period, as_of).results(), allow_nan=False))
    assert (results["quota"], results["gap"], results["attainment"]) == (None, None, None)
    assert results["reps"] == 35
    frame = maven.table("opportunities").to_pandas()
    quarter = pd.to_datetime(frame.close_date).between(pd.Timestamp(period.start), pd.Timestamp(period.end))
    assert results["booked"] == frame.amount[frame.is_won & quarter].sum()


def test_maven_open_deals_are_kept_and_counted(maven: Book) -> None:
    """2,089 open deals have no amount and no close date, 500 of them no created date: kept, and counted."""
    (team,) = records(pipeline(maven, YEAR, YEAR_END, by="team"))
    assert (team["open_deals"], team["without_amount"], team["without_close_date"]) == (2_089, 2_089, 2_089)
    assert team["open_amount"] == 0
    deals = maven.table("opportunities")
    undated = deals.filter(deals.created_date.isnull())
    assert undated.count().to_pyarrow().as_py() == 500
    (speed,) = records(velocity(maven, YEAR, YEAR_END, by="team"))
    assert speed["qualified"] == 1_589  # Engaging, the second of two stages


def test_maven_cycle(maven: Book) -> None:
    """From engaging to close the median is 45 days over all closed deals; no won deal is negative or undated."""
    frame = maven.table("opportunities").to_pandas()
    closed = frame[frame.is_closed]
    days = (pd.to_datetime(closed.close_date) - pd.to_datetime(closed.created_date)).dt.days
    assert (days.median(), days.min(), days.max()) == (45, 1, 138)
    assert median_cycle(maven, YEAR, YEAR_END) == days[closed.is_won].median()
    (speed,) = records(velocity(maven, YEAR, YEAR_END, by="team"))
    assert (speed["cycle_deals"], speed["negative"], speed["undated"]) == (4_238, 0, 0)
    assert speed["cycle_days"] == pytest.approx(days[closed.is_won].mean())


def test_maven_win_rates_are_luck(maven: Book) -> None:
    """Maven's agents differ no more than luck lets them: own records foretell deals no better than one rate."""
    skill = team_skill(maven, YEAR, YEAR_END)
    assert skill.rates is not None
    assert skill.scores is not None
    assert skill.rates.strength > 500
    assert skill.scores["fair"] <= skill.scores["raw"]
    assert (skill.rates.reps.flag != "within").sum() <= 3


CALIBRATION_END = date(1997, 9, 30)
CDNOW_END = date(1998, 6, 30)
RETAIL_END = date(2011, 12, 9)


def cdnow_file(shared: Path, name: str, columns: list[str], header: int | None) -> pd.DataFrame:
    """A file of CDNOW: customer, day, units and value of each transaction."""
    path = shared / "data" / "cdnow" / name
    frame = pd.read_csv(path, sep=r"\s+", header=None, skiprows=header, names=columns)
    return frame.assign(account_id=frame.account_id.astype(str), day=pd.to_datetime(frame.day, format="%Y%m%d"))


def book_of(folder: Path, sales: pd.DataFrame) -> Book:
    """A book with an order of one line for each transaction."""
    keys = [f"O{n:06}" for n in range(len(sales))]
    orders = {"order_id": keys, "account_id": sales.account_id, "ordered_at": sales.day, "currency": "USD"}
    lines = {"order_line_id": keys, "order_id": keys, "product_id": "CD", "quantity": sales.units, "unit_price": None}
    folder.mkdir(parents=True)
    pd.DataFrame(orders).to_parquet(folder / "orders.parquet")
    pd.DataFrame({**lines, "net_amount": sales.value}).to_parquet(folder / "order_lines.parquet")
    return open_book(folder)


def as_lifetimes(sales: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """frequency, recency, T and monetary in days as lifetimes defines them, in pandas.

    Transactions of a day are one; of them the first of each customer is in no frequency and no monetary.
    """
    known = sales[sales.day <= pd.Timestamp(as_of)]
    days = known.groupby(["account_id", "day"]).value.sum().reset_index()
    each = days.groupby("account_id")
    repeats = days[each.cumcount() > 0]
    first, last = each.day.min(), each.day.max()
    table = pd.DataFrame({"frequency": each.size() - 1, "recency": (last - first).dt.days})
    table["T"] = (pd.Timestamp(as_of) - first).dt.days
    return table.assign(monetary=repeats.groupby("account_id").value.mean()).fillna({"monetary": 0}).astype(float)


def assert_the_same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    """Hold two summaries against each other, customer by customer."""
    mine = found.set_index("account_id").sort_index()
    assert list(mine.index) == list(wanted.sort_index().index)
    pd.testing.assert_frame_equal(
        mine[list(wanted.columns)].astype(float), wanted.sort_index(), check_names=False, check_index_type=False,
        rtol=1e-9,
    )  # fmt: skip  # one comparison


def test_cdnow_sample_is_the_published_summary(shared: Path, tmp_path: Path) -> None:
    """After 39 weeks the 2,357 customers of the sample have the published frequency, recency, T and mean spend."""
    sales = cdnow_file(shared, "CDNOW_sample.txt", ["master", "account_id", "day", "units", "value"], None)
    found = purchases(book_of(tmp_path / "cdnow", sales), CALIBRATION_END).to_pandas()
    published = pd.read_csv(shared / "data" / "cdnow" / "cdnow_customers_summary_with_transactions.csv")
    both = published.astype({"ID": str}).merge(found, left_on="ID", right_on="account_id", validate="1:1")
    assert (len(both), len(found)) == (2_357, 2_357)
    assert (both.x == both.frequency).all()
    assert np.abs(both.t_x - both.recency).max() < 0.01  # published with two decimals
    assert np.abs(both["T_x"] - both["T_y"]).max() < 0.01
    assert np.abs(both.zbar - both.monetary).max() < 0.01
    assert (both.frequency > 0).sum() == 946


@pytest.mark.parametrize("as_of", [CALIBRATION_END, CDNOW_END])
def test_cdnow_is_that_of_lifetimes(shared: Path, tmp_path: Path, as_of: date) -> None:
    """All 23,570 customers of CDNOW have the figures of lifetimes, goods without price among them."""
    sales = cdnow_file(shared, "CDNOW_master.txt", ["account_id", "day", "units", "value"], 1)
    found = purchases(book_of(tmp_path / "cdnow", sales), as_of, unit="day").to_pandas()
    assert len(found) == 23_570
    assert_the_same(found, as_lifetimes(sales, as_of))
    assert found.total.sum() == pytest.approx(sales.value[sales.day <= pd.Timestamp(as_of)].sum())


@pytest.fixture(scope="session")
def retail(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Book:
    folder = tmp_path_factory.mktemp("books") / "retail"
    import_book("online_retail_2", shared / "data" / "online_retail_2", folder)
    return open_book(folder)


def retail_sales(shared: Path) -> pd.DataFrame:
    """The customers' days of Online Retail II cleaned in pandas, those that count as purchases marked."""
    raw = pd.read_parquet(next((shared / "data" / "online_retail_2").glob("*.parquet"))).drop_duplicates()
    no_sale = ("ADJUST", "ADJUST2", "AMAZONFEE", "B", "BANK CHARGES", "CRUK", "S", "TEST001", "TEST002")
    raw = raw[raw["Customer ID"].notna() & ~raw.StockCode.str.upper().isin(no_sale)]
    lines = pd.DataFrame({"account_id": raw["Customer ID"].astype(str), "day": raw.InvoiceDate.dt.normalize()})
    lines = lines.assign(units=raw.Quantity, value=raw.Quantity * raw.Price)
    days = lines.groupby(["account_id", "day"], as_index=False).sum()
    net = days.value.round(6)
    return days.assign(bought=(net > 0) | ((net == 0) & (days.units > 0)))


@pytest.mark.parametrize("as_of", [date(2010, 12, 31), RETAIL_END])
def test_online_retail_is_that_of_lifetimes(retail: Book, shared: Path, as_of: date) -> None:
    """Every customer of Online Retail II has the figures of lifetimes on the days that are purchases."""
    days = retail_sales(shared)
    found = purchases(retail, as_of, unit="day").to_pandas()
    assert_the_same(found, as_lifetimes(days[days.bought], as_of))
    known = days[(days.day <= pd.Timestamp(as_of)) & days.account_id.isin(found.account_id)]
    totals = known.groupby("account_id").value.sum()
    assert np.abs(found.set_index("account_id").total - totals).max() < 1e-6
    returned = known[~known.bought].groupby("account_id").value.sum()
    assert np.abs((found.set_index("account_id").returned - returned).dropna()).max() < 1e-6


def test_online_retail_rhythm(retail: Book, shared: Path) -> None:
    """Median gap and quartile spread of every customer are those that pandas gives."""
    days = retail_sales(shared)
    days = days[days.bought].sort_values(["account_id", "day"])
    gaps = days.groupby("account_id").day.diff().dt.days
    each = gaps.dropna().groupby(days.account_id)
    found = purchases(retail, RETAIL_END).to_pandas().set_index("account_id").sort_index()
    pd.testing.assert_series_equal(found.median_gap.dropna(), each.median(), check_names=False)
    spread = (each.quantile(0.75) - each.quantile(0.25))[each.count() >= 2]
    pd.testing.assert_series_equal(found.gap_spread.dropna(), spread, check_names=False)


def test_online_retail_adds_up(retail: Book) -> None:
    """Customers' totals and those who only returned add up to 16,294,622.047: what the import kept."""
    found = purchases(retail, RETAIL_END).to_pandas()
    (rest,) = records(left_out(retail, RETAIL_END))
    assert found.total.sum() + rest["value_without_purchase"] == pytest.approx(16_294_622.047, abs=0.0005)
    assert rest["orders_without_customer"] == 0  # the import left them out, and counted them
    assert len(found) + rest["customers_without_purchase"] == 5_922
