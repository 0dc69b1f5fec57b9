"""What an account buys, what its peers buy and it does not, and what it is asking for now."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from salesops.book.source import Book
from salesops.metrics.whitespace import families_bought, whitespace

PEERS_BUY = 1 / 3
_SHARE = "next_family_share"


def needs(known: Book) -> pd.DataFrame:
    """Return what each account needs, of those that buy anything or have an open deal.

    Peers, and what counts as bought, are those of `metrics.whitespace`.

    Parameters
    ----------
    known : Book
        The book as known on a day (`as_known`).

    Returns
    -------
    pandas.DataFrame
        account_id, families (bought), family_gap (how many families at least PEERS_BUY of the peers buy and
        the account does not), next_family (of these, the one that most peers buy), next_family_share (fraction
        of the peers), stated_need (product family of the latest open deal), open_deal (its type).
    """
    assert known.as_of is not None
    bought = families_bought(known, known.as_of)
    families = bought.group_by("account_id").aggregate(families=bought.count()).to_pandas()
    gaps = whitespace(known, known.as_of)
    wide = gaps.filter(gaps.peer_share >= PEERS_BUY).select("account_id", "family", "peer_share").to_pandas()
    wide = wide[wide.account_id.isin(families.account_id)]
    wide = wide.sort_values(["account_id", "peer_share", "family"], ascending=[True, False, True])
    first = wide.drop_duplicates("account_id").rename(columns={"family": "next_family", "peer_share": _SHARE})
    found: pd.DataFrame = families.merge(first, on="account_id", how="left")
    found["family_gap"] = found.account_id.map(wide.account_id.value_counts()).fillna(0)
    return found.merge(_open_deals(known).to_pandas(), on="account_id", how="outer")


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
