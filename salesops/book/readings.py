"""Numbers that can be read in two ways, 3.000 as three thousand or as three, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from salesops.book.columns import Column
from salesops.book.detect import Group

PRICES = ("unit_price", "list_price", "unit_cost")  # of one unit: three decimals are common
_MILLS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")  # currencies of a thousand parts


@dataclass(frozen=True)
class Reading:
    """How the cells of a column are read in which three digits follow a mark.

    `thousands`: the mark stands for thousands. `doubtful`: the other reading is as likely.
    """

    column: str
    text: str
    cells: int
    thousands: bool
    doubtful: bool

    @property
    def words(self) -> str:
        """What such a cell is read as, in words that go after the column."""
        digits = re.sub(r"\D", "", self.text)
        many, few = f"{int(digits):,}", f"{int(digits) / 1000:g}"
        if not self.thousands:
            return f"like '{self.text}', read as {few}, which may mean {many}"
        return f"like '{self.text}', read as {many}" + (f", which may mean {few}" if self.doubtful else "")


def number_readings(groups: Iterable[Group], columns: Mapping[str, Column], currency: str) -> tuple[Reading, ...]:
    """Return how numbers are read that could be read in two ways.

    Money in which every mark is followed by three digits is in thousands; but prices of one unit, rates and other
    numbers are not, nor money in a currency of a thousand parts: there the mark is a decimal one.

    Parameters
    ----------
    groups : iterable of Group
        As `detect_format` finds them.
    columns : mapping
        The columns of the book by the header that they are read from.
    currency : str
        The book's, "" if it is not known.
    """
    return tuple(
        _reading(group, columns[group.column], currency)
        for group in groups
        if group.column in columns and _matters(group, columns[group.column])
    )


def _matters(group: Group, column: Column) -> bool:
    """Tell whether a column is read in one of two ways: of other numbers than money a second column may tell how."""
    return column.type == "number" and (_is_sum(column) or (group.alone and group.sure))


def _reading(group: Group, column: Column, currency: str) -> Reading:
    thousands = group.sure and _is_sum(column) and currency not in _MILLS
    return Reading(column.name, group.text, group.cells, thousands, not (thousands and group.alone))


def _is_sum(column: Column) -> bool:
    return column.unit == "money" and column.name not in PRICES
