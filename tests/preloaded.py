"""Runs the stages of toy workspaces as forks of one process that has imported their libraries.

A job of the toy workflow takes a tenth of a second, and Python needs two seconds to import torch for it. So tests put a
`python` on the PATH that hands the command lines of stages to a server; all other commands go to Python itself. A
stage runs in a process of its own, with the arguments, the folder, the environment and the output of its caller.
"""

import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    *("torch", "pandas", "pydantic", "jaxtyping", "safetensors.torch", "tqdm"),
    *("scipy.special", "scipy.ndimage", "scipy.sparse", "sklearn.cluster", "matplotlib.figure", "PIL.Image", "jinja2"),
)
STAGE = "pipeline.stages."
# The client needs no libraries, so it starts in no time.
PYTHON = """#!/bin/sh
case "$1 $2" in
  "-m {stage}"*) exec {python} -S -E {server} {address} "$@" ;;
  *) exec {python} "$@" ;;
esac
"""


@contextmanager
def server(folder: Path) -> Iterator[Path]:
    """A running server; yields a folder with a `python` that asks it, to be put on the PATH."""
    address, bin_folder = folder / "socket", folder / "bin"
    bin_folder.mkdir(parents=True)
    python = bin_folder / "python"
    python.write_text(
        PYTHON.format(stage=STAGE, python=sys.executable, server=Path(__file__).resolve(), address=address)
    )
    python.chmod(0o755)
    process = subprocess.Popen([sys.executable, __file__, str(address)])
    while not address.exists():
        assert process.poll() is None
        time.sleep(0.05)
    try:
        yield bin_folder
    finally:
        process.terminate()
        process.wait()


def serve(address: str) -> None:
    """Fork a process for each command line that is asked for."""
    for library in LIBRARIES:
        importlib.import_module(library)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(f"{address}.new")
    listening.listen(16)
    os.rename(f"{address}.new", address)
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            watch(connection)
        connection.close()


def watch(connection: socket.socket) -> NoReturn:
    """Run one stage in a process of its own; kill it when its caller is gone, or tell the caller how it ended."""
    message, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    stage = os.fork()
    if stage == 0:
        connection.close()
        run(**json.loads(message), files=files)
    pid = os.pidfd_open(stage)
    ready, _, _ = select.select([connection, pid], [], [])
    if pid not in ready:
        os.kill(stage, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(stage, 0)[1])
    if pid in ready:
        connection.sendall(str(status).encode())
    os._exit(0)


def run(module: str, arguments: list[str], folder: str, environment: dict[str, str], files: list[int]) -> NoReturn:
    """Be the process that `python -m module arguments` would be."""
    for here, file in enumerate(files):
        os.dup2(file, here)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv = [module, *arguments]
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def ask(address: str, module: str, arguments: list[str]) -> int:
    """Have a stage run, and return its exit status."""
    request = {"module": module, "arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(address)
    socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
    answer = connection.recv(16)
    return int(answer) if answer else 1


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    sys.exit(ask(sys.argv[1], sys.argv[3], sys.argv[4:]))
