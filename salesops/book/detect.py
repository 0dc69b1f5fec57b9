"""How a file writes numbers and dates, told by every cell of the columns that mostly hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from salesops.book.values import literal, quoted
from salesops.errors import BookError

CODES = (
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD",
    "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP",
    "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
)  # fmt: skip  # a list of words
NAMES = {
    "AUSTRALIAN DOLLAR": "AUD", "BRAZILIAN REAL": "BRL", "BRITISH POUND": "GBP", "CANADIAN DOLLAR": "CAD",
    "DOLLAR": "USD", "EURO": "EUR", "EUROS": "EUR", "INDIAN RUPEE": "INR", "JAPANESE YEN": "JPY",
    "POUND STERLING": "GBP", "SWEDISH KRONA": "SEK", "SWISS FRANC": "CHF", "U.S. DOLLAR": "USD", "US DOLLAR": "USD",
    "YEN": "JPY",
}  # fmt: skip  # reads as a table
_MARKS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₪": "ILS", "₫": "VND",
    "₱": "PHP", "฿": "THB", "₦": "NGN", "R$": "BRL", "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD",
    "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "NT$": "TWD", "MX$": "MXN", "ZŁ": "PLN", "KČ": "CZK",
    "FT": "HUF", "FR": "CHF", "SFR": "CHF", "円": "JPY", "元": "CNY", "EURO": "EUR",
}  # fmt: skip  # reads as a table
# marks of several currencies: which, and which of them where the book has none of these
_SHARED = {
    "$": ("USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP", "USD"),
    "¥": ("JPY CNY", "JPY"),
    "￥": ("JPY CNY", "JPY"),
    "\\": ("JPY", "JPY"),  # so cp932 writes the yen
    "KR": ("SEK NOK DKK ISK", ""),
    "RS": ("INR PKR", ""),
}

_LETTERS = sorted({mark for mark in (*CODES, *_MARKS, *_SHARED) if mark[0].isalpha()}, key=len, reverse=True)
"""A regular expression for the words that stand beside an amount, such as EUR, kr. and R$."""
WORDS = "(?i:" + "|".join(mark.replace("$", r"\$") for mark in _LETTERS) + r")\.?"
_EDGE = rf"(?:{WORDS}|[-+−()%\p{{Sc}}\s\x{{a0}}\x{{202f}}])*"
_LIKE_NUMBER = rf"{_EDGE}\d[\d.,'’\s\x{{a0}}\x{{202f}}]*{_EDGE}"
_LIKE_DATE = r"(\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})|\d{4}-\d{2}-\d{2})([ T,].*)?"
_DAY = r"(1[3-9]|2\d|3[01])[/-](0?[1-9]|1[0-2])[/-].*"
_MONTH = r"(0?[1-9]|1[0-2])[/-](1[3-9]|2\d|3[01])[/-].*"
_OPEN = r"(0?[1-9]|1[0-2])[/-](0?[1-9]|1[0-2])[/-].*"
_DOTTED = r"\d{1,2}\.\d{1,2}\..*"
_AT_ONCE = 100  # columns: the time of a query grows with the square of its sums
_NAMES = {".": "point", ",": "comma"}


@dataclass(frozen=True)
class Group:
    """A column in which three digits follow the decimal mark, so that 3.000 may mean 3,000.

    `text` is the first such cell and `cells` their number. The column is `sure` of thousands if no cell begins with 0
    or has another number of digits after the mark, and `alone` if no other column shows which mark is the decimal one.
    """

    column: str
    text: str
    cells: int
    sure: bool
    alone: bool


@dataclass(frozen=True)
class Detected:
    """How the cells of a file write numbers and dates.

    `words` says it in short, `notes` what is in doubt, `shown` which of "decimal" and "day_first" cells or the user
    tell, and `groups` where the mark may stand for thousands.
    """

    decimal: str
    day_first: bool
    words: str
    notes: tuple[str, ...]
    shown: frozenset[str] = frozenset()
    groups: tuple[Group, ...] = ()


def detect_format(
    con: Any, table: str, columns: Sequence[str], *, name: str, european: bool, chosen: Mapping[str, Any]
) -> Detected:
    """Find how a file writes numbers and dates, from every cell of the columns that mostly hold them.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Holds `table`: `columns` of text, and `_row`.
    name : str
        The file, for the error.
    european : bool
        Dates are day first where none of them tells.
    chosen : mapping
        `decimal` and `day_first`, where the user has said it.

    Raises
    ------
    BookError
        If some dates can only be day first, and others only month first.
    """
    numbers = _shaped(con, table, columns, ".,", _LIKE_NUMBER)
    decimal, doubt, told = _decimal(con, table, numbers, chosen.get("decimal"))
    dates = _shaped(con, table, columns, "/.-", _LIKE_DATE)
    day, month, dotted, either = _seen(con, table, dates, (_DAY, _MONTH, _DOTTED, _OPEN))
    if day and month and "day_first" not in chosen:
        raise BookError(
            f"{name}: dates contradict each other. {day} (row {day.row:,}) can only be day first, "
            f"{month} (row {month.row:,}) only month first. "
            f"Write all dates one way, best as 2026-12-31, or set day_first in book.toml."
        )
    likely = bool(day) or (not month and (bool(dotted) or european or decimal == ","))
    day_first = bool(chosen.get("day_first", likely))
    order = "day first" if day_first else "month first"
    if either and not (day or month or "day_first" in chosen):
        doubt += (
            f"{either} could be day or month first; read as {order}. Set day_first in book.toml if that is wrong.",
        )
    ordered = day or month or dotted or either
    words = f"decimal {_NAMES[decimal]}" + (f", {order.replace(' ', '-')} dates" if ordered else "")
    groups = () if "decimal" in chosen else _groups(con, table, numbers, decimal)
    shown = {key for key, is_shown in (("decimal", told), ("day_first", ordered)) if is_shown} | set(chosen)
    return Detected(decimal, day_first, words, doubt, frozenset(shown), groups)


def find_groups(con: Any, table: str, columns: Sequence[str], decimal: str) -> tuple[Group, ...]:
    """Return the columns in which the decimal mark may stand for thousands.

    These are those in which at least half of the cells with that mark have three digits behind it, and not a 0 alone
    before it. A cell with both marks tells which one is the decimal mark.
    """
    return _groups(con, table, _shaped(con, table, columns, ".,", _LIKE_NUMBER), decimal)


def _groups(con: Any, table: str, columns: Sequence[str], decimal: str) -> tuple[Group, ...]:
    mark = f"[{decimal}]"
    three = literal(rf"\D*[1-9]\d{{0,2}}({mark}\d{{3}})+\D*")
    if not _where(con, table, columns, lambda cell: f"regexp_full_match({cell}, {three})", 0):
        return ()
    zero, many = literal(rf"\D*0{mark}\d{{3}}\D*"), literal(rf"\D*\d+({mark}\d{{3}}){{2,}}\D*")
    once = literal(rf"[^{decimal}]*\d{mark}\d[^{decimal}]*")  # a date has two marks
    found = []
    for column in columns:
        cell, source = quoted(column), quoted(table)
        in_three, in_zero, is_once = (f"regexp_full_match({cell}, {form})" for form in (three, zero, once))
        counts = (
            in_three,
            in_zero,
            f"{is_once} and not {in_three} and not {in_zero}",
            f"regexp_full_match({cell}, {many})",
        )
        counted = ", ".join(f"count_if({test})" for test in counts)
        row = con.execute(f"select {counted}, min_by({cell}, _row) filter ({in_three}) from {source}").fetchone()
        found.append((column, *row))
    told = {column for column, _, zeros, others, _, _ in found if zeros or others}
    return tuple(
        Group(column, text, threes, not zeros and not others, not told - {column})
        for column, threes, zeros, others, manies, text in found
        if threes and not manies and threes + zeros >= others
    )


@dataclass(frozen=True)
class _Seen:
    """How many cells of a file have a form, and the first of them."""

    cells: int
    row: int
    text: str
    column: str

    def __str__(self) -> str:
        return f"'{self.text}' in {self.column}"


def _decimal(con: Any, table: str, columns: Sequence[str], chosen: str | None) -> tuple[str, tuple[str, ...], bool]:
    """Return the decimal mark that more cells show, what is in doubt about it, and whether any cell shows it."""
    if chosen:
        return chosen, (), True
    comma, point = _seen(con, table, columns, [_only(",", "."), _only(".", ",")])
    decimal = "," if comma and (not point or comma.cells > point.cells) else "."
    if comma and point:
        repair = f"Numbers are read with a decimal {_NAMES[decimal]}. Set decimal in book.toml if that is wrong."
        return decimal, (f"{comma} has a decimal comma, {point} a decimal point. {repair}",), True
    return decimal, (), bool(comma or point)


def _only(mark: str, other: str) -> str:
    """Return the form of numbers in which `mark` can only be the decimal mark."""
    forms = (
        f"[^{mark}]*[{mark}](\\d{{1,2}}|\\d{{4,}})\\D*",
        f"[^{mark}]*[{other}]\\d{{3}}[{mark}]\\d+\\D*",
        f"\\D*(0|\\d{{4,}})[{mark}]\\d+\\D*",
        f"[^.,]*([{other}]\\d{{3}}){{2,}}\\D*",
    )
    return "|".join(forms)


def _seen(con: Any, table: str, columns: Sequence[str], forms: Sequence[str]) -> list[_Seen | None]:
    """Return for each form how often it is seen in the columns."""
    found: list[_Seen | None] = [None] * len(forms)
    for column in columns:
        cell, source = quoted(column), quoted(table)
        tests = [f"regexp_full_match({cell}, {literal(form)})" for form in forms]
        counted = ", ".join(f"count_if({test}), min(_row) filter ({test})" for test in tests)
        shown = f"select {cell} from {source} where _row = ?"
        row = con.execute(f"select {counted} from {source}").fetchone()
        for number, (cells, first) in enumerate(zip(row[::2], row[1::2], strict=True)):
            earlier = found[number]
            if cells and earlier:
                found[number] = replace(earlier, cells=earlier.cells + cells)
            elif cells:
                found[number] = _Seen(cells, first, con.execute(shown, [first]).fetchone()[0], column)
    return found


def _shaped(con: Any, table: str, columns: Sequence[str], marks: str, shape: str) -> list[str]:
    """Return the columns with a cell that has one of the marks, of which more than half the cells have this shape."""
    # most columns have no mark, and are told without a pattern
    first, others = marks[0], marks[1:]
    one = f"translate({{}}, {literal(others)}, {literal(first * len(others))})"
    marked = _where(con, table, columns, lambda cell: f"contains({one.format(cell)}, {literal(first)})", 0)
    return _where(con, table, marked, lambda cell: f"regexp_full_match({cell}, {literal(shape)})", 0.5)


def _where(con: Any, table: str, columns: Sequence[str], test: Callable[[str], str], share: float) -> list[str]:
    """Return the columns in which a test holds for more than a share of the cells."""
    held: list[bool] = []
    for at in range(0, len(columns), _AT_ONCE):
        cells = [quoted(column) for column in columns[at : at + _AT_ONCE]]
        most = ", ".join(f"count_if({test(cell)}) > {share} * count({cell})" for cell in cells)
        held += con.execute(f"select {most} from {quoted(table)}").fetchone()
    return [column for column, holds in zip(columns, held, strict=True) if holds]


def marks(own: str) -> dict[str, str]:
    """Return the ISO code of each mark, in capitals, in a company whose books are kept in `own`.

    A sign of several currencies, such as $, is the company's own if that is one of them.
    """
    shared = {mark: own if own in codes.split() else usual for mark, (codes, usual) in _SHARED.items()}
    return {code: code for code in CODES} | _MARKS | {mark: code for mark, code in shared.items() if code}
