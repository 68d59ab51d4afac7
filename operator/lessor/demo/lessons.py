"""The summary: what was to be seen, each lesson with what the world itself says of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lessor.model.names import Kind
from lessor.model.plans import EventReason

HARM = {"os-stop": "stops", "createImage": "snapshot", "shelve": "shelving", "servers.delete": "deletion"}
TOLD = (*HARM, "os-start", "unshelve")
_WAITS = (EventReason.NOT_ENOUGH_RESOURCES, EventReason.RESERVED)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that Lessor did to a server. `end`: when its lease ended, as it stood then."""

    at: datetime
    server: str
    action: str
    end: datetime

    @property
    def late(self) -> timedelta:
        """How long after the end it was done."""
        return self.at - self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the summary is made of.

    Attributes:
        deeds: all that Lessor did to servers.
        renewals: the LeaseRenewals, oldest first.
        images: the names of the images that are left, by the names of their servers.
        troubles: what stood in the way of an end, by the names of servers.
        leases: the Leases.
        events: all Kubernetes Events.
    """

    deeds: Sequence[Deed]
    renewals: Sequence[Mapping[str, Any]]
    images: Mapping[str, Sequence[str]]
    troubles: Mapping[str, str]
    leases: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]


def told(world: World) -> tuple[str, ...]:
    """Give the lessons as lines."""
    return (
        *_harm(world),
        *_renewals(world),
        *_holds(world),
        *_waits(world),
    )


def _harm(world: World) -> list[str]:
    harms = [deed for deed in world.deeds if deed.action in HARM]
    early = [deed for deed in harms if deed.late < timedelta()]
    counts = ", ".join(f"{sum(deed.action == action for deed in harms)} {said}" for action, said in HARM.items())
    lines = [f"Time that ends is acted on, never early: {counts}; {len(early)} of them before their time."]
    lines += [f"  {name} is deleted; its image is kept: {', '.join(images)}" for name, images in world.images.items()]
    return lines


def _renewals(world: World) -> list[str]:
    lines = ["Who needs more time asks for it. What was asked, and what came of it:"]
    for renewal in world.renewals:
        granted = _condition(renewal, "Granted")
        lines.append(f"  {renewal['metadata']['name']}: {granted.get('reason', 'open')}. {granted.get('message', '')}")
    back = [deed for deed in world.deeds if deed.action == "os-start"]
    lines += [f"  {deed.server} was stopped already: unlocked and started again, as it was before." for deed in back]
    return lines


def _holds(world: World) -> list[str]:
    lines = ["What stood in the way of an end delayed it, and lost nothing:"]
    first = {deed.server: deed for deed in reversed(world.deeds) if deed.action in HARM}
    held = sorted((deed for deed in first.values() if deed.server in world.troubles), key=lambda deed: deed.at)
    lines += [f"  {deed.server} was stopped {_span(deed.late)} late: {world.troubles[deed.server]}." for deed in held]
    return lines


def _waits(world: World) -> list[str]:
    lines = ["Who finds no room waits, and has it when it is there:"]
    refused, reserved = (_first(world.events, reason) for reason in _WAITS)
    ends = {one["metadata"]["name"]: datetime.fromisoformat(one["status"]["endTime"]) for one in world.leases}
    for name in sorted(set(refused) & set(reserved), key=reserved.__getitem__):
        before = max((end, other) for other, end in ends.items() if end <= reserved[name])
        lines.append(
            f"  {name} waited {_span(reserved[name] - refused[name])} for its hosts, and had them "
            f"{_span(reserved[name] - before[0])} after {before[1]} ended."
        )
    return lines


def _first(events: Sequence[Mapping[str, Any]], reason: EventReason) -> dict[str, datetime]:
    """Give when this was first said of each Lease."""
    said = (one for one in events if one["regarding"]["kind"] == Kind.LEASE.value and one["reason"] == reason.value)
    return {one["regarding"]["name"]: datetime.fromisoformat(one["eventTime"]) for one in _newest_first(said)}


def _newest_first(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(events, key=lambda one: str(one["eventTime"]), reverse=True)


def _condition(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions: Sequence[Mapping[str, Any]] = body.get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == kind), {})


def _span(span: timedelta) -> str:
    if span >= timedelta(days=1):
        return f"{span / timedelta(days=1):.1f} days"
    if span >= timedelta(hours=2):
        return f"{span // timedelta(hours=1)} hours"
    minutes = span // timedelta(minutes=1)
    return f"{minutes} minutes" if minutes > 1 else "a minute"
