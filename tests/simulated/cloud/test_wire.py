"""What only the wire has, and that many may ask at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import requests

from lessor.simulated.cloud.people import ApplicationCredential
from tests.simulated.cloud.served import World, connect, connected, serving


def test_date_is_by_its_own_clock(world: World) -> None:
    world.pass_(86400)
    with serving(world.cloud) as url:
        answer = requests.get(f"{url}/identity/v3", timeout=10)
    assert parsedate_to_datetime(answer.headers["Date"]) == world.clock.now()


def test_a_body_that_is_no_json_is_400(world: World) -> None:
    with serving(world.cloud) as url:
        answer = requests.post(f"{url}/identity/v3/auth/tokens", data=b"{", timeout=10)
    assert answer.status_code == 400


def test_many_threads_lose_nothing(world: World) -> None:
    servers = world.cloud.populate(world.team, 8, user=world.alice)
    with serving(world.cloud) as url:
        adapters = connect(world, url, world.alice, world.team)
        port = world.cloud.as_user(world.anna, world.team)

        def work(server_id: str) -> None:
            for number in range(10):
                adapters.write_metadata(server_id, {f"http-{number}": "v"})
                port.write_metadata(server_id, {f"port-{number}": "v"})

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, [server.id for server in servers]))
    assert {len(server.metadata) for server in servers} == {20}
    assert world.cloud.quiet


def test_the_adapters_come_in_by_an_application_credential(world: World) -> None:
    made = ApplicationCredential(
        id="c" * 32, name="lessor", secret="s3cret", user_id=world.alice.id, project_id=world.team.id, roles=("member",)
    )
    world.cloud.identity.people.credentials[made.id] = made
    with serving(world.cloud) as url:
        auth = {"auth_url": f"{url}/identity/v3", "application_credential_id": made.id}
        auth["application_credential_secret"] = "s3cret"
        entry = {"auth_type": "v3applicationcredential", "auth": auth}
        identity = connected(json.dumps({"clouds": {"openstack": entry}})).identity
    assert (identity.project_id, identity.user_id) == (world.team.id, world.alice.id)
