"""Amounts written with their currency, such as € 1.200 and $300 in one column: what the signs tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from salesops.book.detect import NAMES, marks
from salesops.intake.expressions import Expression
from salesops.intake.names import literal

_NOT_MARK = literal(r"[\d０-９\s\p{Z}.,．，'’()+\-−–—%]")
_MARKED, _DIGIT = literal(r"[\p{L}\p{Sc}\\]"), literal(r"[\d０-９]")
_WORD = literal(r"[\p{L}\\]+(\$|\.)?")


@dataclass(frozen=True)
class Told:
    """The currency that the cells of a column tell: SQL for the ISO code, null without a mark; the cell; the codes."""

    column: str
    sql: str
    cell: str
    codes: tuple[str, ...]


def read_amount(con: Any, column: str, found: Expression, relation: str, own: str) -> tuple[Expression, Told | None]:
    """Return the expression of an amount without words such as EUR, and the currency that its cells tell.

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
        Holds `relation`, whose columns the expression names.
    own : str
        The book's currency, "" if it is not known: $ is then a US dollar.
    """
    text, mark = f"CAST({found.sql} AS VARCHAR)", _mark(found.sql)
    # most columns have no mark at all, and are told by one search
    marked = f"regexp_matches({text}, {_MARKED}) AND regexp_matches({text}, {_DIGIT})"
    shown, known = con.raw_sql(f"SELECT DISTINCT {mark} FROM {relation} WHERE {marked}").fetchall(), marks(own)
    seen = {each: known[each] for (each,) in shown if each in known}
    if not seen:
        return found, None
    listed = ", ".join(literal(each) for each in seen)
    bare = f"CASE WHEN {mark} IN ({listed}) THEN regexp_replace({text}, {_WORD}, '', 'g') ELSE {text} END"
    codes = tuple(sorted(set(seen.values())))
    return replace(found, sql=bare), Told(column, _case(mark, seen), text, codes)


def with_told(found: Expression | None, told: Told | None, own: str) -> Expression | None:
    """Return the expression of a currency: the column of the source, else what the amount tells; None if neither.

    What the amounts tell is worth a word only where it is not the book's currency alone.
    """
    if not told or told.codes == (own,):
        return found
    if found is None:
        counts = [
            (f"({told.sql}) = {literal(code)}", f"currency {code} told by the sign in {told.column}")
            for code in told.codes
        ]
        return Expression(f"({told.sql})", (), tuple(counts))
    other = f"({told.sql}) <> ({found.sql})"
    said = f"the sign in {told.column} is not that of the currency column, which counts"
    return Expression(f"coalesce({found.sql}, {told.sql})", found.headers, (*found.counts, (other, said)))


def iso_code(found: Expression, own: str) -> Expression:
    """Return the expression of a currency column as ISO codes: usd, US Dollar, $ and $300 are USD."""
    text = f"trim(CAST({found.sql} AS VARCHAR))"
    code = (
        f"coalesce({_case(_mark(found.sql), marks(own))}, {_case(f'upper({text})', NAMES)}, "
        f"CASE WHEN regexp_full_match({text}, '[A-Za-z]{{3}}') THEN upper({text}) "
        f"WHEN {_mark(found.sql)} <> '' THEN {text} END)"
    )
    changed = (f"{code} <> {text}", "currency given as a sign, a name or in small letters, read as its ISO code")
    return Expression(code, found.headers, (*found.counts, changed))


def _mark(cell: str) -> str:
    """Return SQL for what a cell holds beside its number, in capitals."""
    return f"upper(regexp_replace(CAST({cell} AS VARCHAR), {_NOT_MARK}, '', 'g'))"


def _case(value: str, codes: dict[str, str]) -> str:
    cases = " ".join(f"WHEN {literal(word)} THEN {literal(code)}" for word, code in codes.items())
    return f"(CASE {value} {cases} END)"
