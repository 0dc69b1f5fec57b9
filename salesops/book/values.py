"""Cells as people write them: how a file writes numbers and dates, and their typed values in the database.

A cell that cannot be read becomes null here; the checks count those cells and name the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.book.currencies import WORDS
from salesops.book.schema import Type
from salesops.errors import BookError

TRUE_WORDS = ("true", "t", "yes", "y", "1", "1.0", "x", "on")
FALSE_WORDS = ("false", "f", "no", "n", "0", "0.0", "off")

_AROUND = r"[\s\p{Z}\p{Sc}]*"
_DIGITS = r"(?:\d+\.?\d*|\.\d+|\d{1,3}(?:[,\s\p{Z}'’]\d{2,3})*[,\s\p{Z}'’]\d{3}(?:\.\d*)?)(?:[eE][+-]?\d+)?"
_AMOUNT = rf"{_AROUND}{_DIGITS}{_AROUND}%?{_AROUND}"
_NUMBER = rf"^(?:{_AROUND}[-+−]?{_AMOUNT}|{_AMOUNT}[-−]|\({_AMOUNT}\)%?)$"
_NEGATIVE = r"^[^\d]*[-−(]|[-−]$"
_NO_CENTS = r"(\d\.)[-−–—]{1,2}"  # 1.234,- and 1.234,-- are 1,234 without cents
_NOT_DIGITS = r"^[^\d.]+|[^\d.]+$|[,\s\p{Z}'’]"

# two-digit years first: "%d/%m/%Y" would read 03/04/17 as a day in the year 17
_DAY_FIRST = ("%d/%m/%y", "%d/%m/%Y", "%d-%m-%y", "%d-%m-%Y")
_MONTH_FIRST = ("%m/%d/%y", "%m/%d/%Y", "%m-%d-%y", "%m-%d-%Y")
_ANY_ORDER = ("%d.%m.%y", "%d.%m.%Y", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
_TIMES = (" %H:%M:%S.%f", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
_ISO_DAYS = ("%Y-%m-%d", "%Y/%m/%d")
_ISO = r"^\d{4}[-/]"
_COMPACT = r"^\d{8}$"
_EASTERN = r"^(\d{4})[年년] ?(\d{1,2})[月월] ?(\d{1,2})[日일]"
_WIDE = "０１２３４５６７８９．，－％（）"
_WRITTEN = r"^(\d{1,2}[-/. ]|[A-Za-z]{3,9} \d)"
_CLOCK = r"\d{1,2}:\d{2}"
_OFFSET = r"^\d{4}-.*\d{2}:\d{2}.*([Zz]|UTC|[+-]\d{2}(:?\d{2})?)$"

# whole cells: which columns tell how a file writes numbers and dates, and which of their cells
_EDGE = rf"(?:{WORDS}|[-+−()%\p{{Sc}}\s\x{{a0}}\x{{202f}}])*"
_LIKE_NUMBER = rf"{_EDGE}\d[\d.,'’\s\x{{a0}}\x{{202f}}]*{_EDGE}"
_LIKE_DATE = r"(\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})|\d{4}-\d{2}-\d{2})([ T,].*)?"
_DAY = r"(1[3-9]|2\d|3[01])[/-](0?[1-9]|1[0-2])[/-].*"
_MONTH = r"(0?[1-9]|1[0-2])[/-](1[3-9]|2\d|3[01])[/-].*"
_OPEN = r"(0?[1-9]|1[0-2])[/-](0?[1-9]|1[0-2])[/-].*"
_MARKS = {".": "point", ",": "comma"}
_DOTTED = r"\d{1,2}\.\d{1,2}\..*"


@dataclass(frozen=True)
class Format:
    """How a source writes numbers and dates.

    A time without an offset is what a clock on the wall shows: of `time_zone` if `local`, else of UTC.
    """

    decimal: str = "."
    day_first: bool = False
    time_zone: str = "UTC"
    local: bool = False


@dataclass(frozen=True)
class Detected:
    """How the cells of a file write numbers and dates; `words` says it in short, `notes` what is in doubt."""

    decimal: str
    day_first: bool
    words: str
    notes: tuple[str, ...]


@ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "array<string>"), "timestamp"))
def _try_strptime(text, formats):  # type: ignore[no-untyped-def]  # typed by its signature
    """Read a time by the first of several formats that fits; null if none does."""


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _wall_clock(zone, instant):  # type: ignore[no-untyped-def]  # typed by its signature
    """Show an instant as the wall clock of a zone does."""


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), "timestamp('UTC')"))
def _instant_of(zone, wall):  # type: ignore[no-untyped-def]  # typed by its signature
    """Return the instant at which a zone's wall clock shows this time."""


def local_date(instant: ir.Value, time_zone: str) -> ir.Value:
    """Return the date of an instant (UTC) in a time zone."""
    return local_time(instant, time_zone).date()


def local_time(instant: ir.Value, time_zone: str) -> ir.Value:
    """Return what the clocks of a time zone show at an instant (UTC)."""
    return _wall_clock(time_zone, instant)


def to_type(value: ir.Value, type_: Type, form: Format) -> ir.Value:
    """Return `value` as one of the book's types; null where it cannot be read.

    A day stays as written, with or without a time beside it; only a time with an offset is turned to the book's
    time zone first. Instants without an offset are UTC, or local as the format says, and a bare date is a day in the
    book's time zone.
    Two-digit years are 1969 to 2068. Numbers that are not finite, and whole numbers with a fraction, are null.
    """
    if not value.type().is_string():
        return _cast(value, type_, form)
    text = value.strip().nullif("")
    if type_ == "number":
        return _number(text, form)
    if type_ == "integer":
        return _whole(_number(text, form))
    if type_ == "boolean":
        return _boolean(text)
    if type_ == "date":
        return _date(_western(text), form)
    return _instant(_western(text), form) if type_ == "instant" else text


def _number(text: ir.Value, form: Format) -> ir.Value:
    text = text.translate(_WIDE, "0123456789.,-%()")
    plain = (text.translate(".,", ",.") if form.decimal == "," else text).re_replace(_NO_CENTS, r"\1")
    digits = plain.re_search(_NUMBER).ifelse(plain.re_replace(_NOT_DIGITS, ""), ibis.null("string"))
    sign = plain.re_search(_NEGATIVE).ifelse(-1.0, 1.0)
    share = plain.contains("%").ifelse(100.0, 1.0)
    return _finite(digits.try_cast("float64")) * sign / share


def _finite(number: ir.Value) -> ir.Value:
    return (number.isinf() | number.isnan()).ifelse(ibis.null("float64"), number)


def _whole(number: ir.Value) -> ir.Value:
    return (number % 1 == 0).ifelse(number, ibis.null(number.type())).try_cast("int64")


def _boolean(text: ir.Value) -> ir.Value:
    word = text.lower()
    return ibis.cases((word.isin(TRUE_WORDS), True), (word.isin(FALSE_WORDS), False))


def _western(text: ir.Value) -> ir.Value:
    """Return 2026年4月1日 as 2026/4/1."""
    return text.re_replace(_EASTERN, r"\1/\2/\3")


def _date(text: ir.Value, form: Format) -> ir.Value:
    moment = _moment(text, form)
    day = local_date(moment.cast("timestamp('UTC')"), form.time_zone)
    # without an offset the clock is the one on the writer's wall: the day stands as written
    return ibis.cases(
        (~text.re_search(_CLOCK), _day(text, form).date()), (~text.re_search(_OFFSET), moment.date()), else_=day
    )


def _instant(text: ir.Value, form: Format) -> ir.Value:
    moment, midnight = _moment(text, form), _instant_of(form.time_zone, _day(text, form))
    shown = moment.cast("timestamp('UTC')")
    if form.local:
        shown = text.re_search(_OFFSET).ifelse(shown, _instant_of(form.time_zone, moment))
    return text.re_search(_CLOCK).ifelse(shown, midnight)


def _day(text: ir.Value, form: Format) -> ir.Value:
    """Return midnight of the day that is written."""
    return ibis.cases(
        (text.re_search(_WRITTEN), _try_strptime(text, list(_days(form)))),
        (text.re_search(_ISO), text.try_cast("timestamp")),
        (text.re_search(_COMPACT), _try_strptime(text, ["%Y%m%d"])),
    )


def _moment(text: ir.Value, form: Format) -> ir.Value:
    """Return the time as written, or in UTC if the text has an offset."""
    spaced = text.re_replace(r",? +(\d{1,2}:\d{2})", r" \1")
    closed = text.upper().re_replace(r" (Z|[+-]\d{2}(:?\d{2})?)$", r"\1")
    stamp = closed.re_replace(r"^(\S+[T ]\d{2}:\d{2})(Z|[+-])", r"\1:00\2")
    return ibis.cases(
        (text.re_search(_OFFSET), _wall_clock("UTC", stamp.try_cast("timestamp('UTC')"))),
        (text.re_search(_ISO), ibis.coalesce(text.try_cast("timestamp"), _try_strptime(spaced, _timed(_ISO_DAYS)))),
        (text.re_search(_WRITTEN), _try_strptime(spaced, _timed(_days(form)))),
    )


def _days(form: Format) -> tuple[str, ...]:
    return (_DAY_FIRST if form.day_first else _MONTH_FIRST) + _ANY_ORDER


def _timed(days: tuple[str, ...]) -> list[str]:
    return [day + time for day in days for time in _TIMES]


def _cast(value: ir.Value, type_: Type, form: Format) -> ir.Value:
    """Return a native value as a type; a kind that has no such reading is read as the text that it shows."""
    kind = value.type()
    if type_ == "text":
        return _shown(value)
    if type_ == "number" and (kind.is_numeric() or kind.is_boolean()):
        return _finite(value.cast("float64"))
    if type_ == "integer" and (kind.is_numeric() or kind.is_boolean()):
        return _whole(value.cast("int8") if kind.is_boolean() else value)
    if type_ == "boolean" and kind.is_boolean():
        return value
    if type_ in ("date", "instant") and kind.is_timestamp():
        return _from_timestamp(value, type_, form)
    if type_ in ("date", "instant") and kind.is_date():
        return value if type_ == "date" else _instant_of(form.time_zone, value.cast("timestamp"))
    return to_type(_shown(value), type_, Format(time_zone=form.time_zone, local=form.local))


def _shown(value: ir.Value) -> ir.Value:
    """Return a value as text; a whole number without its fraction, since 123.0 is the id 123."""
    text = value.cast("string")
    kind = value.type()
    if not (kind.is_floating() or kind.is_decimal()):
        return text
    number = _finite(value) if kind.is_floating() else value
    return ibis.coalesce(_whole(number).cast("string"), number.cast("string"))


def _from_timestamp(value: ir.Value, type_: Type, form: Format) -> ir.Value:
    if type_ == "instant":
        wall = form.local and not value.type().timezone
        return _instant_of(form.time_zone, value) if wall else value.cast("timestamp('UTC')")
    return local_date(value, form.time_zone) if value.type().timezone else value.date()


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
    decimal, doubt = _decimal(con, table, columns, european, chosen.get("decimal"))
    day, month, dotted, either = _seen(con, table, columns, _LIKE_DATE, (_DAY, _MONTH, _DOTTED, _OPEN))
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
    words = f"decimal {_MARKS[decimal]}" + (
        f", {order.replace(' ', '-')} dates" if day or month or dotted or either else ""
    )
    return Detected(decimal, day_first, words, doubt)


@dataclass(frozen=True)
class _Seen:
    """How many cells of a file have a form, and the first of them."""

    cells: int
    row: int
    text: str
    column: str

    def __str__(self) -> str:
        return f"'{self.text}' in {self.column}"


def _decimal(
    con: Any, table: str, columns: Sequence[str], european: bool, chosen: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return the decimal mark that more cells show, and what is in doubt about it."""
    if chosen:
        return chosen, ()
    forms = (_only(",", "."), _only(".", ","), r".*[.,]\d{3}\D*")
    comma, point, grouped = _seen(con, table, columns, _LIKE_NUMBER, forms)
    decimal = "," if comma and (not point or comma.cells > point.cells) else "."
    repair = f"Numbers are read with a decimal {_MARKS[decimal]}. Set decimal in book.toml if that is wrong."
    if comma and point:
        return decimal, (f"{comma} has a decimal comma, {point} a decimal point. {repair}",)
    if grouped and european and not comma and not point:
        return decimal, (f"{grouped} could have a decimal mark or not. {repair}",)
    return decimal, ()


def _only(mark: str, other: str) -> str:
    """Return the form of numbers in which `mark` can only be the decimal mark."""
    forms = (
        f"[^{mark}]*[{mark}](\\d{{1,2}}|\\d{{4,}})\\D*",
        f"[^{mark}]*[{other}]\\d{{3}}[{mark}]\\d+\\D*",
        f"\\D*(0|\\d{{4,}})[{mark}]\\d+\\D*",
        f"[^.,]*([{other}]\\d{{3}}){{2,}}\\D*",
    )
    return "|".join(forms)


def _seen(con: Any, table: str, columns: Sequence[str], shape: str, forms: Sequence[str]) -> list[_Seen | None]:
    """Return for each form how often it is seen in the columns of which more than half the cells have `shape`."""
    found: list[_Seen | None] = [None] * len(forms)
    for column in _shaped(con, table, columns, shape):
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


def _shaped(con: Any, table: str, columns: Sequence[str], shape: str) -> list[str]:
    """Return the columns of which more than half the cells have this shape."""
    cells = [quoted(column) for column in columns]
    most = ", ".join(f"2 * count_if(regexp_full_match({cell}, {literal(shape)})) > count({cell})" for cell in cells)
    held = con.execute(f"select {most} from {quoted(table)}").fetchone()
    return [column for column, holds in zip(columns, held, strict=True) if holds]


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
