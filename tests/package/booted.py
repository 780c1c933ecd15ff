"""What systemd makes of the package's units. It runs below systemd itself; see tests/package/systemd."""

import contextlib
import os
import re
import socket
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "exim"))

import exim  # noqa: E402
import harness  # noqa: E402

SERVICE, EXIM, POSTFIX = "smtp-sts-verify.service", "smtp-sts-verify-exim.socket", "smtp-sts-verify-postfix.socket"
EXIM_SOCKET, POSTFIX_SOCKET = "/run/smtp-sts-verify/exim.sock", "/run/smtp-sts-verify/postfix.sock"
CONFIGURATION = "/etc/smtp-sts-verify/config.toml"
CASES = []
case = harness.case


def run(*command, status=0):
    """Runs a command as an administrator would; what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
    said = (done.stdout + done.stderr).strip()
    assert done.returncode == status, f"{' '.join(command)} ended with {done.returncode}, not {status}: {said}\n{journal()}"
    return said


def journal():
    """What the daemon logged, and systemd about it."""
    return subprocess.run(["journalctl", "--no-pager", "-n", "30", "-u", SERVICE, "-u", EXIM, "-u", POSTFIX],
                          capture_output=True, text=True).stdout


def shown(unit, what):
    """A property of a unit."""
    return run("systemctl", "show", "--value", "-p", what, unit)


def is_active(*wanted):
    """The units that are active are these."""
    active = [unit for unit in (SERVICE, EXIM, POSTFIX) if shown(unit, "ActiveState") == "active"]
    assert active == list(wanted), f"{active}\n{journal()}"


def asked(place=EXIM_SOCKET, question=b"P example.org\n", user=None):
    """What is answered there: to root, or to another user."""
    if user:
        program = f"import sys; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r}); import booted; " \
                  f"print(booted.asked({place!r}, {question!r}))"
        return run("setpriv", "--reuid", user, "--regid", user, "--init-groups", "/usr/bin/python3", "-B", "-c", program)
    with socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET) as peer:
        peer.settimeout(10)
        peer.connect(place)
        peer.sendall(question)
        peer.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: peer.recv(4096), b"")).decode()


def answers(**how):
    """There is an answer. Which one does not matter: there is no DNS in this world."""
    answer = asked(**how)
    assert answer.startswith("verdict="), f"{answer!r}\n{journal()}"


@case("without the package, as the README says: the socket and the daemon are there")
def by_hand():
    run("sh", "-ec", "dpkg-deb --fsys-tarfile /mnt/package.deb | tar -x -C / ./usr/bin/smtp-sts-verify")
    run("sh", "-ec", "cd /mnt/project\n" + exim.readme("daemon-systemd"))
    is_active(SERVICE, EXIM)
    answers()
    run("systemctl", "disable", "--now", SERVICE, EXIM)
    run("sh", "-ec", "rm -r /etc/systemd/system/smtp-sts-verify* /etc/*.d/smtp-sts-verify.conf /usr/bin/smtp-sts-verify "
        "/var/lib/smtp-sts-verify /run/smtp-sts-verify && systemctl daemon-reload")


@case("installed: the socket and the daemon are there, the daemon as Exim's user; its socket is Exim's from birth")
def installed():
    run("dpkg", "-i", "/mnt/package.deb")
    is_active(SERVICE, EXIM)
    meta = os.stat(EXIM_SOCKET)
    assert (stat.S_IMODE(meta.st_mode), meta.st_uid) == (0o660, 0), meta
    assert run("stat", "-c", "%G", EXIM_SOCKET) == "Debian-exim"
    assert run("stat", "-c", "%U", "/proc/" + shown(SERVICE, "MainPID")) == "Debian-exim"
    answers()


@case("Exim's user may ask, a stranger may not")
def permitted():
    assert asked(user="Debian-exim").startswith("verdict=")
    said = run("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "/usr/bin/python3", "-c",
               f"import socket; socket.socket(socket.AF_UNIX).connect({EXIM_SOCKET!r})", status=1)
    assert "Permission denied" in said, said


@case("its walls: it can write what it remembers, and nothing else")
def walled():
    assert run("stat", "-c", "%U %G %a", "/var/lib/smtp-sts-verify") == "Debian-exim Debian-exim 750"
    inside = ["nsenter", "--target", shown(SERVICE, "MainPID"), "--mount", "--"]
    mine = "/var/lib/smtp-sts-verify/mine"
    run(*inside, "touch", mine)
    os.unlink(mine)
    for place in ("/etc", "/usr", "/var/lib"):
        assert "Read-only file system" in run(*inside, "touch", place + "/mine", status=1)
    assert run("sh", "-c", f"grep -E '^(CapEff|Seccomp|NoNewPrivs):' /proc/{inside[2]}/status").split() == [
        "CapEff:", "0000000000000000", "NoNewPrivs:", "1", "Seccomp:", "2"]


@case("reloaded: the same process goes on, with a configuration that does not read, too")
def reloaded():
    daemon = shown(SERVICE, "MainPID")
    with changed(CONFIGURATION, "nonsense = = 1\n"):
        run("systemctl", "reload", SERVICE)
        answers()
    run("systemctl", "reload", SERVICE)
    answers()
    assert shown(SERVICE, "MainPID") == daemon


@case("killed: systemd starts another one, and who asks meanwhile waits and is answered")
def killed():
    daemon = shown(SERVICE, "MainPID")
    run("systemctl", "kill", "--signal=KILL", SERVICE)
    answers()
    assert shown(SERVICE, "MainPID") not in (daemon, "0")


@case("stopped: it ends in order, the next question starts it again; stopped with its socket, no socket is left")
def stopped():
    run("systemctl", "stop", SERVICE)
    assert shown(SERVICE, "Result") == "success", journal()
    answers()
    is_active(SERVICE, EXIM)
    run("systemctl", "stop", SERVICE, EXIM)
    assert not os.path.exists(EXIM_SOCKET)
    run("systemctl", "start", SERVICE)
    is_active(SERVICE, EXIM)
    answers()


@case("a daemon that is stuck is noticed, and another one takes its place")
def stuck():
    with changed(f"/etc/systemd/system/{SERVICE}.d/test.conf", "[Service]\nWatchdogSec=3\n"):
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", SERVICE)
        daemon = shown(SERVICE, "MainPID")
        time.sleep(5)
        assert shown(SERVICE, "MainPID") == daemon, f"it does not say that it lives\n{journal()}"
        os.kill(int(daemon), 19)
        answers()
        assert shown(SERVICE, "MainPID") not in (daemon, "0")
    run("systemctl", "daemon-reload")


@case("a wrong configuration is not tried again and again; Exim then gets no socket instead of a dead one")
def misconfigured():
    run("systemctl", "stop", SERVICE)
    with changed(CONFIGURATION, "nonsense = = 1\n"):
        run("systemctl", "start", SERVICE, status=1)
        assert (shown(SERVICE, "ExecMainStatus"), shown(SERVICE, "NRestarts")) == ("78", "0"), journal()
        with contextlib.suppress(OSError):
            asked()
        end = time.monotonic() + 10
        while os.path.exists(EXIM_SOCKET):
            assert time.monotonic() < end, journal()
            time.sleep(0.1)
    run("systemctl", "reset-failed", SERVICE, EXIM)
    run("systemctl", "start", SERVICE)
    answers()


@case("the loopback port for Exim, as its file says")
def loopback():
    with changed(f"/etc/systemd/system/{EXIM}.d/loopback.conf", read("/mnt/project/exim/daemon/exim-loopback.conf")):
        said_by(f"/etc/systemd/system/{EXIM}.d/loopback.conf")
        answers(place=("127.0.0.1", 8460))
        answers()
    run("systemctl", "daemon-reload")


@case("Postfix's socket, enabled as its unit says: Postfix's from birth, and answered")
def postfix():
    run("groupadd", "--system", "postfix")
    said_by(f"/lib/systemd/system/{POSTFIX}")
    is_active(SERVICE, EXIM, POSTFIX)
    assert run("stat", "-c", "%U %G %a", POSTFIX_SOCKET) == "root postfix 660"
    question = b"policy example.org"
    answer = asked(place=POSTFIX_SOCKET, question=b"%d:%s," % (len(question), question))
    assert re.fullmatch(r"\d+:(OK|NOTFOUND|TEMP) .*,", answer), f"{answer}\n{journal()}"
    answers()
    assert run("stat", "-c", "%U %G %a", EXIM_SOCKET) == "root Debian-exim 660"


@case("upgraded: another daemon, the same sockets")
def upgraded():
    daemon, sockets = shown(SERVICE, "MainPID"), [os.stat(path).st_ino for path in (EXIM_SOCKET, POSTFIX_SOCKET)]
    run("dpkg", "-i", "/mnt/package.deb")
    is_active(SERVICE, EXIM, POSTFIX)
    assert shown(SERVICE, "MainPID") != daemon
    assert [os.stat(path).st_ino for path in (EXIM_SOCKET, POSTFIX_SOCKET)] == sockets
    answers()


@case("purged: nothing of it runs, and systemd has no complaint")
def purged():
    run("dpkg", "-P", "smtp-sts-verify")
    left = run("systemctl", "list-units", "--all", "--no-legend", "smtp-sts-verify*")
    assert not left, left
    assert not os.path.exists("/run/smtp-sts-verify") and not os.path.exists("/var/lib/smtp-sts-verify")


def said_by(path):
    """Runs the commands in the comment at the top of a file: lines of systemctl behind three blanks."""
    commands = re.findall(r"(?m)^#   (systemctl .*)$", read(path))
    assert commands, path
    for command in commands:
        run("sh", "-ec", command)


def read(path):
    """A whole file."""
    with open(path) as file:
        return file.read()


@contextlib.contextmanager
def changed(path, text):
    """A file says something else for a while, or is there for a while."""
    before = read(path) if os.path.exists(path) else None
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    try:
        yield
    finally:
        if before is None:
            os.unlink(path)
        else:
            with open(path, "w") as file:
                file.write(before)


if __name__ == "__main__":
    LEDGER = harness.Ledger(None, by="systemd")
    for function in CASES:
        LEDGER.run(function.words, function)
    LEDGER.close()
