"""All metrics: names, help, labels; no label is ever an object's name or id. The only importer of prometheus_client."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lessor.model.plans import Outcome, StageFact

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LAGS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The gauges over the fleet, counted when they are asked for.

    Attributes:
        objects: how many objects of a (kind, state).
        expiring: how many end within 1h, 1d, 7d, 30d, by (kind, within).
        next_deadline: the soonest wake-up as seconds since 1970; None: there is none.
        held: how many stages wait, by (kind, reason).
        suspended: how many are suspended, by kind.
        inventory: (cloud, age in seconds, servers) of each session.
        queue: how many objects wait for a pass.
        skews: our clock minus each source's, in seconds.
    """

    objects: dict[tuple[str, str], int]
    expiring: dict[tuple[str, str], int]
    next_deadline: float | None
    held: dict[tuple[str, str], int]
    suspended: dict[str, int]
    inventory: list[tuple[str, float, int]]
    queue: int
    skews: dict[str, float]


class Metrics:
    """The registry of one operator."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types for it
        self.registry = CollectorRegistry()
        kw: dict[str, Any] = {"registry": self.registry}
        self._stages = Counter("lessor_stages", "Stages that came to an end.", ["action", "result", "policy"], **kw)
        self._lag = Histogram(
            "lessor_stage_lag_seconds", "From a stage's time to its report.", ["action"], buckets=_LAGS, **kw
        )
        self._renewals = Counter("lessor_renewals", "Decided renewals.", ["door", "result"], **kw)
        self._openstack = Counter(
            "lessor_openstack_requests", "Requests to OpenStack.", ["service", "verb", "code"], **kw
        )
        self._openstack_seconds = Histogram(
            "lessor_openstack_request_seconds", "Their time.", ["service", "verb"], buckets=_SECONDS, **kw
        )
        self._kubernetes = Counter(
            "lessor_kubernetes_requests", "Requests to the API server.", ["verb", "resource", "code"], **kw
        )
        self._kubernetes_seconds = Histogram(
            "lessor_kubernetes_request_seconds", "Their time.", ["verb", "resource"], buckets=_SECONDS, **kw
        )
        self._passes = Counter("lessor_passes", "Passes over objects.", ["kind", "result"], **kw)
        self._pass_seconds = Histogram("lessor_pass_seconds", "Their time.", ["kind"], buckets=_SECONDS, **kw)
        self._queue_lag = Histogram("lessor_queue_lag_seconds", "From a wake-up to its pass.", buckets=_SECONDS, **kw)
        self._loop_lag = Histogram("lessor_loop_lag_seconds", "How late the event loop is.", buckets=_SECONDS, **kw)
        self._leader = Gauge("lessor_leader", "1 while this process holds the leader lock, or needs none.", **kw)
        Gauge("lessor_build_info", "Always 1.", ["version"], **kw).labels(version).set(1)

    def watch(self, fleet: Callable[[], Fleet]) -> None:
        """Let the gauges over the fleet be counted by this function at each scrape."""
        self.registry.register(_FleetCollector(fleet))

    def passed(self, kind: str, outcome: Outcome, seconds: float) -> None:
        """Count one pass."""
        changed = outcome.status is not None or bool(outcome.decisions)
        self._passes.labels(kind, "changed" if changed else "same").inc()
        self._pass_seconds.labels(kind).observe(seconds)
        if outcome.stage is not None:
            self._stage(outcome.stage)

    def _stage(self, fact: StageFact) -> None:
        self._stages.labels(fact.action, fact.result, "").inc()
        if fact.result == "done":
            self._lag.labels(fact.action).observe(max(0.0, fact.lag_seconds))

    def failed(self, kind: str) -> None:
        """Count a pass that broke."""
        self._passes.labels(kind, "failed").inc()

    def renewed(self, result: str) -> None:
        """Count a decided renewal."""
        self._renewals.labels("LeaseRenewal", result).inc()

    def openstack(self, service: str, verb: str, code: str, seconds: float) -> None:
        """Count a request to OpenStack; `verb` and `code` are of small closed sets."""
        self._openstack.labels(service, verb, code).inc()
        self._openstack_seconds.labels(service, verb).observe(seconds)

    def kubernetes(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """Count a request to the API server."""
        self._kubernetes.labels(verb, resource, code).inc()
        self._kubernetes_seconds.labels(verb, resource).observe(seconds)

    def queue_lag(self, seconds: float) -> None:
        """Note how long an object waited for its pass."""
        self._queue_lag.observe(seconds)

    def leads(self, leads: int) -> None:
        """Note whether this process leads: 1 or 0."""
        self._leader.set(leads)

    def loop_lag(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self._loop_lag.observe(max(0.0, seconds))

    def text(self) -> bytes:
        """Give the exposition."""
        return generate_latest(self.registry)


class _FleetCollector(Collector):
    def __init__(self, fleet: Callable[[], Fleet]) -> None:
        self._fleet = fleet

    def collect(self) -> Iterable[Metric]:
        fleet = self._fleet()
        yield _gauge("lessor_objects", "Objects.", ["kind", "state"], fleet.objects)
        expiring = {(kind, "", within): count for (kind, within), count in fleet.expiring.items()}
        yield _gauge("lessor_expiring", "Leases that end soon.", ["kind", "policy", "within"], expiring)
        yield _gauge("lessor_held", "Stages that wait.", ["kind", "reason"], fleet.held)
        yield _gauge("lessor_suspended", "Suspended objects.", ["kind"], {(k,): v for k, v in fleet.suspended.items()})
        ages = {(cloud,): age for cloud, age, _ in fleet.inventory}
        sizes = {(cloud,): size for cloud, _, size in fleet.inventory}
        yield _gauge("lessor_inventory_age_seconds", "Since the last list.", ["cloud"], ages)
        yield _gauge("lessor_inventory_servers", "Leased servers that are known.", ["cloud"], sizes)
        yield _gauge("lessor_queue_depth", "Objects that wait for a pass.", [], {(): fleet.queue})
        skews = {(source,): skew for source, skew in fleet.skews.items()}
        yield _gauge("lessor_clock_skew_seconds", "Our clock minus the source's.", ["source"], skews)
        if fleet.next_deadline is not None:
            deadline = {("InstanceLease",): fleet.next_deadline}
            yield _gauge("lessor_next_deadline_timestamp_seconds", "The next wake-up.", ["kind"], deadline)


def _gauge(name: str, text: str, labels: list[str], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
