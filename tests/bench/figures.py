"""Arithmetic over what was measured."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Give the nearest-rank percentile: of 50 values the 99th is the largest."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def lags(values: Sequence[float]) -> str:
    """Say what a person wants to know of lags in seconds."""
    return f"p50 {percentile(values, 0.5):.2f} s, p99 {percentile(values, 0.99):.2f} s"
