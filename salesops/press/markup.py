"""Markup that a page may hold: what shows something, and nothing that runs, loads or opens something by itself.

It is taken apart and put together again so that a browser can find no other meaning in it: each `<` that remains
begins a tag that was judged, wherever a browser thinks it stands.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

_HARMFUL = frozenset({  # they run, frame, send or load something, or hide what comes after them
    "script", "noscript", "iframe", "frame", "frameset", "fencedframe", "portal", "object", "embed", "applet",
    "template", "form", "base", "link", "marquee", "bgsound", "plaintext", "xmp", "listing", "noembed", "noframes",
    "audio", "video", "animate", "animatemotion", "animatetransform", "animatecolor", "set", "discard", "handler",
    "listener",
})  # fmt: skip  # reads as a table
_NEEDLESS = frozenset({"html", "head", "body", "meta"})  # of a whole document, which a page has already
_GONE = _HARMFUL | _NEEDLESS
_LOADING = frozenset({
    "src", "srcset", "imagesrcset", "poster", "data", "background", "ping", "attributionsrc", "lowsrc", "dynsrc",
    "manifest", "archive", "codebase", "srcdoc", "xml:base", "action", "formaction", "http-equiv",
})  # fmt: skip  # as above
_WORDS = frozenset({"alt", "title", "aria-label", "aria-description", "summary", "content", "lang", "id", "class"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:._-]*")
_ATTRIBUTE = r"""\s+[A-Za-z_][A-Za-z0-9:._-]*(?:="[^"<>&]*"|='[^'<>&]*'|=[^\s"'<>&=`/]+)?"""
_PLAIN = re.compile(rf"<[A-Za-z][A-Za-z0-9:._-]*(?:{_ATTRIBUTE})*\s*/?>")  # what every parser takes in the same way
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\ufeff]")
_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|svg\+xml)[;,]", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# what a reader may follow or save
_OPENED = re.compile(
    r"(?:https?|mailto|tel):|data:(?:text/(?:csv|plain)|application/(?:json|octet-stream|vnd\.[\w.-]+))[;,]",
    re.IGNORECASE,
)
_CSS_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})\s?|([^\n]))")
_CSS_HARM = re.compile(
    r"""\burl\((?>\s*["']?\s*)(?!data:image/|data:font/|\#|["')])[^)]*|@import\b[^;]*|\bimage-set\([^)]*"""
    r"""|\bsrc\(\s*["'][^)]*|\bexpression\([^)]*|-moz-binding[^;]*|\bbehavior\s*:[^;]*""",
    re.IGNORECASE,
)
_LONGEST = 80  # characters of what is told


def cleaned(markup: str) -> tuple[str, list[str]]:
    """Return markup as a page may hold it, and what was taken out: "onclick", "<script>", an address."""
    cleaner = _Cleaner()
    try:
        cleaner.feed(markup)
        cleaner.end()
    except AssertionError:  # so HTMLParser gives up
        return escape(markup), ["what no browser understands"]
    return "".join(cleaner.kept), [harm[:_LONGEST] for harm in cleaner.harm]


class _Cleaner(HTMLParser):
    """Puts together what may stay, and notes what may not."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self.harm: list[str] = []
        self._spelled: dict[str, str] = {}  # SVG has names in both cases
        self._inside = ""  # script, whose content goes with it, or style
        self._css = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text() or ""
        plain = _PLAIN.fullmatch(raw) is not None
        if tag in _HARMFUL or not _NAME.fullmatch(tag):
            self.harm.append(f"<{tag}>")
        else:
            first = dict(reversed(attrs))  # of an attribute that is there twice, as browsers do
            good = {name: value for name, value in first.items() if not self._harms(tag, name, value or "")}
            if tag not in _NEEDLESS and raw.lower() != "<style/>":
                self._keep(tag, raw, good, plain=plain and len(good) == len(attrs))
        self._inside = tag if tag in ("script", "style") and not raw.endswith("/>") else self._inside

    def end(self) -> None:
        """Take what is left."""
        self.close()
        if self._inside == "style":
            self.handle_endtag("style")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside == "style":
            self._keep_style()
        self._inside = "" if tag == self._inside else self._inside
        if tag not in _GONE and _NAME.fullmatch(tag):
            self.kept.append(f"</{self._spelled.get(tag, tag)}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self._css += data
        elif self._inside != "script":
            self.kept.append(data.replace("<", "&lt;"))

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def unknown_decl(self, data: str) -> None:
        """Take the text of a CDATA section as text."""
        if data.startswith("CDATA["):
            self.handle_data(data.removeprefix("CDATA["))

    def _keep(self, tag: str, raw: str, good: dict[str, str | None], *, plain: bool) -> None:
        self._spelled[tag] = raw[1 : 1 + len(tag)]
        if plain:
            self.kept.append(raw)
            return
        written = [
            _spelled(name, raw) if value is None else f'{_spelled(name, raw)}="{escape(value)}"'
            for name, value in reversed(good.items())
        ]
        self.kept.append(f"<{' '.join([self._spelled[tag], *written])}{' /' if raw.endswith('/>') else ''}>")

    def _harms(self, tag: str, name: str, value: str) -> bool:
        found = _harm_of(tag, name, value)
        self.harm += [found] if found else []
        return bool(found)

    def _keep_style(self) -> None:
        css, self._css = re.sub(r"<!--|-->|<!\[CDATA\[|\]\]>", " ", self._css), ""
        found = _css_harm(css) or ("markup in a style" if re.search(r"<(?![\s=\d])", css) else "")
        self.harm += [found] if found else []
        self.kept.append("" if found else css)


def _spelled(name: str, raw: str) -> str:
    """Return the name of an attribute in the letters in which the tag has it."""
    found = re.search(rf"(?<=[\s/\"']){re.escape(name)}(?=[\s=/>])", raw, re.IGNORECASE)
    return found[0] if found else name


def _harm_of(tag: str, name: str, value: str) -> str:
    """Return what is harmful in an attribute, or ""."""
    if not _NAME.fullmatch(name) or name.startswith("on"):
        return name
    bare = _UNSEEN.sub("", value)
    if name in _LOADING:
        harmless = not bare or (name == "src" and _PICTURE.match(bare))
    elif name.endswith("href") and tag in ("a", "area"):
        # an address without a scheme is one of the same place
        harmless = not _SCHEME.match(bare) or _OPENED.match(bare)
    elif name.endswith("href"):
        harmless = bare.startswith("#") or (tag in ("image", "feimage") and _PICTURE.match(bare))
    else:
        return "" if name in _WORDS or name.startswith("data-") else _css_harm(value)
    return "" if harmless else f"{name}={value}"


def _css_harm(css: str) -> str:
    """Return what a style would load or run, or ""."""
    if not re.search(r"[\\(@]|-moz|behavior", css, re.IGNORECASE):
        return ""
    # a string may hold what only looks like a comment
    texts = (css, re.sub(r"/\*.*?(?:\*/|$)", "", css, flags=re.DOTALL))
    found = (_CSS_HARM.search(form) for text in texts for form in (text, _CSS_ESCAPE.sub(_letter, text)))
    return next((one[0] for one in found if one), "")


def _letter(found: re.Match[str]) -> str:
    code = int(found[1], 16) if found[1] else 0
    return chr(code) if 0 < code < 0x110000 else found[2] or " "
