"""Cells that spreadsheets take for formulas: one rule, wherever a table is written for people."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.book.spreadsheet import harmless, harmless_sql

TEXTS = st.text(st.sampled_from("=+-@\t\r\n＝＋－＠'0123456789.,ab "), max_size=6)


@pytest.mark.parametrize("sign", list("=+-@\t\r\n＝＋－＠"))
def test_a_formula_becomes_text(sign: str) -> None:
    """A text that begins with a sign of formulas gets an apostrophe; the rest of it stays."""
    assert harmless(f"{sign}SUM(A1)") == f"'{sign}SUM(A1)"


@pytest.mark.parametrize("cell", ["-5", "+1,200.50", "-3.2", "a=1", "", "O'Neill", -5, None, 2.5])
def test_the_rest_stays(cell: object) -> None:
    """Numbers, also as text, and texts that begin otherwise are not touched."""
    assert harmless(cell) == cell


@given(TEXTS)
def test_sql_does_the_same(text: str) -> None:
    """The database and Python treat every text alike."""
    with duckdb.connect() as con:
        found = con.execute(f"SELECT {harmless_sql('cell')} FROM (SELECT ? AS cell)", [text]).fetchone()
    assert found == (harmless(text),)
