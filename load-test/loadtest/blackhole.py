"""A server that reads requests and accepts them unread, for the generator's self-test."""

import asyncio
import sys
from contextlib import suppress

LENGTH = b"content-length:"


async def swallow(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answer: bytes
) -> None:
    """Answer every request of one connection with `answer`."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            at = head.index(LENGTH) + len(LENGTH)
            left = int(head[at : head.index(b"\r\n", at)])
            while left:
                left -= len(await reader.read(left))
            writer.write(answer)
    writer.close()


async def serve(events: int) -> None:
    """Listen on a free port, print it, and serve until the process is ended."""
    body = b'{"accepted":%d}' % events
    answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await swallow(reader, writer, answer=answer)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1024 * 1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1])))
