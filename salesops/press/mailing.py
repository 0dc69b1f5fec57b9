"""What reports.toml says of the mails of a report: when its page is sent, and who looks after it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from salesops.errors import PressError, did_you_mean
from salesops.press.post import is_address

KEYS = ("owner", "send", "stale_after")

_SEND = ("always", "changed")
_AGE = re.compile(r"(\d{1,4}) (day|week)s?")


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """How the pages of a report are sent.

    Parameters
    ----------
    owner : str
        Who is told what could not be sent; "" is the sender.
    only_changed : bool
        A page is sent only if a number changed since the last one, or an alert was raised.
    stale_after : int
        Days; where the last fact of a page lies further back, the page is not sent. 0 sets no limit.
    """

    owner: str = ""
    only_changed: bool = False
    stale_after: int = 0

    def is_old(self, last_fact: date | None, day: date) -> bool:
        """Tell whether a page is too old to be sent on a day."""
        return bool(self.stale_after) and last_fact is not None and (day - last_fact).days > self.stale_after


def read_mailing(entry: Mapping[str, Any], where: str) -> Mailing:
    """Read `owner`, `send` and `stale_after` of an entry of reports.toml. Raises PressError if one is wrong."""
    given = [key for key in KEYS if key in entry]
    if given and not entry.get("to"):
        raise PressError(f'{where}: {given[0]} says how pages are sent, but nobody gets one. Add to = ["rep"].')
    owner, send, age = entry.get("owner", ""), entry.get("send", "always"), entry.get("stale_after", "")
    if "owner" in entry and not (isinstance(owner, str) and is_address(owner)):
        raise PressError(f"{where}: owner must be an address like eva@example.com. Got {owner!r}.")
    if send not in _SEND:
        raise PressError(f"{where}: send must be 'always' or 'changed'. Got {send!r}. {did_you_mean(str(send), _SEND)}")
    days = _AGE.fullmatch(age) if isinstance(age, str) else None
    if "stale_after" in entry and (days is None or not int(days[1])):
        raise PressError(f"{where}: stale_after must be like '10 days' or '2 weeks'. Got {age!r}.")
    stale_after = int(days[1]) * (7 if days[2] == "week" else 1) if days else 0
    return Mailing(owner=owner, only_changed=send == "changed", stale_after=stale_after)
