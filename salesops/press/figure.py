"""A Vega-Lite chart as a figure of a page: one SVG for light, dark and paper, its title as caption."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from salesops.press.drawing import draw

VEGA_LITE = "application/vnd.vegalite.v5+json"
# for charts that bring no look of their own; a chart's own config comes first
_CONFIG = {
    "background": "transparent",
    "aria": False,
    "view": {"stroke": None},
    "axis": {"labelColor": "currentColor", "titleColor": "currentColor", "gridColor": "var(--line)"},
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor"},
    "text": {"color": "currentColor"},
}


def figure(spec: Mapping[str, Any], *, number: int, drawing: str = "") -> Markup:
    """Return a <figure> with the chart as SVG and its title as caption.

    `spec` may say in `usermeta.page_colors` which of its colours stand for which CSS values, and in `usermeta.narrow`
    that it takes the whole page, and how wide it is drawn, a second time, for a phone. `number`
    counts the figures of the page, so that the names inside their SVGs differ. `drawing` is the address of the
    process that draws, or "".

    Raises
    ------
    PressError
        If the chart cannot be drawn, or wants data from outside.
    """
    meta = spec.get("usermeta", {})
    bare = {key: value for key, value in spec.items() if key not in ("title", "description", "usermeta")}
    bare = _recolored(bare, meta.get("page_colors", {}))
    caption = _words(spec.get("title"))
    label = _words(spec.get("description")) or caption or "Chart"
    names = f"f{number}-"
    drawn = _svg(bare, "chart broad" if "narrow" in meta else "chart", label, names, drawing)
    if "narrow" in meta:
        drawn += _svg({**bare, "width": meta["narrow"]}, "chart narrow", label, f"{names}n", drawing)
    below = Markup("<figcaption>{}</figcaption>").format(caption) if caption else Markup("")
    form = '<figure class="whole">{}{}</figure>' if "narrow" in meta else "<figure>{}{}</figure>"
    return Markup(form).format(below, drawn)


def _svg(spec: dict[str, Any], kind: str, label: str, names: str, drawing: str) -> Markup:
    opening = Markup('<svg class="{}" role="img" aria-label="{}"').format(kind, label)
    # Vega escapes the data that it draws
    short = _own_names(_rounded(_silent(draw(spec, _CONFIG, address=drawing))), names)
    return Markup(short.replace(' class="marks"', "", 1).replace("<svg", opening, 1))


def _recolored(part: Any, colors: Mapping[str, str]) -> Any:
    if isinstance(part, Mapping):
        return {key: value if key == "datasets" else _recolored(value, colors) for key, value in part.items()}
    if isinstance(part, list):
        return [_recolored(item, colors) for item in part]
    return colors.get(part, part) if isinstance(part, str) else part


def _silent(svg: str) -> str:
    """Take away what Vega tells screen readers of each mark: the chart is one picture with one description."""
    told = re.compile(r'\s(?:role|aria-[a-z]+)="[^"]*"')
    return re.sub(r"<[a-z][^>]*>", lambda tag: told.sub("", tag[0]), svg)


def _rounded(svg: str) -> str:
    """Shorten coordinates to a tenth of a pixel: more digits make the page larger and no sharper."""
    places = re.compile(r'\b(?:d|transform|x|y|x1|x2|y1|y2)="[^"]*"')
    return places.sub(lambda place: re.sub(r"-?\d+\.\d{2,}", lambda digits: f"{float(digits[0]):.1f}", place[0]), svg)


def _own_names(svg: str, prefix: str) -> str:
    """Clip paths are numbered through the life of the renderer; a page needs them its own, and the same each time."""
    names = dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))
    own = {name: f"{prefix}{place}" for place, name in enumerate(names)}
    named = re.sub(r'\bid="([^"]+)"', lambda match: f'id="{own[match[1]]}"', svg)
    return re.sub(r"url\(#([^)]+)\)", lambda match: f"url(#{own.get(match[1], match[1])})", named)


def _words(title: Any) -> str:
    text = title.get("text", "") if isinstance(title, Mapping) else title
    return " ".join(str(line) for line in text) if isinstance(text, list) else str(text or "")
