"""The sample company: whole, consistent, the same for a seed, and with its planted truth in plain sight."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from scipy.stats import spearmanr
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from salesops.book.check import check_book
from salesops.book.schema import METRICS, SCHEMA
from salesops.book.source import open_book
from salesops.errors import BookError
from salesops.sample import company, write_sample
from salesops.sample.write import LEFT_OUT

COMMITTED_SEED = 7  # the seed of data/sample
MOST_BYTES = 3_000_000
Truth = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample, freshly written with the seed of the committed one."""
    return write_sample(tmp_path_factory.mktemp("book") / "sample", seed=COMMITTED_SEED, size="small")


@pytest.fixture(scope="module")
def con(folder: Path) -> duckdb.DuckDBPyConnection:
    """The sample's files as DuckDB views, without any code of the book."""
    return connect(folder)


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    """What was planted."""
    return read_truth(folder)


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    found = duckdb.connect()
    for file in sorted(folder.iterdir()):
        if file.suffix in (".csv", ".parquet"):
            found.execute(f"create view {file.stem} as select * from '{file}'")
    return found


def read_truth(folder: Path) -> Truth:
    return dict(json.loads((folder / "truth.json").read_text(encoding="utf-8")))


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return list(con.execute(sql).fetchall())


def value(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return rows(con, sql)[0][0]


# --- whole and consistent ------------------------------------------------------------------------------------------


def test_every_table_and_column_is_there(con: duckdb.DuckDBPyConnection) -> None:
    """The sample has each table of the schema, with each of its columns but those left out, and rows in all."""
    for name, table in SCHEMA.items():
        columns = [row[0] for row in rows(con, f"describe {name}")]
        assert columns == [column.name for column in table.columns if (name, column.name) not in LEFT_OUT], name
        assert value(con, f"select count(*) from {name}") > 0, name


def test_every_column_is_used(con: duckdb.DuckDBPyConnection) -> None:
    """Each column holds a value in some row."""
    empty = [
        f"{name}.{column.name}"
        for name, table in SCHEMA.items()
        for column in table.columns
        if (name, column.name) not in LEFT_OUT and value(con, f"select count({column.name}) from {name}") == 0
    ]
    assert empty == []


def test_size_is_as_agreed(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Small means 40 reps, 5 territories, 600 accounts, 24 months, a mixed folder and at most 3 MB."""
    assert value(con, "select count(*) from users where role = 'rep'") == 40
    assert value(con, "select count(*) from territories") == 5
    assert value(con, "select count(*) from accounts") == 600
    assert str(value(con, "select min(ordered_at)::date::varchar from orders")) == "2024-11-01"
    assert sum(file.stat().st_size for file in folder.iterdir()) <= MOST_BYTES
    assert {file.suffix for file in folder.iterdir()} == {".csv", ".parquet", ".toml", ".json"}


def test_check_finds_no_error(folder: Path) -> None:
    """The check of a book has no error, and a few warnings that a real company would have too."""
    findings = check_book(open_book(folder))
    assert [f for f in findings if f.severity == "error"] == []
    assert 1 <= sum(finding.severity == "warning" for finding in findings) <= 6


@pytest.mark.parametrize("name", SCHEMA)
def test_keys_are_unique(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """No key comes twice."""
    key = ", ".join(SCHEMA[name].key)
    assert rows(con, f"select {key} from {name} group by {key} having count(*) > 1") == []


@pytest.mark.parametrize("name", [n for n, t in SCHEMA.items() if any(c.references for c in t.columns)])
def test_references_are_known(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Each reference names a row that exists."""
    for column in SCHEMA[name].columns:
        if column.references:
            table, key = column.references.split(".")
            orphans = value(
                con,
                f"select count(*) from {name} as a where a.{column.name} is not null "
                f"and not exists (select 1 from {table} as b where b.{key} = a.{column.name})",
            )
            assert orphans == 0, column.name


def test_nothing_happens_after_the_last_day(con: duckdb.DuckDBPyConnection) -> None:
    """What happened lies on or before 2026-10-31; deals are closed by then."""
    for name, table in SCHEMA.items():
        for column in table.columns:
            if column.happened:
                last = value(con, f"select max({column.name})::date::varchar from {name}")
                assert last <= "2026-10-31", f"{name}.{column.name}"
    assert value(con, "select count(*) from opportunities where is_closed and close_date > '2026-10-31'") == 0


def test_managers_form_a_tree(con: duckdb.DuckDBPyConnection) -> None:
    """Everyone reaches the one head without meeting anyone twice."""
    leads = dict(rows(con, "select user_id, manager_id from users"))
    assert [user for user, lead in leads.items() if lead is None] == ["U-000001"]
    for user in leads:
        path = [user]
        while (lead := leads[path[-1]]) is not None:
            assert lead not in path
            path.append(lead)


def test_history_begins_at_creation_and_ends_today(con: duckdb.DuckDBPyConnection) -> None:
    """Stage, amount and close date have a row on the day of creation, and the last one is today's value."""
    for field in ("stage_name", "amount", "close_date", "probability", "forecast_category"):
        first, same, deals = rows(
            con,
            f"""with h as (select opportunity_id, min(valid_from)::date as first,
                           last(new_value order by valid_from) as last
                from opportunity_history where field_name = '{field}' group by 1)
                select sum((h.first = o.created_date)::int),
                       sum((h.last is not distinct from case '{field}'
                            when 'amount' then round(o.amount)::bigint::varchar else o.{field}::varchar end)::int),
                       count(*)
                from opportunities as o left join h using (opportunity_id)""",
        )[0]
        assert first == same == deals, field


# --- the same for a seed -------------------------------------------------------------------------------------------


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    """The same seed gives the same bytes in every file."""
    again = write_sample(tmp_path / "again", seed=COMMITTED_SEED, size="small")
    names = sorted(file.name for file in folder.iterdir())
    assert names == sorted(file.name for file in again.iterdir())
    assert [name for name in names if (folder / name).read_bytes() != (again / name).read_bytes()] == []


def test_other_seed_other_company(folder: Path, tmp_path: Path) -> None:
    """Another seed gives other people, deals and orders."""
    other = write_sample(tmp_path / "other", seed=COMMITTED_SEED + 1, size="small")
    for name in ("users", "opportunities", "order_lines"):
        assert (folder / f"{name}.parquet").read_bytes() != (other / f"{name}.parquet").read_bytes()


def test_committed_sample_is_current(folder: Path, sample: Path) -> None:
    """data/sample holds what the code writes today; compared by content, as Parquet names its writer's version."""
    names = sorted(file.name for file in folder.iterdir())
    assert [name for name in names if not (sample / name).is_file()] == []
    assert read_truth(sample)["seed"] == COMMITTED_SEED
    for name in names:
        if name.endswith(".parquet"):
            fresh, committed = (pyarrow.parquet.read_table(at / name) for at in (folder, sample))
            assert fresh.equals(committed), name
        else:
            assert (folder / name).read_bytes() == (sample / name).read_bytes(), name
    assert sum((sample / name).stat().st_size for name in names) <= MOST_BYTES


# --- the planted truth ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [COMMITTED_SEED, 1, 2026])
def test_skill_can_be_found(tmp_path: Path, seed: int) -> None:
    """With any seed, skill varies by ten points and more, and the win rates of the whole history show its order."""
    written = write_sample(tmp_path / "book", seed=seed, size="small")
    planted = read_truth(written)
    con = connect(written)
    closed = con.sql(
        "select owner_id, count(*) as decided, avg(is_won::int) as rate from opportunities where is_closed group by 1"
    ).df()
    full = closed[closed.owner_id.isin(planted["full_history"])]
    skill = full.owner_id.map(planted["rep_skill"])
    assert len(full) == len(planted["full_history"]) == 34
    assert np.std(list(planted["rep_skill"].values()), ddof=1) >= 0.10
    assert full.decided.min() >= 48
    assert spearmanr(full.rate, skill).statistic >= 0.6
    assert 0.22 <= closed.rate.mean() <= 0.34


def test_training_moves_proposal_to_won(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """The difference in differences of proposal→won finds the planted effect within two standard errors."""
    deals = con.sql(
        """select h.day, o.owner_id, o.is_won from opportunities as o join (
               select opportunity_id, min(valid_from)::date as day from opportunity_history
               where field_name = 'stage_name' and new_value = 'Proposal' group by 1) as h using (opportunity_id)
           where o.is_closed"""
    ).df()
    training = truth["training"]
    since = deals.owner_id.map(training["attendees"]).astype("datetime64[s]")
    deals = deals.assign(after=since.notna() & (deals.day >= since), quarter=deals.day.dt.to_period("Q").astype(str))
    wide = pd.get_dummies(deals[["owner_id", "quarter"]], drop_first=True).to_numpy(float)
    x = np.column_stack([deals.after.astype(float), np.ones(len(deals)), wide])
    y = deals.is_won.astype(float).to_numpy()
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    error = math.sqrt(float((y - x @ beta).var()) * inverse[0, 0])
    assert abs(beta[0] - training["effect"]) <= 2 * error
    assert beta[0] > error


def test_quotas_are_calibrated(con: duckdb.DuckDBPyConnection) -> None:
    """Of the rep-quarters before the running one, 36 to 48 in 100 attain: 42.5 planted, moved by hires and leavers."""
    share = value(
        con,
        """select avg((coalesce(won, 0) >= quota_amount)::int) from quotas left join (
               select owner_id, date_trunc('quarter', close_date) as period_start, sum(amount) as won
               from opportunities where is_won and currency = 'EUR' group by all) using (owner_id, period_start)
           where not is_rollup and period_start < '2026-10-01'""",
    )
    assert 0.36 <= share <= 0.48


def test_rollups_are_the_sums_of_the_team(con: duckdb.DuckDBPyConnection) -> None:
    """A manager's quota is the sum of the quotas of those who reported to that manager on the first day."""
    wrong = rows(
        con,
        """with lead as (select q.*, h.manager_id from quotas as q join user_history as h
                on h.user_id = q.owner_id and h.valid_from <= q.period_start
                and coalesce(h.valid_to, '2099-01-01') >= q.period_start where not q.is_rollup),
           team as (select manager_id as owner_id, period_start, sum(quota_amount) as total from lead group by all)
           select * from quotas left join team using (owner_id, period_start)
           where is_rollup and quota_amount <> coalesce(total, 0)""",
    )
    assert wrong == []


def test_churned_accounts_stay_away(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """An account that churned has no order after its day, ordered before it, and has one of the three drivers."""
    churned = truth["churned"]
    last = dict(rows(con, "select account_id, max(ordered_at)::date::varchar from orders group by 1"))
    assert 30 <= len(churned) <= 90
    assert all(last[account] <= entry["stopped_on"] for account, entry in churned.items())
    drivers = {entry["driver"] for entry in churned.values()}
    assert drivers == {"late deliveries", "price increase", "owner change"}
    assert len(truth["exposed_but_stayed"]) >= 5


def test_drivers_show_before_the_churn(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """In the 100 days before the stop, accounts driven away by late deliveries had most lines late; others few."""
    stops = pd.DataFrame.from_dict(truth["churned"], orient="index").rename_axis("account_id").reset_index()
    con.register("stops", stops)
    late = dict(
        rows(
            con,
            """select s.driver, avg((d.delivered_date > l.promised_date)::int) from stops as s
               join orders as o using (account_id) join order_lines as l using (order_id)
               join deliveries as d using (order_line_id)
               where l.promised_date between s.stopped_on::date - 100 and s.stopped_on::date group by 1""",
        )
    )
    assert late["late deliveries"] > 0.6
    assert late["price increase"] < 0.25


def test_segments_and_rhythms_can_be_recovered(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """Four clusters of gap, money and number of orders match the planted segments; median gaps match the rhythms."""
    found = con.sql(
        """with money as (select o.account_id, o.ordered_at::date as day, sum(l.net_amount) as net
               from orders as o join order_lines as l using (order_id) group by all),
           gaps as (select *, day - lag(day) over (partition by account_id order by day) as gap from money)
           select account_id, median(gap) as gap, median(net) as net, count(*) as orders from gaps group by 1"""
    ).df()
    found["segment"] = found.account_id.map(truth["segments"])
    found = found[(found.segment != "project") & (found.orders >= 3)]
    features = np.log(found[["gap", "net", "orders"]].to_numpy(float))
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    labels = KMeans(4, n_init=10, random_state=0).fit_predict(scaled)
    assert adjusted_rand_score(found.segment, labels) >= 0.8
    steady = found[found.segment == "steady"]
    planted = steady.account_id.map(truth["rhythms"])
    assert abs(steady.gap / planted - 1).median() <= 0.08


def test_late_deliveries_are_where_they_were_planted(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """The problem family is late in the problem territory and months, and nowhere near so elsewhere."""
    problem = truth["late_deliveries"]
    inside, outside = rows(
        con,
        f"""with lines as (select d.delivered_date > l.promised_date as late,
                p.family = '{problem["family"]}' and t.territory_name = '{problem["territory"]}'
                and l.promised_date between '{problem["from"]}' and '{problem["to"]}' as planted
            from deliveries as d join order_lines as l using (order_line_id) join orders as o using (order_id)
            join products as p using (product_id) join accounts as a using (account_id)
            join users as u on u.user_id = a.owner_id join territories as t using (territory_id))
            select avg(late::int) filter (planted), avg(late::int) filter (not planted) from lines""",
    )[0]
    assert inside >= 0.35
    assert outside <= 0.12


def test_price_leakage_is_what_is_missing(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """Agreed price less invoiced price, over all lines under a contract, is the planted leakage of each account."""
    missing = rows(
        con,
        """select o.account_id, sum((t.agreed_value - l.unit_price) * l.quantity) as money
           from order_lines as l join orders as o using (order_id)
           join contract_terms as t on t.contract_id = o.contract_id and t.product_id = l.product_id
           where t.term_type = 'price' group by 1 having abs(money) > 0.005""",
    )
    planted = {account: money for account, money in truth["price_leakage"]["accounts"].items() if money}
    assert dict(missing) == pytest.approx(planted, abs=0.01)
    covered = value(
        con,
        """select count(*) from order_lines as l join orders as o using (order_id) where o.contract_id is not null
           and not exists (select 1 from contract_terms as t where t.contract_id = o.contract_id
                           and t.product_id = l.product_id)""",
    )
    assert covered == 0


def test_orders_lie_within_their_contracts(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """An order under a contract is of the same account and within its dates; a renewal follows without a gap."""
    assert value(
        con,
        """select count(*) from orders as o join contracts as c using (contract_id)
           where o.account_id <> c.account_id or o.ordered_at::date not between c.start_date and c.end_date""",
    ) == 0  # fmt: skip
    assert value(
        con,
        """select count(*) from contracts as a join contracts as b on b.contract_id = a.renewed_by_contract_id
           where b.account_id <> a.account_id or b.start_date <> a.end_date + 1""",
    ) == 0  # fmt: skip
    ended = {row[0] for row in rows(con, "select contract_id from contracts where status = 'ended'")}
    assert ended == set(truth["not_renewed"])


def test_on_time_rates_can_be_found(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """The share of activities done by their due date gives each busy rep's planted rate within four standard errors."""
    found = rows(
        con,
        """select owner_id, count(*), avg(coalesce(completed_at::date <= due_date, false)::int) from activities
           where due_date <= '2026-10-31' group by 1 having count(*) >= 100""",
    )
    assert len(found) >= 34
    for rep, count, share in found:
        rate = truth["on_time_rate"][rep]
        assert abs(share - rate) <= 4 * math.sqrt(rate * (1 - rate) / count), rep


def test_lost_deals_are_pushed_more_often(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """Of deals that ran more than 60 days, the lost ones were pushed more often than the won ones, as planted."""
    shares = dict(
        rows(
            con,
            """select o.is_won, avg((coalesce(n, 0) > 0)::int) from opportunities as o left join (
                   select h.opportunity_id, count(*) as n from opportunity_history as h join opportunities as d
                   using (opportunity_id) where h.field_name = 'close_date' and h.valid_from::date > d.created_date
                   and h.new_value <> d.close_date::varchar group by 1) using (opportunity_id)
               where o.is_closed and o.close_date - o.created_date > 60 group by 1""",
        )
    )
    assert truth["push_factor_lost"] > 1
    assert shares[True] < shares[False]


@pytest.mark.parametrize("seed", [COMMITTED_SEED, 1, 2026])
def test_slippage_follows_the_planted_push_rates(tmp_path: Path, seed: int) -> None:
    """With any seed a tenth to two fifths of the amount due slips in the full quarters; who pushes more slips more."""
    written = write_sample(tmp_path / "book", seed=seed, size="small")
    due = pd.concat([due_at_start(written, quarter) for quarter in pd.period_range("2025Q1", "2026Q3", freq="Q")])
    team = due.groupby("quarter")[["slipped", "amount"]].sum()
    shares = team.slipped / team.amount
    assert len(shares) == 7
    assert shares.between(0.10, 0.40).sum() >= 5
    assert 0.15 <= team.slipped.sum() / team.amount.sum() <= 0.30
    reps = due.groupby("owner_id")[["slipped", "amount"]].sum()
    planted = pd.Series(read_truth(written)["push_rate"]).reindex(reps.index)
    assert spearmanr(reps.slipped / reps.amount, planted).statistic > 0.3


def due_at_start(folder: Path, quarter: pd.Period) -> pd.DataFrame:
    """Deals open the day before the quarter and due in it: quarter, owner_id, amount then, and what of it slipped."""
    deals = pd.read_parquet(folder / "opportunities.parquet").set_index("opportunity_id")
    closed_on = pd.to_datetime(deals.close_date.where(deals.is_closed))
    before, end = quarter.start_time.tz_localize("Europe/Berlin"), quarter.end_time.tz_localize("Europe/Berlin")
    changes = pd.read_parquet(folder / "opportunity_history.parquet").sort_values("valid_from")

    def known(field: str, moment: pd.Timestamp) -> pd.Series:
        past = changes[(changes.field_name == field) & (changes.valid_from < moment)]
        return past.groupby("opportunity_id").new_value.last().reindex(deals.index)

    planned = pd.to_datetime(known("close_date", before))
    still_open = closed_on.isna() | (closed_on >= quarter.start_time)
    due = still_open & planned.between(quarter.start_time, quarter.end_time)
    amount = pd.to_numeric(known("amount", before)).fillna(0)
    slipped = amount.where(pd.to_datetime(known("close_date", end)) > quarter.end_time, 0)
    found = pd.DataFrame({"quarter": quarter, "owner_id": deals.owner_id, "amount": amount, "slipped": slipped})
    return found[due]


def test_sales_cycle_has_a_long_tail(con: duckdb.DuckDBPyConnection) -> None:
    """The median won deal takes 60 to 75 days, one in ten over 120; most close in a later quarter than they began."""
    middle, tail, later = rows(
        con,
        """select median(close_date - created_date), quantile_cont(close_date - created_date, 0.9),
               avg((date_trunc('quarter', close_date) > date_trunc('quarter', created_date))::int)
           from opportunities where is_won""",
    )[0]
    assert 60 <= middle <= 75
    assert tail > 120
    assert later > 0.5


def test_running_quarter_can_still_be_decided(con: duckdb.DuckDBPyConnection) -> None:
    """In 2026-Q4 most reps have open deals due, covering 1.5 to 3 times the team's gap; some are over 90 days old."""
    goal = value(con, "select sum(quota_amount) from quotas where not is_rollup and period_start = '2026-10-01'")
    won = value(
        con,
        "select sum(amount) from opportunities where is_won and currency = 'EUR' and close_date >= '2026-10-01'",
    )
    due, reps, old = rows(
        con,
        """select sum(amount) filter (close_date <= '2026-12-31' and currency = 'EUR'),
               count(distinct owner_id) filter (close_date <= '2026-12-31'),
               count(*) filter (date '2026-10-31' - created_date > 90) from opportunities where not is_closed""",
    )[0]
    assert 1.5 <= due / (goal - won) <= 3
    assert reps >= 30
    assert 15 <= old <= 80


# --- the stories ---------------------------------------------------------------------------------------------------


def test_rep_who_left_mid_period(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """One rep left inside 2026-Q3 with a quota there; accounts and open deals went to the stand-in, goal included."""
    (rep,) = truth["left_mid_period"]
    stand_in = truth["left"][rep]["stand_in"]
    assert "2026-07-01" < truth["left"][rep]["last_day"] < "2026-09-30"
    quarters = [str(r[0]) for r in rows(con, f"select period_start from quotas where owner_id = '{rep}' order by 1")]
    assert quarters[-1] == "2026-07-01"
    assert value(con, f"select count(*) from accounts where owner_id = '{rep}'") == 0
    assert value(con, f"select count(*) from opportunities where owner_id = '{rep}' and not is_closed") == 0
    assert value(con, f"select count(*) from opportunity_history where new_value = '{stand_in}'") > 0
    goal = dict(rows(con, f"select period_start::varchar, quota_amount from quotas where owner_id = '{stand_in}'"))
    assert goal["2026-10-01"] > goal["2026-04-01"]


def test_nobody_works_outside_the_job(con: duckdb.DuckDBPyConnection) -> None:
    """Deals close and orders come only while their owner is employed."""
    for name, when in (("opportunities", "close_date"), ("orders", "ordered_at::date")):
        closed = " and is_closed" if name == "opportunities" else ""
        assert value(
            con,
            f"""select count(*) from {name} join users on user_id = owner_id
                where ({when} < hire_date or {when} > end_date){closed}""",
        ) == 0, name  # fmt: skip


def test_reps_with_a_story(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """One rep is on ramp, one has no quota but deals, one has exactly three closed deals, two changed managers."""
    (ramp,), (free,), (new,) = truth["ramp"], truth["no_quota"], truth["new_rep_few_deals"]
    assert str(value(con, f"select hire_date from users where user_id = '{ramp}'")) == "2026-06-01"
    assert value(con, f"select bool_or(ramp_applied) from quotas where owner_id = '{ramp}'") is False
    assert value(con, f"select count(*) from quotas where owner_id = '{free}'") == 0
    assert value(con, f"select count(*) from opportunities where owner_id = '{free}' and is_won") > 0
    assert value(con, f"select count(*) from opportunities where owner_id = '{new}' and is_closed") == 3
    moved = rows(con, "select user_id from user_history group by 1 having count(distinct manager_id) > 1 order by 1")
    assert [row[0] for row in moved] == sorted(truth["moved"])


def test_split_and_pushed_deals(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """Split deals have shares that sum to one; the deal pushed four times has four later close dates, each later."""
    shares = dict(rows(con, "select coalesce(opportunity_id, order_id), sum(share) from credits group by 1"))
    assert set(shares) == set(truth["split_deals"]) | set(truth["split_orders"])
    assert all(total == pytest.approx(1) for total in shares.values())
    assert len(truth["split_deals"]) >= 5
    for deal in truth["pushed_four_times"]:
        dates = [
            row[0]
            for row in rows(
                con,
                f"""select new_value from opportunity_history where opportunity_id = '{deal}'
                    and field_name = 'close_date' order by valid_from""",
            )
        ]
        assert len(dates) == 5
        assert dates == sorted(set(dates))
    often = rows(
        con,
        """select opportunity_id from opportunity_history join opportunities using (opportunity_id)
           where field_name = 'close_date' and new_value is not null and not is_closed
           group by 1 having count(*) > 4""",
    )
    assert [row[0] for row in often] == truth["pushed_four_times"]
    assert len(often) == 1


def test_second_currencies(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """A handful of deals is in a currency with a rate, and a handful in one without."""
    codes = {row[0] for row in rows(con, "select currency from opportunities where currency <> 'EUR'")}
    assert codes == {"CHF", "SEK"}
    assert {row[0] for row in rows(con, "select currency from fx_rates")} == {"CHF"}
    foreign = {row[0] for row in rows(con, "select opportunity_id from opportunities where currency <> 'EUR'")}
    assert foreign == set(truth["foreign_deals"])


# --- promises ------------------------------------------------------------------------------------------------------

_VALUES = {
    "booked": "select coalesce(sum(amount), 0) from opportunities where is_won and currency = 'EUR'"
    " and owner_id = '{o}' and close_date between '{a}' and '{d}'",
    "won_deals": "select count(*) from opportunities where is_won and owner_id = '{o}'"
    " and close_date between '{a}' and '{d}'",
    "orders": "select coalesce(sum(net_amount), 0) from order_lines join orders using (order_id) where owner_id = '{o}'"
    " and ordered_at::date between '{a}' and '{d}'",
    "pipeline_created": "select coalesce(sum(amount), 0) from opportunities where owner_id = '{o}'"
    " and created_date between '{a}' and '{d}'",
    "activities_completed": "select count(*) from activities where owner_id = '{o}'"
    " and completed_at::date between '{a}' and '{d}'",
    "deal_won": "select count(*) from opportunities where opportunity_id = '{s}' and is_won"
    " and close_date between '{a}' and '{d}'",
    "deal_stage": "select count(*) from opportunity_history where opportunity_id = '{s}' and field_name = 'stage_name'"
    " and new_value = 'Proposal' and valid_from::date between '{a}' and '{d}'",
    "contact_made": "select count(*) from activities where account_id = '{s}' and owner_id = '{o}'"
    " and completed_at::date between '{a}' and '{d}'",
}


def test_commitments_are_kept_and_broken_as_planted(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """Judging each promise from the tables, by its original due date, gives the planted verdict."""
    promises = con.sql(
        "select * replace (agreed_at::date::varchar as agreed_at, withdrawn_at is not null as withdrawn_at)"
        " from commitments"
    ).df()
    assert set(promises.metric) - set(METRICS) == {"reference_visit"}
    for row in promises.itertuples():
        due = str(row.original_due_date)[:10]
        if row.withdrawn_at:
            verdict = "withdrawn"
        elif due > "2026-10-31":
            verdict = "pending"
        elif row.metric not in METRICS:
            verdict = "declared" if isinstance(row.evidence_id, str) else "unproven"
        else:
            sql = _VALUES[row.metric].format(o=row.owner_id, s=row.subject_id, a=row.agreed_at, d=due)
            target = 1.0 if row.metric == "deal_stage" else float(row.target)
            verdict = "kept" if value(con, sql) >= target else "missed"
        assert truth["commitments"][row.commitment_id] == verdict, row.commitment_id
    broken = [key for key, verdict in truth["commitments"].items() if verdict == "missed"]
    assert broken == truth["broken_commitments"]


def test_both_report_periods_have_every_kind_of_promise(con: duckdb.DuckDBPyConnection, truth: Truth) -> None:
    """Kept, missed and moved promises fall due in 2026-Q3 and in 2026-Q4; pending ones in 2026-Q4."""
    due = con.sql(
        "select commitment_id, original_due_date < '2026-10-01' as past, due_date > original_due_date as moved"
        " from commitments where original_due_date >= '2026-07-01'"
    ).df()
    verdict = due.commitment_id.map(truth["commitments"])
    assert {"kept", "missed"} <= set(verdict[due.past])
    assert {"kept", "missed", "pending"} <= set(verdict[~due.past])
    assert due.moved[due.past].any()
    assert due.moved[~due.past].any()


# --- writing -------------------------------------------------------------------------------------------------------


def test_divisions_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A larger company is written division by division: one row group each, keys never shared, the first unchanged."""
    monkeypatch.setitem(company.SIZES, "small", company.Size(1, 200))
    monkeypatch.setitem(company.SIZES, "large", company.Size(3, 200))
    one = write_sample(tmp_path / "one", seed=5, size="small")
    three = write_sample(tmp_path / "three", seed=5, size="large")
    lines = pyarrow.parquet.ParquetFile(three / "order_lines.parquet")
    assert lines.num_row_groups == 3
    assert lines.read_row_group(0).equals(pyarrow.parquet.read_table(one / "order_lines.parquet"))
    con = connect(three)
    for name, table in SCHEMA.items():
        key = ", ".join(table.key)
        assert rows(con, f"select {key} from {name} group by {key} having count(*) > 1") == [], name
    assert value(con, "select count(*) from users where manager_id is null") == 1
    assert [f for f in check_book(open_book(three)) if f.severity == "error"] == []
    assert len(read_truth(three)["rep_skill"]) == 120


def test_sizes_grow() -> None:
    """Medium has ten times the accounts of small; large has several hundred times."""
    accounts = {name: size.divisions * size.accounts_per_division for name, size in company.SIZES.items()}
    assert accounts["medium"] == 10 * accounts["small"]
    assert accounts["large"] >= 400 * accounts["small"]


def test_an_earlier_sample_is_replaced(tmp_path: Path) -> None:
    """Writing into a folder that holds a sample replaces its files, and leaves no table in two forms."""
    dest = write_sample(tmp_path / "sample", seed=1, size="small")
    (dest / "orders.csv").write_text("order_id\n", encoding="utf-8")
    write_sample(dest, seed=2, size="small")
    assert not (dest / "orders.csv").exists()
    assert read_truth(dest)["seed"] == 2


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """A folder with anything but a sample in it is left as it is."""
    (tmp_path / "orders.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(BookError, match=r"is in use and not by a sample\. Name a new or empty folder\."):
        write_sample(tmp_path, seed=1, size="small")
    assert [file.name for file in tmp_path.iterdir()] == ["orders.csv"]


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    """A seed below zero is named in the message, and nothing is written."""
    with pytest.raises(BookError, match=r"A seed must be 0 or more\. Got -1\."):
        write_sample(tmp_path / "sample", seed=-1, size="small")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Where no folder can be made, the message names the place and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(BookError, match=r"The sample cannot be written to .*file.*sample.*: "):
        write_sample(tmp_path / "file" / "sample", seed=1, size="small")


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped while files are being written, the sample leaves neither its folder nor a temporary one."""

    def interrupted(*_: object) -> None:
        assert any(tmp_path.iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr("salesops.sample.write.simulate", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        write_sample(tmp_path / "sample", seed=1, size="small")
    assert list(tmp_path.iterdir()) == []
