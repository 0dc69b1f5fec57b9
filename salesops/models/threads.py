"""One thread for scikit-learn: more threads than cores make small fits many times slower."""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which the numerical libraries use one thread."""
    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
