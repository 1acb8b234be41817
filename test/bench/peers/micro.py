"""asyncio's and uvloop's answers to the small questions: micro.py LOOP QUESTION [n=COUNT] [PART].

One idea: the same shapes as the TypeScript variants, on either loop; the loop is the first argument and nothing else
differs. Python has no cheap measure of the bytes of one task, so memory is the growth of the resident set.
"""
import asyncio
import gc
import json
import os
import sys
import time

LOOP, QUESTION = sys.argv[1:3]
COUNT = next((int(a[2:]) for a in sys.argv if a.startswith("n=")), 1_000_000)
PART = sys.argv[-1]


async def per_item(n, timed, repetitions=5):
    await timed(n)
    results = []
    for _ in range(repetitions):
        gc.collect()
        results.append(await timed(n) / n)
    return sorted(results)[repetitions // 2]


def among(tasks):
    async def turns(count):
        for _ in range(count):
            await asyncio.sleep(0)

    async def timed(n):
        begin = time.perf_counter_ns()
        await asyncio.gather(*(turns(n // tasks) for _ in range(tasks)))
        return time.perf_counter_ns() - begin

    return timed


def spawn(batch):
    async def child():
        pass

    async def timed(n):
        begin = time.perf_counter_ns()
        for _ in range(0, n, batch):
            for task in [asyncio.create_task(child()) for _ in range(batch)]:
                await task
        return time.perf_counter_ns() - begin

    return timed


async def handover(n):
    loop = asyncio.get_running_loop()
    ping, pong = loop.create_future(), None

    async def first():
        nonlocal ping
        for _ in range(0, n, 2):
            await ping
            ping = loop.create_future()
            pong.set_result(None)

    async def second():
        nonlocal pong
        for _ in range(0, n, 2):
            pong = loop.create_future()
            ping.set_result(None)
            await pong

    begin = time.perf_counter_ns()
    await asyncio.gather(first(), second())
    return time.perf_counter_ns() - begin


async def sync():
    async def permits(make, n):
        thing = make()
        begin = time.perf_counter_ns()
        for _ in range(n):
            await thing.acquire()
            thing.release()
        return time.perf_counter_ns() - begin

    async def contended(n):
        lock = asyncio.Lock()

        async def turns():
            for _ in range(0, n, 2):
                await lock.acquire()
                await asyncio.sleep(0)
                lock.release()

        begin = time.perf_counter_ns()
        await asyncio.gather(turns(), turns())
        return time.perf_counter_ns() - begin

    async def queue(n):
        items = asyncio.Queue(1)

        async def put():
            for i in range(n):
                await items.put(i)

        async def get():
            for _ in range(n):
                await items.get()

        begin = time.perf_counter_ns()
        await asyncio.gather(put(), get())
        return time.perf_counter_ns() - begin

    parts = {
        "lock": lambda n: permits(asyncio.Lock, n),
        "contended": contended,
        "semaphore": lambda n: permits(lambda: asyncio.Semaphore(2), n),
        "queue": queue,
    }
    # asyncio has no channel.
    return {PART: await per_item(100_000, parts[PART])} if PART in parts else {}


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


async def sleepers():
    if PART == "bytes":
        # A tenth is enough to weigh one: a million would be two gigabytes.
        count = COUNT // 10
        gc.collect()
        before = resident()
        tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
        await asyncio.sleep(0.1)
        return {"rss": (resident() - before) / len(tasks)}
    begin = time.perf_counter()
    await asyncio.gather(*[asyncio.create_task(asyncio.sleep(1)) for _ in range(COUNT)])
    return {"seconds": time.perf_counter() - begin}


async def timers():
    async def each(n):
        begin = time.perf_counter_ns()
        for _ in range(n):
            async with asyncio.timeout(60):
                pass
        return time.perf_counter_ns() - begin

    async def guarded(event):
        async with asyncio.timeout(60):
            await event.wait()

    async def reads(n):
        """What the timeout adds to a read of what is there: nanoseconds for n reads."""

        async def plain():
            begin = time.perf_counter_ns()
            for _ in range(n):
                reader.feed_data(message)
                await reader.read(64)
            return time.perf_counter_ns() - begin

        async def timed():
            begin = time.perf_counter_ns()
            for _ in range(n):
                reader.feed_data(message)
                async with asyncio.timeout(60):
                    await reader.read(64)
            return time.perf_counter_ns() - begin

        reader, message = asyncio.StreamReader(), bytes(64)
        without = await plain()
        return await timed() - without

    if PART == "read":
        return {}
    if PART == "inline":
        return {"inlineTimeout": await per_item(50_000, reads)}
    if PART == "each":
        return {"ns": await per_item(COUNT // 10, each, 3)}
    event = asyncio.Event()
    begin = time.perf_counter()
    tasks = [asyncio.create_task(guarded(event)) for _ in range(COUNT)]
    await asyncio.sleep(0)
    event.set()
    await asyncio.gather(*tasks)
    return {"seconds": time.perf_counter() - begin}


async def main():
    if QUESTION == "switch":
        return {"ns": await per_item(100_000, among(100)), "nsPair": await per_item(50_000, among(2))}
    if QUESTION == "spawn":
        return {"ns": await per_item(30_000, spawn(100)), "nsSingle": await per_item(30_000, spawn(1))}
    if QUESTION == "handover":
        return {"ns": await per_item(100_000, handover)}
    return await {"sync": sync, "sleepers": sleepers, "timers": timers}[QUESTION]()


def finish(answer):
    print(json.dumps(answer), flush=True)
    os._exit(0)  # The long sleepers would be cancelled one by one.


async def answer():
    finish(await main())


if LOOP == "uvloop":
    import uvloop

    uvloop.install()
asyncio.run(answer())
