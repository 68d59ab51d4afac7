"""The operator's settings: one frozen value, made once by the command line and handed down."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the flags of `lessor run` say.

    Attributes:
        api_server: the URL of a pretend cluster, which asks nobody who he is; None: the pod's, else KUBECONFIG's.
        namespaces: the namespaces that are served; empty: all.
        operator_namespace: where the Secret `lessor-seal` and the leader lock lie.
        probe_port: of /healthz, /readyz and /metrics; 0 takes any free one.
        leader_elect: act only while the leader lock is held.
        freeze: hold every stage and every deletion of a server.
        max_deletions_per_hour: in one cloud, by deleting objects.
        allow_loopback: let a clouds.yaml lead to this machine; for trials only.
        log_format, log_level: `text` or `json`; a level of the standard library.
    """

    api_server: str | None = None
    namespaces: tuple[str, ...] = ()
    operator_namespace: str = "lessor-system"
    probe_port: int = 8080
    leader_elect: bool = True
    freeze: bool = False
    max_deletions_per_hour: int = 100
    allow_loopback: bool = False
    log_format: str = "text"
    log_level: str = "info"
