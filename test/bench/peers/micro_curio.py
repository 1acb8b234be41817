"""curio's answers to the small questions: micro_curio.py QUESTION [n=COUNT] [time|bytes|each|open].

One idea: a file of its own, because curio shares no API with asyncio; the shapes are the same. Two numbers are left
out: 200,000 tasks that sleep, or wait under a timeout, at the same time did not end within five minutes.
"""
import gc
import json
import os
import sys
import time

import curio

QUESTION = sys.argv[1]
COUNT = next((int(a[2:]) for a in sys.argv if a.startswith("n=")), 1_000_000)
PART = sys.argv[-1]


async def per_item(n, timed, repetitions=5):
    await timed(n)
    results = []
    for _ in range(repetitions):
        gc.collect()
        results.append(await timed(n) / n)
    return sorted(results)[repetitions // 2]


async def joined(tasks):
    for task in tasks:
        await task.join()


def among(tasks):
    async def turns(count):
        for _ in range(count):
            await curio.sleep(0)

    async def timed(n):
        begin = time.perf_counter_ns()
        await joined([await curio.spawn(turns, n // tasks) for _ in range(tasks)])
        return time.perf_counter_ns() - begin

    return timed


def spawn(batch):
    async def child():
        pass

    async def timed(n):
        begin = time.perf_counter_ns()
        for _ in range(0, n, batch):
            await joined([await curio.spawn(child) for _ in range(batch)])
        return time.perf_counter_ns() - begin

    return timed


async def handover(n):
    ping, pong = curio.Event(), curio.Event()

    async def first():
        for _ in range(0, n, 2):
            await ping.wait()
            ping.clear()
            await pong.set()

    async def second():
        for _ in range(0, n, 2):
            await ping.set()
            await pong.wait()
            pong.clear()

    begin = time.perf_counter_ns()
    await joined([await curio.spawn(first), await curio.spawn(second)])
    return time.perf_counter_ns() - begin


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


async def sleepers():
    if PART == "time":
        return {}
    count = COUNT // 10
    gc.collect()
    before = resident()
    tasks = [await curio.spawn(curio.sleep, 3600) for _ in range(count)]
    await curio.sleep(0.1)
    return {"rss": (resident() - before) / len(tasks)}


async def timers():
    async def each(n):
        begin = time.perf_counter_ns()
        for _ in range(n):
            async with curio.timeout_after(60):
                pass
        return time.perf_counter_ns() - begin

    if PART not in ("each", "open"):
        return {}
    if PART == "open":
        return {}
    return {"ns": await per_item(COUNT // 10, each, 3)}


async def main():
    if QUESTION == "switch":
        answer = {"ns": await per_item(100_000, among(100)), "nsPair": await per_item(50_000, among(2))}
    elif QUESTION == "spawn":
        answer = {"ns": await per_item(20_000, spawn(100)), "nsSingle": await per_item(20_000, spawn(1))}
    elif QUESTION == "handover":
        answer = {"ns": await per_item(50_000, handover)}
    else:
        answer = await {"sleepers": sleepers, "timers": timers}[QUESTION]()
    print(json.dumps(answer), flush=True)
    os._exit(0)  # The long sleepers would be cancelled one by one.


curio.run(main)
