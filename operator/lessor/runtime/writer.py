"""What passes asked for, written to the API server: the difference only, with the resourceVersion, claims first."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lessor.model import names, wire
from lessor.model.instancelease import InstanceLease, InstanceLeaseStatus
from lessor.model.lease import Lease, LeaseStatus
from lessor.model.leaserenewal import LeaseRenewalStatus
from lessor.model.meta import ObjectMeta, OwnerReference
from lessor.model.names import Kind
from lessor.model.plans import ConfigMap, FinalizerChange, RenewalDecision
from lessor.runtime.cluster import MERGE, Cluster, NotThere
from lessor.runtime.gate import Gate, Urgency


class NotOurs(Exception):
    """There is such an object, and it does not belong to ours. The text is a sentence for the object's owner."""


class Writer:
    """The writer of all objects of ours."""

    def __init__(self, cluster: Cluster, gate: Gate) -> None:
        self._cluster = cluster
        self._gate = gate

    async def status(
        self, kind: Kind, lease: InstanceLease | Lease, status: InstanceLeaseStatus | LeaseStatus, urgency: Urgency
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
            return await self._cluster.patch(kind, meta.namespace, meta.name, body, status=True)

    async def metadata(
        self, kind: Kind, meta: ObjectMeta, change: FinalizerChange, annotations: Mapping[str, str]
    ) -> dict[str, Any]:
        """Put our finalizer on or take it off, the list whole, others' kept; and set annotations of ours.

        Raises:
            ClusterError: Conflict when somebody else wrote since.
        """
        others = [finalizer for finalizer in meta.finalizers if finalizer != names.FINALIZER]
        new: dict[str, Any] = {"resourceVersion": meta.resource_version}
        if change is not FinalizerChange.KEEP:
            new["finalizers"] = [*others, names.FINALIZER] if change is FinalizerChange.PUT_ON else others
        if annotations:
            new["annotations"] = dict(annotations)
        body = {"metadata": new}
        async with self._gate.through(Urgency.CLAIM):
            return await self._cluster.patch(kind, meta.namespace, meta.name, body)

    async def config_map(self, meta: ObjectMeta, owner: OwnerReference, wanted: ConfigMap) -> None:
        """Make the ConfigMap in the object's namespace, or bring it up to date; it goes when its owner goes.

        Raises:
            NotOurs: one of that name is there already.
            ClusterError: Conflict when it was made or changed meanwhile.
        """
        path = f"/api/v1/namespaces/{meta.namespace}/configmaps"
        try:
            there = await self._cluster.request("GET", f"{path}/{wanted.name}", resource="configmaps")
        except NotThere:
            new = {"name": wanted.name, "ownerReferences": [wire.to_builtins(owner)]}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": new, "data": dict(wanted.data)}
            async with self._gate.through(Urgency.REPORT):
                await self._cluster.request("POST", path, resource="configmaps", body=body)
            return
        if owner.uid not in {ref["uid"] for ref in there["metadata"].get("ownerReferences", ())}:
            raise NotOurs(
                f"There is a ConfigMap {wanted.name} in this namespace that does not belong to this Lease. It is left "
                "as it is: give spec.output.configMapName another name, or delete that ConfigMap."
            )
        difference = wire.merge_patch(there.get("data", {}), dict(wanted.data))
        if not difference:
            return
        patch = {"metadata": {"resourceVersion": there["metadata"]["resourceVersion"]}, "data": difference}
        async with self._gate.through(Urgency.REPORT):
            await self._cluster.request(
                "PATCH", f"{path}/{wanted.name}", resource="configmaps", body=patch, content_type=MERGE
            )

    async def decision(self, decision: RenewalDecision, owner: OwnerReference | None) -> dict[str, Any] | None:
        """Write what a LeaseRenewal gets: its status, then its ownerReference; or delete it. Gives the last answer."""
        request = decision.renewal
        meta = request.metadata
        if decision.delete:
            with suppress(NotThere):
                await self._cluster.delete(Kind.LEASE_RENEWAL, meta.namespace, meta.name, meta.uid)
            return None
        answer = await self._renewal_status(request.metadata, request.status, decision.status)
        if not decision.adopt or owner is None or owner.uid in {ref.uid for ref in meta.owner_references}:
            return answer
        return await self._adopt(meta, owner, answer)

    async def _renewal_status(
        self, meta: ObjectMeta, old: LeaseRenewalStatus, new: LeaseRenewalStatus
    ) -> dict[str, Any] | None:
        patch = wire.merge_patch(wire.to_builtins(old), wire.to_builtins(new))
        if not patch:
            return None
        body = {"metadata": {"resourceVersion": meta.resource_version}, "status": patch}
        async with self._gate.through(Urgency.REPORT):
            return await self._cluster.patch(Kind.LEASE_RENEWAL, meta.namespace, meta.name, body, status=True)

    async def _adopt(self, meta: ObjectMeta, owner: OwnerReference, answer: dict[str, Any] | None) -> dict[str, Any]:
        version = answer["metadata"]["resourceVersion"] if answer is not None else meta.resource_version
        references = wire.to_builtins((*meta.owner_references, owner))
        body = {"metadata": {"resourceVersion": version, "ownerReferences": references}}
        async with self._gate.through(Urgency.REPORT):
            return await self._cluster.patch(Kind.LEASE_RENEWAL, meta.namespace, meta.name, body)
