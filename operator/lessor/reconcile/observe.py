"""I/O in: what is known of the server, from memory or from the cloud."""

from dataclasses import replace
from datetime import timedelta

from lessor.decide import acceptance, marking, stages, window
from lessor.decide.facts import Facts, Holder, Look
from lessor.model.conditions import Fault, Reason
from lessor.model.instancelease import Action
from lessor.model.observed import ObservedImage, ObservedServer
from lessor.ports.cloud import Cloud, CloudError, PermissionRefused
from lessor.ports.objects import Registry
from lessor.reconcile.given import Given

_KEPT = frozenset(
    {
        Reason.CREDENTIALS_MISSING,
        Reason.CREDENTIALS_REFUSED,
        Reason.INVALID_CREDENTIALS,
        Reason.UNSUPPORTED_RESOURCE_TYPE,
    }
)
_A_WHILE = timedelta(seconds=2)


def glance(given: Given) -> Facts:
    """Give what is known without asking anybody."""
    look = Look.FOUND if given.remembered is not None else Look.NOT_LOOKED
    facts = replace(_bare(given), look=look, server=given.remembered)
    return _registered(facts, given.registry)


def look(given: Given, cloud: Cloud) -> Facts:
    """Ask the cloud. A fault is a fact: nothing is raised."""
    facts = replace(_bare(given), live=True, identity=cloud.identity, fault=None)
    try:
        facts = _server(facts, cloud)
        if facts.server is not None and not facts.server.over:
            facts = _details(facts, facts.server, cloud)
    except CloudError as error:
        return replace(facts, fault=fault_of(error))
    return _registered(facts, given.registry)


def fault_of(error: CloudError) -> Fault:
    """Give the fault that an error of the cloud stands for when it was only asked, not told to do anything."""
    if isinstance(error, PermissionRefused):
        return Fault(Reason.PERMISSION_DENIED, str(error))
    reason = error.reason if error.reason in _KEPT else Reason.CLOUD_UNAVAILABLE
    return Fault(reason, str(error))


def _bare(given: Given) -> Facts:
    return Facts(
        lease=given.lease,
        now=given.now,
        seal=given.seal,
        problem=given.problem,
        identity=given.identity,
        fault=given.fault,
        renewals=given.renewals,
        stamped=given.stamped,
        clock_certain=given.clock_certain,
        frozen=given.frozen,
        may_delete=given.may_delete,
    )


def _server(facts: Facts, cloud: Cloud) -> Facts:
    ref, known = facts.lease.spec.server, facts.lease.status.server_id
    if known is None and ref is not None:
        known = ref.id
    if known is not None:
        server = cloud.server(known)
        return replace(facts, look=Look.ABSENT if server is None else Look.FOUND, server=server)
    if ref is None or ref.name is None:
        return facts
    servers = cloud.servers_named(ref.name)
    if len(servers) > 1:
        return replace(facts, look=Look.AMBIGUOUS, same_name=tuple(sorted(server.id for server in servers)))
    if not servers:
        return replace(facts, look=Look.ABSENT)
    return replace(facts, look=Look.FOUND, server=servers[0])


def _details(facts: Facts, server: ObservedServer, cloud: Cloud) -> Facts:
    """What only some passes need: who locked the server, what was tried last, the image of a Snapshot."""
    if server.locked or _restores(facts) or _lingers(facts):
        facts = replace(facts, events=cloud.events(server.id))
    return replace(facts, image=_image(facts, server, cloud))


def _restores(facts: Facts) -> bool:
    """Whether the end was moved past now after something was done to the server."""
    lease = facts.lease
    if lease.status.before is None or lease.status.start_time is None:
        return False
    return window.at(lease.spec, lease.status.start_time, lease.status.renewals).end > facts.now


def _lingers(facts: Facts) -> bool:
    """Whether a stage was claimed a while ago and is not done: what was tried since must be known."""
    claim = facts.lease.status.next_action
    return claim is not None and claim.claimed_time is not None and facts.now - claim.claimed_time >= _A_WHILE


def _image(facts: Facts, server: ObservedServer, cloud: Cloud) -> ObservedImage | None:
    lease, claim = facts.lease, facts.lease.status.next_action
    if (
        claim is None
        or claim.claimed_time is None
        or claim.action != Action.SNAPSHOT
        or lease.status.start_time is None
        or acceptance.fault(lease.spec) is not None
    ):
        return None
    term = window.at(lease.spec, lease.status.start_time, lease.status.renewals)
    due = stages.pending(lease.spec, lease.status, term)
    if due is None or due.action is not Action.SNAPSHOT:
        return None
    return cloud.stage_image(server.id, stages.key(lease.metadata.uid, due))


def _registered(facts: Facts, registry: Registry) -> Facts:
    """Enter the lease for its server, if it may hold one, and see who holds it."""
    server, ours = facts.server, facts.identity
    if server is None or ours is None or server.over or server.project_id != ours.project_id:
        return facts
    mark = marking.read(facts)
    facts = replace(facts, mark_lives=mark is not None and registry.holds(mark.object))
    if facts.lease.spec.suspend or facts.lease.metadata.deletion_timestamp is not None:
        return facts
    if facts.problem is not None or acceptance.fault(facts.lease.spec) is not None:
        return facts  # what is not accepted holds no server, not even for a moment
    holder = registry.claim((ours.auth_url, ours.region, ours.project_id, server.id), facts.lease)
    if holder is None:
        return facts
    namespace, _, name = holder.partition("/")
    return replace(facts, holder=Holder(name=name if namespace == facts.lease.metadata.namespace else None))
