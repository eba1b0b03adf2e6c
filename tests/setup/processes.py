"""Real processes of an installation for tests: started, waited for by a condition, and always ended."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic
from typing import TypeVar

from tests.setup.forking import Forked

Found = TypeVar("Found")

_never = threading.Event()


def wait_for(
    condition: Callable[[], Found | None], what: str, process: "Process | None" = None, seconds: float = 30
) -> Found:
    """What `condition` answers once it answers anything.

    An AssertionError names `what` did not come, and shows what the process that was to bring it has said.
    """
    deadline = monotonic() + seconds
    while not (found := condition()):
        said = f"; it said:\n{process.output}" if process else ""
        assert process is None or not process.has_ended, f"the process ended before {what}{said}"
        assert monotonic() < deadline, f"waited {seconds} s in vain for {what}{said}"
        _never.wait(0.02)
    return found


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Process:
    """A process whose output is kept in a file."""

    def __init__(self, popen: subprocess.Popen[bytes] | Forked, log: Path) -> None:
        self._popen = popen
        self._log = log

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def says(self, words: str) -> None:
        """Wait until it has printed the words."""
        wait_for(lambda: words in self.output, repr(words), self)

    @property
    def has_ended(self) -> bool:
        return self._popen.poll() is not None

    def ends(self, seconds: float = 20) -> int:
        """Wait for its end; the exit status."""
        return self._popen.wait(seconds)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ask it to end, and wait; the exit status."""
        self._popen.send_signal(signum)
        return self.ends()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._popen.kill()
        self._popen.wait()

    def cut(self) -> None:
        """End it and whatever it started, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def tidy(self) -> None:
        if not self.has_ended:
            self._popen.terminate()
            try:
                self._popen.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


class Installation:
    """A folder, a database and a port, as the environment tells the processes of one installation."""

    def __init__(self, var: Path, database_url: str | None = None) -> None:
        self.var = var
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PLACEMENTS_")}
        self.environ = kept | {"PLACEMENTS_VAR": str(var), "PLACEMENTS_PORT": str(self.port)}
        if database_url:
            self.environ["PLACEMENTS_DATABASE_URL"] = database_url

    @contextmanager
    def running(self, *arguments: str, module: str = "placements.cli") -> Iterator[Process]:
        """`placements ARGUMENTS` (or another module) while the block lasts. `serve` is started from nothing,
        as a person does it; others are forked from what has been imported."""
        log = self.var / f"{'-'.join((module, *arguments))}-{monotonic()}.log"
        log.touch()
        if "serve" in arguments:
            popen: subprocess.Popen[bytes] | Forked = self._afresh(module, arguments, log)
        else:
            popen = Forked(module, arguments, self.environ, log)
        process = Process(popen, log)
        try:
            yield process
        finally:
            process.tidy()

    def _afresh(self, module: str, arguments: tuple[str, ...], log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as file:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=self.environ,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @contextmanager
    def serving(self, *, worker: bool = True) -> Iterator[Process]:
        """The site, ready to answer, and a worker while the block lasts; then both are cut off."""
        with ExitStack() as ends:
            if worker:
                ends.callback(ends.enter_context(self.running("worker")).cut)
            site = ends.enter_context(self.running("site"))
            ends.callback(site.cut)
            self.wait_until_ready(site)
            yield site

    def answer(self, path: str) -> int | None:
        """The status with which the site answers, or None where nothing listens."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("GET", path)
                return connection.getresponse().status
            except (OSError, HTTPException):
                return None

    def wait_until_ready(self, process: Process, seconds: float = 60) -> None:
        """Wait until the site says that it can serve."""
        wait_for(lambda: self.answer("/ready") == 200, "/ready", process, seconds)
