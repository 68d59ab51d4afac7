"""The sessions: one for each (namespace, Secret, cloud), shared by all its leases, made when one is needed.

While credentials are faulty, their Secret is read again every 30 s and they are tried at once when it changed, else
with growing pauses. When a pass finds the cloud away, the cloud is asked for next to nothing: if that fails too, no
pass asks it any more, until one such question is answered. Every lease that waits is woken when its session heals:
the cloud is not asked again for each of them, and one that hangs holds up no other.
"""

import asyncio
import logging
from base64 import b64decode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from lessor.decide.lease import telling
from lessor.model.conditions import Fault, Reason
from lessor.model.instancelease import InstanceLease
from lessor.model.lease import Lease
from lessor.ports.clock import Clock
from lessor.ports.cloud import CloudError, CredentialsFault, CredentialsMissing, ListedCloud
from lessor.ports.reservations import Reservations
from lessor.runtime.cluster import Cluster, ClusterError, NotThere
from lessor.runtime.inventory import Inventory
from lessor.runtime.leasekeeper import Booked, LeaseKeeper
from lessor.runtime.pauses import growing

log = logging.getLogger(__name__)

Key = tuple[str, str, str]
Connect = Callable[[bytes, bytes | None, Key], ListedCloud]
T = TypeVar("T")

_SECRET_PAUSE = 30.0
_LIST_PAUSE = 60.0
_AT_ONCE = 32
CLOUDS_YAML, CACERT = "clouds.yaml", "cacert"


class Leased(NamedTuple):
    """What a lease knows of its server: the id, and the status that its own status tells."""

    server_id: str | None
    status: str | None


@dataclass(slots=True)
class Session:
    """One set of credentials: connected, or the fault that keeps it from being so, or the cloud away for now.

    Attributes:
        key: namespace, Secret, cloud.
        leasekeeper: what is known of its leases in Blazar.
        leases: the uids of its objects, with what they know of their servers, or of their leases in Blazar.
        cloud: None while it is not connected.
        fault: why no pass may ask the cloud now.
        doubted: set when a pass found the cloud away or the credentials refused: its keeper looks at once.
        waiting: the uids of the leases that wanted to ask the cloud in vain.
        secret_version: of the Secret that was last tried.
        resting: its keeper waits for the clock or for a doubt.
    """

    key: Key
    inventory: Inventory
    leasekeeper: LeaseKeeper
    leases: dict[str, Leased | Booked] = field(default_factory=dict)
    cloud: ListedCloud | None = None
    fault: Fault | None = None
    secret_version: str | None = None
    failures: int = 0
    next_try: float = 0.0
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    doubted: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: set[str] = field(default_factory=set)
    keeper: asyncio.Task[None] | None = None
    blazar: asyncio.Task[None] | None = None
    resting: bool = False

    @property
    def source(self) -> str:
        """The beginning of the names under which its clocks are known."""
        return "/".join(self.key) + " "

    @property
    def usable(self) -> ListedCloud | None:
        """The cloud, when it may be asked."""
        return self.cloud if self.fault is None else None


class Clouds:
    """All sessions. Used on the event loop; what blocks is done in threads."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        connect: Connect,
        wake: Callable[[Iterable[str]], None],
        ended: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Call `wake` with the uids of leases that have news, `ended` with the source of a session that is no more."""
        self._ended = ended
        self._cluster = cluster
        self._clock = clock
        self._connect = connect
        self._wake = wake
        self._sessions: dict[Key, Session] = {}
        self._of: dict[str, Key] = {}
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="cloud")
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """All leases are entered: from here on servers are listed. A list before that would pass over most of them."""
        self._begun.set()

    # ------------------------------------------------------------ who uses which

    def enter(self, lease: InstanceLease | Lease) -> Session | None:
        """Give the session of an object's credentials, and remember for which server, or lease, it uses it."""
        ref, uid = lease.spec.cloud_credentials_ref, lease.metadata.uid
        if ref is None:
            self.leave(uid)
            return None
        key = (lease.metadata.namespace, ref.secret_name, ref.cloud_name)
        if self._of.get(uid) not in {None, key}:
            self.leave(uid)
        session = self._sessions.get(key)
        if session is None:
            session = self._make(key)
        self._of[uid] = key
        use = _booked(lease) if isinstance(lease, Lease) else _leased(lease)
        session.leases[uid] = use
        if isinstance(use, Booked):
            session.leasekeeper.entered()
            if session.blazar is None:
                session.blazar = self._loop.create_task(self._keep_leases(session))
        return session

    def leave(self, uid: str) -> None:
        """Forget a lease; the session of none is ended."""
        key = self._of.pop(uid, None)
        session = self._sessions.get(key) if key is not None else None
        if session is None or key is None:
            return
        session.waiting.discard(uid)
        use = session.leases.pop(uid, None)
        if isinstance(use, Leased) and use.server_id is not None:
            session.inventory.forget(use.server_id)
        if isinstance(use, Booked):
            session.leasekeeper.leave(uid, use.lease_id)
        if not session.leases:
            del self._sessions[key]
            self._ended(session.source)
            for keeper in (session.keeper, session.blazar):
                if keeper is not None:
                    keeper.cancel()

    def sessions(self) -> Iterable[Session]:
        """Give all sessions, for the metrics."""
        return tuple(self._sessions.values())

    def expects_at(self) -> datetime | None:
        """Give when a lease in Blazar is read next because it is about to change; None: none is."""
        instants = (session.leasekeeper.expects_at() for session in self._sessions.values())
        return min((at for at in instants if at is not None), default=None)

    @property
    def idle(self) -> bool:
        """Whether nobody asks a cloud for its servers, or looks whether it is there."""
        return all(
            session.resting and not session.doubted.is_set() and session.leasekeeper.resting
            for session in self._sessions.values()
        )

    def _make(self, key: Key) -> Session:
        def leased() -> dict[str, str | None]:
            uses = (use for use in tuple(session.leases.values()) if isinstance(use, Leased))
            return {use.server_id: use.status for use in uses if use.server_id is not None}

        def changed(server_ids: set[str]) -> None:
            uses = tuple(session.leases.items())
            uids = [uid for uid, use in uses if isinstance(use, Leased) and use.server_id in server_ids]
            self._loop.call_soon_threadsafe(self._wake, uids)

        session = Session(key=key, inventory=Inventory(leased, changed), leasekeeper=self._leasekeeper(lambda: session))
        self._sessions[key] = session
        session.keeper = self._loop.create_task(self._keep(session))
        return session

    def _leasekeeper(self, session: Callable[[], Session]) -> LeaseKeeper:
        def booked() -> dict[str, Booked]:
            return {uid: use for uid, use in session().leases.items() if isinstance(use, Booked)}

        def blazar() -> Reservations | None:
            cloud = session().usable
            return cloud.reservations if cloud is not None else None

        return LeaseKeeper(self._clock, booked, blazar, self._in_thread, self._wake)

    async def _keep_leases(self, session: Session) -> None:
        await self._begun.wait()
        await session.leasekeeper.run()

    # ------------------------------------------------------------ being connected

    async def session(self, lease: InstanceLease | Lease) -> Session | None:
        """Give the session of an object's credentials, connected or with its fault. None: it names no credentials."""
        session = self.enter(lease)
        if session is not None:
            await self.ready(session)
        return session

    async def ready(self, session: Session) -> None:
        """Connect, unless it is connected or known to be faulty: then a lease that asks changes nothing."""
        async with session.connecting:
            if session.cloud is None and session.fault is None:
                await self._try(session)

    def report(self, session: Session, uid: str, fault: Fault) -> None:
        """Take what a pass over this lease saw: refused credentials are everybody's news."""
        session.waiting.add(uid)
        if session.usable is None:
            return
        if fault.reason is Reason.CREDENTIALS_REFUSED:
            self._broken(session, fault)
        if fault.reason in {Reason.CREDENTIALS_REFUSED, Reason.CLOUD_UNAVAILABLE}:
            session.doubted.set()

    async def _try(self, session: Session) -> None:
        secret: dict[str, Any] | None = None
        try:
            secret = await self._secret(session.key)
            version = secret["metadata"]["resourceVersion"]
            data = secret.get("data") or {}
            cloud = await self._in_thread(self._connected, session.key, data)
        except CloudError as error:
            self._broken(session, Fault(error.reason, str(error)))
        except ClusterError as error:
            self._broken(session, Fault(Reason.CLOUD_UNAVAILABLE, f"The Secret could not be read: {error}."))
        except Exception:  # what a stranger's Keystone answers must not break a turn, again and again
            log.exception("connecting failed", extra={"cloud": "/".join(session.key)})
            self._broken(session, Fault(Reason.CLOUD_UNAVAILABLE, "Keystone's answer could not be understood."))
        else:
            session.cloud = cloud
            log.info("connected", extra={"cloud": "/".join(session.key), "secret_version": version})
            self._healed(session)
        if secret is not None:
            session.secret_version = secret["metadata"]["resourceVersion"]

    async def _secret(self, key: Key) -> dict[str, Any]:
        namespace, name, _ = key
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        try:
            return await self._cluster.request("GET", path, resource="secrets")
        except NotThere:
            raise CredentialsMissing(
                f"There is no Secret {name} in namespace {namespace}. Make one with the key {CLOUDS_YAML}."
            ) from None

    def _connected(self, key: Key, data: dict[str, str]) -> ListedCloud:
        if CLOUDS_YAML not in data:
            raise CredentialsMissing(f"The Secret {key[1]} has no key {CLOUDS_YAML}.")
        cacert = b64decode(data[CACERT]) if CACERT in data else None
        return self._connect(b64decode(data[CLOUDS_YAML]), cacert, key)

    def _healed(self, session: Session) -> None:
        """Wake who waited. A cloud that was there all the time wakes nobody: each lease has its own pause."""
        fault = session.fault
        away = fault is not None and fault.reason is Reason.CLOUD_UNAVAILABLE
        woken = tuple(session.waiting if away else session.leases) if fault is not None else ()
        session.fault, session.failures = None, 0
        session.waiting.clear()
        session.doubted.clear()
        self._wake(woken)

    def _broken(self, session: Session, fault: Fault) -> None:
        session.cloud = None
        self._faulty(session, fault)

    def _faulty(self, session: Session, fault: Fault) -> None:
        away = Reason.CLOUD_UNAVAILABLE
        still_away = session.fault is not None and session.fault.reason is away and fault.reason is away
        news = session.fault != fault and not still_away
        session.fault = fault if news else session.fault
        session.failures += 1
        session.next_try = self._clock.elapsed() + growing(session.failures)
        if news:
            extra = {"cloud": "/".join(session.key), "reason": fault.reason.value, "why": fault.message}
            log.warning("a cloud cannot be used", extra=extra)
        if news and fault.reason is not Reason.CLOUD_UNAVAILABLE:
            self._wake(tuple(session.leases))

    # ------------------------------------------------------------ the keeper of one session

    async def _keep(self, session: Session) -> None:
        """List what changed once a minute; while faulty, look at the Secret every 30 s."""
        await self._begun.wait()
        while True:
            session.resting = False
            try:
                await self.ready(session)
                pause = await self._turn(session)
            except Exception:
                log.exception("the inventory of a cloud failed", extra={"cloud": "/".join(session.key)})
                pause = _LIST_PAUSE
            await self._sleep(session, pause)

    async def _sleep(self, session: Session, pause: float) -> None:
        """Sleep, and look at once when a pass says that something is wrong."""
        until = self._clock.elapsed() + pause
        while (left := until - self._clock.elapsed()) > 0:
            session.resting = not session.doubted.is_set()
            if not await self._clock.wait(session.doubted, left):
                return
            session.resting = False
            session.doubted.clear()
            await self._look(session)
            if session.fault is not None:
                return

    async def _look(self, session: Session) -> None:
        """See whether a connected cloud is there."""
        if session.cloud is None:
            return
        try:
            await self._in_thread(session.cloud.probe)
        except CredentialsFault as error:
            self._broken(session, Fault(error.reason, str(error)))
        except CloudError as error:
            self._faulty(session, Fault(Reason.CLOUD_UNAVAILABLE, str(error)))
        else:
            self._healed(session)

    async def _turn(self, session: Session) -> float:
        cloud = session.usable
        if cloud is None:
            return await self._heal(session)
        if not any(isinstance(use, Leased) for use in session.leases.values()):
            return _LIST_PAUSE  # nobody asks for servers
        try:
            await self._in_thread(session.inventory.refresh, cloud, self._clock.now())
        except CredentialsFault as error:
            self._broken(session, Fault(error.reason, str(error)))
            return 1.0
        except CloudError as error:
            log.warning("the servers could not be listed", extra={"cloud": "/".join(session.key), "why": str(error)})
            session.doubted.set()
        return _LIST_PAUSE

    async def _in_thread(self, work: Callable[..., T], *args: object) -> T:
        return await self._loop.run_in_executor(self._threads, work, *args)

    async def _heal(self, session: Session) -> float:
        """Try again when the Secret changed, or when the growing pause is over."""
        due = session.next_try <= self._clock.elapsed()
        if await self._secret_changed(session) or (due and session.cloud is None):
            async with session.connecting:
                await self._try(session)
        elif due:
            await self._look(session)
        if session.fault is None:
            return 0.0
        return max(0.1, min(_SECRET_PAUSE, session.next_try - self._clock.elapsed()))

    async def _secret_changed(self, session: Session) -> bool:
        try:
            secret = await self._secret(session.key)
        except (CredentialsMissing, ClusterError):
            return False
        return bool(secret["metadata"]["resourceVersion"] != session.secret_version)


def _leased(lease: InstanceLease) -> Leased:
    server = lease.spec.server
    server_id = lease.status.server_id or (server.id if server is not None else None)
    return Leased(server_id, lease.status.server_status)


def _booked(lease: Lease) -> Booked:
    return Booked(lease.status.lease_id, telling.of_status(lease.status))
