"""The three ways in which Exim asks: by ${run}, of the daemon at a UNIX socket, of the daemon over loopback TCP.

Each has two verifiers: the real one, and a stand-in that gives answers from a table.
"""

import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import exim

RUN, SOCKET, TCP = "run", "socket", "tcp"
ALL, DAEMON = (RUN, SOCKET, TCP), (SOCKET, TCP)
PATH, PORT = "/run/smtp-sts-verify/exim.sock", 8460
# By ${run}: as it comes, with nothing at the socket. Else the daemon alone, so that nobody else answers in its place.
MACROS = {
    RUN: {},
    SOCKET: {"SMTP_STS_VERIFIERS": "daemon"},
    TCP: {"SMTP_STS_VERIFIERS": "daemon", **dict([exim.readme("daemon-loopback").strip().split(" = ")])},
}
TABLE, LOG = "/etc/stand-in.json", "/var/tmp/stand-in.log"
SERVE_LOG = "/var/log/serve.log"


@dataclasses.dataclass
class Asked:
    """One question, whoever it went to. `uid` is None where nobody can tell (TCP), `verified` where it is not told with
    the question."""

    uid: int | None
    domain: str
    host: str | None = None
    verified: str | None = None

    @classmethod
    def by_run(cls, uid, *arguments):
        """The question that these arguments are; there are no others."""
        shape = ["-c", exim.CACHE + "/cache.db", "-d", None, "-m", None, "--tls-verified", None, "--format", "exim"]
        values = {}
        while arguments:
            name, value, *arguments = arguments
            assert name in shape and shape[shape.index(name) + 1] in (None, value), f"{name} {value}"
            values[name] = value
        assert {"-c", "-d", "--format"} <= values.keys(), values
        return cls(uid, values["-d"], values.get("-m"), values.get("--tls-verified"))

    @classmethod
    def by_daemon(cls, uid, line):
        """The question that this line is."""
        found = re.fullmatch(r'P (\S+)(?: ([^" ]+|"(?:[^"\\\n]|\\.)*"))?\n?', line, re.S)
        assert found, f"no question: {line!r}"
        return cls(uid, found[1], found[2] and unquoted(found[2]))


def unquoted(word):
    """A word as Exim's ${quote:} wrote it."""
    if not word.startswith('"'):
        return word
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), word[1:-1], flags=re.S)


def told(line):
    """The words of an event, by their keys."""
    assert re.fullmatch(r'E( [a-z]+=([^" \n]*|"([^"\\\n]|\\.)*"))*\n', line), f"no event: {line!r}"
    return {key: unquoted(value) for key, value in re.findall(r' ([a-z]+)=("(?:[^"\\]|\\.)*"|[^" \n]*)', line)}


def listener(by):
    """A socket at the daemon's place, with the owner and mode that the unit gives it."""
    if by == TCP:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", PORT))
    else:
        remove_socket()
        os.makedirs(os.path.dirname(PATH), exist_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(PATH)
        shutil.chown(PATH, "root", "Debian-exim")
        os.chmod(PATH, 0o660)
    listening.listen(128)
    return listening


def remove_socket():
    """Nothing is at the path."""
    if os.path.lexists(PATH):
        os.unlink(PATH)


class StandIn:
    """The stand-in as a daemon. What it says of a domain stands in the same table as the stand-in program's, apart from
    `behaviour`, a function of connection and question that takes its place."""

    def __init__(self, by):
        self.by, self.behaviour = by, None
        self.questions, self.events = [], []
        self.listening = None

    def start(self):
        """Listens from now on."""
        self.listening = listener(self.by)
        threading.Thread(target=self._accept, args=(self.listening,), daemon=True).start()

    def stop(self):
        """Listens no more, and leaves nothing behind."""
        self.die()
        remove_socket()

    def die(self):
        """Listens no more; what is at the path stays, as after kill -9."""
        if self.listening:
            # A thread that waits in accept() would keep the socket open.
            self.listening.shutdown(socket.SHUT_RDWR)
            self.listening.close()
            self.listening = None

    def _accept(self, listening):
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        uid = None
        if self.by == SOCKET:
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            uid = struct.unpack("3i", credentials)[1]
        with connection, connection.makefile("rb") as stream:
            line = stream.readline().decode("utf-8", "surrogateescape")
            try:
                if line.startswith("E "):
                    self.events.append(line)
                    return
                self.questions.append((uid, line))
                if self.behaviour:
                    self.behaviour(connection, line)
                else:
                    self._from_the_table(connection, line)
            except OSError:
                pass  # Exim hung up

    @staticmethod
    def _from_the_table(connection, line):
        with open(TABLE) as file:
            _, text = json.load(file).get(line.split()[1], [70, ""])
        if text == "hang":
            time.sleep(1000)
        if text != "killed":
            connection.sendall(text.encode())


class Serve:
    """The real daemon, as Exim's user."""

    def __init__(self, by):
        self.by, self.process = by, None
        # As many as it may have here.
        self.descriptors = None

    def start(self, *options):
        """Starts it as the README says, and waits until it listens."""
        remove_socket()
        commands = exim.readme("daemon-alone").strip().replace("setpriv ", "exec setpriv ")
        if self.by == TCP:
            commands = commands.replace(f"--exim {PATH}", f"--exim 127.0.0.1:{PORT}")
        # Time enough on a busy machine: Exim waits for five seconds.
        commands = [commands, "--answer-within 4.5", *options]
        if self.descriptors:
            commands.insert(0, f"ulimit -n {self.descriptors};")
        with open(SERVE_LOG, "a") as log:
            self.process = subprocess.Popen(["sh", "-ec", " ".join(commands)], stdout=log, stderr=log)
        end = time.monotonic() + 20
        while not self._is_listening():
            assert self.process.poll() is None, f"serve ended with {self.process.returncode}: {open(SERVE_LOG).read()[-400:]}"
            assert time.monotonic() < end, "serve does not listen"
            time.sleep(0.01)

    def stop(self, how=signal.SIGTERM):
        """Ends it."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None
        if how != signal.SIGKILL:
            remove_socket()

    def _is_listening(self):
        family, place = (socket.AF_UNIX, PATH) if self.by == SOCKET else (socket.AF_INET, ("127.0.0.1", PORT))
        with socket.socket(family) as attempt:
            return attempt.connect_ex(place) == 0
