"""The simulated cloud with hosts to reserve over HTTP, in a process of its own, by the wall clock.

Prints one line of JSON, its credentials and where it tells its requests, and ends when its stdin does. It runs no task:
each request lets happen what was due before it. Blazar's own manager takes about a second to start a lease, and starts
one after the other; here a start takes a hundredth of that, so that it is not Blazar alone that is measured.
"""

import asyncio
import sys
from datetime import timedelta

import msgspec
from aiohttp import web

from lessor.model.reservations import EventType
from lessor.simulated.cloud.cloud import Cloud
from tests.bench import clock

_START = timedelta(milliseconds=10)
_DAY = timedelta(days=1)  # the bench asks the time of nobody else: no token ends while it runs


def host(index: int) -> str:
    """Give the name of a host."""
    return f"node-{index:05}"


def _furnished(count: int) -> tuple[Cloud, str]:
    """Give a cloud with that many hosts, and who may reserve them, as clouds.yaml without the URL."""
    cloud = Cloud(clock.now, token_life=_DAY)
    user, project = cloud.add_user("bench"), cloud.add_project("bench")
    cloud.assign(user, project, "member")
    cloud.blazar.agenda.durations[EventType.START] = _START
    for index in range(count):
        cloud.inventory.add_host(host(index), node_name=host(index))
    return cloud, cloud.clouds_yaml("{url}", user, project)


async def _serve(count: int) -> None:
    cloud, clouds_yaml = _furnished(count)

    async def take_calls(_: web.Request) -> web.Response:
        """Give the lines of the requests since this was asked last."""
        with cloud.lock:
            lines = [call.line for call in cloud.calls]
            cloud.calls.clear()
        return web.Response(body=msgspec.json.encode(lines), content_type="application/json")

    app = web.Application()
    app.router.add_get("/calls", take_calls)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with cloud.serve() as url:
        told = {"clouds_yaml": clouds_yaml.replace("{url}", url)}
        calls = f"http://127.0.0.1:{runner.addresses[0][1]}/calls"
        sys.stdout.write(msgspec.json.encode({**told, "calls": calls}).decode() + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
