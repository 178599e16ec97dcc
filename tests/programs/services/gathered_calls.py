"""usage: gathered_calls.py PORT UPSTREAM_PORT

An HTTP server of one asyncio loop, which makes two calls at once for each request, on connections of
their own.
"""

import asyncio
import sys

port, upstream = map(int, sys.argv[1:])


async def call(target: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", upstream)
    writer.write(b"GET %s HTTP/1.1\r\nHost: upstream\r\nConnection: close\r\n\r\n" % target)
    answer = await reader.read()
    writer.close()
    return answer.split(b"\r\n\r\n", 1)[1]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
    try:
        while True:
            target = (await reader.readuntil(b"\r\n\r\n")).split()[1]
            body = b"".join(await asyncio.gather(call(b"/one" + target), call(b"/two" + target)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        await server.serve_forever()


asyncio.run(main())
