"""Whether a lease is accepted and its server found: whose credentials, which cloud, which server, whose lease."""

from dataclasses import dataclass

from lessor.decide import acceptance, credentials
from lessor.decide.facts import Facts, Look
from lessor.model import conditions, times
from lessor.model.conditions import Reason, Verdict
from lessor.model.instancelease import CloudStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is said of Accepted and ServerFound.

    Attributes:
        accepted: the verdict on the spec and its credentials.
        found: the verdict on the server; None: it was not looked for.
        look_closer: the inventory does not hold the server: read it by its id.
        cloud: where it lives, once it is found.
    """

    accepted: Verdict
    found: Verdict | None = None
    look_closer: bool = False
    cloud: CloudStatus | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the lease is in force."""
        return self.accepted.status is conditions.ConditionStatus.TRUE

    @property
    def is_found(self) -> bool:
        """Whether the server is there, readable and ours to act on."""
        return self.is_accepted and self.found is not None and self.found.status is conditions.ConditionStatus.TRUE


def seek(facts: Facts) -> Finding:
    """Say whether the lease is accepted and its server found."""
    fault = (
        _unreadable(facts)
        or acceptance.fault(facts.lease.spec)
        or credentials.fault(facts.fault, known=facts.lease.status.start_time is not None)
        # other credentials must not lead to another server of the same id or name
        or credentials.elsewhere(facts.lease.status.cloud, facts.identity, "the server was found")
        or _ambiguous(facts)
    )
    if fault is not None:
        return Finding(accepted=fault)
    if facts.look is Look.NOT_LOOKED and facts.fault is None:
        return Finding(accepted=_accepted(), look_closer=True)
    found = _found(facts)
    if found.status is not conditions.ConditionStatus.TRUE:
        return Finding(accepted=_accepted(), found=found)
    if facts.holder is not None:
        return Finding(accepted=_already_leased(facts), found=found)
    return Finding(accepted=_accepted(), found=found, cloud=_cloud(facts))


def _accepted() -> Verdict:
    return conditions.true(Reason.ACCEPTED, "The spec and its credentials are good.")


def _unreadable(facts: Facts) -> Verdict | None:
    problem = facts.problem
    return conditions.false(problem.reason, problem.message) if problem is not None else None


def _ambiguous(facts: Facts) -> Verdict | None:
    if facts.look is not Look.AMBIGUOUS:
        return None
    return conditions.false(
        Reason.AMBIGUOUS_SERVER,
        f"Several servers have the name {_asked_name(facts)!r}: {', '.join(facts.same_name)}. "
        "Make a new object with spec.server.id set to one of them.",
    )


def _asked_name(facts: Facts) -> str:
    server = facts.lease.spec.server
    return (server.name or server.id or "") if server is not None else ""


def _found(facts: Facts) -> Verdict:
    server, ours = facts.server, facts.identity
    if facts.fault is not None:
        return conditions.unknown(Reason.CLOUD_UNAVAILABLE, facts.fault.message)
    if server is None or server.over:
        return _gone(facts)
    if ours is None or server.project_id != ours.project_id:
        return conditions.unknown(
            Reason.FORBIDDEN,
            "The server belongs to another project than the credentials. Use credentials of the server's own project.",
        )
    newer = _newer(facts)
    if newer is not None:
        return newer
    if not server.known:
        return conditions.unknown(Reason.CLOUD_UNAVAILABLE, "Nova cannot tell the state of the server now.")
    return conditions.true(Reason.FOUND, f"The server {server.name!r} ({server.id}) is there.")


def _gone(facts: Facts) -> Verdict:
    status = facts.lease.status
    if status.cloud is None:
        return conditions.false(
            Reason.NOT_FOUND_YET,
            f"The project of the credentials has no server {_asked_name(facts)!r} yet. It is looked for on and on.",
        )
    return conditions.false(
        Reason.MISSING,
        f"The server {status.server_name!r} ({status.server_id}) is deleted. This object may be deleted too.",
    )


def _newer(facts: Facts) -> Verdict | None:
    """A server made after the declared end is another one than was meant: an old manifest must not reach it."""
    spec, server = facts.lease.spec, facts.server
    if facts.lease.status.cloud is not None or spec.expire_time is None or server is None or server.created is None:
        return None
    if server.created <= times.rounded_up(spec.expire_time):
        return None
    return conditions.false(
        Reason.NEWER_SERVER,
        f"The server was created at {times.text(server.created)}, after the declared {times.text(spec.expire_time)}: "
        "it is not the one that was meant. Set a later spec.expireTime, or delete this object.",
    )


def _already_leased(facts: Facts) -> Verdict:
    holder = facts.holder
    by = (
        f"InstanceLease {holder.name}"
        if holder is not None and holder.name
        else "an InstanceLease of another namespace"
    )
    return conditions.false(
        Reason.ALREADY_LEASED, f"The server is leased by {by} already. This object acts when that one is gone."
    )


def _cloud(facts: Facts) -> CloudStatus | None:
    ours = facts.identity
    return CloudStatus(auth_url=ours.auth_url, region=ours.region, project_id=ours.project_id) if ours else None
