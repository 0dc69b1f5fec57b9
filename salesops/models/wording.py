"""Numbers, money and dates in sentences as people read them, the same on every page and on every machine.

A missing value (None, NaN, NaT, NA, infinite) reads "–".
"""

from __future__ import annotations

import math
from datetime import date

import pandas as pd

MISSING = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def money(value: object, *, currency: str = "") -> str:
    """Return an amount with three figures for a sentence: "7.10 M USD", "948 k", "12"."""
    if is_missing(value):
        return MISSING
    amount = real(value)
    divisor, letter = 1.0, ""
    for step, name in ((1e3, "k"), (1e6, "M"), (1e9, "bn")):
        if float(f"{abs(amount):.3g}") >= step:
            divisor, letter = step, name
    scaled = amount / divisor
    whole = len(str(int(float(f"{abs(scaled):.3g}"))))
    figures = number(scaled, decimals=max(0, 3 - whole) if letter else 0)
    return "\N{NO-BREAK SPACE}".join(part for part in (figures, letter, currency) if part)


def percent(value: object, *, decimals: int = 0) -> str:
    """Return a fraction as percent: 0.793 -> "79%". Below 1 never reads 100%; above 0 never reads 0%."""
    if is_missing(value):
        return MISSING
    fraction = real(value)
    shown = number(fraction * 100, decimals=decimals)
    if fraction < 1 and shown == number(100, decimals=decimals):
        return "<100%"
    if fraction > 0 and shown == number(0, decimals=decimals):
        return f"<{number(10**-decimals, decimals=decimals)}%"
    return f"{shown}%"


def chance(value: object) -> str:
    """Return a chance to make a goal in steps of 5 points: "20%". What may still fail or come reads "<5%" or ">95%"."""
    if is_missing(value):
        return MISSING
    if value == 1:
        return "made it"
    points = 5 * round(20 * real(value))
    return "<5%" if points < 5 else ">95%" if points > 95 else f"{points}%"


def chance_in_doubt(value: object, low: object, high: object) -> str:
    """Return the chance of something to come with the range that it lies in: "about 20% (12 to 30)"."""
    return MISSING if is_missing(value) else f"{about(value)} ({chance_range(low, high)})"


def about(value: object) -> str:
    """Return a chance in whole points: "about 20%". It never reads as certain: "under 1%", "over 99%"."""
    shown = _points(real(value))
    return f"{'about ' if shown.isdigit() else ''}{shown}%"


def chance_range(low: object, high: object) -> str:
    """Return the range of a chance in whole points: "12 to 30", "under 1 to 4"."""
    first, last = _points(real(low)), _points(real(high))
    return first if first == last else f"{first} to {last}"


def number(value: object, *, decimals: int = 0) -> str:
    """Return a number with thousands separators and a true minus sign: -1234.5 -> "−1,234"."""
    if is_missing(value):
        return MISSING
    shown = f"{real(value):,.{decimals}f}"
    if not shown.strip("-0.,"):
        return shown.lstrip("-")
    return shown.replace("-", "−")


def plural(count: object, one: str, many: str = "") -> str:
    """Return a count with its noun: "1 deal", "3 deals", "2.5 deals" (a shared deal counts in parts)."""
    if is_missing(count):
        return f"{MISSING} {many or one + 's'}"
    amount = real(count)
    shown = number(amount, decimals=0 if amount == int(amount) else 1)
    return f"{shown} {one if shown == '1' else many or one + 's'}"


def day(value: object) -> str:
    """Return a date, datetime or Timestamp as "28 Sep 2013"."""
    if is_missing(value) or not isinstance(value, date):
        return MISSING
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def _points(fraction: float) -> str:
    points = round(100 * fraction)
    return "under 1" if points < 1 else "over 99" if points > 99 else str(points)


def is_missing(value: object) -> bool:
    """Return whether a scalar holds no usable value: None, NaN, NaT, NA or an infinite number."""
    if isinstance(value, float) and math.isinf(value):
        return True
    return bool(pd.isna(value))  # type: ignore[call-overload]  # any scalar may come from a table; the stubs list types


def real(value: object) -> float:
    """Return a scalar that holds a value as a float."""
    return float(value)  # type: ignore[arg-type]  # numpy, Decimal and Python numbers all convert
