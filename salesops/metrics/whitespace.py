"""Whitespace: product families that peers buy and an account does not."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.snapshot import as_known
from salesops.book.source import Book

FEWEST_PEERS = 5
# groups beside the industries, by names that no industry has
ALL, NONE = "(all)", "(none)"


def whitespace(book: Book, as_of: date, *, accounts: tuple[str, ...] = ()) -> ir.Table:
    """Return the families that an account does not buy, with the share of its peers who do.

    What is bought is as `families_bought` has it, and a buyer bought at least one family. Peers are the other
    buyers of the same industry; where they are fewer than FEWEST_PEERS, or the account has no industry, all other
    buyers. The share says what is usual among peers; it is no chance to buy, and no margin.

    Parameters
    ----------
    accounts : tuple of str
        Only these accounts; () means every account of the book and every buyer.

    Returns
    -------
    ir.Table
        account_id, family, peers (buyers compared with), peers_buying (of these, those who buy the family),
        peer_share (peers_buying ÷ peers; null without peers), same_industry (boolean: the peers are of the
        account's industry).
    """
    known = as_known(book, as_of)
    bought = families_bought(known, as_of)
    sizes = known.keep("buyers by industry", lambda: _sizes(bought))
    counts = known.keep("families by industry", lambda: _counts(bought))
    rows = _clients(known, bought)
    if accounts:
        rows = rows.filter(rows.account_id.isin(accounts))
        bought = bought.filter(bought.account_id.isin(accounts))
    rows = _with_peers(rows, sizes)
    pairs = rows.inner_join(counts, rows._peer_group == counts._group)
    open_ = pairs.anti_join(bought, ["account_id", "family"])
    return open_.mutate(peer_share=open_.peers_buying / open_.peers.nullif(0)).select(
        "account_id", "family", "peers", "peers_buying", "peer_share", "same_industry"
    )


def families_bought(book: Book, as_of: date) -> ir.Table:
    """Return what each account buys: the families of which more units were bought than returned.

    A line without a quantity counts as one unit.

    Returns
    -------
    ir.Table
        account_id, family, industry (the account's; NONE without one).
    """
    known = as_known(book, as_of)
    return known.keep("families bought", lambda: _bought(known))


def _bought(known: Book) -> ir.Table:
    lines, orders, products = (known.table(name) for name in ("order_lines", "orders", "products"))
    sold = lines.select("order_id", "product_id", "quantity").inner_join(
        orders.filter(orders.account_id.notnull()).select("order_id", "account_id"), "order_id"
    )
    # the products an account bought are far fewer than the lines
    own = sold.group_by("account_id", "product_id").aggregate(units=sold.quantity.fill_null(1).sum())
    named = own.inner_join(products.select("product_id", "family"), "product_id")
    sums = named.group_by("account_id", "family").aggregate(units=named.units.sum())
    found = sums.filter(sums.family.notnull() & (sums.units > 0)).select("account_id", "family")
    industries = known.table("accounts").select(_account="account_id", industry="industry")
    joined = found.left_join(industries, found.account_id == industries._account)
    return joined.select("account_id", "family", industry=joined.industry.fill_null(NONE))


def _counts(bought: ir.Table) -> ir.Table:
    """Return how many buyers buy each family, in each industry (0 with them) and in ALL."""
    both = bought.union(bought.mutate(industry=ibis.literal(ALL)))
    groups, families = both.select(_group="industry").distinct(), bought.select(_family="family").distinct()
    found = both.group_by("industry", "family").aggregate(buying=both.count())
    grid = groups.cross_join(families)
    joined = grid.left_join(found, [grid._group == found.industry, grid._family == found.family])
    return joined.select("_group", family="_family", peers_buying=joined.buying.fill_null(0))


def _sizes(bought: ir.Table) -> ir.Table:
    """Return how many buyers each industry has, and ALL."""
    both = bought.union(bought.mutate(industry=ibis.literal(ALL)))
    return both.group_by(_industry="industry").aggregate(_buyers=both.account_id.nunique())


def _clients(known: Book, bought: ir.Table) -> ir.Table:
    """Return every account of the book and every buyer once: account_id, industry, buys (0 or 1)."""
    buyers = bought.select("account_id", "industry").distinct().mutate(buys=ibis.literal(1, "int64"))
    accounts = known.table("accounts")
    others = accounts.select("account_id", industry=accounts.industry.fill_null(NONE)).anti_join(buyers, "account_id")
    return buyers.union(others.mutate(buys=ibis.literal(0, "int64")))


def _with_peers(rows: ir.Table, sizes: ir.Table) -> ir.Table:
    every = sizes.filter(sizes._industry == ALL).select(_all="_buyers")
    both = rows.left_join(sizes, rows.industry == sizes._industry).cross_join(every)
    others = both._buyers.fill_null(0) - both.buys
    own = (others >= FEWEST_PEERS) & (both.industry != NONE)
    # mutate and not select: Ibis would go on with the join, and cannot join on what it computes
    return both.mutate(
        same_industry=own,
        peers=own.ifelse(others, both._all - both.buys),
        _peer_group=own.ifelse(both.industry, ALL),
    )
