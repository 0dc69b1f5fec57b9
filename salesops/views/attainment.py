"""How a goal, what was reached of it and the chance to make it are said, on each page that speaks of goals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from salesops import words

VERB = {"bookings": "booked", "orders": "sold"}
DATED = {"bookings": "won deals by close date", "orders": "orders by order date"}
COUNTED = {"bookings": "Won deals", "orders": "Orders"}


def measure_figures(row: Mapping[str, Any], currency: str) -> list[tuple[str, str, str]]:
    """Return the figures of one measure: actual, and where there is one the goal and the gap."""
    scale = words.scale_for([row["quota"], row["booked"]], currency=currency)
    label = f"{COUNTED[row['measure']]}, {scale.unit}"
    if row["quota"] is None:
        return [(label, scale.show(row["booked"]), "no goal agreed in this measure")]
    share = "" if row["attainment"] is None else f"{words.percent(row['attainment'])} of goal"
    gap = row["gap"]
    made = f"{int(row['lines_attained'])} of {int(row['lines_with_quota'])} at goal" if "lines_attained" in row else ""
    return [
        (label, scale.show(row["booked"]), share),
        (f"Goal, {scale.unit}", scale.show(row["quota"]), ""),
        ("Gap", scale.show(gap) if gap > 0 else f"+{scale.show(-gap)}", made),
    ]


def ended_words(ended_on: date | None, measure: str) -> str:
    """Say that the data end before the period does; "" where they do not."""
    if ended_on is None:
        return ""
    what = "Deals" if measure == "bookings" else "Orders"
    return f" {what} are known up to {words.day(ended_on)} only: what came later is not counted."


def make_it_words(why_not: str) -> str:
    """Say what P(make it) is, or why it is not shown."""
    if why_not:
        return f"P(make it) is not shown: {why_not}"
    return (
        "P(make it) is an estimate from open deals and the business that usually comes. The range beside it says how "
        "sure the chance itself is; a table gives it to 5 points. The forecast notebook says how far past forecasts "
        "were off."
    )
