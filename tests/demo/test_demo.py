"""`lessor demo` from the outside: how its world ends, and what it does where something is in its way."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.demo.performance import Demo, listed

pytestmark = pytest.mark.xdist_group("demo")  # its story is told once

LEASES = "/apis/lessor.dev/v1alpha1/instanceleases"
BOOKED = "/apis/lessor.dev/v1alpha1/leases"
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
BOOKINGS = {
    # Lease: (Blazar's state, Ready, its reason)
    "survey": ("TERMINATED", "True", "Expired"),
    "sweep": ("TERMINATED", "True", "Expired"),
}


@dataclass(frozen=True)
class Told:
    """A demonstration whose story is told and whose world goes on, and what its environment led to."""

    demo: Demo
    kubeconfig: Path
    real: socket.socket


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A story with seed 7, on a machine without kubectl whose environment leads to a real cluster, cloud and proxy."""
    folder = tmp_path_factory.mktemp("demo")
    with socket.socket() as real:
        real.bind(("127.0.0.1", 0))
        real.listen()
        real.settimeout(0)
        flags = ("--seconds", "0", "--seed", "7", "--serve", "--kubeconfig", str(folder / "kubeconfig"))
        demo = Demo(*flags, env={"PATH": "/nonexistent", **_leading_to(real, folder)})
        try:
            demo.until("goes on at real speed")
            yield Told(demo, folder / "kubeconfig", real)
        finally:
            demo.kill()


def _leading_to(real: socket.socket, home: Path) -> dict[str, str]:
    url = f"http://127.0.0.1:{real.getsockname()[1]}"
    config = home / "config"
    cluster = {"name": "real", "cluster": {"server": url}}
    config.write_text(
        f"{{apiVersion: v1, kind: Config, current-context: real, clusters: [{cluster}], "
        "contexts: [{name: real, context: {cluster: real, user: real}}], users: [{name: real, user: {token: t}}]}"
    )
    cloud = {"OS_AUTH_URL": f"{url}/v3", "OS_CLOUD": "real"}
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), url)
    return {"KUBECONFIG": str(config), "HOME": str(home), **cloud, **proxies}


def _condition(body: dict[str, Any], kind: str) -> tuple[str, str]:
    return next((one["status"], one["reason"]) for one in body["status"]["conditions"] if one["type"] == kind)


def test_every_lease_ends_as_the_story_has_it(told: Told) -> None:
    leases = {one["metadata"]["name"]: one for one in listed(told.kubeconfig, LEASES)}
    seen = {name: (one["status"]["serverStatus"], *_condition(one, "Ready")) for name, one in leases.items()}
    assert seen == ENDS


def test_the_leases_of_hosts_have_had_their_time(told: Told) -> None:
    leases = {one["metadata"]["name"]: one for one in listed(told.kubeconfig, BOOKED)}
    assert {name: (one["status"]["state"], *_condition(one, "Ready")) for name, one in leases.items()} == BOOKINGS
    survey, sweep = (leases[name]["status"] for name in BOOKINGS)
    began, ended = (datetime.fromisoformat(sweep[key]) for key in ("startTime", "endTime"))
    assert began >= datetime.fromisoformat(survey["endTime"])
    assert ended - began >= timedelta(days=6)  # four and, by a renewal, two
    assert (sweep["renewals"]["count"], sweep.get("refusal")) == (1, None)


def test_the_story_tells_of_the_wait_for_hosts_once_and_of_what_came_of_it(told: Told) -> None:
    said = [line.partition("sweep: ")[2] for line in _story(told.demo) if "sweep: " in line]
    marks = (
        "asks for 2 hosts",
        "Not enough hosts available. Waiting since",
        "Blazar holds the lease",
        "can be used until",
        "The lease ends at",
        "asks for 2d more",
        "sweep-longer: Granted 2d",
        "The lease ends at",
        "The lease ended at",
    )
    assert [mark for mark, line in zip(marks, said, strict=True) if mark not in line] == []
    told.demo.until(r"^  sweep waited .* for its hosts, and had them .* after survey ended")


def test_every_request_for_more_time_has_its_answer(told: Told) -> None:
    renewals = {one["metadata"]["name"]: _condition(one, "Granted") for one in listed(told.kubeconfig, RENEWALS)}
    assert renewals == {
        "web-1-back": ("True", "Full"),
        "notebook-longer": ("True", "Full"),
        "train-1-early": ("False", "TooEarly"),
        "train-1-more": ("True", "Full"),
        "train-1-again": ("True", "Full"),
        "train-1-once-more": ("False", "LimitReached"),
        "sweep-longer": ("True", "Full"),
    }


def test_no_age_is_in_the_future(told: Told) -> None:
    ages = [one["metadata"]["creationTimestamp"] for one in listed(told.kubeconfig, LEASES)]
    namespaces = listed(told.kubeconfig, "/api/v1/namespaces")
    assert max(ages) < max(one["metadata"]["creationTimestamp"] for one in namespaces) or len(set(ages)) > 1


def test_the_summary_says_that_nothing_was_done_before_its_time(told: Told) -> None:
    assert "0 of them before their time" in told.demo.until("^Time that ends is acted on")


@pytest.mark.parametrize(
    "line",
    [
        r"^This is a simulation",
        r"export KUBECONFIG=",
        r"kubectl get ilease -A",
        r"kubectl get blz -A",
        "kubectl is not on this",
    ],
)
def test_a_visitor_is_told_what_this_is_and_how_to_look_in(told: Told, line: str) -> None:
    told.demo.until(line)


def test_what_the_environment_names_is_never_asked(told: Told) -> None:
    with pytest.raises(BlockingIOError):
        told.real.accept()


def _story(demo: Demo) -> list[str]:
    return [re.sub(r"\d{4}-\d\d-\d\dT\S+Z", "T", line) for line in demo.lines if line.startswith("day ")]


def test_the_same_seed_tells_the_same_story(told: Told) -> None:
    again = Demo("--seconds", "0", "--seed", "7")
    assert again.code() == 0
    assert _story(again) == _story(told.demo)
    assert len(_story(again)) > 40


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
