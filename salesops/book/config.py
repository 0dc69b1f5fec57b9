"""book.toml: what a company's tables do not say about themselves."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from salesops.book.schema import SCALES
from salesops.errors import BookError, did_you_mean
from salesops.files import read_toml


@dataclass(frozen=True, kw_only=True)
class BookConfig:
    """Settings of a book. All are optional.

    Parameters
    ----------
    company : str
        Name shown on reports; default: the folder's name.
    currency : str
        ISO code of the book's currency; default: the one that most rows have.
    fiscal_year_start : int
        Month, 1 to 12, in which the fiscal year begins.
    time_zone : str
        IANA name; instants become dates in this zone.
    stage_order : tuple of str
        Stages of open deals, first to last. Won comes after the last.
    stages : mapping
        What a stage of the history says of a deal, where no deal is in it today or they differ: won, lost, open, each
        a list of names; `*` stands for any text.
    follow_up_days : int
        Days after a delivery within which the customer should be asked.
    ramp : tuple of float
        Share of a full quota expected in each month of tenure, first month first; full after the last.
    orders : mapping
        not_counted: words in the status of orders and order lines that void them, beside those known.
    contracts : mapping
        not_counted: words in the status of contracts that never began, beside those known.
    surveys : mapping
        `scale`: of survey scores whose row names none, one of nps_0_10, csat_1_5, csat_1_7, csat_0_100, ces_1_7;
        default nps_0_10.
    gifts : mapping
        For the birthdays of contacts: cap (money a gift may cost), approver (who allows it), exclude_industries and
        exclude_titles (words that mark officials, in place of those known), leap_day (02-28 or 03-01, for 29 February).
    csv : mapping
        How CSV files are written, where the detection is wrong: encoding, delimiter, decimal, day_first,
        skip_footer; for all files or, in a table named like the file, for one.
    """

    company: str = ""
    currency: str = ""
    fiscal_year_start: int = 1
    time_zone: str = "UTC"
    stage_order: tuple[str, ...] = ()
    stages: Mapping[str, Any] = field(default_factory=dict)
    follow_up_days: int = 14
    ramp: tuple[float, ...] = ()
    orders: Mapping[str, Any] = field(default_factory=dict)
    contracts: Mapping[str, Any] = field(default_factory=dict)
    surveys: Mapping[str, Any] = field(default_factory=dict)
    gifts: Mapping[str, Any] = field(default_factory=dict)
    csv: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scale(self) -> str:
        """The scale of survey scores, "" where none is said."""
        return str(self.surveys.get("scale", ""))


def gift_rules(config: BookConfig) -> dict[str, Any]:
    """Return what [gifts] says, and the defaults for what it leaves out; cap and approver are None where not said."""
    return {**_GIFTS, **{k: tuple(v) if isinstance(v, list) else v for k, v in config.gifts.items()}}


def read_config(path: Path) -> BookConfig:
    """Read a book.toml; a file that is absent gives the defaults. Raises BookError for a wrong key or value."""
    if not path.is_file():
        return BookConfig()
    return parse_config(read_toml(path, error=BookError), path.name)


def parse_config(values: Mapping[str, Any], where: str = "book.toml") -> BookConfig:
    """Turn the content of a book.toml into settings; `where` names it in errors."""
    known = {item.name for item in fields(BookConfig)}
    for key in values:
        if key not in known:
            raise BookError(f"{where} has an unknown key '{key}'. {did_you_mean(key, known)}")
    for key, value in values.items():
        wanted, holds = _CHECKS[key]
        if not holds(value):
            raise BookError(f"{where}: {key} must be {wanted}. Got {value!r}.")
    settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return BookConfig(**settings)


def _is_zone(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(zoneinfo.ZoneInfo(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "America" is a folder of zones
        return False


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_GIFTS: dict[str, Any] = {
    "cap": None,
    "approver": None,
    "exclude_industries": (
        "government", "public administration", "public sector", "court", "courts", "police", "military", "defence",
        "defense", "judiciary", "customs", "embassy", "ministry", "municipality",
    ),
    "exclude_titles": (
        "minister", "mayor", "judge", "prosecutor", "senator", "ambassador", "civil servant", "police officer",
    ),
    "leap_day": "02-28",
}  # fmt: skip  # words stand together
_GIFT_CHECKS: dict[str, Callable[[Any], bool]] = {
    "cap": lambda v: _is_number(v) and v >= 0,
    "approver": lambda v: isinstance(v, str),
    "exclude_industries": lambda v: _are_texts(v),
    "exclude_titles": lambda v: _are_texts(v),
    "leap_day": lambda v: v in ("02-28", "03-01"),
}
_NOT_COUNTED: tuple[str, Callable[[Any], bool]] = (
    "a table of not_counted, a list of status words",
    lambda v: isinstance(v, dict) and set(v) <= {"not_counted"} and all(map(_are_texts, v.values())),
)
_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "company": ("a text", lambda v: isinstance(v, str)),
    "currency": ("an ISO code such as 'EUR'", lambda v: isinstance(v, str) and len(v) == 3 and v.isupper()),
    "fiscal_year_start": ("a month, 1 to 12", lambda v: _is_whole(v) and 1 <= v <= 12),
    "time_zone": ("an IANA name such as 'Europe/Berlin'", _is_zone),
    "stage_order": (
        "a list of stage names, none twice",
        lambda v: _are_texts(v) and len(set(v)) == len(v),
    ),
    "stages": (
        "a table of won, lost and open, each a list of stage names",
        lambda v: isinstance(v, dict) and set(v) <= {"won", "lost", "open"} and all(map(_are_texts, v.values())),
    ),
    "follow_up_days": ("a number of days, 0 or more", lambda v: _is_whole(v) and v >= 0),
    "ramp": (
        "a list of shares, each 0 to 1",
        lambda v: isinstance(v, list) and all(_is_number(s) and 0 <= s <= 1 for s in v),
    ),
    "orders": _NOT_COUNTED,
    "contracts": _NOT_COUNTED,
    "surveys": (
        f"a table with scale, one of {', '.join(SCALES)}",
        lambda v: isinstance(v, dict) and set(v) <= {"scale"} and v.get("scale", "nps_0_10") in SCALES,
    ),
    "gifts": (
        "a table of cap (money), approver (a text), exclude_industries, exclude_titles (lists of words) and leap_day "
        "('02-28' or '03-01')",
        lambda v: isinstance(v, dict) and all(key in _GIFT_CHECKS and _GIFT_CHECKS[key](v[key]) for key in v),
    ),
    "csv": ("a table", lambda v: isinstance(v, dict)),
}
