"""Clusters as a file, so that a cluster means the same next month; read back exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesops.errors import BookError
from salesops.files import read_toml, toml_text
from salesops.models.segments.clusters import STARTS, Clusters
from salesops.models.segments.definition import save_segments

FORMAT = 1
_COMMENT = """\
Clusters, frozen: the same figures give the same cluster until this file changes. Made by a fit; not for
editing. Columns are taken as log(1 + x), less shift, divided by scale; then the nearest centre counts."""
_ARRAYS = ("shift", "scale", "centres", "weights", "factors")


def save_clusters(clusters: Clusters, path: Path) -> None:
    """Write clusters to a file, whole or not at all. Raises BookError if it cannot be written."""
    values = {"format": FORMAT, "method": clusters.method, "columns": list(clusters.columns)}
    arrays = {name: getattr(clusters, name).tolist() for name in _ARRAYS}
    text = toml_text({**values, "converged": bool(clusters.converged), **arrays}, comment=_COMMENT)
    save_segments(text, path)


def read_clusters(path: Path) -> Clusters:
    """Read clusters that `save_clusters` wrote. Raises BookError if the file is absent or is not such a file."""
    values = read_toml(path, error=BookError)
    wanted = {"format", "method", "columns", "converged", *_ARRAYS}
    if set(values) != wanted or values["format"] != FORMAT or values["method"] not in STARTS:
        raise BookError(f"{path.name} does not hold clusters of format {FORMAT}. Save them again.")
    try:
        arrays = {name: np.array(values[name], dtype=float) for name in _ARRAYS}
    except (TypeError, ValueError):
        raise BookError(f"{path.name} holds lists of unequal lengths, or no numbers. Save it again.") from None
    if not _fits(values, arrays):
        raise BookError(f"{path.name} holds centres that do not fit its columns. Save it again.")
    return Clusters(values["method"], tuple(values["columns"]), **arrays, converged=bool(values["converged"]))


def _fits(values: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> bool:
    width, count = len(values["columns"]), len(arrays["centres"])
    wanted = {"shift": (width,), "scale": (width,), "centres": (count, width)}
    mixture = values["method"] == "mixture"
    wanted |= {"weights": (count,), "factors": (count, width, width)} if mixture else {"weights": (0,), "factors": (0,)}
    return all(arrays[name].shape == shape for name, shape in wanted.items())
