"""`lessor demo` from the outside: how its world ends, and what it does where something is in its way."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.demo.performance import Demo, listed

LEASES = "/apis/lessor.dev/v1alpha1/instanceleases"
RENEWALS = "/apis/lessor.dev/v1alpha1/leaserenewals"
ENDS = {
    # server: (Nova's status, Ready, its reason)
    "web-1": ("SHUTOFF", "True", "Expired"),
    "notebook": ("ACTIVE", "True", "InTerm"),
    "train-1": ("SHUTOFF", "True", "Expired"),
    "scratch": ("SHUTOFF", "True", "Expired"),
    "batch-1": ("DELETED", "True", "Expired"),
    "gpu-1": ("SHUTOFF", "True", "Expired"),
    "db-1": ("SHUTOFF", "True", "Expired"),
    "ci-1": ("SHELVED_OFFLOADED", "True", "Expired"),
    "thesis": ("SHUTOFF", "True", "Expired"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Demo, Path]]:
    """A demonstration whose story is told, and whose world goes on."""
    kubeconfig = tmp_path_factory.mktemp("demo") / "kubeconfig"
    demo = Demo("--seconds", "0", "--serve", "--kubeconfig", str(kubeconfig))
    try:
        demo.until("goes on at real speed")
        yield demo, kubeconfig
    finally:
        demo.kill()


def _condition(body: dict[str, Any], kind: str) -> tuple[str, str]:
    return next((one["status"], one["reason"]) for one in body["status"]["conditions"] if one["type"] == kind)


def test_every_lease_ends_as_the_story_has_it(told: tuple[Demo, Path]) -> None:
    leases = {one["metadata"]["name"]: one for one in listed(told[1], LEASES)}
    seen = {name: (one["status"]["serverStatus"], *_condition(one, "Ready")) for name, one in leases.items()}
    assert seen == ENDS


def test_every_request_for_more_time_has_its_answer(told: tuple[Demo, Path]) -> None:
    renewals = {one["metadata"]["name"]: _condition(one, "Granted") for one in listed(told[1], RENEWALS)}
    assert renewals == {
        "web-1-back": ("True", "Full"),
        "notebook-longer": ("True", "Full"),
        "train-1-early": ("False", "TooEarly"),
        "train-1-more": ("True", "Full"),
        "train-1-again": ("True", "Full"),
        "train-1-once-more": ("False", "LimitReached"),
    }


def test_no_age_is_in_the_future(told: tuple[Demo, Path]) -> None:
    ages = [one["metadata"]["creationTimestamp"] for one in listed(told[1], LEASES)]
    namespaces = listed(told[1], "/api/v1/namespaces")
    assert max(ages) < max(one["metadata"]["creationTimestamp"] for one in namespaces) or len(set(ages)) > 1


def test_the_summary_says_that_nothing_was_done_before_its_time(told: tuple[Demo, Path]) -> None:
    assert "0 of them before their time" in told[0].until("^Time that ends is acted on")


@pytest.mark.parametrize("line", [r"^This is a simulation", r"export KUBECONFIG=", r"kubectl get ilease -A"])
def test_a_visitor_is_told_what_this_is_and_how_to_look_in(told: tuple[Demo, Path], line: str) -> None:
    told[0].until(line)


def _story(demo: Demo) -> list[str]:
    assert demo.code() == 0
    return [re.sub(r"\d{4}-\d\d-\d\dT\S+Z", "T", line) for line in demo.lines if line.startswith("day ")]


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = Demo("--port", str(port))
        assert demo.code() == 2
    assert len(demo.lines) == 1
    assert str(port) in demo.lines[0]
    assert "--port" in demo.lines[0]


def test_a_kubeconfig_of_somebody_s_own_is_never_written_over(tmp_path: Path) -> None:
    mine = tmp_path / "config"
    mine.write_text("mine")
    demo = Demo("--kubeconfig", str(mine))
    assert demo.code() == 2
    assert mine.read_text() == "mine"
    assert "is there already" in demo.lines[0]


def test_a_kubeconfig_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    demo = Demo("--kubeconfig", str(tmp_path / "nowhere" / "config"))
    assert demo.code() == 2
    assert len(demo.lines) == 1
    assert "cannot be written" in demo.lines[0]


def test_what_the_environment_names_is_never_asked_and_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    with socket.socket() as real:
        real.bind(("127.0.0.1", 0))
        real.listen()
        real.settimeout(0)
        url = f"http://127.0.0.1:{real.getsockname()[1]}"
        config = tmp_path / "config"
        cluster = {"name": "real", "cluster": {"server": url}}
        config.write_text(
            f"{{apiVersion: v1, kind: Config, current-context: real, clusters: [{cluster}], "
            "contexts: [{name: real, context: {cluster: real, user: real}}], users: [{name: real, user: {token: t}}]}"
        )
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), url)
        env = {
            "KUBECONFIG": str(config),
            "HOME": str(tmp_path),
            "OS_AUTH_URL": f"{url}/v3",
            "OS_CLOUD": "real",
            **proxies,
        }
        story = _story(Demo("--seconds", "0", "--seed", "7", env=env))
        with pytest.raises(BlockingIOError):
            real.accept()
    assert story == _story(Demo("--seconds", "0", "--seed", "7"))
    assert len(story) > 40


def test_it_needs_no_kubectl() -> None:
    demo = Demo("--seconds", "600", env={"PATH": "/nonexistent"})
    demo.until("kubectl is not on this machine")
    demo.until("^day  0")
    assert demo.interrupt() == 130


def test_ctrl_c_while_python_itself_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    demo = Demo("--kubeconfig", str(kubeconfig), env={"TMPDIR": str(tmp_path)})
    assert demo.interrupt() != 0  # -2 or 1: nothing of ours is asked yet
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("when", ["^This is a simulation", "^day  0", "^day  3"])
def test_ctrl_c_ends_it_at_any_time_and_leaves_nothing_behind(when: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    demo = Demo("--seconds", "20", "--kubeconfig", str(kubeconfig), env={"TMPDIR": str(tmp_path)})
    demo.until(when)
    assert demo.interrupt() == 130
    assert list(tmp_path.iterdir()) == []
    assert not any("Traceback" in line for line in demo.lines), demo.lines
