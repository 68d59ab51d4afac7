"""What a cloud allows leases beyond what is free: their longest time, and what an external service says.

Source: blazar/enforcement/filters; chi:blazar/enforcement/filters/max_lease_duration_filter.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.simulated.cloud.blazar import refusals
from lessor.simulated.cloud.blazar.dates import Span
from lessor.simulated.cloud.blazar.lease import Lease


@dataclass(slots=True)
class Enforcement:
    """The rules. None: there is none of the kind.

    Attributes:
        longest: a lease may last.
        window: before its end a lease may be extended, and then by `longest`. Chameleon's alone.
        denied: words with which an external service refuses everything.
    """

    longest: timedelta | None = None
    window: timedelta | None = None
    denied: str | None = None

    def check_create(self, span: Span) -> None:
        """Refuse a new lease: what is too long is a 403 here."""
        self._last(span, code=403)
        self._ask()

    def check_update(self, lease: Lease, span: Span, now: datetime) -> None:
        """Refuse a change: what is too long is a 400 here."""
        if self.window is not None and (span.end > lease.end or span.start < lease.start):
            if now < lease.end - self.window:
                raise refusals.too_early(int(self.window.total_seconds()))
            span = Span(lease.end, span.end)
        self._last(span, code=400)
        self._ask()

    def _last(self, span: Span, *, code: int) -> None:
        seconds = int((span.end - span.start).total_seconds())
        if self.longest is not None and seconds > self.longest.total_seconds():
            raise refusals.too_long(seconds, int(self.longest.total_seconds()), code=code)

    def _ask(self) -> None:
        if self.denied is not None:
            raise refusals.denied(self.denied)
