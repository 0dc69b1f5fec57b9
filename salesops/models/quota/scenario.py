"""A scenario: every lever of the quota what-if, with its unit and its bounds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from salesops.errors import ScenarioError, first_few


@dataclass(frozen=True)
class Move:
    """A part of the new business of one rep goes to another; open deals stay with those who work them.

    Parameters
    ----------
    giver, receiver : str
        user_id.
    share : float
        Fraction of the giver's deals not yet created, 0 to 1.
    """

    giver: str
    receiver: str
    share: float

    def __post_init__(self) -> None:
        for name in ("giver", "receiver"):
            _text(f"A move's {name}", getattr(self, name))
        object.__setattr__(self, "share", _number("A move's share", self.share, "a fraction from 0 to 1", _fraction))
        if self.giver == self.receiver:
            raise ScenarioError(f"A move must go from one rep to another. Got '{self.giver}' for both.")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One setting of all levers. The defaults change nothing against today.

    Parameters
    ----------
    name : str
        How people call it.
    company, book : str
        Whose scenario it is, and what tells that book from any other (`files.book_key`).
    period_start, period_end : date
        First and last day that it is about.
    quotas : tuple of (user_id, money)
        Quotas that differ from today's; these stay fixed when others are scaled.
    target : float or None
        The company's target (money per period); None: the sum of today's quotas.
    over_assignment : float or None
        Σ rep quotas ÷ target − 1 (fraction, from −0.9): scales the quotas that are not fixed. None: as they are.
    ramp : tuple of float or None
        Share of a full rep in each month of tenure, for quotas (unless they allow for it) and new business.
        None: the book's.
    attrition : float
        Share of reps that leave in a year (0 to 1). Open deals of a leaver go on with a colleague.
    backfill_days : float
        Days until a leaver's place is filled; the successor ramps up.
    moves : tuple of Move
        New business that goes from one rep to another.
    win_rate, deal_size, cycle : float
        Factors on the chance to win (at most to certainty), on amounts, and on the time that deals take.
    discount : float
        Fraction off the price of all that is still to come (0 to 0.9). The win rate rises by
        `discount_lift` · discount (fraction): an assumption, not an estimate.
    hires : int
        Reps who start on `hire_date` (None: the day after the forecast's), each with a usual rep's new business,
        ramping up; without quota.
    pay : float
        Money per rep and period, whatever is booked.
    commission_rate : float
        Fraction of the booked amount.
    threshold, cap : float
        Multiples of the quota: below the one nothing is paid, above the other no more. cap None: no cap.
    accelerator : float
        Multiple of the commission rate for what is booked above the quota.
    budget : float or None
        Money per period for payouts.
    quota_response : float
        Percent more new business for a quota one percent higher. 0, the default, is off: evidence conflicts.
    shock : float or None
        Standard deviation of the logarithm of the shock that all money to come shares (0 to 1). None: as past
        forecasts teach it.

    Raises
    ------
    ScenarioError
        If a lever is out of its bounds.
    """

    name: str = "Baseline"
    company: str = ""
    book: str = ""
    period_start: date
    period_end: date
    quotas: tuple[tuple[str, float], ...] = ()
    target: float | None = None
    over_assignment: float | None = None
    ramp: tuple[float, ...] | None = None
    attrition: float = 0.0
    backfill_days: float = 90.0
    moves: tuple[Move, ...] = ()
    win_rate: float = 1.0
    deal_size: float = 1.0
    cycle: float = 1.0
    discount: float = 0.0
    discount_lift: float = 1.0
    hires: int = 0
    hire_date: date | None = None
    pay: float = 0.0
    commission_rate: float = 0.0
    threshold: float = 0.0
    accelerator: float = 1.0
    cap: float | None = None
    budget: float | None = None
    quota_response: float = 0.0
    shock: float | None = None

    def __post_init__(self) -> None:
        for name in ("name", "company", "book"):
            _text(name, getattr(self, name))
        for name in ("period_start", "period_end", "hire_date"):
            _day(name, getattr(self, name), optional=name == "hire_date")
        if self.period_end < self.period_start:
            raise ScenarioError(f"period_end must not be before period_start. Got {self.period_end}.")
        for name, (wanted, holds) in NUMBERS.items():
            value = getattr(self, name)
            if value is None and name in OPTIONAL:
                continue
            object.__setattr__(self, name, _number(name, value, wanted, holds))
        if isinstance(self.hires, bool) or not isinstance(self.hires, int) or self.hires < 0:
            raise ScenarioError(f"hires must be a whole number, 0 or more. Got {self.hires!r}.")
        if self.cap is not None and self.cap < self.threshold:
            raise ScenarioError(f"cap must not be below threshold. Got {self.cap:g} and {self.threshold:g}.")
        object.__setattr__(self, "quotas", _quotas(self.quotas))
        if self.ramp is not None:
            wanted = "a fraction from 0 to 1"
            object.__setattr__(
                self, "ramp", tuple(_number("each month of the ramp", v, wanted, _fraction) for v in self.ramp)
            )
        object.__setattr__(self, "moves", _moves(self.moves))


def _fraction(value: float) -> bool:
    return 0 <= value <= 1


def _not_negative(value: float) -> bool:
    return value >= 0


def _factor(value: float) -> bool:
    return 0.1 <= value <= 10


NUMBERS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "target": ("money, 0 or more", _not_negative),
    "over_assignment": ("a fraction of the target, −0.9 or more", lambda value: value >= -0.9),
    "attrition": ("a fraction from 0 to 1 a year", _fraction),
    "backfill_days": ("days, 0 or more", _not_negative),
    "win_rate": ("a factor from 0.1 to 10", _factor),
    "deal_size": ("a factor from 0.1 to 10", _factor),
    "cycle": ("a factor from 0.1 to 10", _factor),
    "discount": ("a fraction from 0 to 0.9", lambda value: 0 <= value <= 0.9),
    "discount_lift": ("a multiple of the discount, 0 or more", _not_negative),
    "pay": ("money per rep and period, 0 or more", _not_negative),
    "commission_rate": ("a fraction from 0 to 1 of the booked amount", _fraction),
    "threshold": ("a multiple of the quota, 0 or more", _not_negative),
    "accelerator": ("a multiple of the commission rate, 0 or more", _not_negative),
    "cap": ("a multiple of the quota, 0 or more", _not_negative),
    "budget": ("money per period, 0 or more", _not_negative),
    "quota_response": ("a fraction from 0 to 1", _fraction),
    "shock": ("a standard deviation from 0 to 1", _fraction),
}
OPTIONAL = ("target", "over_assignment", "cap", "budget", "shock")
LEVERS = tuple(
    field.name
    for field in fields(Scenario)
    if field.name not in ("name", "company", "book", "period_start", "period_end", "quotas", "moves")
)


def _number(name: str, value: Any, wanted: str, holds: Callable[[float], bool]) -> float:
    real = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not real or not holds(float(value)):
        raise ScenarioError(f"{name} must be {wanted}. Got {value!r}.")
    return float(value)


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ScenarioError(f"{name} must be a text. Got {value!r}.")


def _day(name: str, value: Any, *, optional: bool) -> None:
    if type(value) is not date and not (optional and value is None):
        raise ScenarioError(f"{name} must be a date. Got {value!r}.")


def _quotas(quotas: Any) -> tuple[tuple[str, float], ...]:
    found = []
    for user, amount in quotas:
        _text("A quota's user_id", user)
        found.append((user, _number(f"The quota of '{user}'", amount, "money, 0 or more", _not_negative)))
    twice = [user for user, count in Counter(user for user, _ in found).items() if count > 1]
    if twice:
        who = "1 rep has" if len(twice) == 1 else f"{len(twice)} reps have"
        raise ScenarioError(f"{who} two quotas: {first_few(twice)}. Give one for each.")
    return tuple(sorted(found))


def _moves(moves: Any) -> tuple[Move, ...]:
    found = tuple(moves)
    given: dict[str, float] = {}
    for move in found:
        if not isinstance(move, Move):
            raise ScenarioError(f"moves must be a list of moves. Got {move!r}.")
        given[move.giver] = given.get(move.giver, 0.0) + move.share
    for giver, share in given.items():
        if share > 1 + 1e-9:
            raise ScenarioError(f"'{giver}' gives away more than all new business: {share:g} of it.")
    return found
