"""An echo server on curio, a task for each connection. Prints "listening PORT".

One idea: curio is where our kernel's shape comes from: a small loop, traps, sockets by file descriptor.
"""
import curio
from curio import socket

READ = 256 * 1024


async def echo(client):
    async with client:
        while data := await client.recv(READ):
            await client.sendall(data)


async def main():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    print("listening", listener.getsockname()[1], flush=True)
    while True:
        client, _ = await listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await curio.spawn(echo, client, daemon=True)


curio.run(main)
