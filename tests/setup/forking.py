"""Processes that begin where a template stands which has imported everything: in a second they serve, where a
fresh interpreter needs five of a processor's first. What they run is the same; that the commands work from
nothing is for the tests of `serve`, which start it afresh."""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.setup.everything"])


class Forked:
    """A process of a session of its own, with what `subprocess.Popen` offers of it."""

    def __init__(self, module: str, arguments: tuple[str, ...], environ: dict[str, str], log: Path) -> None:
        self._process = _context.Process(target=_run, args=(module, arguments, environ, log))
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (status := self._process.exitcode) is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return status

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(module: str, arguments: tuple[str, ...], environ: dict[str, str], log: Path) -> None:
    """As `python -m MODULE ARGUMENTS` would, its output in a file."""
    os.setsid()
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
