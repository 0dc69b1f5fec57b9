"""Cells as people write them: how a file writes numbers and dates, and their typed values in the database.

A cell that cannot be read becomes null here; the checks count those cells and name the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir

from salesops.book.schema import Type

MARKS = {".": ",", ",": "."}  # each decimal mark with the one that then stands for thousands
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


@dataclass(frozen=True)
class Format:
    """How a source writes numbers and dates.

    A time without an offset is what a clock on the wall shows: of `time_zone` if `local`, else of UTC. In the columns
    of `thousands` the decimal mark of the others stands for thousands.
    """

    decimal: str = "."
    day_first: bool = False
    time_zone: str = "UTC"
    local: bool = False
    thousands: frozenset[str] = frozenset()

    def of(self, column: str) -> Format:
        """Return the format of one column."""
        return replace(self, decimal=MARKS[self.decimal]) if column in self.thousands else self


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
        return _as_text(value)
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
    return to_type(_as_text(value), type_, Format(time_zone=form.time_zone, local=form.local))


def _as_text(value: ir.Value) -> ir.Value:
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


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
