"""Builds the world of tests/exim, sets Postfix up in it as exim/postfix.md says, and runs the cases."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "exim")]

import cases  # noqa: E402
import cases_reports  # noqa: E402
import exim  # noqa: E402
import harness  # noqa: E402
import names  # noqa: E402
import postfix  # noqa: E402
import world  # noqa: E402

PROGRAM = "/usr/bin/smtp-sts-verify"
CONFIGURATION = "/etc/smtp-sts-verify/config.toml"
ANCHOR = "/etc/smtp-sts-verify/root.anchor"
PLACE = "127.0.0.1:8461"


class Laboratory:
    """What every case gets: the world, Postfix, and the daemon."""

    def __init__(self, scratch, package, program):
        self.world = world.World(scratch)
        postfix.shell(f"install -m 0755 {program} {PROGRAM}")
        postfix.shell("getent passwd Debian-exim >/dev/null || useradd --system --user-group Debian-exim")
        postfix.shell("install -d -o Debian-exim -g Debian-exim -m 0750 /var/lib/smtp-sts-verify")
        os.makedirs(os.path.dirname(CONFIGURATION), exist_ok=True)
        shutil.copy(self.world.names.anchor, ANCHOR)
        with open(CONFIGURATION, "w") as file:
            file.write(f'dns = ["{names.PLAIN}"]\ntrust_anchor = "{ANCHOR}"\n'
                       "allow_private_addresses = true\n" + postfix.readme("serve"))
        self.daemon = None
        self.start_daemon()
        self.program = PROGRAM
        self.postfix = postfix.Postfix(package, scratch)
        if self.postfix.root:
            # The doctor asks Postfix's commands where they are.
            postfix.shell(f"cp {PROGRAM} {self.postfix.root}{PROGRAM} && cp -r /etc/smtp-sts-verify {self.postfix.root}/etc/")
        self.postfix.shell(postfix.readme("main.cf"))
        self.postfix.start()

    def start_daemon(self, *options, group="Debian-exim"):
        """The daemon, as its unit starts it: in the foreground, as a user of its own."""
        identity = ["setpriv", "--reuid=Debian-exim", f"--regid={group}", "--clear-groups"]
        with open("/var/log/smtp-sts-verify.log", "ab") as log:
            self.daemon = subprocess.Popen([*identity, PROGRAM, "serve", *options], stdout=log, stderr=log)
        self.ask("policy .example")

    def stop_daemon(self):
        """Ends the daemon."""
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(20)

    @contextlib.contextmanager
    def without_daemon(self):
        """For a while nobody listens."""
        self.stop_daemon()
        try:
            yield
        finally:
            self.start_daemon()

    @contextlib.contextmanager
    def daemon_at(self, path):
        """For a while the daemon has a UNIX socket, too; who may ask there says the directory."""
        postfix.shell(f"install -d -o Debian-exim -g postfix -m 0750 {os.path.dirname(path)}")
        self.stop_daemon()
        try:
            self.start_daemon("--postfix", PLACE, "--postfix", path, group="postfix")
            yield
        finally:
            self.stop_daemon()
            self.start_daemon()

    @contextlib.contextmanager
    def postfix_set(self, *settings):
        """For a while, Postfix has other settings; afterwards those it had."""
        with open(self.postfix.path("/etc/postfix/main.cf")) as file:
            before = file.read()
        for setting in settings:
            self.postfix.set(setting)
        self.postfix.restart()
        try:
            yield
        finally:
            with open(self.postfix.path("/etc/postfix/main.cf"), "w") as file:
                file.write(before)
            self.postfix.restart()

    @contextlib.contextmanager
    def counting(self, *options):
        """For a while the daemon knows nothing, and takes what Postfix tells of its sessions."""
        place = self.postfix.path("/var/spool/postfix/smtp-sts-verify")
        postfix.shell(f"install -d -o Debian-exim -g postfix -m 0750 {place}")
        self.stop_daemon()
        postfix.shell("rm -f /var/lib/smtp-sts-verify/cache.*")
        try:
            self.start_daemon("--tlsrpt", place + "/tlsrpt.sock", *options, group="postfix")
            yield
        finally:
            self.stop_daemon()
            self.start_daemon()

    def counted(self):
        """What `reports` says when the daemon has ended: sessions by domain, policy, result and code."""
        self.stop_daemon()
        lines = postfix.shell(f"{PROGRAM} reports --format json").splitlines()
        rows = [json.loads(line) for line in lines]
        return {
            (row["domain"].removesuffix(".signed.example"), row["policy"]["type"], row["result"], row["code"]): row["sessions"]
            for row in rows
        }

    def ask(self, request):
        """What the daemon replies, once it is there."""
        host, port = PLACE.split(":")
        end = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection((host, int(port)), timeout=20) as connection:
                    connection.sendall(b"%d:%s," % (len(request.encode()), request.encode()))
                    octets = b""
                    while not octets.endswith(b",") and (more := connection.recv(65536)):
                        octets += more
                    length, _, reply = octets.partition(b":")
                    assert int(length) == len(reply) - 1, octets
                    return reply[:-1].decode("ascii")
            except ConnectionRefusedError:
                status = self.daemon.poll()
                assert status is None and time.monotonic() < end, f"the daemon ended with {status}: " + daemon_log()
                time.sleep(0.02)


def daemon_log():
    """What the daemon has said last."""
    with open("/var/log/smtp-sts-verify.log") as file:
        return "".join(file.readlines()[-20:])


def main():
    """Runs everything; the exit status."""
    scratch, package, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
    only = None
    if "--only" in arguments:
        at = arguments.index("--only")
        only = arguments[at + 1]
        del arguments[at : at + 2]
    program = os.path.abspath(arguments[0]) if arguments else exim.TOP + "/target/release/smtp-sts-verify"
    ledger = harness.Ledger(only, "Postfix")
    lab = Laboratory(scratch, package, program)
    print("Postfix " + lab.postfix.version)
    for case in [*cases.CASES, *cases_reports.CASES]:
        ledger.run(case.words, case, lab)
    lab.stop_daemon()
    lab.postfix.stop()
    return ledger.close()


if __name__ == "__main__":
    sys.exit(main())
