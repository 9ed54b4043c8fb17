"""A program of the stack, and the files that make the supervisor run it."""

import resource
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from native.layout import Layout, digest_of
from native.shell import PATH

DIED_YOUNG_SECONDS = 5
BACK_OFF_SECONDS = 2
FILES = 65536

SCRIPT = """\
#!/bin/sh
# Written by setup.sh for the supervisor; it reads {content}.
{exports}
cd {directory} || exit 70
pid_file={pid_file}
if [ -e "$pid_file" ] && [ $(($(date +%s) - $(stat -c %Y "$pid_file"))) -lt {young} ]; then
  sleep {back_off} # it died young: wait before it starts again
fi
echo $$ >"$pid_file"
cp "$0" {started_as}
exec {command}
"""

SUPERVISOR = """\
; Written by setup.sh.
[unix_http_server]
file={socket}
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
logfile={state}/log/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={state}/run/supervisord.pid
childlogdir={state}/log
directory={state}/run
identifier=tocsin
minfds={files}
umask=077
"""

# startsecs=0: whatever ends is started again at once and for ever; the script waits if it must.
PROGRAM = """\
[program:{name}]
command={script}
autostart=false
autorestart=true
startsecs=0
stopsignal={signal}
stopwaitsecs={seconds}
redirect_stderr=true
stdout_logfile={state}/log/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3
"""


@dataclass(frozen=True, slots=True)
class Program:
    """One long-running process.

    `content` stands for what it reads beside its command (code, configuration): when that changes,
    the process is restarted.
    """

    name: str
    command: tuple[str | Path, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    content: str = ""
    stop_signal: str = "TERM"
    stop_seconds: int = 30


def write(layout: Layout, program: Program) -> bool:
    """Write the start script of a program; return whether it was last started in another way."""
    environment = {
        "PATH": PATH,
        "HOME": str(program.directory),
        "LANG": "C.UTF-8",
        **program.environment,
    }
    started_as = layout.state / "run" / f"{program.name}.started-as"
    exports = "\n".join(f"export {k}={shlex.quote(v)}" for k, v in environment.items())
    text = SCRIPT.format(
        content=digest_of(program.content),
        exports=exports,
        directory=shlex.quote(str(program.directory)),
        started_as=shlex.quote(str(started_as)),
        pid_file=shlex.quote(str(pid_file(layout, program.name))),
        young=DIED_YOUNG_SECONDS,
        back_off=BACK_OFF_SECONDS,
        command=shlex.join(str(part) for part in program.command),
    )
    layout.write(layout.state / "programs" / program.name, text, mode=0o700)
    return not started_as.exists() or started_as.read_text() != text


def pid_file(layout: Layout, name: str) -> Path:
    return layout.state / "run" / f"{name}.pid"


def write_supervisor(layout: Layout, programs: list[Program]) -> Path:
    """Write the supervisor's configuration for these programs and return its path."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    parts = [SUPERVISOR.format(socket=layout.socket, state=layout.state, files=files)]
    for program in programs:
        text = PROGRAM.format(
            name=program.name,
            script=layout.state / "programs" / program.name,
            signal=program.stop_signal,
            seconds=program.stop_seconds,
            state=layout.state,
        )
        parts.append(text)
    path = layout.state / "config" / "supervisord.conf"
    layout.write(path, "".join(parts))
    return path
