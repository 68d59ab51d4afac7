"""Durations and instants of the API: parsing and formatting, nothing that reads a clock."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
DURATION_PATTERN = r"^([0-9]{1,5}w)?([0-9]{1,5}d)?([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$"
_DURATION = re.compile(DURATION_PATTERN)
_MOST = 100_000  # of a unit: five digits hold less

ZERO = timedelta()
LONGEST = timedelta(weeks=_MOST - 1)  # some 1,900 years
# The first and last instants that are reckoned with: a lease that is declared longer ends then. A zone has room.
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)


def later(instant: datetime, span: timedelta) -> datetime:
    """Give the instant that much later, at the latest `LATEST`."""
    return instant + span if span < LATEST - instant else LATEST


def earlier(instant: datetime, span: timedelta) -> datetime:
    """Give the instant that much earlier, at the earliest `EARLIEST`."""
    return instant - span if span < instant - EARLIEST else EARLIEST


class Duration:
    """A length of time as the API writes it: whole units, largest first, `1w2d3h4m5s`; `d` is exactly 24 hours.

    Attributes:
        text: as it was written.
        delta: its length.

    Source: the duration format of prometheus-operator's API.
    """

    __slots__ = ("delta", "text")

    def __init__(self, text: str) -> None:
        match = _DURATION.fullmatch(text)
        if not text or match is None:
            raise ValueError(f"{text!r} is not a duration such as 90d, 1d12h or 30m")
        seconds = sum(
            int(part[:-1]) * size for part, (_, size) in zip(match.groups(), _UNITS, strict=True) if part is not None
        )
        self.text = text
        self.delta = timedelta(seconds=seconds)

    @classmethod
    def of(cls, delta: timedelta) -> "Duration":
        """Give the duration of this length in whole seconds, rounded down, within zero and `LONGEST`."""
        left = max(0, min(int(delta.total_seconds()), int(LONGEST.total_seconds())))
        # weeks are understood but written only where days do not suffice: 90d reads better than 12w6d
        units = _UNITS[1:] if left < _MOST * 86400 else _UNITS
        parts = []
        for unit, size in units:
            count, left = divmod(left, size)
            if count:
                parts.append(f"{count}{unit}")
        return cls("".join(parts) or "0s")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.delta == other.delta

    def __hash__(self) -> int:
        return hash(self.delta)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Duration({self.text!r})"


def whole_second(instant: datetime) -> datetime:
    """Cut an aware instant to the second, in UTC: the grain of every instant that stands in a status."""
    return max(EARLIEST, min(instant, LATEST)).astimezone(UTC).replace(microsecond=0)


def rounded_up(instant: datetime) -> datetime:
    """Give the first whole second that is not before the aware instant, in UTC."""
    floor = whole_second(instant)
    return floor if floor >= instant or floor == LATEST else floor + timedelta(seconds=1)


def text(instant: datetime) -> str:
    """Write an aware instant as RFC 3339 in UTC, to the second: `2026-12-01T08:00:00Z`."""
    return whole_second(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(value: str) -> datetime:
    """Read an RFC 3339 instant with a zone; one without a zone is taken as UTC, as Nova writes `launched_at`.

    Raises:
        ValueError: it is not an instant.
    """
    instant = datetime.fromisoformat(value)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
