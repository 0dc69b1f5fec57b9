"""Segments of customers: a rule grid with frozen cuts, clusters with their stability, and who moved.

Every function takes a customer table as pandas: one row a customer, with account_id and the columns that the
scheme or the clusters name (those of metrics.purchases: frequency, total, monetary, median_gap, gap_spread,
days_since). Nothing here reads a book.
"""

from salesops.models.segments.cluster_file import read_clusters, save_clusters
from salesops.models.segments.clusters import RHYTHM, Clusters, fit_clusters
from salesops.models.segments.definition import read_grid, save_grid
from salesops.models.segments.grid import TOO_FEW, UNKNOWN, Dimension, Segment, SegmentGrid
from salesops.models.segments.migration import Migration, migrate
from salesops.models.segments.rules import grid_notes, grid_rules
from salesops.models.segments.schemes import RFM, VALUE_ACTIVE, Scheme, fit_grid
from salesops.models.segments.stability import STABLE, Stability, cluster_stability

__all__ = [
    "RFM",
    "RHYTHM",
    "STABLE",
    "TOO_FEW",
    "UNKNOWN",
    "VALUE_ACTIVE",
    "Clusters",
    "Dimension",
    "Migration",
    "Scheme",
    "Segment",
    "SegmentGrid",
    "Stability",
    "cluster_stability",
    "fit_clusters",
    "fit_grid",
    "grid_notes",
    "grid_rules",
    "migrate",
    "read_clusters",
    "read_grid",
    "save_clusters",
    "save_grid",
]
