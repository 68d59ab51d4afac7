"""I/O in: what is known of the lease, from memory or from Blazar."""

from dataclasses import replace

from lessor.decide.lease import making, matching, wanted
from lessor.decide.lease.facts import Facts, Look
from lessor.model.conditions import Fault, Reason
from lessor.model.lease import ResourceType
from lessor.model.reservations import LeaseState, ObservedLease
from lessor.ports.cloud import CloudError, PermissionRefused
from lessor.ports.reservations import LeaseRefused, Reservations
from lessor.reconcile.lease.given import Given
from lessor.reconcile.observe import fault_of


def glance(given: Given) -> Facts:
    """Give what is known without asking anybody."""
    facts, known = _bare(given), given.remembered
    if known is None or making.target(facts) is None:
        return facts
    if known.lease is None:
        return replace(facts, look=Look.LISTED_NOT, read=known.read)
    return replace(facts, look=Look.FOUND, seen=known.lease, read=known.read)


def look(given: Given, blazar: Reservations) -> Facts:
    """Ask Blazar. A fault is a fact: nothing is raised."""
    facts = replace(_bare(given), live=True, identity=blazar.identity, fault=None)
    try:
        facts = _sought(facts, blazar)
        if facts.seen is None:
            return _named_parts(facts, blazar) if _is_posted_next(facts) else facts
        return replace(facts, floating_ips=_floating_ips(facts, facts.seen, blazar))
    except CloudError as error:
        return replace(facts, fault=fault_of(error))


def _bare(given: Given) -> Facts:
    return Facts(
        lease=given.lease,
        now=given.now,
        problem=given.problem,
        claimed=given.claimed,
        identity=given.identity,
        fault=given.fault,
        edits_from=given.edits_from,
        renewals=given.renewals,
        stamped=given.stamped,
        clock_certain=given.clock_certain,
        frozen=given.frozen,
        may_delete=given.may_delete,
    )


def _is_posted_next(facts: Facts) -> bool:
    """Nobody but us can have asked for this lease: it need not be looked for before the POST."""
    status = facts.lease.status
    return status.state is None and facts.claimed is not None and facts.claimed == status.create_requested_time


def _sought(facts: Facts, blazar: Reservations) -> Facts:
    target, taken_over = making.target(facts), facts.lease.spec.import_
    if target is None and taken_over is not None:
        target = taken_over.id
        if target is None and taken_over.name is not None:
            return _named(facts, taken_over.name, blazar)
    if target is None:
        return replace(facts, look=Look.NONE)
    if _is_posted_next(facts):
        return replace(facts, look=Look.ABSENT)
    return _found(facts, blazar.lease(target))


def _named(facts: Facts, name: str, blazar: Reservations) -> Facts:
    """Find the lease of that name; one that is over only when it is the only one."""
    same = [lease for lease in blazar.leases() if lease.name == name]
    living = [lease for lease in same if lease.state != LeaseState.TERMINATED] or same
    if len(living) > 1:
        return replace(facts, look=Look.AMBIGUOUS, same_name=tuple(sorted(lease.id for lease in living)))
    return _found(facts, living[0] if living else None)


def _found(facts: Facts, seen: ObservedLease | None) -> Facts:
    return replace(facts, look=Look.ABSENT if seen is None else Look.FOUND, seen=seen, read=facts.now)


def _named_parts(facts: Facts, blazar: Reservations) -> Facts:
    """Look up the flavors and networks that the spec names."""
    flavors, networks = wanted.names_to_look_up(facts.lease)
    try:
        found = {name: blazar.flavor_id(name) for name in flavors}
        found |= {name: blazar.network_id(name) for name in networks}
    except LeaseRefused as error:
        return replace(facts, unfit=Fault(Reason.REFUSED, str(error)))
    return replace(facts, ids=found)


def _floating_ips(facts: Facts, seen: ObservedLease, blazar: Reservations) -> dict[str, tuple[str, ...]] | None:
    """Read the addresses, which are there from the start on; once they are known they stay. None: not read."""
    if seen.state != LeaseState.ACTIVE or not matching.lacks_addresses(facts.lease.status, seen):
        return None
    pools = [one.id for one in seen.reservations if one.resource_type == ResourceType.FLOATING_IP]
    return dict(blazar.floating_ips(pools))


def reason_of(error: CloudError) -> Reason:
    """Give the reason of an error that came of an effect."""
    if isinstance(error, PermissionRefused):
        return Reason.PERMISSION_DENIED
    return Reason.UNCERTAIN if error.reason is Reason.MISSING else error.reason
