"""The frame of the sample company: its calendar, its sizes, what it sells, how its keys look.

Inside the simulation a day is a whole number, counted from START; NEVER is a day that does not come.
People, accounts and deals are positions in arrays and become keys only when the tables are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Array = npt.NDArray[Any]
Columns = dict[str, Array]

START = np.datetime64("2024-11-01")
LAST = int((np.datetime64("2026-10-31") - START).astype(int))
NEVER = 1_000_000

COMPANY = "Marlowick Components"
CURRENCY = "EUR"
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation")
RAMP = (0.1, 0.2, 0.4, 0.6, 0.8, 0.9)
FOLLOW_UP_DAYS = 14

TERRITORIES = ("North", "South", "East", "West", "Alpine")
COUNTRIES = (
    ("Germany", "Denmark", "Sweden"),
    ("Italy", "Spain", "Portugal"),
    ("Poland", "Czechia", "Hungary"),
    ("France", "Belgium", "Netherlands"),
    ("Austria", "Slovenia", "Switzerland"),
)
POTENTIAL = (9_600_000.0, 6_400_000.0, 4_800_000.0, 7_600_000.0, 5_600_000.0)
FAMILIES = ("Bearings", "Seals", "Drives", "Sensors", "Fasteners", "Lubricants")
SERIES = ("Basic", "Standard", "Plus", "Heavy", "Precision")
LIST_PRICES = (
    (18, 26, 41, 74, 128),
    (6, 9, 14, 22, 37),
    (140, 190, 265, 380, 540),
    (45, 62, 88, 120, 210),
    (4, 6, 9, 13, 19),
    (12, 17, 24, 36, 58),
)
COST_SHARES = (0.58, 0.46, 0.66, 0.41, 0.63, 0.52)
PRICE_LIST_DAY = int((np.datetime64("2026-01-01") - START).astype(int))
PRICE_LIST_RISE = 1.04


@dataclass(frozen=True)
class Size:
    """How much of the company to write: each division has 40 reps, 6 managers, 5 territories."""

    divisions: int
    accounts_per_division: int


SIZES = {"small": Size(1, 600), "medium": Size(10, 600), "large": Size(52, 6000)}
REPS = 40
MANAGERS = 6


def stream(seed: int, division: int, topic: str) -> np.random.Generator:
    """Return the random numbers of one topic, so that a change in one leaves the others as they are."""
    return np.random.default_rng([seed, division, *topic.encode()])


def day(text: str) -> int:
    """Return the number of an ISO date."""
    return int((np.datetime64(text) - START).astype(int))


QUARTERS = tuple(
    day(f"{year}-{month:02d}-01") for year in (2025, 2026) for month in (1, 4, 7, 10)
)  # first days of the quarters that have quotas
LAST_QUARTER_END = day("2026-12-31")


def dates(days: Array) -> Array:
    """Return days as dates; NaN and NEVER as no date."""
    known = ~np.isnan(days.astype(float)) & (days < NEVER)
    found = START + np.where(known, days, 0).astype("timedelta64[D]")
    found[~known] = np.datetime64("NaT")
    return found


def instants(days: Array, seconds: Array) -> Array:
    """Return days with seconds after midnight UTC as instants; NaN and NEVER as none."""
    return np.asarray(dates(days).astype("datetime64[s]") + seconds.astype("timedelta64[s]"))


def workday(days: Array) -> Array:
    """Move Saturdays and Sundays to the Friday before; START is a Friday."""
    return np.asarray(days - np.maximum((days + 4) % 7 - 4, 0))


def keys(prefix: str, count: int, division: int = 0, first: int = 1) -> Array:
    """Return `count` keys such as OPP-000001; divisions never share one."""
    numbers = pa.array(np.arange(first, first + count) + division * 1_000_000)
    padded = pc.utf8_lpad(numbers.cast(pa.string()), 6, "0")
    return np.asarray(pc.binary_join_element_wise(prefix, padded, "-").to_numpy(zero_copy_only=False))


def named(keys_: Array, positions: Array) -> Array:
    """Return the keys at these positions; a negative position is nothing."""
    return blank(keys_[np.maximum(positions, 0)], positions < 0)


def blank(values: Array, empty: Array) -> Array:
    """Return the values with nothing where `empty` is true."""
    found = values.astype(object)
    found[empty] = None
    return found


def pick(
    rng: np.random.Generator, choices: Sequence[object], count: int, shares: Sequence[float] | None = None
) -> Array:
    """Draw `count` of the choices."""
    return np.array(choices, dtype=object)[rng.choice(len(choices), count, p=shares)]


def list_prices() -> Array:
    """Return today's list price of each product."""
    return np.array(LIST_PRICES, dtype=float).ravel()
