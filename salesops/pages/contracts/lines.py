"""Order lines and contracts with who looks after them, and the three terms of each contract side by side."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir
import pandas as pd

from salesops.book.money import in_book_currency, net_amount
from salesops.book.owners import responsible
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.metrics.otif import due_lines, otif

TERMS = ("quality", "price", "logistics")
OWNER = ("owner_id", "owner_name", "owner_left")


def of_owner(whose: str, rows: ir.Table) -> ir.Table:
    """Return the rows of an owner; all of them for ""."""
    return rows.filter(rows.owner_id == whose) if whose else rows


def with_account(known: Book, rows: ir.Table) -> ir.Table:
    """Add account_name; the id where accounts does not know it."""
    accounts = known.table("accounts").select(_id="account_id", _account_name="account_name")
    joined = rows.left_join(accounts, rows.account_id == accounts._id)
    return joined.mutate(account_name=joined._account_name.fill_null(joined.account_id)).drop("_id", "_account_name")


def owned_lines(known: Book, lines: ir.Table, whose: str) -> ir.Table:
    """Add account, contract and owner to order lines: the contract's owner, else the order's."""
    orders, contracts = known.table("orders"), known.table("contracts").select(_c="contract_id", _own="owner_id")
    orders = orders.select(_order="order_id", account_id="account_id", contract_id="contract_id", _seller="owner_id")
    bare = lines.drop(*(name for name in ("account_id", "contract_id") if name in lines.columns))
    joined = bare.inner_join(orders, bare.order_id == orders._order)
    joined = joined.left_join(contracts, joined.contract_id == contracts._c)
    joined = joined.mutate(owner_id=joined._own.fill_null(joined._seller)).drop("_order", "_c", "_own", "_seller")
    return of_owner(whose, responsible(known, with_account(known, joined)))


def owned_due_lines(known: Book, as_of: date, whose: str) -> ir.Table:
    """Add to the lines that are due their owner, family, territory and value."""
    lines = owned_lines(known, due_lines(known, as_of), whose)
    sold = known.table("order_lines")
    sold = sold.select(_line="order_line_id", net=net_amount(sold))
    orders = known.table("orders").select(_order="order_id", currency="currency", _at="ordered_at")
    products = known.table("products").select(_product="product_id", family="family")
    users = known.table("users").select(_user="user_id", _territory="territory_id")
    lands = known.table("territories").select(_land="territory_id", territory_name="territory_name")
    joined = lines.inner_join(sold, lines.order_line_id == sold._line)
    joined = joined.inner_join(orders, joined.order_id == orders._order)
    joined = joined.left_join(products, joined.product_id == products._product)
    joined = joined.left_join(users, joined.owner_id == users._user)
    joined = joined.left_join(lands, joined._territory == lands._land)
    joined = joined.mutate(territory_name=joined.territory_name.fill_null(joined._territory))
    day = local_date(joined._at, known.config.time_zone)
    return in_book_currency(known, joined, "net", day).drop(
        "_line", "_order", "_at", "_product", "_user", "_territory", "_land"
    )


def contract_terms(known: Book, ran: ir.Table, due: ir.Table, prices: ir.Table, qualities: ir.Table) -> pd.DataFrame:
    """Return the three terms of each contract side by side, the dearest breach first.

    Parameters
    ----------
    ran, due, prices, qualities : ir.Table
        Contracts with their owners, and lines of them as `owned_due_lines` and `owned_lines` give them.

    Returns
    -------
    pandas.DataFrame
        contract_id, account_name, owner_id, owner_name, owner_left; quality (accepted ÷ delivered units) and
        quality_agreed, price (invoiced ÷ agreed), logistics (lines on time ÷ due) and logistics_agreed (days that are
        allowed beyond the promised one; NaN without a term): NaN where nothing tells; due, late (lines), otif; of
        each of TERMS …_broken (boolean), …_since (date of the first breach), …_cost (money; NaN unless broken);
        worst (money, the largest of the three: they are not added up).
    """
    terms = known.table("contract_terms")
    dated = terms.filter(terms.term_type == "logistics").select("contract_id").distinct().mutate(logistics_term=True)
    late = ~due.on_time
    logistics = due.group_by("contract_id").aggregate(
        late=late.sum(), logistics_cost=due.value.sum(where=late), logistics_since=due.due_on.min(where=late),
        logistics_agreed=due.due_on.delta(due.promised_date, unit="day").max(),
    )  # fmt: skip  # one column list
    price = prices.group_by("contract_id").aggregate(
        price=prices.net.sum() / prices.agreed.sum().nullif(0), price_below=prices.below.sum(),
        price_cost=prices.leakage.sum(), price_since=prices.ordered_on.min(where=prices.below),
    )  # fmt: skip  # one column list
    units, weight = qualities.delivered.sum(), qualities.delivered
    quality = qualities.group_by("contract_id").aggregate(
        quality=1 - qualities.rejected.sum() / units, quality_agreed=(weight * qualities.agreed).sum() / units,
        _tolerance=(weight * qualities.tolerance).sum() / units, quality_cost=qualities.cost.sum(),
        quality_since=qualities.rejected_on.min(),
    )  # fmt: skip  # one column list
    rows = ran.select("contract_id", "account_name", *OWNER).to_pandas()
    for part in (dated, otif(due, "contract_id").rename(logistics="on_time_rate"), logistics, price, quality):
        rows = rows.merge(part.to_pandas(), on="contract_id", how="left")
    broken = {
        "quality": rows.quality < rows.quality_agreed - rows._tolerance - 1e-9,
        "price": rows.price_below > 0,
        "logistics": rows.logistics_term.eq(True) & (rows.late > 0),
    }
    for term, found in broken.items():
        rows[f"{term}_broken"] = found.fillna(False).astype(bool)
        rows[[f"{term}_cost"]] = rows[[f"{term}_cost"]].where(rows[f"{term}_broken"])
    rows[["due", "late"]] = rows[["due", "late"]].fillna(0).astype(int)
    rows[list(TERMS)] = rows[list(TERMS)].round(9)  # 100% is not to read <100% for want of a last digit
    rows["worst"] = rows[[f"{term}_cost" for term in TERMS]].max(axis=1)
    rows["logistics_agreed"] = rows.logistics_agreed.where(rows.logistics_term.eq(True))
    ordered: pd.DataFrame = rows.sort_values(["worst", "contract_id"], ascending=[False, True], ignore_index=True)
    return ordered
