"""The mail hosts: daemons in the world of the laboratory, and an attacker on the path of one of them."""

import json
import os
import select
import socket
import socketserver
import sqlite3
import struct
import subprocess
import threading
import time
import urllib.request

import postgres

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(os.environ.get("CARGO_TARGET_DIR") or os.path.join(HERE, "..", "..", "target"), "debug")


class World:
    """The laboratory, a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen([os.path.join(TARGET, "lab"), "--serve"], stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("LAB="):
                words = line.split("'")[1].split()
                break
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.options = {}
        for word, value in zip(words, words[1:] + [""]):
            if word.startswith("--"):
                self.options[word[2:].replace("-", "_")] = "" if value.startswith("--") else value
        self.dns = self.options["dns"]

    def configuration(self, dns=None):
        """The lines that put a host into it."""
        lines = [f'dns = ["{dns or self.dns}"]', "allow_private_addresses = true",
                 f'https_port = {self.options["https_port"]}']
        lines += [f'{key} = "{self.options[key]}"' for key in ("trust_anchor", "ca_file")]
        return "\n".join(lines) + "\n"

    def stop(self):
        """Ends it."""
        self.process.kill()
        self.process.wait(20)


class Attacker:
    """A name server on the path of a host: it passes on what it is asked, and swallows what would tell of a policy."""

    def __init__(self, upstream):
        self.upstream = (upstream.rsplit(":", 1)[0], int(upstream.rsplit(":", 1)[1]))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        attacker = self

        class Stream(socketserver.BaseRequestHandler):
            """Over TCP the same."""

            def handle(self):
                with socket.create_connection(attacker.upstream, 5) as up:
                    while True:
                        head = self.request.recv(2, socket.MSG_WAITALL)
                        if len(head) < 2:
                            return
                        question = self.request.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                        if attacker.swallows(question):
                            return
                        up.sendall(head + question)
                        size = up.recv(2, socket.MSG_WAITALL)
                        self.request.sendall(size + up.recv(struct.unpack("!H", size)[0], socket.MSG_WAITALL))

        class Server(socketserver.ThreadingTCPServer):
            """On the same port."""
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request, client_address):
                """Somebody hung up."""

        self.stream = Server(("127.0.0.1", self.socket.getsockname()[1]), Stream)
        threading.Thread(target=self.stream.serve_forever, daemon=True).start()
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def swallows(question):
        """Whether it is about a policy: its first label says so."""
        label = question[13:13 + question[12]].lower()
        return label in (b"_mta-sts", b"mta-sts", b"_smtp_sts", b"_smtp-sts")

    def _serve(self):
        asked = {}
        up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            ready, _, _ = select.select([self.socket, up], [], [])
            if self.socket in ready:
                question, who = self.socket.recvfrom(4096)
                if len(question) > 13 and not self.swallows(question):
                    asked[question[:2]] = who
                    up.sendto(question, self.upstream)
            if up in ready:
                reply, _ = up.recvfrom(65535)
                who = asked.pop(reply[:2], None)
                if who:
                    self.socket.sendto(reply, who)


class Host:
    """A mail host: a daemon, its configuration, its cache."""

    def __init__(self, directory, name, world, fleet=None, dns=None):
        self.name, self.home = name, os.path.join(directory, f"host-{name}")
        os.makedirs(self.home, mode=0o750)
        self.configuration = os.path.join(self.home, "config.toml")
        self.cache = os.path.join(self.home, "cache.db")
        self.exim, self.http = postgres.free_port(), postgres.free_port()
        self.base = world.configuration(dns) + f'cachedb = "{self.cache}"\n'
        self.places = f'[serve]\nexim = "127.0.0.1:{self.exim}"\nhttp = "127.0.0.1:{self.http}"\n'
        self.fleet = fleet
        self.process, self.environment = None, {}
        self.write()

    def write(self, fleet=None):
        """The configuration, with this section for the fleet."""
        if fleet is not None:
            self.fleet = fleet
        with open(self.configuration, "w") as file:
            file.write(self.base + self.places + (self.fleet or ""))

    def start(self, environment=None):
        """Starts the daemon, and waits until it answers."""
        log = open(os.path.join(self.home, "log"), "ab")
        command = [os.path.join(TARGET, "smtp-sts-verify"), "serve", "--allow-root", "--config", self.configuration,
                   "--log-format", "text"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        wait(lambda: self.page("/readyz") is not None, f"the daemon of {self.name}", 20)
        return self

    def stop(self):
        """Ends it."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def kill(self):
        """Ends it as a lost machine does."""
        self.process.kill()
        self.process.wait(30)

    def page(self, path):
        """A page of the daemon; None if there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            return None

    def ask(self, domain, host):
        """The answer to Exim, and how long it took."""
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.exim), 10) as one:
            one.sendall(f"P {domain} {host}\n".encode())
            one.shutdown(socket.SHUT_WR)
            line = b""
            while part := one.recv(4096):
                line += part
        return line.decode().strip(), time.monotonic() - begun

    def verdict(self, domain, host):
        """`verdict reason` of an answer."""
        words = dict(word.split("=", 1) for word in self.ask(domain, host)[0].split() if "=" in word)
        return f"{words.get('verdict')} {words.get('reason')}"

    def command(self, *words):
        """What the program says to an operator on that host: (exit code, output)."""
        command = [os.path.join(TARGET, "smtp-sts-verify"), *words, "--config", self.configuration]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **self.environment})
        return done.returncode, done.stdout + done.stderr

    def rows(self, sql, file="cache.fleet.db"):
        """What a file of the cache says; nothing while there is none."""
        path = os.path.join(self.home, file)
        if not os.path.exists(path):
            return []
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            connection.close()

    def hears_of(self, domain):
        """Whether another host's word of that domain is here."""
        return bool(self.rows(f"SELECT 1 FROM hearsay WHERE domain = '{domain}'"))

    def policies(self):
        """What this host has fetched, or several have: domain, dialect, mode."""
        command = [os.path.join(TARGET, "smtp-sts-verify"), "cache", "list", "--format", "json", "--config",
                   self.configuration]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return {(one["domain"], one["mechanism"]): one["mode"] for one in map(json.loads, lines)}

    def connected(self):
        """Whether the fleet's database is there for it."""
        return any(line.startswith("smtp_sts_serve_fleet_connected ") and line.split()[1] != "0"
                   for line in (self.page("/metrics") or "").splitlines())


def wait(condition, what, seconds):
    """Waits until it holds; how long that took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - begun
