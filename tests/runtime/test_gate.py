import asyncio

from lessor.runtime.gate import Gate, Urgency


async def enter(gate: Gate, urgency: Urgency, name: str, order: list[str]) -> None:
    async with gate.through(urgency):
        order.append(name)
        await asyncio.sleep(0)


async def test_claims_go_before_reports_and_events_behind_all() -> None:
    gate, order = Gate(1), list[str]()
    async with gate.through(Urgency.REPORT):
        waiting = [
            asyncio.create_task(enter(gate, Urgency.EVENT, "event", order)),
            asyncio.create_task(enter(gate, Urgency.REPORT, "report", order)),
            asyncio.create_task(enter(gate, Urgency.CLAIM, "claim", order)),
        ]
        await asyncio.sleep(0)
        assert len(gate) == 3
    await asyncio.gather(*waiting)
    assert order == ["claim", "report", "event"]


async def test_no_more_than_its_width_are_inside() -> None:
    gate, inside, most = Gate(2), 0, 0

    async def one() -> None:
        nonlocal inside, most
        async with gate.through(Urgency.REPORT):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(10)))
    assert most == 2


async def test_one_who_gives_up_waiting_leaves_its_place_to_others() -> None:
    gate, order = Gate(1), list[str]()
    async with gate.through(Urgency.REPORT):
        quitter = asyncio.create_task(enter(gate, Urgency.CLAIM, "quitter", order))
        other = asyncio.create_task(enter(gate, Urgency.REPORT, "other", order))
        await asyncio.sleep(0)
        quitter.cancel()
    await other
    assert order == ["other"]
    async with asyncio.timeout(1), gate.through(Urgency.EVENT):
        order.append("free again")
    assert order[-1] == "free again"
