"""The open deals that move the company's number most: what becomes of it if a deal is won, and if it is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import fft

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.forecast.outlook import Forecast
from salesops.models.forecast.sums import GRID, Sums, clean, company_sum, on_grid, sums_of

MOST = 10


def movers(book: Book, found: Forecast, *, most: int = MOST) -> pd.DataFrame:
    """Return the open deals that the company's total depends on most, each decided both ways.

    Exact: the sum of all that may come without the deal is convolved with what the deal brings. Deals are ranked by
    their part of the variance, chance · (1 − chance) · money². A deal that several reps share is one deal.

    Returns
    -------
    pandas.DataFrame
        opportunity_id, account_name, owner_name, stage_name, close_date (day), next_step; amount (money, as the book
        has it), brings (what negotiating usually leaves of it), chance (P(won in the period)); p50_won, p50_lost;
        p_target_won, p_target_lost (NaN without a target); swing (p50_won − p50_lost). Largest part first; deals
        without an amount are left out, and all of them where nothing can be estimated.
    """
    deals = _candidates(found).head(most)
    if deals.empty or found.inputs.why_not:
        deals = deals.head(0)
        return deals.assign(**dict.fromkeys(_ADDED, pd.Series(dtype=float)))
    lost, won = _both_ways(found, deals)
    closed, need = found.company["closed"], found.company["target"] - found.company["closed"]
    both = {name: closed + sums.quantile((0.5,), found.shock)[:, 0] for name, sums in (("won", won), ("lost", lost))}
    known = np.isfinite(need)
    needs = np.full(len(deals), need if known else 0.0)
    reached = {name: sums.reach(needs, found.shock) for name, sums in (("won", won), ("lost", lost))}
    table = deals.assign(
        **{f"p50_{name}": money for name, money in both.items()},
        **{f"p_target_{name}": chance if known else np.nan for name, chance in reached.items()},
        swing=both["won"] - both["lost"],
    )
    return _named(book, found, table)


_ADDED = ("account_name", "owner_name", "stage_name", "close_date", "next_step", "p50_won", "p50_lost",
          "p_target_won", "p_target_lost", "swing")  # fmt: skip  # two lines read better than ten


def _candidates(found: Forecast) -> pd.DataFrame:
    parts = found.inputs.to_come()
    rows = pd.DataFrame(
        {
            "opportunity_id": found.inputs.deal_id,
            "amount": found.inputs.deal_amount,
            "brings": parts.amount,
            "chance": parts.chance,
        }
    )
    deals = (
        rows[rows.amount > 0]
        .groupby("opportunity_id", as_index=False)
        .agg(amount=("amount", "sum"), brings=("brings", "sum"), chance=("chance", "first"))
    )
    share = deals.chance * (1 - deals.chance) * deals.brings**2
    ranked = deals.assign(_share=share).sort_values(["_share", "opportunity_id"], ascending=[False, True])
    return ranked[ranked._share > 0].drop(columns="_share").reset_index(drop=True)


def _both_ways(found: Forecast, deals: pd.DataFrame) -> tuple[Sums, Sums]:
    """The company's sum with each deal lost, and with it won: a row for each deal."""
    parts = found.inputs.to_come()
    other = ~np.isin(found.inputs.deal_id, deals.opportunity_id.to_numpy(str))
    rest = replace(parts, deal_rep=parts.deal_rep[other], chance=parts.chance[other], amount=parts.amount[other])
    base = company_sum(sums_of(rest, GRID, found.shock))
    amount, chance = deals.brings.to_numpy(float), deals.chance.to_numpy(float)
    top = base.mass.shape[1] * float(base.step[0]) + amount.sum()
    grid = 2 * base.mass.shape[1]
    step = top / (grid - 2)
    cells = np.arange(base.mass.shape[1]) * (float(base.step[0]) / step)
    start = fft.rfft(on_grid(cells[None], base.mass, grid), axis=1)
    own = fft.rfft(on_grid(amount[:, None] / step, np.ones((len(deals), 1)), grid), axis=1)
    either = 1 + chance[:, None] * (own - 1)
    lost = np.vstack([start[0] * np.delete(either, n, axis=0).prod(axis=0) for n in range(len(deals))])
    without, with_it = (clean(fft.irfft(spectrum, grid, axis=1)) for spectrum in (lost, lost * own))
    steps = np.full(len(deals), step)
    return Sums(without, steps), Sums(with_it, steps)


def _named(book: Book, found: Forecast, table: pd.DataFrame) -> pd.DataFrame:
    known = as_known(book, found.inputs.as_of)
    deals = known.table("opportunities")
    rows = deals.filter(deals.opportunity_id.isin(list(table.opportunity_id)))
    accounts = known.table("accounts").select(_account="account_id", account_name="account_name")
    users = known.table("users").select(_user="user_id", owner_name="user_name")
    rows = rows.left_join(accounts, rows.account_id == accounts._account)
    rows = rows.left_join(users, rows.owner_id == users._user)
    names = rows.select("opportunity_id", "account_name", "owner_name", "stage_name", "close_date", "next_step")
    found_names = names.to_pandas()
    merged: pd.DataFrame = table.merge(found_names, on="opportunity_id", how="left")
    return merged.assign(close_date=pd.to_datetime(merged.close_date))
