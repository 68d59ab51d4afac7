"""The small server of /healthz, /readyz and /metrics, asked over HTTP."""

import aiohttp
import pytest

from lessor import metrics
from lessor.runtime.probes import PortTaken, Probes


async def get(probes: Probes, path: str) -> tuple[int, str, str]:
    assert probes._runner is not None
    host = "[::1]" if ":" in probes._runner.addresses[0][0] else "127.0.0.1"
    async with aiohttp.ClientSession() as client, client.get(f"http://{host}:{probes.port}{path}") as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def asked(probes: Probes, path: str) -> tuple[int, str, str]:
    await probes.start(0)
    try:
        return await get(probes, path)
    finally:
        await probes.stop()


@pytest.mark.parametrize(
    ("path", "alive", "ready", "code", "words"),
    [
        ("/healthz", None, "not yet", 200, "ok\n"),
        ("/healthz", "nothing has moved for 61 s", None, 503, "nothing has moved for 61 s\n"),
        ("/readyz", "stuck", None, 200, "ok\n"),
        ("/readyz", None, "the first list is not through", 503, "the first list is not through\n"),
    ],
)
async def test_each_probe_says_ok_or_why_not(
    path: str, alive: str | None, ready: str | None, code: int, words: str
) -> None:
    probes = Probes(lambda: alive, lambda: ready, lambda: b"")
    status, _, text = await asked(probes, path)
    assert (status, text) == (code, words)


async def test_metrics_are_the_exposition_as_it_is() -> None:
    probes = Probes(lambda: None, lambda: None, lambda: b"lessor_objects 1.0\n")
    status, kind, text = await asked(probes, "/metrics")
    assert (status, kind, text) == (200, metrics.CONTENT_TYPE, "lessor_objects 1.0\n")


async def test_nothing_else_is_served() -> None:
    status, _, _ = await asked(Probes(lambda: None, lambda: None, lambda: b""), "/")
    assert status == 404


async def test_a_port_that_is_taken_is_an_error_at_the_start() -> None:
    first, second = (Probes(lambda: None, lambda: None, lambda: b"") for _ in range(2))
    await first.start(0)
    try:
        with pytest.raises(PortTaken, match=r"(?i)address already in use"):
            await second.start(first.port)
    finally:
        await second.stop()
        await first.stop()


async def test_one_that_never_started_can_be_stopped() -> None:
    await Probes(lambda: None, lambda: None, lambda: b"").stop()


async def test_any_free_port_is_one_port_of_all_addresses() -> None:
    """asyncio binds the addresses in the order of a set: in some processes `port` is IPv4's, in others IPv6's."""
    probes = Probes(lambda: None, lambda: None, lambda: b"")
    await probes.start(0)
    try:
        assert probes._runner is not None
        assert {address[1] for address in probes._runner.addresses} == {probes.port}
    finally:
        await probes.stop()
