"""What goes wrong, on both faces: the port raises the same error in the process and over HTTP."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lessor.live.nova import Nova
from lessor.ports import cloud as errors
from lessor.simulated.cloud.cloud import Cloud
from lessor.simulated.cloud.port import Port
from lessor.simulated.cloud.refusals import Service
from lessor.simulated.faults import Fault, What
from tests.simulated.cloud.served import World, connect, serving

FACES = ("in the process", "over HTTP")
_SECONDS = 0.3  # the adapters' own patience with one request, on a real clock
Face = Port | Nova


@pytest.fixture
def server_id(world: World) -> str:
    """Give a server of alice."""
    return world.cloud.boot(world.team, world.alice, "db-1").id


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest, world: World) -> Iterator[Face]:
    """Give the cloud as alice sees it, by either face."""
    if request.param == FACES[0]:
        yield world.cloud.as_user(world.alice, world.team)
        return
    with serving(world.cloud) as url:
        yield connect(world, url, world.alice, world.team, seconds=_SECONDS)


def _raised(ask: Callable[[], Any]) -> tuple[type[BaseException], str]:
    with pytest.raises(errors.CloudError) as raised:
        ask()
    return type(raised.value), str(raised.value)


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (403, "Not today.", errors.PermissionRefused),
        (404, "Instance could not be found.", None),
        (409, "Instance x is locked", errors.ServerLocked),
        (409, "while it is in task_state spawning", errors.ServerBusy),
        (409, "while it is in vm_state error", errors.WrongState),
        (400, "Bad.", errors.RequestRefused),
        (500, "Unexpected API Error.", errors.CloudUnavailable),
        (503, "Service Unavailable", errors.CloudUnavailable),
    ],
)
def test_any_refusal_can_be_had(
    world: World, server_id: str, face: Face, code: int, words: str, kind: type[errors.CloudError] | None
) -> None:
    world.faults.add(f"servers.get {server_id}", Fault(what=What.REFUSE, code=code, message=words))
    if kind is None:
        assert face.server(server_id) is None
    else:
        assert _raised(lambda: face.server(server_id)) == (kind, f"Nova answered {code}: {words}")
    assert face.server(server_id) is not None


def test_a_429_says_how_long_and_nothing_is_asked_meanwhile(world: World, server_id: str, face: Face) -> None:
    fault = Fault(what=What.REFUSE, code=429, message="Too fast.", headers={"Retry-After": "7"})
    world.faults.add("servers.get", fault)
    with pytest.raises(errors.CloudUnavailable) as raised:
        face.server(server_id)
    assert raised.value.retry_after == 7
    assert _raised(lambda: face.server(server_id))[1] == "Nova asked to be left alone for a while."


def test_after_a_401_a_new_token_is_taken_and_the_request_sent_again(world: World, server_id: str, face: Face) -> None:
    world.faults.add("servers.get", Fault(what=What.REFUSE, code=401, message="Who are you?"))
    assert face.server(server_id) is not None
    assert world.lines() == ["token", f"servers.get {server_id}", "token", f"servers.get {server_id}"]


def test_a_second_401_refuses_the_credentials(world: World, server_id: str, face: Face) -> None:
    world.faults.add("servers.get", Fault(what=What.REFUSE, code=401, message="Who are you?"), times=2)
    assert _raised(lambda: face.server(server_id)) == (errors.CredentialsRefused, "Nova answered 401: Who are you?")


@pytest.mark.parametrize(
    ("code", "kind", "sentence"),
    [
        (401, errors.CredentialsRefused, "Keystone refused the credentials (401): No."),
        (503, errors.CloudUnavailable, "Keystone answered 503: No."),
    ],
)
def test_keystone_refuses_the_next_token(
    world: World, server_id: str, face: Face, code: int, kind: type[errors.CloudError], sentence: str
) -> None:
    world.cloud.identity.revoke(world.alice.id)
    world.faults.add("^token", Fault(what=What.REFUSE, code=code, message="No."))
    assert _raised(lambda: face.server(server_id)) == (kind, sentence)


def test_a_disabled_user_is_refused(world: World, server_id: str, face: Face) -> None:
    world.alice.enabled = False
    sentence = "Keystone refused the credentials (401): The request you have made requires authentication."
    assert _raised(lambda: face.server(server_id)) == (errors.CredentialsRefused, sentence)


@pytest.mark.parametrize(("what", "done"), [(What.CUT_BEFORE, False), (What.CUT_AFTER, True)])
def test_a_cut_connection_comes_before_or_after_the_effect(
    world: World, server_id: str, face: Face, what: What, done: bool
) -> None:
    world.faults.add(f"os-stop {server_id}", Fault(what=what))
    raised = _raised(lambda: face.stop(server_id))
    assert raised == (errors.CloudUnavailable, "Nova did not answer: the connection failed.")
    task = world.cloud.compute.fleet.servers[server_id].task_state
    assert task == ("powering-off" if done else None)


def test_a_hang_does_nothing_and_takes_no_simulated_time(world: World, server_id: str, face: Face) -> None:
    before = world.clock.now()
    world.faults.add(f"os-stop {server_id}", Fault(what=What.HANG))
    assert _raised(lambda: face.stop(server_id)) == (errors.CloudUnavailable, "Nova did not answer: the time was over.")
    assert world.cloud.compute.fleet.servers[server_id].task_state is None
    assert world.clock.now() == before


@pytest.mark.parametrize(("what", "shown"), [(What.TRUNCATE, 2), (What.EMPTY, 0)])
def test_a_list_lies(world: World, face: Face, what: What, shown: int) -> None:
    world.cloud.populate(world.team, 5, user=world.alice)
    world.faults.add("servers.list", Fault(what=what))
    assert sum(map(len, face.pages(None))) == shown
    assert sum(map(len, face.pages(None))) == 5


def test_servers_of_a_cell_that_is_down_are_missing_in_silence(world: World, face: Face) -> None:
    here = world.cloud.boot(world.team, world.alice, "here")
    there = world.cloud.boot(world.team, world.alice, "there", cell="cell2")
    world.cloud.compute.cells_down.add("cell2")
    assert [server.id for page in face.pages(None) for server in page] == [here.id]
    unknown = face.server(there.id)
    assert unknown is not None
    assert (unknown.status, unknown.known, unknown.locked, unknown.metadata) == ("UNKNOWN", False, None, None)
    assert _raised(lambda: face.stop(there.id))[0] is errors.CloudUnavailable
    assert face.server("none") is None


@pytest.mark.parametrize("service", [Service.NOVA, Service.GLANCE, Service.KEYSTONE])
def test_a_whole_service_is_away(world: World, server_id: str, face: Face, service: Service) -> None:
    asks: dict[Service, Callable[[], Any]] = {
        Service.NOVA: lambda: face.server(server_id),
        Service.GLANCE: lambda: face.stage_image(server_id, "stage"),
        Service.KEYSTONE: lambda: face.server(server_id),
    }
    if service is Service.KEYSTONE:
        world.cloud.identity.revoke(world.alice.id)
    world.cloud.away.add(service)
    raised = _raised(asks[service])
    assert raised[0] is errors.CloudUnavailable
    assert raised[1].endswith("did not answer: the connection failed.")
    world.cloud.away.clear()
    asks[service]()


def test_no_fault_strikes_a_person(world: World, server_id: str) -> None:
    world.faults.add("", Fault(what=What.REFUSE, code=503), times=None)
    world.cloud.person(world.alice, world.team).stop(server_id)
    assert world.lines() == ["token", f"os-stop {server_id}"]


def test_calls_say_when_who_and_what(world: World, server_id: str, face: Face) -> None:
    world.pass_(60)
    face.stop(server_id)
    calls = [(call.time, call.user_id, call.line) for call in world.cloud.calls]
    assert calls[0][1:] == ("", "token")
    assert calls[-1] == (world.clock.now(), world.alice.id, f"os-stop {server_id}")


def test_it_is_quiet_when_no_request_is_under_way(world: World) -> None:
    cloud: Cloud = world.cloud
    with serving(cloud) as url:
        connect(world, url, world.alice, world.team).probe()
    assert cloud.quiet
