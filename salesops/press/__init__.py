"""Notebooks into reports: what there is, what is asked for, the run, the pages, the index."""

from __future__ import annotations

import sys

SLOW_IMPORT = "rfc3987_syntax"
# jsonschema imports this if it can, only to check one text format; its grammar takes over a second to compile,
# in every process that imports altair, papermill or nbconvert
sys.modules.setdefault(SLOW_IMPORT, None)  # type: ignore[arg-type]  # None is how Python marks a name as absent
