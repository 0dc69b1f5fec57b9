"""The sample company: an invented book with all tables, and what was planted in it."""

from salesops.sample.write import write_sample

__all__ = ["write_sample"]
