"""Who is held out of a play."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import examples
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from salesops.models.plays import held_out

MANY = [f"A-{number:06d}" for number in range(20_000)]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.2, 0.5])
def test_the_share_converges(share: float) -> None:
    """Of many clients the share is held out, as near as a fair coin of that weight would come."""
    count = held_out(MANY, "late", share).sum()
    assert stats.binomtest(int(count), len(MANY), share).pvalue > 0.001


@settings(max_examples=examples.of(50), deadline=None)
@given(st.lists(st.text(), unique=True), st.text(), st.floats(0, 0.9), st.randoms())
def test_it_does_not_depend_on_order_or_company(accounts: list[str], play: str, share: float, random: object) -> None:
    """Shuffled, alone or among others: the same clients are held out."""
    expected = dict(zip(accounts, held_out(accounts, play, share), strict=True))
    shuffled = sorted(accounts, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis types it as object
    assert dict(zip(shuffled, held_out(shuffled, play, share), strict=True)) == expected
    assert all(held_out([account], play, share)[0] == expected[account] for account in accounts[:3])


def test_a_larger_share_keeps_who_was_held_out() -> None:
    """Raising the share adds clients and lets nobody go."""
    some, more = held_out(MANY, "late", 0.1), held_out(MANY, "late", 0.3)
    assert (more | some == more).all()


def test_plays_hold_out_different_clients() -> None:
    """Two plays draw on their own: the clients that both hold out are as many as chance gives."""
    both = held_out(MANY, "late", 0.2) & held_out(MANY, "silent", 0.2)
    assert stats.binomtest(int(both.sum()), len(MANY), 0.04).pvalue > 0.001


def test_it_is_the_first_eight_bytes_of_sha256() -> None:
    """The rule is written down once more: held out if SHA-256 of play, NUL, account is below the share."""
    expected = [
        int.from_bytes(hashlib.sha256(b"late\0" + account.encode()).digest()[:8]) / 2**64 < 0.1
        for account in MANY[:500]
    ]
    assert list(held_out(MANY[:500], "late", 0.1)) == expected


def test_another_process_draws_the_same() -> None:
    """Python's hash of texts changes from process to process; the draw does not."""
    code = "from salesops.models.plays import held_out; print(*held_out(map(str, range(200)), 'late', .3).nonzero()[0])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert list(map(int, shown.split())) == list(np.flatnonzero(held_out(map(str, range(200)), "late", 0.3)))


def test_a_share_of_nothing_holds_nobody_out() -> None:
    """0 is nobody, and there is a flag for each client still."""
    assert list(held_out(["A", "B"], "late", 0)) == [False, False]
    assert list(held_out([], "late", 0.5)) == []
