"""Object metadata: the part of it that Lessor reads, and the reference to an object."""

from datetime import datetime
from typing import Annotated

import msgspec

from lessor.model import names
from lessor.model.wire import Wire

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class OwnerReference(Wire, frozen=True, kw_only=True):
    """A reference to the object that this one goes with. Source: metav1.OwnerReference."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(Wire, frozen=True, kw_only=True):
    """The metadata of an object, without managedFields. Source: metav1.ObjectMeta."""

    name: str
    uid: str
    creation_timestamp: Instant
    namespace: str = ""
    resource_version: str = ""
    generation: int = 0
    deletion_timestamp: Instant | None = None
    finalizers: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()

    @property
    def held(self) -> bool:
        """Whether our finalizer is on: no effect in the cloud without it."""
        return names.FINALIZER in self.finalizers

    @property
    def key(self) -> str:
        """`namespace/name`, for messages and logs."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name
