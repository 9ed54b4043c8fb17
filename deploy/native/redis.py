"""Redis: the fast path of deduplication; losing it costs at most a repeated notification."""

from native import ports
from native.layout import Layout
from native.programs import Program

CONFIGURATION = """\
# Written by setup.sh.
bind {host}
port {port}
dir {data}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy volatile-ttl
"""

CLI = """\
#!/bin/sh
# Written by setup.sh: redis-cli against the stack's Redis.
exec /usr/bin/redis-cli -h {host} -p {port} "$@"
"""


def program(layout: Layout) -> Program:
    """Write Redis' configuration and describe the process."""
    port = ports.read("TOCSIN_REDIS_PORT")
    data = layout.data("redis")
    path = layout.state / "config" / "redis.conf"
    text = CONFIGURATION.format(host=ports.HOST, port=port.number, data=data)
    layout.write(path, text)
    cli = CLI.format(host=ports.HOST, port=port.number)
    layout.write(layout.bin / "redis-cli", cli, mode=0o755)
    return Program(
        name="redis",
        command=("redis-server", path),
        directory=data,
        content=text,
    )
