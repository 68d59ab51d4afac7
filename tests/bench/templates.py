"""The stored form of an InstanceLease, as the API server writes it: one of each shape, made the way a person does."""

import json
from typing import Any

from lessor.model import names, wire
from lessor.model.instancelease import InstanceLease
from lessor.model.names import Kind
from tests.bench.etcd import REGISTRY
from tests.bench.kube import Kube

_NAMESPACE, _NAME = "bench-templates", "template"
_PREFIX = f"{REGISTRY}{names.GROUP}/{Kind.INSTANCE_LEASE.plural}/"


class Templates:
    """The forms, by the types of the conditions that a status has. Make them before an operator runs."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._made: dict[tuple[str, ...], dict[str, Any]] = {}

    def stored(self, lease: InstanceLease) -> bytes:
        """Give a lease as it lies in etcd."""
        raw = self._made[_shape(lease)]
        meta, spec, status = lease.metadata, wire.to_builtins(lease.spec), wire.to_builtins(lease.status)
        named = {**raw["metadata"], "namespace": meta.namespace, "name": meta.name, "uid": meta.uid}
        whole = {**raw, "metadata": named, "spec": {**raw["spec"], "server": spec["server"]}, "status": status}
        return json.dumps(whole, separators=(",", ":")).encode() + b"\n"

    def make(self, lease: InstanceLease) -> None:
        """Make one like this through the API server, keep what it stored, and forget the object.

        Raises:
            RuntimeError: the API server stored something else.
        """
        kubectl = ("-n", _NAMESPACE)
        patch = (*kubectl, "patch", "instancelease", _NAME, "--type=merge", "--field-manager=lessor", "-p")
        manifest = {
            "apiVersion": names.API_VERSION,
            "kind": Kind.INSTANCE_LEASE.value,
            "metadata": {"name": _NAME, "namespace": _NAMESPACE},
            "spec": wire.to_builtins(lease.spec),
        }
        self._kube.namespace(_NAMESPACE, "")
        self._kube.run(*kubectl, "create", "-f", "-", body=manifest)
        self._kube.run(*patch, json.dumps({"metadata": {"finalizers": [names.FINALIZER]}}))
        status = json.dumps(wire.to_builtins(lease.status))
        self._kube.run(*patch, json.dumps({"status": json.loads(status)}), "--subresource=status")
        raw: dict[str, Any] = json.loads(self._kube.etcd.get(where(_NAMESPACE, _NAME)))
        self._kube.etcd.delete(where(_NAMESPACE, _NAME))
        if raw["status"] != json.loads(status):
            raise RuntimeError("the API server stored another status than was sent: is the CRD of this checkout?")
        self._made[_shape(lease)] = raw


def where(namespace: str, name: str = "") -> str:
    """Give the key of an InstanceLease in etcd, or where those lie whose names begin so."""
    return f"{_PREFIX}{namespace}/{name}"


def _shape(lease: InstanceLease) -> tuple[str, ...]:
    return tuple(condition.type for condition in lease.status.conditions)
