"""Ages as the API server prints them. Source: k8s.io/apimachinery/pkg/util/duration/duration.go."""

from datetime import datetime

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def since(text: object, now: datetime) -> str:
    """Give how long ago an instant was; `<unknown>`: there is none, `<invalid>`: it is none, or lies ahead."""
    if not text:
        return "<unknown>"
    try:
        then = datetime.fromisoformat(str(text))
        return human((now - then).total_seconds())
    except (ValueError, TypeError):
        return "<invalid>"


def human(seconds: float) -> str:
    """Give a span with two or three figures."""
    whole = int(seconds)
    if whole < 0:
        return "0s" if whole == -1 else "<invalid>"
    for until, unit, sign, finer, finer_sign in _GRAINS:
        if whole < until:
            rest = whole % unit // finer if finer else 0
            return f"{whole // unit}{sign}" + (f"{rest}{finer_sign}" if rest else "")
    return f"{whole // _YEAR}y"


# below this many seconds: the unit and the finer one that is printed with it
_GRAINS = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (48 * _HOUR, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)
