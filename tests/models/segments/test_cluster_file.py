"""Clusters as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from customers import drawn

from salesops.errors import BookError
from salesops.models.segments import fit_clusters, read_clusters, save_clusters
from salesops.models.segments.clusters import Method

BOTH = pytest.mark.parametrize("method", ["kmeans", "mixture"])


@BOTH
def test_clusters_read_back_exactly(tmp_path: Path, method: Method) -> None:
    """Every number is the same to the last bit, and so is the cluster of customers never seen."""
    clusters = fit_clusters(drawn(300), 4, method=method)
    path = tmp_path / "clusters.toml"
    save_clusters(clusters, path)
    again, later = read_clusters(path), drawn(500, seed=9)
    for name in ("shift", "scale", "centres", "weights", "factors"):
        assert np.array_equal(getattr(again, name), getattr(clusters, name))
    assert (again.method, again.columns, again.converged) == (method, clusters.columns, clusters.converged)
    assert again.assign(later).equals(clusters.assign(later))
    assert list(tmp_path.iterdir()) == [path]


@BOTH
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "does not hold clusters of format 1"),
        ("format = 1", "", "does not hold clusters of format 1"),
        ("converged", "convrged", "does not hold clusters of format 1"),
        ("centres = [[", 'centres = [["x", ', "holds lists of unequal lengths, or no numbers"),
        ("shift = [", "shift = [0.5, ", "centres that do not fit its columns"),
        ("weights = [", "weights = [0.5, ", "centres that do not fit its columns"),
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path: Path, method: Method, old: str, new: str, message: str) -> None:
    """What does not hold together is not guessed at."""
    path = tmp_path / "clusters.toml"
    save_clusters(fit_clusters(drawn(80), 3, method=method), path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BookError, match=message):
        read_clusters(path)
