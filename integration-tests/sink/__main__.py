"""`python -m sink`: run the stand-in until it is told to stop."""

import argparse
import asyncio
import logging
import signal
import sys

from aiohttp import web

from sink import mail
from sink.faults import FaultBook
from sink.inbox import Inbox
from sink.web import build_app


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sink", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8090, help="HTTP; 0 takes a free one (8090)")
    parser.add_argument("--smtp-port", type=int, default=8025, help="mail; 0 takes a free one")
    return parser.parse_args()


async def run(host: str, port: int, smtp_port: int) -> None:
    """Serve HTTP and SMTP until SIGINT or SIGTERM. Raises OSError when a port is taken."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    inbox, faults = Inbox(), FaultBook()
    runner = web.AppRunner(
        build_app(inbox, faults), access_log=None, handler_cancellation=True, shutdown_timeout=0.5
    )
    await runner.setup()
    server = await mail.serve(host, smtp_port, inbox=inbox, faults=faults)
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        mail_address = server.sockets[0].getsockname()
        logging.getLogger("sink").info(
            "listening: http=%s:%s smtp=%s:%s", *runner.addresses[0][:2], *mail_address[:2]
        )
        await stop.wait()
    finally:
        server.close()
        faults.clear()
        await runner.cleanup()


def main() -> None:
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    options = arguments()
    try:
        asyncio.run(run(options.host, options.port, options.smtp_port))
    except OSError as exc:
        sys.exit(f"the sink cannot start: {exc}")


if __name__ == "__main__":
    main()
