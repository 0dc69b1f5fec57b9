"""Notebooks into reports: what there is, what is asked for, the run, the pages, the index."""
