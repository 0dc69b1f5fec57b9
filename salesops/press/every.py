"""`every` in reports.toml: on which days and at what time a report is due, in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import MONTHLY, WEEKLY, rrule

from salesops.errors import PressError, did_you_mean

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WORDS = {"day": range(7), "workday": range(5)}
_MONTHS = {"month": range(1, 13), "quarter": (1, 4, 7, 10)}
_LONGEST = timedelta(days=100)  # more than lies between two dates of any rule
_SET_BACK = timedelta(hours=3)  # more than any clock is set back by
_FORM = re.compile(r"(.*\S)\s+(\d{1,2}):(\d{2})")
_EXAMPLES = "Write it like 'monday 06:00', 'monday, thursday 06:00', 'workday 07:30', 'month 06:00' or 'quarter 06:00'."


@dataclass(frozen=True)
class Every:
    """When a report is due, again and again, by the clock on the wall.

    Parameters
    ----------
    text : str
        As people wrote it.
    weekdays : tuple of int
        0 is Monday; () goes by months.
    months : tuple of int
        The first day of each.
    hour, minute : int
    """

    text: str
    weekdays: tuple[int, ...]
    months: tuple[int, ...]
    hour: int
    minute: int

    def last(self, now: datetime, zone: ZoneInfo | None) -> datetime:
        """Return the last time it was due by `now`; both know their zone.

        `zone` is where the clock hangs, None the machine's. An hour that a change of the clock leaves out is
        taken an hour later; one that comes twice counts once.
        """
        times, later = self._around(now, zone)
        while _instant(later, zone) > now:
            later = times.before(later)
        return _instant(later, zone)

    def next(self, now: datetime, zone: ZoneInfo | None) -> datetime:
        """Return when it is due for the first time after `now`."""
        times, found = self._around(now, zone)
        while _instant(found, zone) <= now:
            found = times.after(found)
        while _instant(times.before(found), zone) > now:
            found = times.before(found)
        return _instant(found, zone)

    def _around(self, now: datetime, zone: ZoneInfo | None) -> tuple[rrule, datetime]:
        """Return the times by the clock on the wall, and one of them from which `now` is no more than two away."""
        wall = now.astimezone(zone).replace(tzinfo=None)
        start = (wall - _LONGEST).replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        if self.months:
            times = rrule(MONTHLY, dtstart=start, bymonth=self.months, bymonthday=1)
        else:
            times = rrule(WEEKLY, dtstart=start, byweekday=self.weekdays)
        # a wall whose clock was set back shows again what was due before
        return times, times.before(wall + _SET_BACK, inc=True)


def read_every(text: object, where: str) -> Every:
    """Read days and a time, like "monday, thursday 06:00".

    Days are names of weekdays, `day`, `workday` (Monday to Friday), `month` or `quarter` (the first day of
    each, by the calendar). `where` says for an error whose they are.

    Raises
    ------
    PressError
        If the text cannot be read.
    """
    form = _FORM.fullmatch(text.strip().casefold()) if isinstance(text, str) else None
    if not form or int(form[2]) > 23 or int(form[3]) > 59:
        raise PressError(f"{where}: every must be days and a time. Got {text!r}. {_EXAMPLES}")
    words = [word.strip() for word in form[1].split(",")]
    weekdays, months = set[int](), set[int]()
    for word in words:
        if word in _MONTHS and len(words) == 1:
            months.update(_MONTHS[word])
        elif word in _WORDS:
            weekdays.update(_WORDS[word])
        elif word in _WEEK:
            weekdays.add(_WEEK.index(word))
        else:
            hint = did_you_mean(word, [*_WEEK, *_WORDS, *_MONTHS])
            raise PressError(f"{where}: every has days that are not known: '{word}'. {hint} {_EXAMPLES}")
    return Every(str(text).strip(), tuple(sorted(weekdays)), tuple(sorted(months)), int(form[2]), int(form[3]))


def _instant(wall: datetime, zone: ZoneInfo | None) -> datetime:
    local = wall.replace(tzinfo=zone) if zone else wall
    return local.astimezone(UTC)
