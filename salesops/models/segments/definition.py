"""A grid as a file: TOML that people can read, written whole or not at all, read back exactly."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

from salesops.errors import BookError, did_you_mean, system_reason
from salesops.files import read_toml, toml_text, write_whole
from salesops.models.segments.grid import Dimension, Segment, SegmentGrid

FORMAT = 1
_KEYS = ("format", "scheme", "version", "fitted_on", "customers", "dimensions", "segments")
_COMMENT = """\
Segments, frozen: the same figures give the same segment until this file changes.
Levels run from 1, the worst, to the best. A value equal to a cut lies below it. The first segment wins."""
_DIMENSION_KEYS = {"name": str, "column": str, "best": str, "unit": str, "cuts": list}


def save_grid(grid: SegmentGrid, path: Path) -> None:
    """Write a grid to a file. One that stands there is replaced at once, never left half written.

    Raises
    ------
    BookError
        If the file cannot be written. Then what stood there still does.
    """
    save_segments(_text(grid), path)


def save_segments(text: str, path: Path) -> None:
    """Write a definition of segments whole or not at all. Raises BookError if it cannot be written."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise BookError(f"The segments cannot be saved to '{path}': {system_reason(error)}") from None


def read_grid(path: Path) -> SegmentGrid:
    """Read a grid that `save_grid` wrote, or that a person edited.

    Raises
    ------
    BookError
        If the file is absent, is not valid TOML, lacks or has a key that is not known, or its segments leave
        customers out.
    """
    values = read_toml(path, error=BookError)
    try:
        return _grid(values)
    except BookError as error:
        raise BookError(f"{path.name}: {error}") from None


def _text(grid: SegmentGrid) -> str:
    head = {"format": FORMAT, "scheme": grid.scheme, "version": grid.version}
    if grid.fitted_on:
        head["fitted_on"] = grid.fitted_on
    dimensions = [{**{key: getattr(one, key) for key in _DIMENSION_KEYS}, "cuts": [float(cut) for cut in one.cuts]}
                  for one in grid.dimensions]  # fmt: skip  # one list
    segments = [{"name": one.name, **{name: list(box) for name, box in one.levels.items()}} for one in grid.segments]
    values = {**head, "customers": grid.customers, "dimensions": dimensions, "segments": segments}
    return toml_text(values, comment=_COMMENT)


def _grid(values: dict[str, Any]) -> SegmentGrid:
    _known(values, _KEYS, "")
    if values.get("format") != FORMAT:
        raise BookError(f"format must be {FORMAT}. Got {values.get('format')!r}.")
    dimensions = tuple(_dimension(item) for item in _listed(values, "dimensions"))
    names = {dimension.name: dimension.levels for dimension in dimensions}
    if len(names) < len(dimensions) or "name" in names:
        raise BookError("each dimension needs a name of its own, other than 'name'. Rename one.")
    segments = tuple(_segment(item, names) for item in _listed(values, "segments"))
    fitted_on = values.get("fitted_on")
    if fitted_on is not None and type(fitted_on) is not date:
        raise BookError(f"fitted_on must be a day such as 2026-10-31. Got {fitted_on!r}.")
    scheme, version, customers = (values.get(key) for key in ("scheme", "version", "customers"))
    if not isinstance(scheme, str) or type(version) is not int or type(customers) is not int:
        raise BookError("scheme must be a text, version and customers whole numbers. Correct or add them.")
    return SegmentGrid(scheme, version, fitted_on, customers, dimensions, segments)


def _listed(values: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = values.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise BookError(f"expected at least one [[{key}]]. Add it.")
    return found


def _known(values: dict[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in values:
        if key not in keys:
            raise BookError(f"{where}unknown key '{key}'. {did_you_mean(key, keys)}")


def _dimension(item: dict[str, Any]) -> Dimension:
    where = f"dimension {item.get('name', '?')!r}: "
    _known(item, tuple(_DIMENSION_KEYS), where)
    for key, kind in _DIMENSION_KEYS.items():
        if not isinstance(item.get(key), kind):
            raise BookError(f"{where}{key} must be {'a list' if kind is list else 'a text'}. Got {item.get(key)!r}.")
    if item["best"] not in ("high", "low"):
        raise BookError(f"{where}best must be 'high' or 'low'. Got {item['best']!r}.")
    cuts = item["cuts"]
    if not all(isinstance(cut, int | float) and not isinstance(cut, bool) and math.isfinite(cut) for cut in cuts):
        raise BookError(f"{where}cuts must be numbers. Got {cuts!r}.")
    if cuts != sorted(cuts):
        raise BookError(f"{where}cuts must ascend. Got {cuts!r}.")
    return Dimension(item["name"], item["column"], item["best"], item["unit"], tuple(float(cut) for cut in cuts))


def _segment(item: dict[str, Any], levels: dict[str, int]) -> Segment:
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise BookError(f"a segment needs a name. Got {name!r}.")
    _known(item, ("name", *levels), f"segment '{name}': ")
    boxes = {key: value for key, value in item.items() if key != "name"}
    for key, box in boxes.items():
        whole = isinstance(box, list) and len(box) == 2 and all(type(level) is int for level in box)
        if not whole or not 1 <= box[0] <= box[1] <= levels[key]:
            raise BookError(f"segment '{name}': {key} must be two levels from 1 to {levels[key]}. Got {box!r}.")
    return Segment(name, {key: (box[0], box[1]) for key, box in boxes.items()})
