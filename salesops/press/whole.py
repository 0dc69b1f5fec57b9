"""What a page must be: small enough for a phone, and whole in itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from salesops.errors import PressError

LIMIT = 300_000  # bytes: what a phone loads at once
LIVE = re.compile(r"<(?:script|iframe|object|embed)\b", re.IGNORECASE)
_LOADING = ("src", "srcset", "poster", "data", "background", "ping")  # attributes
_IN_STYLE = re.compile(r"@import\b[^;]*|\burl\(\s*[\"']?(?!data:|#|[\"'\s])[^)]*\)", re.IGNORECASE)


def refuse(page: str) -> None:
    """Raise PressError if a page is larger than 300 kB, or would load, run or open something by itself."""
    size = len(page.encode())
    if size > LIMIT:
        raise PressError(
            f"A page may have {LIMIT // 1000} kB. This one has {size // 1000:,} kB. "
            "Show fewer rows, or a chart with fewer points."
        )
    outside = _Outside()
    outside.feed(page)
    if outside.found:
        raise PressError(
            f"A page holds everything itself, and runs nothing. This one has {outside.found[0]}. "
            "Show a picture as the output of a cell, or remove it."
        )


class _Outside(HTMLParser):
    """Collects what a browser would load to show the page, or run, or leave it for.

    A browser also obeys the page's policy; but what that holds back is a hole in the page, and mail has no policy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if LIVE.match(f"<{tag} ") or (tag == "meta" and given.get("http-equiv", "").lower() == "refresh"):
            self.found.append(f"<{tag}>")
        for name, value in given.items():
            inside = ("data:", "#") if name.endswith("href") else ("data:",)
            loads = name in _LOADING or (name.endswith("href") and tag != "a")
            if loads and value and not value.startswith(inside):
                self.found.append(value)
            if name not in ("alt", "title", "aria-label"):
                self.found += _IN_STYLE.findall(value)
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += _IN_STYLE.findall(data)
