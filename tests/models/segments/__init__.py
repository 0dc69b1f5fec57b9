"""Tests of the segments."""
