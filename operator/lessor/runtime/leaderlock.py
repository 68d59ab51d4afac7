"""The leader lock: one Lease of coordination.k8s.io, read and written; and whether it may be taken now.

Who waits for it goes by its own clock and by what it has watched, never by the instants in the object: a holder is
given up when nothing of it changed for the whole lease duration, whatever a person wrote there. A lock that its holder
released is taken at once, and one that nobody was ever seen to hold after a few seconds.
"""

import asyncio
import itertools
import logging
import socket
import uuid
from enum import Enum, auto
from typing import Any

from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.baselock import BaseLock

from lessor.model import names
from lessor.ports.clock import Clock
from lessor.runtime.cluster import Cluster, ClusterError, Conflict, NotThere
from lessor.runtime.leading import LEASE_DURATION, RENEW_DEADLINE, RETRY_PERIOD, Leading

log = logging.getLogger(__name__)

NAME = names.LEADER_LOCK
RESOURCE = "leases.coordination.k8s.io"
_RELEASED_SECONDS = 1  # as client-go leaves it. Source: client-go/tools/leaderelection/leaderelection.go, release
_PATIENCE = RENEW_DEADLINE / 2
_RELEASE_TRIES = 3
_MOST_TRANSITIONS = 2**31 - 1  # an int32
# A holder whose lock was deleted makes it again at its next renewal: a newcomer leaves it the time.
_ABSENT_FOR = 1.5 * RETRY_PERIOD


class _Verdict(Enum):
    """What the lock, as it is, lets this process do."""

    CREATE = auto()
    WRITE = auto()
    WAIT = auto()


class LeaderLock(BaseLock):  # type: ignore[misc]  # the client ships no types
    """The lock as the official election uses it."""

    def __init__(  # noqa: PLR0913 (what the shell hands in)
        self, cluster: Cluster, clock: Clock, leading: Leading, *, namespace: str, pause: float, first: bool
    ) -> None:
        """Tell `leading` what is taken and renewed.

        Args:
            cluster: its writes are not held by the lock, for they are the lock's.
            clock: of which the elapsed seconds decide.
            leading: says whether this process holds the lock by now, and may take it.
            namespace: the operator's.
            pause: seconds that one more request of a holder may take who did not release the lock.
            first: this process made the installation: a lock that is not there was never held. Else somebody may have
                deleted it, and its holder may be cut off and act: it is waited for as for one that is held.
        """
        super().__init__(NAME, namespace, f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}")
        self._cluster = cluster
        self._clock = clock
        self._leading = leading
        self._pause = pause
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._object: dict[str, Any] = {}
        self._watched: tuple[Any, ...] | None = None
        self._watched_since = clock.elapsed()
        self._ever_held = not first
        self._let_go = False
        self._holder = ""
        self._verdict = _Verdict.WAIT
        self._looks = itertools.count()
        self._acquired = ""
        self._transitions = -1
        self._said = ""

    # ------------------------------------------------------------ what the election calls

    async def get(self, name: str, namespace: str) -> tuple[bool, Any]:
        """Give what makes the election write the lock, create it, or wait."""
        del name, namespace
        self._verdict = _Verdict.WAIT
        try:
            raw: dict[str, Any] = await self._asked("GET", NAME)
        except NotThere:
            raw = {}
        except (ClusterError, TimeoutError) as error:
            self._say("the leader lock cannot be read", error)
            return False, ApiException(status=0, reason=str(error))
        self._verdict = self._as_leader(raw) if self._leading.taken.is_set() else self._as_candidate(raw)
        match self._verdict:
            case _Verdict.CREATE:
                return False, ApiException(status=404, body='{"code": 404}')
            case _Verdict.WRITE:
                return True, None
            case _:
                return True, self._somebody_elses()

    async def create(self, name: str, namespace: str, election_record: LeaderElectionRecord) -> bool:
        """Make the lock, held by us; tells whether it was made."""
        del name, namespace, election_record
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}}
        return self._verdict is _Verdict.CREATE and await self._written("POST", "", body)

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        """Write the lock as held by us, over just what was read; tells whether it was written."""
        del name, namespace, updated_record
        return self._verdict is _Verdict.WRITE and await self._written("PUT", NAME, self._object)

    async def look(self) -> None:
        """See whether the lock can be read.

        Raises:
            ClusterError: it cannot.
        """
        await self._cluster.request("GET", f"{self._path}/{NAME}", resource=RESOURCE)

    async def release(self) -> None:
        """Empty the lock if it is ours, so that the next one takes it at once; what fails lets it run out."""
        for _ in range(_RELEASE_TRIES):
            try:
                raw = await self._asked("GET", NAME)
                if _holder(raw) != self.identity:
                    return
                spec = {**self._spec(), "holderIdentity": "", "leaseDurationSeconds": _RELEASED_SECONDS}
                await self._asked("PUT", NAME, {**_annotated(raw, self.identity), "spec": spec})
            except Conflict:
                continue
            except (ClusterError, TimeoutError) as error:
                log.warning("the leader lock could not be released", extra={"why": str(error)})
                return
            log.info("the leader lock was released")
            return

    # ------------------------------------------------------------ judging

    def until_due(self) -> float:
        """Give the seconds until a lock that does not change any more may be taken."""
        return max(0.0, self._watched_since + self._wait() - self._clock.elapsed())

    def _as_leader(self, raw: dict[str, Any]) -> _Verdict:
        """Nobody takes an emptied or deleted lock within the lease duration, so its holder may write it again."""
        holder = _holder(raw)
        if self._leading.left() <= 0:
            return _Verdict.WAIT
        if holder not in {"", self.identity}:
            log.error("the leader lock names another holder", extra={"holder": holder[:256], "we": self.identity})
            self._leading.stop()
            return _Verdict.WAIT
        if not raw:
            log.warning("the leader lock was deleted: its holder makes it again")
            return _Verdict.CREATE
        if holder == "":
            log.warning("the leader lock was emptied: its holder writes it again")
        self._object = raw
        return _Verdict.WRITE

    def _as_candidate(self, raw: dict[str, Any]) -> _Verdict:
        self._watch(raw)
        due = self._let_go or self.until_due() <= 0
        if not due or not self._leading.listed.is_set():
            return _Verdict.WAIT
        return _Verdict.WRITE if raw else _Verdict.CREATE

    def _watch(self, raw: dict[str, Any]) -> None:
        """Note since when the lock is as it is. The answer's time counts: the write it shows was before."""
        self._object = raw
        seen = (raw.get("metadata", {}).get("uid"), raw.get("spec"))
        if seen == self._watched:
            return
        self._watched, self._watched_since = seen, self._clock.elapsed()
        self._transitions = max(self._transitions, _number(raw, "leaseTransitions"))
        self._let_go = self._released()
        self._ever_held = (self._ever_held or bool(raw)) and not self._let_go
        holder = _holder(raw)
        if holder not in {"", self._holder}:
            log.info("the leader lock is held", extra={"holder": holder[:256], "we": self.identity})
            self._holder = holder

    def _released(self) -> bool:
        """Tell whether its holder let it go, and says so; a person who empties it does not."""
        by = _released_by(self._object)
        return _holder(self._object) == "" and by != "" and self._holder in {by, ""}

    def _wait(self) -> float:
        return LEASE_DURATION if self._ever_held else _ABSENT_FOR

    def _somebody_elses(self) -> LeaderElectionRecord:
        """A record that the election takes for a new one each time: it never finds it run out by its own clock."""
        look = str(next(self._looks))
        return LeaderElectionRecord("somebody else", str(LEASE_DURATION), look, look)

    # ------------------------------------------------------------ writing

    async def _written(self, method: str, name: str, body: dict[str, Any]) -> bool:
        leads, began = self._leading.taken.is_set(), self._clock.elapsed()
        pause = self._pause if self._ever_held else 0.0
        try:
            await self._asked(method, name, {**_annotated(body, None), "spec": self._spec()})
        except (ClusterError, TimeoutError) as error:
            self._say("the leader lock could not be written", error)
            return False
        self._said = ""
        if leads:
            self._leading.renew(began)
            return True
        self._transitions += 1
        log.info("the leader lock was taken", extra={"we": self.identity, "acts_after_seconds": pause})
        self._leading.take(began=began, pause=pause)
        return True

    def _spec(self) -> dict[str, Any]:
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        leads = self._leading.taken.is_set()
        if not leads:
            self._acquired = now
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": LEASE_DURATION,
            "acquireTime": self._acquired,
            "renewTime": now,
            "leaseTransitions": min(max(0, self._transitions + (0 if leads else 1)), _MOST_TRANSITIONS),
        }

    async def _asked(self, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask for a half of the renew deadline at most: two tries fit in."""
        path = f"{self._path}/{name}" if name else self._path
        verb = {"POST": "create", "PUT": "update"}.get(method)
        async with asyncio.timeout(_PATIENCE):
            return await self._cluster.request(method, path, resource=RESOURCE, body=body, verb=verb)

    def _say(self, what: str, error: Exception) -> None:
        """Log a fault once, however often it comes in a row."""
        line = f"{what}: {error}"
        if line != self._said:
            log.warning(what, extra={"why": str(error) or type(error).__name__, "namespace": self.namespace})
        self._said = line


def _holder(raw: dict[str, Any]) -> str:
    return str((raw.get("spec") or {}).get("holderIdentity") or "")


def _released_by(raw: dict[str, Any]) -> str:
    return str((raw.get("metadata", {}).get("annotations") or {}).get(names.RELEASED_BY, ""))


def _annotated(raw: dict[str, Any], released_by: str | None) -> dict[str, Any]:
    """Give the object with, or without, the word of its holder that it is let go."""
    meta = raw["metadata"]
    others = {key: value for key, value in (meta.get("annotations") or {}).items() if key != names.RELEASED_BY}
    said = {} if released_by is None else {names.RELEASED_BY: released_by}
    return {**raw, "metadata": {**meta, "annotations": {**others, **said}}}


def _number(raw: dict[str, Any], key: str) -> int:
    value = (raw.get("spec") or {}).get(key)
    return value if isinstance(value, int) else -1
