"""How many examples a law is tried on: `make test` takes a quarter of what `make test-all` does."""

from __future__ import annotations

from hypothesis import settings

ALL = 100  # percent: how many hypothesis takes where nobody names a number
FEWEST = 4


def of(number: int) -> int:
    """Return the share of a number of examples that the profile wants."""
    return min(number, max(FEWEST, number * settings().max_examples // ALL))
