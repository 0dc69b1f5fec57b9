"""Amounts that show their currency: the sign counts, and a currency is an ISO code."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from intake_export import DEALS, MAP, USERS

from salesops.book.detect import marks
from salesops.errors import IntakeError, MapError
from salesops.intake import Intake, import_book

CURRENCY = 'columns = { opportunity_id = "id", currency = "coin", '


def convert(folder: Path, deals: str, map_text: str = MAP, **files: str) -> Intake:
    """Import deals given as text, and further files."""
    source = folder / "export"
    source.mkdir(exist_ok=True)
    for name, text in {"users": USERS, "deals": deals, **files}.items():
        (source / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "map.toml").write_text(map_text, encoding="utf-8")
    return import_book(folder / "map.toml", source, folder / "book", replace=True)


def money(result: Intake) -> list[tuple[object, ...]]:
    """Return amount and currency of each deal."""
    query = f"SELECT amount, currency FROM '{result.dest / 'opportunities.parquet'}' ORDER BY opportunity_id"
    return duckdb.sql(query).fetchall()


def deals(*amounts: str) -> str:
    """Return an export in which the first deals have these amounts."""
    rows = [f'D{number},u1,Won,"{amount}",2026-01-10' for number, amount in enumerate(amounts)]
    return "\n".join([DEALS.splitlines()[0], *rows]) + "\n"


def test_the_signs_in_one_column_tell_the_currency(tmp_path: Path) -> None:
    """Of € 1,200, $300 and a bare 70 in a euro book each has its own currency, and the import counts them."""
    result = convert(tmp_path, deals("€ 1,200.00", "$300", "70", "£5.50", "(€20)"))
    assert money(result) == [(1200.0, "EUR"), (300.0, "USD"), (70.0, "EUR"), (5.5, "GBP"), (-20.0, "EUR")]
    assert "  1 row: currency USD told by the sign in amount" in result.lines()


def test_one_foreign_sign_is_not_taken_for_the_books_currency(tmp_path: Path) -> None:
    """A column of dollars in a euro book is in dollars."""
    assert money(convert(tmp_path, deals("$1,200", "$300"))) == [(1200.0, "USD"), (300.0, "USD")]


@pytest.mark.long
@pytest.mark.parametrize(
    ("cell", "amount", "code"),
    [
        ("1,234.50 EUR", 1234.5, "EUR"), ("USD 1,200", 1200.0, "USD"), ("usd 5", 5.0, "USD"), ("US$300", 300.0, "USD"),
        ("R$ 1,234.56", 1234.56, "BRL"), ("CHF 1'200.-", 1200.0, "CHF"), ("Fr. 1'200.00", 1200.0, "CHF"),
        ("4,200,000円", 4.2e6, "JPY"), ("￥１，０００", 1000.0, "JPY"), ("\\1,155,000", 1155000.0, "JPY"),
        ("1 200.50 zł", 1200.5, "PLN"), ("-5 Kč", -5.0, "CZK"), ("(1,200 EUR)", -1200.0, "EUR"), ("7", 7.0, "EUR"),
    ],
)  # fmt: skip  # one cell an item
def test_words_beside_an_amount(tmp_path: Path, cell: str, amount: float, code: str) -> None:
    """An ISO code, a sign or a short word before or after an amount is its currency, and no part of the number."""
    assert money(convert(tmp_path, deals(cell))) == [(amount, code)]


def test_other_words_are_no_currency(tmp_path: Path) -> None:
    """An amount with a word that is no currency, or one of several, is refused and not guessed."""
    for cell in ("120k", "1.2 Mio", "300 kr", "ABC 5"):
        with pytest.raises(IntakeError, match="has an amount that is not a number"):
            convert(tmp_path, deals(cell))


def test_a_shared_sign_is_the_books_own() -> None:
    """$ and kr are the book's currency where that is written so, ¥ is the yuan in a yuan book."""
    assert (marks("CAD")["$"], marks("EUR")["$"], marks("")["$"]) == ("CAD", "USD", "USD")
    assert (marks("CNY")["¥"], marks("EUR")["¥"]) == ("CNY", "JPY")
    assert marks("SEK")["KR"] == "SEK"
    assert "KR" not in marks("EUR")


def test_decimal_commas_beside_a_word(tmp_path: Path) -> None:
    """Numbers with a word tell how a file writes its decimals: 1.234 EUR beside 1.234,50 EUR is a thousand and more."""
    rows = "D1;u1;Won;1.234 EUR;2026-01-10\nD2;u1;Won;1.234,50 EUR;2026-01-10\n"
    text = f"id;rep;stage;amount;closed\n{rows}"
    assert money(convert(tmp_path, text)) == [(1234.0, "EUR"), (1234.5, "EUR")]


@pytest.mark.parametrize(
    ("cell", "code"),
    [("usd", "USD"), ("US Dollar", "USD"), ("€", "EUR"), ("Euro", "EUR"), ("€ 300", "EUR"), ("", "EUR"), ("12", "EUR")],
)
def test_a_currency_becomes_its_iso_code(tmp_path: Path, cell: str, code: str) -> None:
    """Small letters, names, signs and a price are read as the ISO code; no sign is the book's."""
    text = f"id,rep,stage,amount,closed,coin\nD1,u1,Won,100,2026-01-10,{cell}\n"
    assert money(convert(tmp_path, text, MAP.replace('columns = { opportunity_id = "id", ', CURRENCY))) == [(100, code)]


def test_a_currency_that_is_no_code_is_refused(tmp_path: Path) -> None:
    """A currency under a name that nobody knows is refused with the line that renames it."""
    text = "id,rep,stage,amount,closed,coin\nD1,u1,Won,100,2026-01-10,Taler\n"
    with pytest.raises(
        IntakeError, match=r'currency that is not an ISO code.*row 1 \'Taler\'.*values = \{ "Taler" = "EUR" \}'
    ):
        convert(tmp_path, text, MAP.replace('columns = { opportunity_id = "id", ', CURRENCY))


def test_the_currency_column_counts_before_the_sign(tmp_path: Path) -> None:
    """Where a column gives the currency it counts, and a sign that says otherwise is counted for the reader."""
    text = "id,rep,stage,amount,closed,coin\nD1,u1,Won,$100,2026-01-10,CAD\nD2,u1,Won,€7,2026-01-10,\n"
    result = convert(tmp_path, text, MAP.replace('columns = { opportunity_id = "id", ', CURRENCY))
    assert money(result) == [(100.0, "CAD"), (7.0, "EUR")]
    assert "  1 row: the sign in amount is not that of the currency column, which counts" in result.lines()


ORDERS = (
    MAP
    + """
[tables.accounts]
from = "sales"
distinct = true
columns = { account_id = "firm", account_name = "firm" }
[tables.products]
from = "sales"
distinct = true
columns = { product_id = "item", product_name = "item", family = { default = "all" } }
[tables.orders]
from = "sales"
distinct = true
columns = { order_id = "no", account_id = "firm", ordered_at = "day" }
[tables.order_lines]
from = "sales"
[tables.order_lines.columns]
order_line_id = { sql = "'L' || _row" }
order_id = "no"
product_id = "item"
quantity = "n"
unit_price = "price"
"""
)
SALES = "no,firm,day,item,n,price\n1,A,2026-01-02,x,1,€5\n2,A,2026-01-03,x,1,$7\n"


def test_lines_in_another_currency_than_their_order(tmp_path: Path) -> None:
    """Lines that show dollars under orders in euros are refused; a currency taken from the price lets them in."""
    with pytest.raises(IntakeError, match=r"unit_price in another currency than its order \(first: row 2 '\$7'\)"):
        convert(tmp_path, DEALS, ORDERS, sales=SALES)
    told = ORDERS.replace('ordered_at = "day"', 'ordered_at = "day", currency = "price"')
    result = convert(tmp_path, DEALS, told, sales=SALES)
    query = f"SELECT order_id, currency FROM '{result.dest / 'orders.parquet'}' ORDER BY 1"
    assert duckdb.sql(query).fetchall() == [("1", "EUR"), ("2", "USD")]


def test_sql_does_not_lose_a_sign(tmp_path: Path) -> None:
    """For SQL a column of several currencies is text: it cannot be reckoned with as if it were one."""
    text = MAP.replace('amount = "amount"', 'amount = { sql = "amount / 100" }')
    with pytest.raises(MapError, match='"amount" text'):
        convert(tmp_path, deals("€ 100", "$300"), text)
    assert money(convert(tmp_path, deals("€100", "€300"), text)) == [(1.0, "EUR"), (3.0, "EUR")]
