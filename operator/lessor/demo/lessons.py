"""The summary: what was to be seen, each lesson with what the world itself says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

HARM = {"os-stop": "stops", "createImage": "snapshot", "shelve": "shelving", "servers.delete": "deletion"}
TOLD = (*HARM, "os-start", "unshelve")


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
    """

    deeds: Sequence[Deed]
    renewals: Sequence[Mapping[str, Any]]
    images: Mapping[str, Sequence[str]]
    troubles: Mapping[str, str]


def told(world: World) -> tuple[str, ...]:
    """Give the lessons as lines."""
    return (
        *_harm(world),
        *_renewals(world),
        *_holds(world),
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


def _condition(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions: Sequence[Mapping[str, Any]] = body.get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == kind), {})


def _span(span: timedelta) -> str:
    if span >= timedelta(days=1):
        return f"{span / timedelta(days=1):.1f} days"
    if span >= timedelta(hours=2):
        return f"{span // timedelta(hours=1)} hours"
    return f"{span // timedelta(minutes=1)} minutes"
