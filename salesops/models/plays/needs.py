"""What an account buys, what its peers buy and it does not, and what it is asking for now."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.book.source import Book

PEERS_BUY = 1 / 3
FEWEST_PEERS = 5


def needs(known: Book) -> pd.DataFrame:
    """Return what each account needs.

    Peers are the other accounts of the same industry that have bought; accounts of an industry with fewer than
    FEWEST_PEERS of them, or of none, have all other buyers as peers.

    Returns
    -------
    pandas.DataFrame
        account_id, families (bought), family_gap (how many families at least PEERS_BUY of the peers buy and
        the account does not), next_family (of these, the one that most peers buy), next_family_share (fraction
        of the peers), stated_need (product family of the latest open deal), open_deal (its type).
    """
    bought = _families(known).to_pandas()
    accounts = known.table("accounts").select("account_id", "industry").to_pandas()
    return _gaps(bought, accounts).merge(_open_deals(known).to_pandas(), on="account_id", how="outer")


def _families(known: Book) -> ir.Table:
    lines, orders, products = (known.table(name) for name in ("order_lines", "orders", "products"))
    named = lines.join(products.select("product_id", "family"), "product_id").select("order_id", "family", "quantity")
    sold = named.filter(named.family.notnull() & (named.quantity.fill_null(1) > 0))
    return sold.join(orders.select("order_id", "account_id"), "order_id").select("account_id", "family").distinct()


def _gaps(bought: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    names = ["account_id", "families", "family_gap", "next_family", "next_family_share"]
    if bought.empty:
        return pd.DataFrame(columns=names).astype({"account_id": "str"})
    row, buyers = pd.factorize(bought.account_id, sort=True)
    column, families = pd.factorize(bought.family, sort=True)
    has = np.zeros((len(buyers), len(families)), dtype=bool)
    has[row, column] = True
    share = np.where(has, 0.0, _peer_shares(has, accounts.set_index("account_id").industry.reindex(buyers)))
    wanted = share >= PEERS_BUY
    some = wanted.any(axis=1)
    best = np.where(some, families.to_numpy(dtype=object)[share.argmax(axis=1)], None)
    columns = (buyers, has.sum(axis=1), wanted.sum(axis=1), best, np.where(some, share.max(axis=1), np.nan))
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def _peer_shares(has: NDArray[np.bool_], industry: pd.Series) -> NDArray[np.float64]:
    """Return for each buyer and family the share of the peers that buy it, where the buyer does not."""
    group, names = pd.factorize(industry)
    sizes = np.bincount(group[group >= 0], minlength=len(names))
    counts = np.zeros((len(names), has.shape[1]))
    np.add.at(counts, group[group >= 0], has[group >= 0])
    # the buyer is no peer of its own, and is not counted among those who buy what it does not
    own = (group >= 0) & (np.append(sizes, 0)[group] > FEWEST_PEERS)
    buyers, size = np.tile(has.sum(axis=0), (len(has), 1)).astype(float), np.full(len(has), len(has) - 1)
    buyers[own], size[own] = counts[group[own]], sizes[group[own]] - 1
    return np.asarray(buyers / np.maximum(size, 1)[:, None])


def _open_deals(known: Book) -> ir.Table:
    deals = known.table("opportunities")
    products = known.table("products").select("product_id", "family")
    open_ = deals.filter(~deals.is_closed & deals.account_id.notnull())
    latest = ibis.row_number().over(
        group_by=open_.account_id, order_by=[ibis.desc(open_.created_date), open_.opportunity_id]
    )
    first = open_.mutate(place=latest)
    first = first.filter(first.place == 0)
    return first.left_join(products, "product_id").select("account_id", stated_need="family", open_deal="type")
