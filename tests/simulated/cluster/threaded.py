"""A simulated server in a thread of its own, for clients that block: requests, kubectl."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lessor.simulated.cluster.server import APIServer


@contextmanager
def serving(server: APIServer) -> Iterator[str]:
    """Serve while the context is open; gives the URL. The server belongs to the thread meanwhile."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    face = server.serve()
    try:
        yield asyncio.run_coroutine_threadsafe(face.__aenter__(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(face.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
