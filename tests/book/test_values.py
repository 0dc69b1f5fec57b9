"""Cells as people write them become typed values, or null; nothing is guessed and nothing raises."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

import examples
import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.connection import connect
from salesops.book.schema import Type
from salesops.book.values import Format, local_date, to_type

POINT = Format()
COMMA = Format(decimal=",", day_first=True)
DAY_FIRST = Format(day_first=True)
BERLIN = Format(time_zone="Europe/Berlin")
CON = connect()


def read(values: list[Any], type_: Type, form: Format, kind: pa.DataType | None = None) -> list[Any]:
    table = ibis.memtable(pa.table({"cell": pa.array(values, type=kind or pa.string())}))
    return CON.to_pyarrow(table.select(value=to_type(table.cell, type_, form)))["value"].to_pylist()


def one(value: Any, type_: Type, form: Format, kind: pa.DataType | None = None) -> Any:
    return read([value], type_, form, kind)[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1), ("-1.5", -1.5), ("+1", 1), (".5", 0.5), ("5.", 5), ("007", 7), ("1e3", 1000), ("1.5E-2", 0.015),
        ("1,234.56", 1234.56), ("1,234,567", 1234567), ("12,34,567.8", 1234567.8), ("1 234.5", 1234.5),
        ("1\u00a0234\u202f567", 1234567), ("1'234.5", 1234.5), ("1’234", 1234),
        ("$1,234.56", 1234.56), ("-$5", -5), ("$-5", -5), ("€ 5", 5), ("5 €", 5), ("£5", 5), ("₹ 5", 5),
        ("(5)", -5), ("($1,234.50)", -1234.5), ("5-", -5), ("−5", -5), ("12%", 0.12), ("12.5 %", 0.125),
        ("(5%)", -0.05),
        (" 5 ", 5), ("0", 0),
    ],
)  # fmt: skip  # a table
def test_number(text: str, number: float) -> None:
    """Numbers are read with currency signs, groups, brackets for minus and percent."""
    assert one(text, "number", POINT) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "abc", "1,2", "1,23", "12,345,6", "1.2.3", "--5", "-(5)", "(-5)", "1 2", "1234 567", "1e", "0x10",
        "1_000", "USD 5", "5 EUR", "N/A", "NULL", "nan", "inf", "-Infinity", "1e999", "-1e999", "2026-01-01", "%",
        "$", "-", ".",
    ],
)  # fmt: skip  # a table
def test_not_a_number(text: str) -> None:
    """What is not plainly one number is null, and so is a number without bound."""
    assert one(text, "number", POINT) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234,56", 1234.56), ("12,5", 12.5), ("1.234", 1234), ("1,234", 1.234), ("1 234,50 €", 1234.5),
        ("-3,5%", -0.035), ("1.234.567", 1234567), ("1'234,5", 1234.5), ("12.5", None), ("1,234.56", None),
        ("1.234,-", 1234), ("1.234,-- €", 1234), ("-5,–", -5), ("1.234-", -1234), ("1.234,50-", -1234.5),
    ],
)  # fmt: skip  # a table
def test_decimal_comma(text: str, number: float | None) -> None:
    """With a decimal comma, points only group thousands; a dash right after the comma stands for no cents."""
    assert one(text, "number", COMMA) == pytest.approx(number)


@settings(deadline=None, max_examples=examples.of(40))
@given(
    number=st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False),
    decimal=st.sampled_from(".,"),
    group=st.sampled_from(["", "other", " ", "\u00a0", "'"]),
    minus=st.sampled_from(["-{}", "({})", "{}-", "−{}"]),
    money=st.sampled_from(["{}", "${}", "{} €"]),
)
def test_number_round_trip(number: Decimal, decimal: str, group: str, minus: str, money: str) -> None:
    """A number written in any of the styles is read back as the same number."""
    between = {"other": "," if decimal == "." else "."}.get(group, group)
    written = money.format(f"{abs(number):,.2f}".replace(",", "G").replace(".", decimal).replace("G", between))
    text = minus.format(written) if number < 0 else written
    assert one(text, "number", Format(decimal=decimal)) == pytest.approx(float(number), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), ("5.0", 5), ("-7", -7), ("1,000", 1000), ("1e3", 1000), ("5.4", None), ("2.5", None), ("x", None),
     ("1e300", None), ("9223372036854775808", None), ("", None)],
)  # fmt: skip  # a table
def test_integer(text: str, number: int | None) -> None:
    """A whole number may be written with a fraction of zero; any other fraction, or one too large, is null."""
    assert one(text, "integer", POINT) == number


@pytest.mark.parametrize("text", ["true", "TRUE", "t", "Yes", "y", "1", "1.0", "x", "on", " True "])
def test_true(text: str) -> None:
    """The words for yes are true."""
    assert one(text, "boolean", POINT) is True


@pytest.mark.parametrize("text", ["false", "F", "no", "N", "0", "0.0", "off"])
def test_false(text: str) -> None:
    """The words for no are false."""
    assert one(text, "boolean", POINT) is False


@pytest.mark.parametrize("text", ["", "2", "maybe", "-1", "null"])
def test_neither_true_nor_false(text: str) -> None:
    """Any other word is null."""
    assert one(text, "boolean", POINT) is None


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("2026-03-04", POINT, date(2026, 3, 4)), ("2026-03-04", DAY_FIRST, date(2026, 3, 4)),
        ("2026-3-4", POINT, date(2026, 3, 4)), ("2026/03/04", POINT, date(2026, 3, 4)),
        ("20260304", POINT, date(2026, 3, 4)),
        ("03/04/2026", POINT, date(2026, 3, 4)), ("03/04/2026", DAY_FIRST, date(2026, 4, 3)),
        ("3/4/2026", POINT, date(2026, 3, 4)), ("3-4-2026", DAY_FIRST, date(2026, 4, 3)),
        ("04.03.2026", POINT, date(2026, 3, 4)), ("4.3.26", POINT, date(2026, 3, 4)),
        ("3/4/26", POINT, date(2026, 3, 4)), ("3/4/68", POINT, date(2068, 3, 4)), ("3/4/69", POINT, date(1969, 3, 4)),
        ("04-Mar-26", POINT, date(2026, 3, 4)), ("4-Mar-2026", POINT, date(2026, 3, 4)),
        ("4 March 2026", POINT, date(2026, 3, 4)), ("Mar 4, 2026", POINT, date(2026, 3, 4)),
        ("March 4, 2026", DAY_FIRST, date(2026, 3, 4)), ("29.02.2028", POINT, date(2028, 2, 29)),
        ("3/4/2026 10:30 PM", POINT, date(2026, 3, 4)), ("3/4/2026, 10:30 PM", POINT, date(2026, 3, 4)),
        ("2026-03-04 00:00:00", BERLIN, date(2026, 3, 4)), ("2026-03-04T00:00:00.000", BERLIN, date(2026, 3, 4)),
        ("03/04/2026 00:00", BERLIN, date(2026, 3, 4)), ("2026-03-04T23:30:00", BERLIN, date(2026, 3, 4)),
        ("2026-03-04T23:30:00Z", BERLIN, date(2026, 3, 5)), ("2026-03-04T00:00:00+01:00", BERLIN, date(2026, 3, 4)),
        ("2026-03-04T00:00:00Z", Format(time_zone="America/New_York"), date(2026, 3, 3)),
        (" 2026-03-04 ", POINT, date(2026, 3, 4)),
    ],
)  # fmt: skip  # a table
def test_date(text: str, form: Format, day: date) -> None:
    """A day is the day that is written; an instant's day is its day in the book's time zone."""
    assert one(text, "date", form) == day


@pytest.mark.parametrize("type_", ["date", "instant"])
@pytest.mark.parametrize(
    "text",
    [
        "", "2026-02-30", "2026-06-31", "2026-13-01", "29.02.2026", "31/12/2026", "26-13-05", "2026", "45631",
        "1234567",
        "20261301", "99999-01-01", "infinity", "-infinity", "epoch", "today", "now", "10:30", "2026-03-04x",
        "2026-03-04T25:00:00Z", "2026-02-30T10:00:00Z", "0.5", "March 2026",
    ],
)  # fmt: skip  # a table
def test_not_a_date(text: str, type_: Type) -> None:
    """A day that does not exist, a number or a word is null."""
    assert one(text, type_, POINT) is None


DAY_STYLES = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y"]
ORDERED = {True: ["%d/%m/%Y", "%d-%m-%Y", "%d/%m/%y"], False: ["%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y"]}


@settings(deadline=None, max_examples=examples.of(40))
@given(
    days=st.lists(st.dates(date(1969, 1, 1), date(2068, 12, 31)), min_size=1, max_size=20),
    day_first=st.booleans(),
    zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]),
    data=st.data(),
)
def test_date_round_trip(days: list[date], day_first: bool, zone: str, data: st.DataObject) -> None:
    """A day written in any style is read back as the same day, in any time zone, with midnight or without."""
    style = data.draw(st.sampled_from(DAY_STYLES + ORDERED[day_first]))
    clock = data.draw(st.sampled_from([""] if style == "%Y%m%d" else ["", " 00:00", " 00:00:00"]))
    texts = [day.strftime(style) + clock for day in days]
    assert read(texts, "date", Format(day_first=day_first, time_zone=zone)) == days


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-04T10:00:00Z", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04t10:00:00z", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04T10:00Z", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04 10:00", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04 10:00:00 UTC", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04T10:00:00.000+0000", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04T10:00:00+05:30", datetime(2026, 3, 4, 4, 30, tzinfo=UTC)),
        ("2026-03-04T10:00:00-0500", datetime(2026, 3, 4, 15, tzinfo=UTC)),
        ("2026-03-04 10:00:00 -0500", datetime(2026, 3, 4, 15, tzinfo=UTC)),
        ("2026-03-04 10:00 +02:00", datetime(2026, 3, 4, 8, tzinfo=UTC)),
        ("2026-03-04 10:00:00 Z", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04T10:00:00+02", datetime(2026, 3, 4, 8, tzinfo=UTC)),
        ("2026-03-04T10:00:00.5", datetime(2026, 3, 4, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-04T10:00:00.123456789Z", datetime(2026, 3, 4, 10, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-03-04 10:00:00.1234567", datetime(2026, 3, 4, 10, 0, 0, 123_456, tzinfo=UTC)),
        ("3/4/2026 1:05 PM", datetime(2026, 3, 4, 13, 5, tzinfo=UTC)),
        ("2026-03-04 1:05:06 PM", datetime(2026, 3, 4, 13, 5, 6, tzinfo=UTC)),
        ("4.3.2026 13:05", datetime(2026, 3, 4, 13, 5, tzinfo=UTC)),
        ("Mar 4, 2026, 1:05 PM", datetime(2026, 3, 4, 13, 5, tzinfo=UTC)),
        ("2026-03-04", datetime(2026, 3, 3, 23, tzinfo=UTC)),
        ("2026-07-04", datetime(2026, 7, 3, 22, tzinfo=UTC)),
        ("3/4/2026", datetime(2026, 3, 3, 23, tzinfo=UTC)),
    ],
)
def test_instant(text: str, moment: datetime) -> None:
    """An offset counts; without one the time is UTC; a bare day starts at midnight in the book's time zone."""
    assert one(text, "instant", BERLIN) == moment


@settings(deadline=None, max_examples=examples.of(40))
@given(
    moment=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
    minutes=st.integers(-12 * 60, 14 * 60),
)
def test_instant_round_trip(moment: datetime, minutes: int) -> None:
    """An instant written with any offset is read back as the same instant, and its day is the zone's day."""
    instant = moment.replace(tzinfo=UTC)
    text = instant.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
    assert one(text, "instant", BERLIN) == instant
    assert one(text, "date", BERLIN) == instant.astimezone(ZoneInfo("Europe/Berlin")).date()


def test_text() -> None:
    """Text loses only the space around it; ids keep leading zeros; words for nothing stay."""
    texts = [" 007 ", "123.0", "a b", "NULL", "", "  ", None]
    assert read(texts, "text", POINT) == ["007", "123.0", "a b", "NULL", None, None, None]


@pytest.mark.parametrize(
    ("value", "kind", "type_", "expected"),
    [
        (123.0, pa.float64(), "text", "123"), (123.5, pa.float64(), "text", "123.5"), (1e300, pa.float64(), "text",
        "1e+300"),
        (float("nan"), pa.float64(), "text", None), (7, pa.int64(), "text", "7"),
        (Decimal("12.00"), pa.decimal128(10, 2), "text", "12"), (Decimal("12.50"), pa.decimal128(10, 2), "text",
        "12.50"),
        (True, pa.bool_(), "text", "true"), (date(2026, 3, 4), pa.date32(), "text", "2026-03-04"),
        (1.5, pa.float64(), "number", 1.5), (float("inf"), pa.float64(), "number", None),
        (float("nan"), pa.float64(), "number", None), (3, pa.int32(), "number", 3.0),
        (Decimal("1.25"), pa.decimal128(10, 2), "number", 1.25), (True, pa.bool_(), "number", 1.0),
        (3.0, pa.float64(), "integer", 3), (3.5, pa.float64(), "integer", None), (1e300, pa.float64(), "integer", None),
        (float("nan"), pa.float64(), "integer", None), (2**62 + 1, pa.int64(), "integer", 2**62 + 1),
        (Decimal("3.00"), pa.decimal128(10, 2), "integer", 3), (Decimal("3.10"), pa.decimal128(10, 2), "integer", None),
        (2**64 - 1, pa.uint64(), "integer", None), (False, pa.bool_(), "integer", 0),
        (True, pa.bool_(), "boolean", True), (1, pa.int64(), "boolean", True), (0.0, pa.float64(), "boolean", False),
        (2, pa.int64(), "boolean", None), (date(2026, 3, 4), pa.date32(), "boolean", None),
        (date(2026, 3, 4), pa.date32(), "date", date(2026, 3, 4)),
        (datetime(2026, 3, 4), pa.timestamp("us"), "date", date(2026, 3, 4)),
        (datetime(2026, 3, 4, 23, 30), pa.timestamp("ns"), "date", date(2026, 3, 4)),
        (datetime(2026, 3, 4, 23, 30), pa.timestamp("us", "UTC"), "date", date(2026, 3, 5)),
        (datetime(2026, 3, 4, 0, 0), pa.timestamp("us", "UTC"), "date", date(2026, 3, 4)),
        (20260304, pa.int64(), "date", date(2026, 3, 4)), (45631.0, pa.float64(), "date", None),
        (True, pa.bool_(), "date", None),
        (date(2026, 3, 4), pa.date32(), "instant", datetime(2026, 3, 3, 23, tzinfo=UTC)),
        (datetime(2026, 3, 4, 10), pa.timestamp("ms"), "instant", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        (datetime(2026, 3, 4, 10), pa.timestamp("us",
        "America/New_York"), "instant", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        (date(2026, 3, 4), pa.date32(), "number", None), (time(10, 0), pa.time64("us"), "instant", None),
    ],
)  # fmt: skip  # a table
def test_native(value: Any, kind: pa.DataType, type_: Type, expected: Any) -> None:
    """Columns that have a type are read as what they show; whole floats are ids without a fraction."""
    assert one(value, type_, BERLIN, kind) == expected


NATIVE = [
    pa.bool_(), pa.int8(), pa.int64(), pa.uint64(), pa.float32(), pa.float64(), pa.decimal128(20, 3), pa.string(),
    pa.large_string(), pa.binary(), pa.date32(), pa.time64("us"), pa.timestamp("s"), pa.timestamp("ns"),
    pa.timestamp("us", "UTC"), pa.duration("us"), pa.list_(pa.int64()), pa.struct([("a", pa.int64())]), pa.null(),
]  # fmt: skip  # a table


@pytest.mark.parametrize("type_", get_args(Type))
def test_no_kind_of_column_raises(type_: Type) -> None:
    """Whatever a Parquet file holds, a null of it is null and reading it raises nothing."""
    table = ibis.memtable(pa.table({str(kind): pa.array([None], type=kind) for kind in NATIVE}))
    values = CON.to_pyarrow(table.select(**{name: to_type(table[name], type_, BERLIN) for name in table.columns}))
    assert values.to_pylist() == [dict.fromkeys(table.columns)]


def test_local_date() -> None:
    """An instant's day is the day on the wall of its zone, also when clocks change."""
    table = ibis.memtable(
        pa.table({"at": pa.array([datetime(2026, 3, 28, 23), datetime(2026, 10, 24, 22)], pa.timestamp("us", "UTC"))})
    )
    days = CON.to_pyarrow(table.select(day=local_date(table.at, "Europe/Berlin")))["day"].to_pylist()
    assert days == [date(2026, 3, 29), date(2026, 10, 25)]
