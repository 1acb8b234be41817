"""An echo server on asyncio or uvloop: echo_asyncio.py <asyncio|uvloop> <protocol|streams>. Prints "listening PORT".

One idea: Python has two ways to write it, callbacks and coroutines, and they differ a lot; both are here. Both loops
set TCP_NODELAY on a TCP connection by themselves.
"""
import asyncio
import sys

LOOP, API = sys.argv[1:3]
READ = 256 * 1024


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo(reader, writer):
    try:
        while data := await reader.read(READ):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main():
    if API == "protocol":
        server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=4096)
    else:
        server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=4096, limit=READ)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if LOOP == "uvloop":
    import uvloop

    uvloop.install()
asyncio.run(main())
