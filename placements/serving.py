"""The processes of a running installation: the site, the worker, and both together under one hand."""

import ctypes
import logging
import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path

from flask import Flask
from gunicorn.app.base import BaseApplication
from honcho.manager import Manager
from honcho.printer import Message, Printer
from honcho.process import Process
from huey.consumer import Consumer

from placements import tasks
from placements.settings import Settings

# The site says this once it can answer; `serve` listens for it.
SITE_IS_READY = "The site is ready."
THREADS = 8
# An upload on a slow line has this long; so has any page before its process is taken for stuck.
SECONDS_FOR_A_REQUEST = 120
# Honcho kills after five seconds what it has asked to stop, so requests under way get less.
SECONDS_TO_STOP = 3
# Set for the processes that `serve` starts: they end with it, however it ends.
UNDER_SERVE = "PLACEMENTS_UNDER_SERVE"


class Site(BaseApplication):
    """Gunicorn over an application that each of its processes makes for itself, after the fork."""

    def __init__(self, settings: Settings, make_app: Callable[[], Flask]) -> None:
        self._settings = settings
        self._make_app = make_app
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": address_of(self._settings).removeprefix("http://"),
            "workers": self._settings.site_processes,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": SECONDS_FOR_A_REQUEST,
            "graceful_timeout": SECONDS_TO_STOP,
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_worker_init": lambda _worker: print(SITE_IS_READY, flush=True),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._make_app()


def address_of(settings: Settings) -> str:
    """Where the site is, as one types it."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def port_fault(settings: Settings) -> str | None:
    """Why the site cannot listen where the settings say, in words, or None where it can."""
    where = f"port {settings.port} of {settings.host}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return (
            f"The site cannot listen on {where} ({reason}). Stop what is using it, or choose another:"
            f" make run PORT={settings.port + 1}, or PLACEMENTS_PORT={settings.port + 1}."
        )
    return None


def run_worker(app: Flask) -> None:
    """Do the queue's jobs, one at a time, until told to stop; first take up what an earlier one left."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    # Huey tells of every start, stop and poll; what goes wrong is enough.
    logging.getLogger("huey").setLevel(logging.WARNING)
    with app.app_context():
        tasks.do_chores()
    print("The worker is ready.", flush=True)
    # On a queue in a file the worker looks for work ten times a second at first, each second when idle.
    Consumer(app.extensions["huey"], workers=1, initial_delay=0.1, max_delay=1.0).run()


def end_with_parent(signum: int) -> None:
    """Have the kernel send this process a signal when its parent ends; on Linux, which alone can."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signum)


class _Child(Process):
    """What honcho keeps beside each process to read its output; a killed `serve` leaves none behind."""

    def run(self, events: "Queue[Message] | None" = None, ignore_signals: bool = False) -> None:
        end_with_parent(signal.SIGKILL)
        super().run(events, ignore_signals)


class _Announcer(Printer):
    """Prints what both processes say, and an announcement as soon as the site can answer."""

    def __init__(self, announcement: str) -> None:
        super().__init__(sys.stdout)
        self._announcement = announcement

    def write(self, message: Message) -> None:
        super().write(message)
        if message.name == "site" and SITE_IS_READY in _text(message.data) and self._announcement:
            print(f"\n{self._announcement}\n", flush=True)
            self._announcement = ""


def run_both(announcement: str) -> int:
    """Run the site and the worker until Ctrl-C, or until one of them ends, which ends the other.

    Returns the exit status: 0 where somebody asked for the end, 1 where a process ended by itself.
    """
    manager = Manager(_Announcer(announcement))
    manager._process_ctor = _Child
    environ = os.environ | {UNDER_SERVE: "on"}
    here = str(Path(__file__).resolve().parent.parent)
    for name in ("site", "worker"):
        # exec: the process that honcho knows is the one that does the work, so signals reach it.
        manager.add_process(
            name, "exec " + shlex.join([sys.executable, "-m", "placements.cli", name]), env=environ, cwd=here
        )
    manager.loop()
    if manager.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM):
        return 0
    print(
        "The site or the worker ended by itself (see above), so the other was stopped too.", file=sys.stderr
    )
    return 1


def _text(data: bytes | str) -> str:
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else data
