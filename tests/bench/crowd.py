"""The simulated cloud with many servers over HTTP, in a process of its own, and a file of the size of their whole list.

Prints its URL, a token and the size of the file, and ends when its stdin does. It runs no task: its clock stands still.
"""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from lessor.simulated.clock import SimClock
from lessor.simulated.cloud import records
from lessor.simulated.cloud.cloud import Cloud

_NOW = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)


async def _serve(count: int) -> None:
    cloud = Cloud(SimClock(_NOW).now)
    user, project = cloud.add_user("bench"), cloud.add_project("bench")
    cloud.assign(user, project, "member")
    made = cloud.populate(project, count, user=user)
    token = cloud.identity.give(user, project).id
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "servers.json"
        path.write_bytes(b"".join(records.encoded(server) for server in made))
        app = web.Application()
        app.router.add_static("/", folder)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with cloud.serve() as url:
            static = f"http://127.0.0.1:{runner.addresses[0][1]}/{path.name}"
            sys.stdout.write(f"{url} {static} {token} {path.stat().st_size}\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
