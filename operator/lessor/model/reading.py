"""Objects as the API server gives them, read into the typed model; what cannot be read is said, never raised."""

from typing import TypeVar

import msgspec

from lessor.model import wire
from lessor.model.conditions import Fault, Reason
from lessor.model.instancelease import (
    CloudCredentialsRef,
    InstanceLease,
    InstanceLeaseSpec,
    InstanceLeaseStatus,
    ServerRef,
)
from lessor.model.lease import ImportRef, Lease, LeaseSpec, LeaseStatus
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.meta import ObjectMeta
from lessor.model.wire import Wire

T = TypeVar("T")


class _SavedCredentials(Wire, frozen=True, kw_only=True):
    secret_name: str
    cloud_name: str


class _SavedServer(Wire, frozen=True, kw_only=True):
    id: str | None = None
    name: str | None = None


class _Salvage(Wire, frozen=True, kw_only=True):
    """What a deletion needs of a spec, whatever else stands beside it."""

    cloud_credentials_ref: _SavedCredentials | None = None
    server: _SavedServer | None = None

    @property
    def spec(self) -> InstanceLeaseSpec:
        """A spec with this alone."""
        ref, server = self.cloud_credentials_ref, self.server
        return InstanceLeaseSpec(
            cloud_credentials_ref=None
            if ref is None
            else CloudCredentialsRef(secret_name=ref.secret_name, cloud_name=ref.cloud_name),
            server=None if server is None else ServerRef(id=server.id, name=server.name),
        )


class _SavedLease(Wire, frozen=True, kw_only=True):
    """What a deletion needs of a Lease's spec, whatever else stands beside it."""

    cloud_credentials_ref: _SavedCredentials | None = None
    import_: _SavedServer | None = None
    on_delete: str | None = None
    suspend: bool = False

    @property
    def spec(self) -> LeaseSpec:
        """A spec with this alone."""
        ref = self.cloud_credentials_ref
        return LeaseSpec(
            cloud_credentials_ref=None
            if ref is None
            else CloudCredentialsRef(secret_name=ref.secret_name, cloud_name=ref.cloud_name),
            import_=None if self.import_ is None else ImportRef(id=self.import_.id, name=self.import_.name),
            on_delete=self.on_delete,
            suspend=self.suspend,
        )


class _Envelope(Wire, frozen=True, kw_only=True):
    metadata: ObjectMeta
    spec: msgspec.Raw = msgspec.Raw(b"{}")
    status: msgspec.Raw = msgspec.Raw(b"{}")


_lease = wire.decoder(InstanceLease)
_renewal = wire.decoder(LeaseRenewal)
_envelope = wire.decoder(_Envelope)
_salvage = wire.decoder(_Salvage)
_status = wire.decoder(InstanceLeaseStatus)
_blazar_lease = wire.decoder(Lease)
_saved_lease = wire.decoder(_SavedLease)
_lease_status = wire.decoder(LeaseStatus)


def instance_lease(body: bytes) -> tuple[InstanceLease, Fault | None]:
    """Read an InstanceLease. With a problem, its spec holds only what a deletion needs.

    Raises:
        msgspec.MsgspecError: it is no Kubernetes object at all.
    """
    try:
        return _lease.decode(body), None
    except msgspec.ValidationError as error:
        envelope = _envelope.decode(body)
        saved = _try(_salvage, envelope.spec, _Salvage())
        status = _try(_status, envelope.status, InstanceLeaseStatus())
        return InstanceLease(metadata=envelope.metadata, spec=saved.spec, status=status), problem(error)


def lease(body: bytes) -> tuple[Lease, Fault | None]:
    """Read a Lease. With a problem, its spec holds only what a deletion needs.

    Raises:
        msgspec.MsgspecError: it is no Kubernetes object at all.
    """
    try:
        return _blazar_lease.decode(body), None
    except msgspec.ValidationError as error:
        envelope = _envelope.decode(body)
        saved = _try(_saved_lease, envelope.spec, _SavedLease())
        status = _try(_lease_status, envelope.status, LeaseStatus())
        return Lease(metadata=envelope.metadata, spec=saved.spec, status=status), problem(error)


def metadata(body: bytes) -> ObjectMeta:
    """Read the metadata of an object.

    Raises:
        msgspec.MsgspecError: it is no Kubernetes object at all.
    """
    return _envelope.decode(body).metadata


def lease_renewal(body: bytes) -> LeaseRenewal | None:
    """Read a LeaseRenewal; None when this version cannot: it is left alone."""
    try:
        return _renewal.decode(body)
    except msgspec.ValidationError:
        return None


def problem(error: msgspec.ValidationError) -> Fault:
    """Give the sentence for a spec that this version cannot read."""
    text = str(error)
    if "unknown field" in text:
        return Fault(
            Reason.UNSUPPORTED_VALUE,
            f"This version does not know all that is declared: {text}. Remove it, or run a newer one.",
        )
    return Fault(Reason.INVALID_SPEC, f"The object cannot be read: {text}.")


def _try(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, otherwise: T) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        return otherwise
