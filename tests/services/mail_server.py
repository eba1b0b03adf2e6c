"""A mail server for tests: speaks as much SMTP as a client needs, keeps what it takes, refuses on demand."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """`refusals`: recipient to the answer it gets, such as "550 nobody here"; `hangs_up_on`: recipients whose
    message is taken in full, after which the connection breaks without a word; `holds`: after so many
    messages it says nothing more until `let_go` is set, and `holding` says that it is so."""

    port: int = 0
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    hangs_up_on: set[str] = field(default_factory=set)
    holds: int | None = None
    holding: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        return [to for to, _ in self.taken]


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        server: MailServer = self.server.state  # type: ignore[attr-defined]
        self._say("220 test")
        to = ""
        while line := self.rfile.readline():
            verb = line.decode().strip().upper()
            if verb.startswith(("EHLO", "HELO")):
                self._say("250 test")
            elif verb.startswith("RCPT TO"):
                to = line.decode().split("<")[1].split(">")[0]
                self._say(server.refusals.get(to, "250 ok"))
            elif verb == "DATA":
                self._say("354 go on")
                data = b"".join(iter(self.rfile.readline, b".\r\n"))
                server.taken.append((to, message_from_bytes(data, policy=policy.default)))  # type: ignore[arg-type]
                if to in server.hangs_up_on:
                    return
                if len(server.taken) == server.holds:
                    server.holding.set()
                    server.let_go.wait()
                    return
                self._say("250 ok")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    state: MailServer


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server on a port of its own while the block lasts."""
    with Server(("127.0.0.1", 0), Talk) as server:
        server.state = MailServer(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.state
        finally:
            server.state.let_go.set()
            server.shutdown()
            thread.join()
