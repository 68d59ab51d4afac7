"""The command line, and the composition root: the only place that picks the live cloud."""

import pathlib
import sys
from enum import StrEnum
from typing import Annotated

import typer

from lessor import __version__
from lessor import crds as manifests
from lessor.settings import Settings

app = typer.Typer(
    name="lessor",
    help="Lessor makes time on an OpenStack cloud declared, renewable and visible.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


INTERRUPTED = 130  # as a shell says of a process that Ctrl-C ended


class LogFormat(StrEnum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which level on lines are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _version(wanted: bool) -> None:  # noqa: FBT001 (typer calls it so)
    if wanted:
        typer.echo(f"lessor {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command()
def run(  # noqa: PLR0913 (one parameter a flag)
    *,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", envvar="LESSOR_NAMESPACE", help="Serve this namespace; repeatable."),
    ] = None,
    all_namespaces: Annotated[
        bool,
        typer.Option(
            "--all-namespaces", "-A", envvar="LESSOR_ALL_NAMESPACES", help="Serve all namespaces (the default)."
        ),
    ] = False,
    operator_namespace: Annotated[
        str | None,
        typer.Option(
            envvar="LESSOR_OPERATOR_NAMESPACE",
            help="Where the Secret lessor-seal and the leader lock lie; the pod's, else lessor-system.",
        ),
    ] = None,
    probe_port: Annotated[
        int,
        typer.Option(
            envvar="LESSOR_PROBE_PORT", min=0, max=65535, help="Of /healthz, /readyz and /metrics; 0: any free one."
        ),
    ] = 8080,
    leader_elect: Annotated[
        bool,
        typer.Option(
            "--leader-elect/--no-leader-elect",
            envvar="LESSOR_LEADER_ELECT",
            help="Act only while holding the leader lock: of several replicas one acts, the others stand by.",
        ),
    ] = True,
    freeze: Annotated[
        bool,
        typer.Option(
            "--freeze", envvar="LESSOR_FREEZE", help="Hold every stage and deletion; renewals and restores go on."
        ),
    ] = False,
    max_deletions_per_hour: Annotated[
        int,
        typer.Option(
            envvar="LESSOR_MAX_DELETIONS_PER_HOUR", min=0, help="Servers deleted with their objects, in one cloud."
        ),
    ] = 100,
    allow_loopback: Annotated[
        bool,
        typer.Option(
            "--allow-loopback", envvar="LESSOR_ALLOW_LOOPBACK", help="Let a clouds.yaml lead to this machine."
        ),
    ] = False,
    log_format: Annotated[
        LogFormat, typer.Option(envvar="LESSOR_LOG_FORMAT", help="How log lines look.")
    ] = LogFormat.TEXT,
    log_level: Annotated[
        LogLevel, typer.Option(envvar="LESSOR_LOG_LEVEL", help="From which level on.")
    ] = LogLevel.INFO,
) -> None:
    """Run the operator, in the cluster that KUBECONFIG names or that the pod is in."""
    if namespace and all_namespaces:
        raise typer.BadParameter("--namespace and --all-namespaces exclude each other")
    settings = Settings(
        namespaces=tuple(namespace or ()),
        operator_namespace=operator_namespace or _pod_namespace(),
        probe_port=probe_port,
        leader_elect=leader_elect,
        freeze=freeze,
        max_deletions_per_hour=max_deletions_per_hour,
        allow_loopback=allow_loopback,
        log_format=log_format.value,
        log_level=log_level.value,
    )
    sys.exit(_run(settings))


@app.command()
def crds() -> None:
    """Print the CustomResourceDefinitions, for `kubectl apply -f -`."""
    typer.echo("---\n".join(manifests.texts()), nl=False)


@app.command()
def demo(
    *,
    seed: Annotated[int, typer.Option(envvar="LESSOR_DEMO_SEED", help="The same seed tells the same story.")] = 1,
    seconds: Annotated[
        float,
        typer.Option(envvar="LESSOR_DEMO_SECONDS", min=0, help="How long the story takes; 0: as long as it must."),
    ] = 60.0,
    serve: Annotated[
        bool, typer.Option("--serve", help="Let the world go on at real speed afterwards, for manifests of your own.")
    ] = False,
    kubeconfig: Annotated[
        pathlib.Path | None,
        typer.Option(help="Where to write the kubeconfig of the pretend cluster; removed at the end."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the pretend API server on 127.0.0.1; 0: any free one.")
    ] = 0,
) -> None:
    """Show five weeks of a pretend cloud in a minute. Needs no cluster and no cloud, and touches none."""
    try:
        from rich.console import Console  # noqa: PLC0415 (what the operator itself does not need)

        from lessor.demo import play  # noqa: PLC0415 (the same)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    options = play.Options(seed=seed, seconds=seconds, serve=serve, kubeconfig=kubeconfig, port=port)
    sys.exit(play.main(options, Console()))


def _pod_namespace() -> str:
    path = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return path.read_text().strip() if path.exists() else "lessor-system"


def _run(settings: Settings) -> int:
    from lessor import service  # noqa: PLC0415 (the clients take a second to import: `lessor crds` needs none)

    return service.main(settings)
