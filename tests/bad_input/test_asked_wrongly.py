"""Words that name nothing, and books that lack what a report needs: refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_export import USERS, Table, contents, salesops, user, write_export

TEAM, REP = "team_accountability", "rep_accountability"
FORMS = "2026, 2026-Q3, 2026-08, FY2026, FY2026-Q1 or 2026-01-15..2026-02-14"
LIKE = f"A period must be written like {FORMS}. Got "
ORDERS = [{"order_id": "O1", "account_id": "A1", "owner_id": "U1", "ordered_at": "2026-01-05", "currency": "EUR"}]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book in which two reps have the same name."""
    return write_export(tmp_path_factory.mktemp("words") / "book", users=[*USERS, user("U3", "Ana Lopes")])


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([TEAM, "--period", "2026Q1"], f"{LIKE}'2026Q1'."),
        ([TEAM, "--period", "Q1 2026"], f"{LIKE}'Q1 2026'."),
        ([TEAM, "--period", "last quarter"], f"{LIKE}'last quarter'."),
        ([TEAM, "--period", "2026-13"], "A month must be 01 to 12. Got '2026-13'."),
        ([TEAM, "--period", "2026-01-01..2026-02-30"], "A date must be a real day written like 2026-08-31. Got '2026-"),
        ([TEAM, "--period", "2026-03-01..2026-01-01"], "A period must not end before it starts. Got 2026-03-01..2026-"),
        ([TEAM, "--as-of", "31.03.2026"], "A date must be a real day written like 2026-08-31. Got '31.03.2026'."),
        (["team_acountability"], f"There is no notebook 'team_acountability'. Did you mean '{TEAM}'?"),
        ([TEAM, "--manager", "Eva Lang"], "users: no user has the id or name 'Eva Lang'. Did you mean 'Eva Long'?"),
        ([TEAM, "--manager", "Ana Lopes"], "users: 2 users are named 'Ana Lopes'. Give the user_id instead: U1, U3."),
        ([TEAM, "--rep", "U1"], f"{TEAM}.ipynb has no parameter 'rep'. Known: as_of, book, manager, min_deals, period"),
        ([TEAM, "-p", "min_deal=3"], f"{TEAM}.ipynb has no parameter 'min_deal'. Did you mean 'min_deals'?"),
        (
            [TEAM, "-p", "min_deals=few"],
            f"{TEAM}.ipynb: parameter 'min_deals' must be a whole number (int). Got 'few'.",
        ),
        ([REP, "--rep", "Ana Lopes"], "2 people are named 'Ana Lopes'. Give the id instead: U1, U3."),
        (
            [REP, "--rep", "Ben Odd"],
            "No one with a line in 2026-Q1 has the id or name 'Ben Odd'. Did you mean 'Ben Ode'?",
        ),
        (
            [REP, "--rep", "U2", "--period", "1999"],
            "No one with a line in 1999 has the id or name 'U2'. No one has: choose another period.",
        ),
    ],
)
def test_a_word_that_names_nothing(book: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    """Exit code 1, what was expected and the nearest word; nothing is written."""
    before = contents(book.parent)
    code, out, err = salesops(capsys, "run", *words, "--book", book, "--out", book.parent / "out")
    assert (code, out) == (1, "")
    assert f"Error: {told}" in err
    assert contents(book.parent) == before


FOLDER = "a folder in the place of the file"


@pytest.mark.parametrize(
    ("tables", "lacks", "has"),
    [
        ({"opportunities": None}, "opportunities or orders", "users"),
        ({"opportunities": FOLDER}, "opportunities or orders", "users"),
        ({"users": None, "opportunities": None, "orders": ORDERS}, "users", "orders"),
        ({"users": None}, "users", "opportunities"),
    ],
    ids=["only users", FOLDER, "only orders", "deals without users"],
)
def test_a_book_that_lacks_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tables: dict[str, Table], lacks: str, has: str
) -> None:
    """Check accepts it and says which reports it cannot feed; run refuses it with what it needs and what is there."""
    book = write_export(tmp_path / "book", **{"quotas": None, **tables})
    for name, table in tables.items():
        if table == FOLDER:
            (book / f"{name}.csv").unlink()
            (book / f"{name}.csv").mkdir()
    code, out, _ = salesops(capsys, "check", book)
    assert code == 0
    assert out.startswith("book: 1 table")
    assert f"  {TEAM}  no: the book lacks {lacks}\n" in out
    assert ("users: this table is not in the book, so" in out) == (has != "users")
    told = f"Error: {TEAM} needs {lacks}, which the book does not have. It has: {has}. Add the table, or run: "
    code, _, err = salesops(capsys, "run", TEAM, "--book", book, "--out", tmp_path / "out")
    assert (code, err) == (1, f"{told}salesops check {book}\n")
    assert not (tmp_path / "out").exists()
