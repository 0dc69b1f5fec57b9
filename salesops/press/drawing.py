"""Charts as SVG, drawn by one process for all reports: the renderer takes longer to start than to draw."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import multiprocessing
import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from markupsafe import Markup

from salesops.errors import PressError
from salesops.press.processes import end_with_the_press, keep_quiet, starting

_VERSION = "5.20"
_SPOTLESS = {"mark": "point", "data": {"values": [{}]}}
_MOST_BROKEN = 9
_LONGEST = 20.0  # seconds for one chart
_LONGEST_SOCKET = 100  # characters; systems allow about 104
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


def draw(spec: dict[str, Any], config: dict[str, Any], *, address: str = "") -> str:
    """Return a Vega-Lite chart as SVG.

    Parameters
    ----------
    config : dict
        For charts that bring no look of their own.
    address : str
        Of the process that draws; "", or one that does not answer, draws here.

    Raises
    ------
    PressError
        If the chart cannot be drawn, or wants data from outside.
    """
    drawn = _drawn_at(spec, config, address) if address else None
    svg, problem = drawn if drawn is not None else _drawn(spec, config)
    if problem:
        raise PressError(f"The chart cannot be drawn: {problem}")
    return svg


@contextlib.contextmanager
def drawing_process(scratch: Path) -> Iterator[str]:
    """Start the process that draws, and give its address; "" where there are no sockets as files."""
    address = str(scratch / "drawing")
    if os.name != "posix" or len(address) > _LONGEST_SOCKET:
        yield ""
        return
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)  # who asks while the process starts waits, for to start another takes longer
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(listener, scratch), daemon=True)
        with starting():
            process.start()
    try:
        yield address
    finally:
        process.kill()
        process.join()


def _serve(listener: socket.socket, scratch: Path) -> None:
    keep_quiet()
    # a press that was killed leaves what it had noted of its reports, and this process is there until its end
    end_with_the_press(lambda: shutil.rmtree(scratch, ignore_errors=True))
    with listener:
        while True:
            with contextlib.suppress(OSError, EOFError), Connection(listener.accept()[0].detach()) as asker:
                spec, config = json.loads(asker.recv_bytes())
                faulthandler.dump_traceback_later(_LONGEST, exit=True)  # who waits then draws for itself
                drawn = _drawn(spec, config)
                faulthandler.cancel_dump_traceback_later()
                asker.send_bytes(json.dumps(drawn).encode())


def _drawn_at(spec: dict[str, Any], config: dict[str, Any], address: str) -> tuple[str, str] | None:
    with contextlib.suppress(OSError, EOFError), Client(address) as drawer:
        drawer.send_bytes(json.dumps([spec, config]).encode())
        svg, problem = json.loads(drawer.recv_bytes())
        return svg, problem
    return None


def _drawn(spec: dict[str, Any], config: dict[str, Any]) -> tuple[str, str]:
    drawn, problem = _tried(spec, config)
    left = _MOST_BROKEN if problem else 0
    while left and _tried(_SPOTLESS, {})[1]:  # a chart that broke off may break others after it
        left -= 1
    return drawn, problem


def _tried(spec: dict[str, Any], config: dict[str, Any]) -> tuple[str, str]:
    import vl_convert  # starts threads when it is used, so a process that forks must not import it

    try:
        return vl_convert.vegalite_to_svg(spec, vl_version=_VERSION, config=config, allowed_base_urls=[]), ""
    except (ValueError, RuntimeError) as problem:
        return "", " ".join(line.strip() for line in str(problem).strip().splitlines()[:2])


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
