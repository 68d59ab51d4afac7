"""Kopf as the informer: `on.event` on each kind and nothing else, its writing taken away, its watches made lasting.

No timers, daemons, indexes or change handlers: measured, they cost a PATCH an object, and seconds of lag.
"""

import asyncio
from typing import Any

import kopf

from lessor.model import names
from lessor.model.names import Kind
from lessor.runtime.source import KINDS, Source

_BACKOFFS = (0.2, 0.5, 1, 2, 3, 5, 8, 13, 21, 30, 45, 60, 60, 60)  # five minutes of outage together
_REFUSED_PAUSE = 1.0
_NOT_OURS = f"{names.GROUP}/kopf"


class _NoDiffs(kopf.DiffBaseStorage):
    """Keeps nothing: with `on.event` alone nothing is compared."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing: `on.event` handlers are not tried again."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


async def watch(
    source: Source,
    namespaces: tuple[str, ...],
    *,
    stop: asyncio.Event,
    started: asyncio.Event,
    url: str | None = None,
) -> None:
    """Watch all kinds and hand what comes to the source, until `stop` is set; set `started` when it begins.

    Logs in as the pod's service account, else as KUBECONFIG says; at this URL, as nobody, when it is given.

    Raises:
        Exception: what Kopf died of; the process should end, and be started again.
    """
    kinds = KINDS if not namespaces else tuple(kind for kind in KINDS if kind is not Kind.LEASE_POLICY)
    await kopf.operator(
        registry=_registry(source, kinds, url),
        settings=_settings(),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        ready_flag=started,
        stop_flag=stop,
    )


def _registry(source: Source, kinds: tuple[Kind, ...], url: str | None) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    for kind in kinds:
        _register(registry, source, kind)
    kopf.on.login(registry=registry)(_login if url is None else _to(url))
    return registry


def _register(registry: kopf.OperatorRegistry, source: Source, kind: Kind) -> None:
    async def seen(type: str | None, event: Any, **_: Any) -> None:  # noqa: A002 (Kopf's name)
        raw = event["object"]
        if type == "DELETED":
            source.gone(kind, raw)
        else:
            source.put(kind, raw)

    kopf.on.event(names.GROUP, names.VERSION, kind.plural, registry=registry, id=f"see-{kind.plural}")(seen)


def _to(url: str) -> Any:
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=url)

    return login


async def _login(*, settings: kopf.OperatorSettings, retry: int, **_: Any) -> kopf.ConnectionInfo | None:
    """Log in as the pod's service account, else as KUBECONFIG says; a refused login is not tried hot."""
    await asyncio.sleep(_REFUSED_PAUSE if retry else 0)
    return kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.persistence.finalizer = _NOT_OURS  # Kopf takes its own finalizer off what no handler of its needs it for
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.persistence.progress_storage = _NoProgress()
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = 70
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = _BACKOFFS
    settings.queueing.idle_timeout = 0.05
    settings.queueing.worker_limit = None
    return settings
