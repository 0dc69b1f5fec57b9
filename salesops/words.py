"""Numbers, money, dates and lists as people read them, the same on every page and on every machine.

No locale is asked. A missing value (None, NaN, NaT, NA, infinite) reads "–".
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops.periods import Period

MISSING = "–"
CHANCE_RANGE = (
    "in brackets: where the chance lies in 80 of 100 cases, since few deals and few past forecasts are there to learn "
    "it from"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TURNS = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}  # Unicode's bidi classes


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


@dataclass(frozen=True)
class Scale:
    """How all amounts of a column are shown: divided by `divisor`, with `decimals`; `unit` goes to the header."""

    divisor: int
    unit: str
    decimals: int

    def show(self, value: object) -> str:
        """Return the amount in this scale, without its unit: 614000 -> "614". What is not zero never reads 0."""
        if is_missing(value):
            return MISSING
        amount = real(value)
        shown = number(amount / self.divisor, decimals=self.decimals)
        if amount and not float(shown.replace(",", "").replace("−", "-")):
            least = number(10**-self.decimals, decimals=self.decimals)
            return f"<{least}" if amount > 0 else f">−{least}"
        return shown


def scale_for(values: Iterable[object], *, currency: str) -> Scale:
    """Choose one scale for all `values` (money), by the largest: units, thousand or million of `currency`."""
    largest = max((abs(real(value)) for value in values if not is_missing(value)), default=0.0)
    if largest < 1e5:
        return Scale(1, currency, 0)
    if largest < 1e8:
        return Scale(1_000, f"thousand {currency}".strip(), 0)
    return Scale(1_000_000, f"million {currency}".strip(), 1)


def left_out_money(unrated: pd.DataFrame) -> str:
    """Say what totals leave out for want of a rate, led by a space: it belongs below the headline; "" if nothing."""
    if unrated.empty:
        return ""
    amounts = [money(row["amount"], currency=str(row["currency"])) for row in unrated.to_dict("records")]
    return f" Not counted, for want of a rate: {and_list(amounts)}."


def ranking(model: Mapping[str, float], other: Mapping[str, float]) -> str:
    """Say how a model ranks beside another: "better than" only where the lead is clear and the digits show it.

    Both are rows of models.lifetime.backtest; `model` has the interval of its lead.
    """
    if number(model["auc"], decimals=2) == number(other["auc"], decimals=2):
        return "no better than"
    return "better than" if model["lead_low"] > 0 else "worse than" if model["lead_high"] < 0 else "no better than"


def and_list(items: Sequence[object], *, limit: int | None = None) -> str:
    """Return "A, B and C"; with `limit`, the first few and a count: "A, B and 4 more"."""
    words = [str(item) for item in items]
    if limit is not None and len(words) > limit:
        words = [*words[:limit], f"{len(words) - limit:,} more"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def span(start: date, end: date) -> str:
    """Return the days from `start` to `end`, both included: "30 Jun – 28 Sep 2013"."""
    if (start.year, start.month, start.day) == (end.year, end.month, end.day):
        return day(end)
    first = day(start) if start.year != end.year else day(start).removesuffix(f" {start.year}")
    return f"{first} – {day(end)}"


def period(of: Period) -> str:
    """Return the name of a period, where it has one, and its days: "FY2026 Q1, 1 Apr – 30 Jun 2025"."""
    days = span(of.start, of.end)
    return days if ".." in of.label else f"{of.label.replace('-Q', ' Q')}, {days}"


def isolated(name: object) -> str:
    """Return a name that stands within a sentence: one that runs right to left turns nothing else around."""
    shown = str(name)
    if not any(unicodedata.bidirectional(letter) in _TURNS for letter in shown):
        return shown
    return f"\N{FIRST STRONG ISOLATE}{shown}\N{POP DIRECTIONAL ISOLATE}"


def is_missing(value: object) -> bool:
    """Return whether a scalar holds no usable value: None, NaN, NaT, NA or an infinite number."""
    if isinstance(value, float) and math.isinf(value):
        return True
    return bool(pd.isna(value))  # type: ignore[call-overload]  # any scalar may come from a table; the stubs list types


def real(value: object) -> float:
    """Return a scalar that holds a value as a float."""
    return float(value)  # type: ignore[arg-type]  # numpy, Decimal and Python numbers all convert


def _points(fraction: float) -> str:
    points = round(100 * fraction)
    return "under 1" if points < 1 else "over 99" if points > 99 else str(points)
