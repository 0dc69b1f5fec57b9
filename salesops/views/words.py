"""Numbers, dates and lists as people read them.

The same on every machine: no locale is asked. A missing value (None, NaN, NaT, NA, infinite) reads "–".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops.models.wording import (
    MISSING,
    about,
    chance,
    chance_in_doubt,
    chance_range,
    day,
    is_missing,
    money,
    number,
    percent,
    plural,
    real,
)
from salesops.periods import Period

__all__ = [
    "CHANCE_RANGE", "MISSING", "Scale", "about", "and_list", "chance", "chance_in_doubt", "chance_range",
    "day", "is_missing", "isolated", "money", "number", "percent", "period", "plural",
    "ranking", "scale_for", "span",
]  # fmt: skip  # the words of a page, wherever they are made

CHANCE_RANGE = (
    "in brackets: where the chance lies in 80 of 100 cases, since few deals and few past forecasts are there to learn "
    "it from"
)
_TURNS = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}  # Unicode's bidi classes


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
