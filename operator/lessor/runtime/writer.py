"""What passes asked for, written to the API server: the difference only, with the resourceVersion, claims first."""

from contextlib import suppress
from typing import Any

from lessor.model import names, wire
from lessor.model.instancelease import InstanceLease, InstanceLeaseStatus
from lessor.model.leaserenewal import LeaseRenewalStatus
from lessor.model.meta import ObjectMeta, OwnerReference
from lessor.model.names import Kind
from lessor.model.plans import FinalizerChange, RenewalDecision
from lessor.runtime.cluster import Cluster, NotThere
from lessor.runtime.gate import Gate, Urgency


class Writer:
    """The writer of all objects of ours."""

    def __init__(self, cluster: Cluster, gate: Gate) -> None:
        self._cluster = cluster
        self._gate = gate

    async def status(
        self, lease: InstanceLease, status: InstanceLeaseStatus, urgency: Urgency
    ) -> dict[str, Any] | None:
        """Write the new status; gives the object after it, None when nothing differs.

        Raises:
            ClusterError: Conflict when somebody else wrote since.
        """
        patch = wire.merge_patch(wire.to_builtins(lease.status), wire.to_builtins(status))
        if not patch:
            return None
        body = {"metadata": {"resourceVersion": lease.metadata.resource_version}, "status": patch}
        meta = lease.metadata
        async with self._gate.through(urgency):
            return await self._cluster.patch(Kind.INSTANCE_LEASE, meta.namespace, meta.name, body, status=True)

    async def finalizer(self, kind: Kind, meta: ObjectMeta, change: FinalizerChange) -> dict[str, Any]:
        """Put our finalizer on or take it off: the list whole, others' kept.

        Raises:
            ClusterError: Conflict when somebody else wrote since.
        """
        others = [finalizer for finalizer in meta.finalizers if finalizer != names.FINALIZER]
        finalizers = [*others, names.FINALIZER] if change is FinalizerChange.PUT_ON else others
        body = {"metadata": {"resourceVersion": meta.resource_version, "finalizers": finalizers}}
        async with self._gate.through(Urgency.CLAIM):
            return await self._cluster.patch(kind, meta.namespace, meta.name, body)

    async def decision(self, decision: RenewalDecision, lease: InstanceLease | None) -> dict[str, Any] | None:
        """Write what a LeaseRenewal gets: its status, then its ownerReference; or delete it. Gives the last answer."""
        request = decision.renewal
        meta = request.metadata
        if decision.delete:
            with suppress(NotThere):
                await self._cluster.delete(Kind.LEASE_RENEWAL, meta.namespace, meta.name, meta.uid)
            return None
        answer = await self._renewal_status(request.metadata, request.status, decision.status)
        if not decision.adopt or lease is None or lease.metadata.uid in {ref.uid for ref in meta.owner_references}:
            return answer
        return await self._adopt(meta, lease, answer)

    async def _renewal_status(
        self, meta: ObjectMeta, old: LeaseRenewalStatus, new: LeaseRenewalStatus
    ) -> dict[str, Any] | None:
        patch = wire.merge_patch(wire.to_builtins(old), wire.to_builtins(new))
        if not patch:
            return None
        body = {"metadata": {"resourceVersion": meta.resource_version}, "status": patch}
        async with self._gate.through(Urgency.REPORT):
            return await self._cluster.patch(Kind.LEASE_RENEWAL, meta.namespace, meta.name, body, status=True)

    async def _adopt(self, meta: ObjectMeta, lease: InstanceLease, answer: dict[str, Any] | None) -> dict[str, Any]:
        version = answer["metadata"]["resourceVersion"] if answer is not None else meta.resource_version
        ours = OwnerReference(
            api_version=names.API_VERSION,
            kind=Kind.INSTANCE_LEASE.value,
            name=lease.metadata.name,
            uid=lease.metadata.uid,
        )
        references = wire.to_builtins((*meta.owner_references, ours))
        body = {"metadata": {"resourceVersion": version, "ownerReferences": references}}
        async with self._gate.through(Urgency.REPORT):
            return await self._cluster.patch(Kind.LEASE_RENEWAL, meta.namespace, meta.name, body)
