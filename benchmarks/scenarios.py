"""What is measured, and how: one coroutine for each kind of load."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import ceil
from statistics import median
from typing import Any

import uvloop
from attrs import frozen

from benchmarks import proc
from benchmarks.answers import Order, question
from benchmarks.load import Connection, Failed, Tally, Target
from benchmarks.table import FULL, LOST, WAITED

PACED = Order(events=50, pause=10)
FAST = Order(events=100)
BIG_QUESTION = 20_000_000
BIG_ANSWER = Order(size=5_000_000)
OPENED_PER_SECOND = 500
LOOKS_PER_SECOND = 200
PATIENCE = 60.0
"""How much longer than planned a scenario may take, in seconds."""

Figures = dict[str, float]
"""What was measured, by the names of the figures; a unit is part of a name."""


@frozen
class Pace:
    """
    How long to look, in seconds.

    :ivar warm: before anything is counted.
    :ivar look: while it is.
    :ivar hold: the same where there is one event per second.
    :ivar repeats: how often the big request is made.
    """

    warm: float = 1.0
    look: float = 3.0
    hold: float = 6.0
    repeats: int = 8


QUICK = Pace(warm=0.6, look=1.0, hold=2.0, repeats=3)

Scenario = Callable[[Target, Pace], Coroutine[Any, Any, Figures]]


@frozen
class Seen:
    """
    What happened while somebody looked.

    :ivar seconds: how long that was.
    :ivar cpu: the CPU time of the target, in seconds.
    :ivar waited: how long it had to wait for its core, in seconds.
    :ivar clients: how long the clients' core was busy, in seconds.
    """

    tally: Tally
    seconds: float
    cpu: float
    waited: float
    clients: float

    @property
    def requests(self) -> int:
        """How many were answered."""
        return len(self.tally.taken)

    @property
    def cpu_per_event(self) -> float:
        """In microseconds."""
        return self.cpu / self.tally.events * 1e6

    @property
    def asides(self) -> Figures:
        """What tells whether the other figures can be trusted."""
        return {
            FULL: self.clients / self.seconds * 100,
            WAITED: self.waited / self.seconds * 100,
        }


async def idle(target: Target, pace: Pace) -> Figures:
    """Nothing happens, to a proxy that has just started."""
    await asyncio.sleep(pace.warm)
    return {"resident, MB": proc.resident(target.pid) / 1024}


async def unary(clients: int, target: Target, pace: Pace) -> Figures:
    """So many clients ask for short answers, one after the other."""
    async with asking(target, clients, Order(), stream=False) as connections:
        seen = await look(target, connections, pace.warm, pace.look)
    return {
        "requests/s": seen.requests / seen.seconds,
        "CPU per request, ms": seen.cpu / seen.requests * 1e3,
        "p50, ms": median(seen.tally.taken),
        **seen.asides,
    }


async def paced(clients: int, target: Target, pace: Pace) -> Figures:
    """So many streams have an event every few milliseconds each."""
    async with asking(target, clients, PACED, stream=True) as connections:
        seen = await look(target, connections, pace.warm, pace.look)
    return {
        "CPU per event, us": seen.cpu_per_event,
        "first event p50, ms": median(seen.tally.first),
        "event delay p50, ms": median(seen.tally.delays),
        **seen.asides,
    }


async def fast(clients: int, target: Target, pace: Pace) -> Figures:
    """So many streams have all their events at once, and are asked for again."""
    async with asking(target, clients, FAST, stream=True) as connections:
        seen = await look(target, connections, pace.warm, pace.look)
    return {
        "events/s": seen.tally.events / seen.seconds,
        "CPU per event, us": seen.cpu_per_event,
        **seen.asides,
    }


async def slow(clients: int, target: Target, pace: Pace) -> Figures:
    """
    So many streams are open at a time, with an event each second.

    All of them last until the others have been looked at, and then to their end.
    """
    opening = clients / OPENED_PER_SECOND
    order = Order(events=ceil(opening + pace.hold) + 3, pause=1000)
    request = target.request(order, question(), stream=True)
    connections: list[Connection] = []

    async def stream(number: int) -> int:
        await asyncio.sleep(number / OPENED_PER_SECOND)
        connection = await Connection.to(target)
        connections.append(connection)
        with suppress(Failed):  # what it has not received is lost, and counted so
            await connection.ask(request)
        connection.close()
        return connection.events

    before = proc.resident(target.pid)
    async with asyncio.TaskGroup() as group:
        streams = [group.create_task(stream(number)) for number in range(clients)]
        seen = await look(target, connections, opening + 1, pace.hold)
        grown = proc.resident(target.pid) - before
    received = sum(stream.result() for stream in streams)
    return {
        "resident per stream, KB": grown / clients,
        "CPU per event, us": seen.cpu_per_event,
        LOST: clients * order.events - received,
        **seen.asides,
    }


async def body(target: Target, pace: Pace) -> Figures:
    """A client with a big question gets a big answer; another one wants little."""
    request = target.request(BIG_ANSWER, question(BIG_QUESTION))
    client, other = [await Connection.to(target) for _ in range(2)]
    before = top = proc.resident(target.pid)
    is_exact = proc.reset_peak(target.pid)

    async def work() -> None:
        for _ in range(pace.repeats):
            await client.ask(request)

    async with asyncio.TaskGroup() as group:
        working = group.create_task(work())
        while not working.done():
            await other.ask(target.health())
            top = max(top, proc.resident(target.pid))
            await asyncio.sleep(1 / LOOKS_PER_SECOND)
    if is_exact:
        top = proc.peak(target.pid)
    return {
        "p50, ms": median(client.tally.taken),
        "peak growth, MB": (top - before) / 1024,
        "slowest /healthz, ms": max(other.tally.taken),
    }


@asynccontextmanager
async def asking(
    target: Target, clients: int, order: Order, *, stream: bool
) -> AsyncIterator[Sequence[Connection]]:
    """
    So many clients ask for the same again and again.

    :raises Failed: when an answer is not whole.
    """
    request = target.request(order, question(), stream=stream)
    events = order.events if stream else 1
    apart = order.events * order.pause / 1000 / clients

    async def ask(connection: Connection, after: float) -> None:
        await asyncio.sleep(after)  # so that not all have their events at a time
        while True:
            if await connection.ask(request) != events:
                raise Failed("events were lost")

    connections = [await Connection.to(target) for _ in range(clients)]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(ask(connection, number * apart))
            for number, connection in enumerate(connections)
        ]
        yield connections
        for task in tasks:
            task.cancel()


async def look(
    target: Target, connections: Sequence[Connection], warm: float, seconds: float
) -> Seen:
    """Let them warm up, then see what happens in so many seconds."""
    await asyncio.sleep(warm)
    tally = Tally()
    _count_in(tally, connections)
    before, began = _spent(target), time.monotonic()
    await asyncio.sleep(seconds)
    after, ended = _spent(target), time.monotonic()
    _count_in(Tally(), connections)
    spent = (then - now for now, then in zip(before, after, strict=True))
    return Seen(tally, ended - began, *spent)


def _spent(target: Target) -> tuple[float, float, float]:
    """What the target took and waited for, and what the clients' core did, so far."""
    (core, *_) = os.sched_getaffinity(0)
    return (
        proc.cpu_seconds(target.pid),
        proc.waited_seconds(target.pid),
        proc.busy_seconds(core),
    )


def _count_in(tally: Tally, connections: Sequence[Connection]) -> None:
    for connection in connections:
        connection.tally = tally


ALONE: dict[str, Scenario] = {"idle": idle, "body": body}
OF_CLIENTS: dict[str, Callable[..., Coroutine[Any, Any, Figures]]] = {
    "unary": unary,
    "paced": paced,
    "fast": fast,
    "slow": slow,
}
USUAL = ("idle", "unary:1", "unary:32", "paced:32", "fast:32", "slow:1000", "body")
BIG = "slow:5000"


def clients_in(name: str) -> int:
    """
    How many clients a scenario has.

    :raises Failed: when there is no such scenario.
    """
    kind, _, number = name.partition(":")
    if name in ALONE:
        return 2
    if kind in OF_CLIENTS and number.isdecimal() and int(number):
        return int(number)
    known = ", ".join([*ALONE, *(f"{kind}:N" for kind in OF_CLIENTS)])
    raise Failed(f"there is no scenario {name!r}; there are {known}")


def measure(name: str, target: Target, pace: Pace) -> Figures:
    """
    Play a scenario to its end.

    :raises Failed: when the target does not do what it should, or not in time.
    """
    clients = clients_in(name)
    scenario = ALONE.get(name) or partial(OF_CLIENTS[name.split(":")[0]], clients)
    limit = PATIENCE + pace.warm + pace.look + pace.hold + clients / OPENED_PER_SECOND
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_played(scenario, target, pace, limit))
        except* (Failed, OSError, proc.CannotMeasure) as group:
            problem = _first(group)
    raise Failed(f"{name}: {target.name}: {problem}")


async def _played(
    scenario: Scenario, target: Target, pace: Pace, limit: float
) -> Figures:
    try:
        async with asyncio.timeout(limit):
            if scenario is not idle:
                await _prepare(target)
            return await scenario(target, pace)
    except TimeoutError:
        raise Failed(f"it did not end within {limit:.0f} s") from None


async def _prepare(target: Target) -> None:
    """Ask once, so that what a proxy does only once is done."""
    connection = await Connection.to(target)
    await connection.ask(target.request(Order(), question()))
    connection.close()


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
