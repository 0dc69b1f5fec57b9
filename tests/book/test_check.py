"""What `check_book` finds in bad input, and what it leaves in peace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salesops.book.check import Finding, check_book
from salesops.book.source import Book, open_book

Rows = list[dict[str, Any]]
MakeBook = Callable[..., Book]


@pytest.fixture
def make_book(tmp_path: Path) -> MakeBook:
    """Return a function that opens a book of Parquet tables, given as lists of rows."""

    def make(settings: str = 'currency = "EUR"', **tables: Rows) -> Book:
        for name, rows in tables.items():
            pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet")
        (tmp_path / "book.toml").write_text(settings, encoding="utf-8")
        return open_book(tmp_path)

    return make


def user(user_id: str | None, **changes: Any) -> dict[str, Any]:
    row = {"user_id": user_id, "user_name": f"Name of {user_id}", "role": "rep", "manager_id": None}
    return {**row, "hire_date": date(2020, 1, 1), **changes}


def deal(opportunity_id: str, **changes: Any) -> dict[str, Any]:
    row = {"opportunity_id": opportunity_id, "owner_id": "U1", "stage_name": "Won", "amount": 100.0}
    closed = {"currency": "EUR", "close_date": date(2026, 3, 1), "is_closed": True, "is_won": True}
    return {**row, **closed, **changes}


def quota(owner_id: str, start: date, end: date, **changes: Any) -> dict[str, Any]:
    row = {"owner_id": owner_id, "period_start": start, "period_end": end, "measure": "bookings"}
    return {**row, "quota_amount": 1000.0, "currency": "EUR", **changes}


YEAR = quota("U1", date(2026, 1, 1), date(2026, 12, 31))


def found(book: Book, table: str, rule: str) -> Finding:
    matching = [finding for finding in check_book(book) if (finding.table, finding.rule) == (table, rule)]
    assert len(matching) == 1, [str(finding) for finding in check_book(book)]
    return matching[0]


def test_sound_book_is_silent(make_book: MakeBook) -> None:
    """A book that keeps every rule has no finding."""
    book = make_book(users=[user("U1")], opportunities=[deal("D1")], quotas=[YEAR])
    assert check_book(book) == ()


def test_required_column_missing_names_the_nearest_header(make_book: MakeBook) -> None:
    """A table without a required column is refused with the nearest header; other tables are still checked."""
    rows = [{("owner" if key == "owner_id" else key): value for key, value in deal("D1").items()}]
    book = make_book(users=[user("U1", role="boss")], opportunities=rows, quotas=[YEAR])
    finding = found(book, "opportunities", "owner_id required")
    assert str(finding) == (
        "opportunities: the required column 'owner_id' is missing. Did you mean 'owner'? "
        "Rename or add the column, or import with a map."
    )
    assert finding.severity == "error"
    assert found(book, "users", "role known").affected == 1
    assert [f for f in check_book(book) if f.table == "opportunities"] == [finding]


def test_wrong_type_names_row_value_and_expected_type(make_book: MakeBook) -> None:
    """A cell that is not of the column's type is named by its row in the source, its text and the type."""
    rows = [deal(f"D{n}", amount="100" if n != 7312 else "abc", _row=n) for n in range(1, 8801)]
    book = make_book(users=[user("U1")], opportunities=rows, quotas=[YEAR])
    finding = found(book, "opportunities", "amount type")
    assert finding.severity == "error"
    assert str(finding).startswith(
        "opportunities: 1 of 8,800 rows has an amount that is not a number (first: row 7,312 'abc'). Correct the cells"
    )


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("close_date", "31 June", "a close_date that is not a date"),
        ("is_closed", "maybe", "an is_closed that is not yes or no"),
        ("amount", "12 apples", "an amount that is not a number"),
    ],
)
def test_wrong_type_without_row_numbers_is_named_by_key(
    make_book: MakeBook, column: str, cell: str, words: str
) -> None:
    """Where the source has no row numbers, a wrong cell is named by the key; blank cells are not wrong."""
    as_text = {"close_date": "2026-03-01", "is_closed": "yes", "amount": "100"}
    rows = [deal("D1", **as_text), deal("D2", **{**as_text, column: cell}), deal("D3", **{**as_text, "amount": " "})]
    finding = found(make_book(users=[user("U1")], opportunities=rows), "opportunities", f"{column} type")
    assert (finding.affected, finding.rows) == (1, 3)
    assert f"has {words} (first: D2 '{cell}')" in str(finding)


def test_long_wrong_cell_is_cut(make_book: MakeBook) -> None:
    """A finding stays one readable sentence, however long the wrong cell is."""
    book = make_book(users=[user("U1")], opportunities=[deal("D1", amount="x" * 500)])
    assert found(book, "opportunities", "amount type").keys == (f"D1 '{'x' * 40}…'",)


def test_empty_cell_in_a_filled_column_is_an_error(make_book: MakeBook) -> None:
    """A column that must hold a value is refused where it does not; blank text counts as empty."""
    deals = [deal("D1"), deal("D2", owner_id=None), deal("D3", owner_id=" ")]
    book = make_book(users=[user("U1")], opportunities=deals)
    finding = found(book, "opportunities", "owner_id filled")
    assert finding == Finding(
        "opportunities", "owner_id filled", "error", "have no owner_id", "Fill it in the source.", 2, 3, ("D2", "D3")
    )


def test_row_without_key_is_named_by_its_number(make_book: MakeBook) -> None:
    """A row whose key is empty is named by its row in the source."""
    book = make_book(users=[user("U1", _row=1), user(None, _row=2)])
    assert found(book, "users", "user_id filled").keys == ("row 2",)


def test_duplicate_keys_are_counted_beyond_the_first(make_book: MakeBook) -> None:
    """Each row that repeats a key counts once; the first row of a key does not."""
    book = make_book(users=[user("U1")], opportunities=[deal("D1"), deal("D2"), deal("D1"), deal("D1")])
    finding = found(book, "opportunities", "key unique")
    assert (finding.severity, finding.affected, finding.rows, finding.keys) == ("error", 2, 4, ("D1",))
    assert str(finding).startswith("opportunities: 2 of 4 rows repeat the opportunity_id of another row (first: D1)")


def test_duplicates_of_a_key_of_several_columns(make_book: MakeBook) -> None:
    """A key of several columns repeats only where all of them do."""
    orders = {**YEAR, "measure": "orders"}
    book = make_book(users=[user("U1")], quotas=[YEAR, YEAR, orders])
    finding = found(book, "quotas", "key unique")
    assert (finding.affected, finding.keys) == (1, ("U1 / 2026-01-01 / 2026-12-31 / bookings",))
    key = "owner_id, period_start, period_end, measure, is_rollup and version"
    assert f"repeats the {key} of another row" in str(finding)


def test_orphans_are_errors_and_empty_references_are_fine(make_book: MakeBook) -> None:
    """A reference to a key that its table lacks is refused; an empty reference is not."""
    deals = [deal("D1"), deal("D2", owner_id="U9"), deal("D3", owner_id="U9"), deal("D4", owner_id="U8")]
    finding = found(make_book(users=[user("U1")], opportunities=deals), "opportunities", "owner_id in users")
    assert (finding.severity, finding.affected, finding.keys) == ("error", 3, ("D2 'U9'", "D4 'U8'"))


def test_empty_key_in_the_other_table_does_not_hide_orphans(make_book: MakeBook) -> None:
    """Orphans are found although the referenced table has a row without a key."""
    book = make_book(users=[user("U1"), user(None)], opportunities=[deal("D1", owner_id="U9")])
    assert found(book, "opportunities", "owner_id in users").affected == 1


def test_absent_table_is_one_warning(make_book: MakeBook) -> None:
    """A table that is referenced but not in the book is named once, and makes no orphans."""
    book = make_book(opportunities=[deal("D1", account_id="A1")], quotas=[YEAR])
    findings = check_book(book)
    assert [(f.table, f.rule, f.severity) for f in findings] == [
        ("accounts", "absent", "warning"),
        ("users", "absent", "warning"),
    ]
    assert "opportunities.owner_id, quotas.owner_id cannot be checked" in str(findings[1])


def test_unknown_value_is_an_error_with_the_nearest_known(make_book: MakeBook) -> None:
    """A value outside the list is refused; each wrong value is shown with its first row and the nearest known."""
    book = make_book(users=[user("U1"), user("U2", role="Reps"), user("U3", role="Reps"), user("U4", role="boss")])
    finding = found(book, "users", "role known")
    assert str(finding) == (
        "users: 3 of 4 rows have a role that is not one of rep, manager (first: U2 'Reps', U4 'boss'). "
        "Did you mean 'rep'? Rename it in the source or in the map."
    )
    assert finding.severity == "error"


def test_value_out_of_range_is_a_warning(make_book: MakeBook) -> None:
    """A number outside its range is reported, not refused; both ends belong to the range."""
    shares = [("D1", "U1", 1.5), ("D1", "U2", -0.5), ("D2", "U1", 1.0), ("D3", "U1", 1.0), ("D3", "U2", 0.0)]
    book = make_book(
        users=[user("U1"), user("U2")],
        opportunities=[deal("D1"), deal("D2"), deal("D3")],
        credits=[dict(zip(("opportunity_id", "user_id", "share"), row, strict=True)) for row in shares],
    )
    finding = found(book, "credits", "share range")
    assert (finding.severity, finding.affected) == ("warning", 2)
    assert finding.found == "have a share outside 0 to 1"


def test_one_row_is_told_in_the_singular(make_book: MakeBook) -> None:
    """One row "closes before it was created", several rows "close before they were created"."""
    early = {"created_date": date(2026, 4, 1)}
    deals = [deal("D1", **early), deal("D2", created_date=date(2026, 1, 1))]
    one = found(make_book(users=[user("U1")], opportunities=deals), "opportunities", "closed before created")
    two = found(
        make_book(users=[user("U1")], opportunities=[*deals, deal("D3", **early)]),
        "opportunities",
        "closed before created",
    )
    assert str(one).startswith("opportunities: 1 of 2 rows closes before it was created; it is left out of")
    assert str(two) == (
        "opportunities: 2 of 3 rows close before they were created; they are left out of the sales cycle "
        "(first: D1, D3). Correct the dates in the source."
    )
    assert one.severity == two.severity == "warning"


def test_rules_of_absent_columns_are_silent(make_book: MakeBook) -> None:
    """A rule about an optional column says nothing where the source does not have it."""
    findings = check_book(make_book(users=[user("U1")], opportunities=[deal("D1")], quotas=[YEAR]))
    assert not [finding for finding in findings if "created" in finding.rule or "probability" in finding.rule]


def test_manager_cycle_names_its_people(make_book: MakeBook) -> None:
    """Users who report to each other in a circle are refused, by name."""
    people = [user("U1", manager_id="U2"), user("U2", manager_id="U3"), user("U3", manager_id="U1"), user("U4")]
    finding = found(make_book(users=people), "users", "manager cycle")
    assert (finding.severity, finding.affected, finding.rows) == ("error", 3, 4)
    assert "Name of U1 → Name of U2 → Name of U3 → Name of U1" in str(finding)


def test_second_currency_counts_what_is_converted_and_what_is_left_out(make_book: MakeBook) -> None:
    """Rows in another currency are counted; money without a rate on or before its date is named."""
    deals = [
        deal("D1"),
        deal("D2", currency="USD", close_date=date(2026, 2, 1)),
        deal("D3", currency="USD", close_date=date(2025, 12, 31), amount=40.0),
        deal("D4", currency="GBP", amount=7.0),
        deal("D5", currency="USD", amount=None, is_closed=False, is_won=False),
    ]
    rates = [{"currency": "USD", "date": date(2026, 1, 1), "rate": 0.9}]
    book = make_book(users=[user("U1")], opportunities=deals, quotas=[YEAR], fx_rates=rates)
    finding = found(book, "opportunities", "second currency")
    assert (finding.severity, finding.affected, finding.rows) == ("warning", 4, 5)
    assert finding.found == (
        "are not in EUR: 1 in USD converted by fx_rates; "
        "1 in USD (40), 1 in GBP (7) left out of totals, for want of a rate on or before their date; "
        "1 without an amount"
    )


def test_no_deal_in_the_currency_of_the_book_is_an_error(make_book: MakeBook) -> None:
    """Where no deal has an amount in the book's currency, a report would say that nothing was sold: it is stopped."""
    deals = [deal("D1", currency="USD"), deal("D2", currency="USD", amount=None, is_closed=False, is_won=False)]
    finding = found(
        make_book(users=[user("U1")], opportunities=deals, quotas=[YEAR]), "opportunities", "second currency"
    )
    assert (finding.severity, finding.affected, finding.rows) == ("error", 2, 2)
    assert str(finding).endswith("Add the missing rates to fx_rates, or correct currency in book.toml.")


def test_second_currency_of_quotas_and_orders(make_book: MakeBook) -> None:
    """Quotas and orders in another currency are reported too; an order's money is the sum of its lines."""
    line = {"order_id": "O1", "product_id": None, "quantity": 2.0, "unit_price": 50.0, "discount": 0.1}
    order = {"order_id": "O1", "account_id": "A1", "ordered_at": date(2026, 2, 1), "currency": "USD"}
    book = make_book(
        users=[user("U1")],
        quotas=[{**YEAR, "currency": "USD"}],
        orders=[order, {**order, "order_id": "O2", "currency": "EUR"}],
        order_lines=[{**line, "order_line_id": "L1"}, {**line, "order_line_id": "L2", "discount": None}],
    )
    assert "1 in USD (190) left out" in found(book, "orders", "second currency").found
    assert "1 in USD (1,000) left out" in found(book, "quotas", "second currency").found


def test_no_quotas_is_a_warning(make_book: MakeBook) -> None:
    """A book without quotas says that reports show actuals without goals."""
    finding = found(make_book(users=[user("U1")], opportunities=[deal("D1")]), "quotas", "no quota")
    assert finding.severity == "warning"
    assert str(finding) == (
        "quotas: this book holds no quotas: reports show actuals without goals. Add a quotas table."
    )


def test_quotas_that_cover_no_data_are_a_warning(make_book: MakeBook) -> None:
    """Quotas of other years than the deals are as good as none."""
    past = quota("U1", date(2019, 1, 1), date(2019, 12, 31))
    finding = found(make_book(users=[user("U1")], opportunities=[deal("D1")], quotas=[past]), "quotas", "no quota")
    assert "no quota covers a day" in finding.found


def test_overlapping_quotas_are_a_note(make_book: MakeBook) -> None:
    """Quotas of one owner and measure overlap even where a short one lies between; touching ones do not."""
    rows = [
        quota("U1", date(2026, 1, 1), date(2026, 12, 31)),
        quota("U1", date(2026, 2, 1), date(2026, 2, 28)),
        quota("U1", date(2026, 6, 1), date(2026, 6, 30)),
        quota("U1", date(2027, 1, 1), date(2027, 3, 31)),
        quota("U1", date(2026, 5, 1), date(2026, 5, 31), measure="orders"),
    ]
    finding = found(make_book(users=[user("U1")], quotas=rows), "quotas", "periods overlap")
    assert (finding.severity, finding.affected) == ("note", 2)
    assert finding.keys == ("U1 / 2026-02-01 / 2026-02-28 / bookings", "U1 / 2026-06-01 / 2026-06-30 / bookings")


def test_stage_outside_the_order_is_a_warning(make_book: MakeBook) -> None:
    """Open deals in a stage that book.toml does not name are reported with the nearest; closed ones are not."""
    open_deal = {"is_closed": False, "is_won": False}
    book = make_book(
        'currency = "EUR"\nstage_order = ["Qualified", "Proposal"]',
        users=[user("U1")],
        opportunities=[deal("D1", stage_name="Gone"), deal("D2", stage_name="Propsal", **open_deal)],
    )
    finding = found(book, "opportunities", "stage known")
    assert (finding.severity, finding.affected, finding.keys) == ("warning", 1, ("D2 'Propsal'",))
    assert finding.repair.startswith("Did you mean 'Proposal'?")


def test_history_without_stage_order_is_a_warning(make_book: MakeBook) -> None:
    """A book with history needs the order of stages, and is told which stages its open deals are in."""
    change = {"opportunity_id": "D1", "field_name": "stage_name", "new_value": "Won", "valid_from": date(2026, 1, 1)}
    book = make_book(
        users=[user("U1")],
        opportunities=[deal("D1", stage_name="Demo", is_closed=False, is_won=False)],
        opportunity_history=[change],
    )
    finding = found(book, "opportunities", "stage order")
    assert finding.severity == "warning"
    assert str(finding).endswith("List the stages in book.toml as stage_order. Open deals are in 'Demo'.")


def test_table_without_rows_is_an_error(make_book: MakeBook, tmp_path: Path) -> None:
    """A header without rows is refused; the other tables are still checked."""
    make_book(users=[user("U1")], opportunities=[deal("D1")])
    empty = pa.Table.from_pylist([deal("D1")]).slice(0, 0)
    pq.write_table(empty, tmp_path / "opportunities.parquet")
    errors = [str(f) for f in check_book(open_book(tmp_path)) if f.severity == "error"]
    assert errors == ["opportunities: the table has no rows. Add its rows, or remove the table."]


def test_unreadable_file_is_a_finding(make_book: MakeBook, tmp_path: Path) -> None:
    """A broken file is an error among the findings, and the other tables are still checked."""
    make_book(users=[user("U1", role="boss")])
    (tmp_path / "opportunities.parquet").write_bytes(b"PAR1 this is no Parquet file PAR1")
    findings = check_book(open_book(tmp_path))
    assert {(f.table, f.rule) for f in findings if f.severity == "error"} == {
        ("opportunities", "readable"),
        ("users", "role known"),
    }


def test_file_broken_in_the_middle_is_a_finding(make_book: MakeBook, tmp_path: Path) -> None:
    """A file whose header is sound but whose data is not raises nothing either, nor do checks across tables."""
    make_book(users=[user("U1")], opportunities=[deal(f"D{n}") for n in range(5000)], quotas=[YEAR])
    path = tmp_path / "opportunities.parquet"
    content = bytearray(path.read_bytes())
    content[4:-4000] = b"\xff" * (len(content) - 4004)
    path.write_bytes(bytes(content))
    findings = check_book(open_book(tmp_path))
    assert [(f.table, f.rule, f.severity) for f in findings] == [("opportunities", "readable", "error")]


HEADER = "opportunity_id,owner_id,stage_name,amount,currency,close_date,is_closed,is_won\n"


def test_wrong_type_in_a_csv_is_found_by_its_row(make_book: MakeBook, tmp_path: Path) -> None:
    """A word among 8,800 amounts of a CSV file is named by the row it stands in, not counting the header."""
    make_book(users=[user("U1")], quotas=[YEAR])
    lines = [f"D{n},U1,Won,{'abc' if n == 7312 else n},EUR,2026-03-01,yes,yes\n" for n in range(1, 8801)]
    (tmp_path / "opportunities.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
    finding = found(open_book(tmp_path), "opportunities", "amount type")
    assert (finding.affected, finding.rows, finding.keys) == (1, 8800, ("row 7,312 'abc'",))


@pytest.mark.parametrize(
    ("content", "rule", "words"),
    [
        ("", "readable", "empty"),
        (HEADER, "readable", "no rows"),
        ("opportunity_id,stage_name\nD1,Won\n", "owner_id required", "the required column 'owner_id' is missing"),
    ],
    ids=["empty file", "header only", "missing column"],
)
def test_csv_without_what_is_needed_is_refused(
    make_book: MakeBook, tmp_path: Path, content: str, rule: str, words: str
) -> None:
    """An empty file, a header without rows and a missing column are errors of that table alone."""
    make_book(users=[user("U1")], quotas=[YEAR])
    (tmp_path / "opportunities.csv").write_text(content, encoding="utf-8")
    finding = found(open_book(tmp_path), "opportunities", rule)
    assert finding.severity == "error"
    assert words in str(finding)
    assert {f.table for f in check_book(open_book(tmp_path)) if f.severity == "error"} == {"opportunities"}


def test_currency_is_taken_from_the_rows_without_a_setting(make_book: MakeBook) -> None:
    """Without a setting the currency of most rows is the book's, and the others are reported."""
    deals = [deal("D1"), deal("D2"), deal("D3", currency="USD")]
    finding = found(make_book("", users=[user("U1")], opportunities=deals), "opportunities", "second currency")
    assert finding.found.startswith("is not in EUR: 1 in USD (100) left out of totals")


def test_names_reach_the_finding_exactly(make_book: MakeBook) -> None:
    """Markup, formulas, emoji and right-to-left keys are shown as they are."""
    wild = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "🙂 עברית"]
    deals = [deal(name, owner_id="U9") for name in wild]
    finding = found(make_book(users=[user("U1")], opportunities=deals), "opportunities", "owner_id in users")
    assert finding.keys == (f"{min(wild)} 'U9'",)
    people = [user("U1", user_name=wild[0] * 30)]
    assert check_book(make_book(users=people, opportunities=[deal(wild[1])], quotas=[YEAR])) == ()


def test_only_the_asked_tables_are_checked(make_book: MakeBook) -> None:
    """With `tables`, the others are read for references but have no findings of their own."""
    book = make_book(users=[user("U1", role="boss")], opportunities=[deal("D1", owner_id="U9")], quotas=[YEAR])
    assert {f.table for f in check_book(book, ["opportunities"])} == {"opportunities"}


def test_errors_come_before_warnings(make_book: MakeBook) -> None:
    """The findings that stop a report are read first."""
    book = make_book(users=[user("U1")], opportunities=[deal("D1", amount=-5.0), deal("D2", owner_id="U9")])
    severities = [finding.severity for finding in check_book(book)]
    assert severities == sorted(severities)
    assert set(severities) == {"error", "warning"}


def test_database_is_checked_like_a_folder(tmp_path: Path) -> None:
    """The same rules hold for a DuckDB file."""
    path = tmp_path / "company.duckdb"
    columns = "user_id varchar, user_name varchar, role varchar, manager_id varchar, hire_date date"
    with duckdb.connect(path) as con:
        con.execute(f"create table users ({columns})")
        con.execute("insert into users values ('U1', 'Ann', 'boss', null, '2020-01-01')")
    findings = check_book(open_book(f"duckdb://{path}"))
    assert [(f.table, f.rule) for f in findings] == [("users", "role known")]
