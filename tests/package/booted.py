"""What systemd makes of the package's units. It runs below systemd itself; see tests/package/systemd."""

import contextlib
import os
import re
import shutil
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
    run("sh", "-ec", exim.readme("undo-daemon"))
    left = run("find", "/etc", "/usr/bin", "/usr/lib/systemd", "/lib/systemd", "/var/lib", "/run", "-name", "smtp-sts-verify*")
    assert not left, left


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
    as_it_is = [*inside, "setpriv", "--reuid=Debian-exim", "--regid=Debian-exim", "--clear-groups"]
    for look in (["cat", "/etc/shadow"], ["ls", "/home"], ["ls", "/root"]):
        assert "Permission denied" in run(*as_it_is, *look, status=1 if look[0] == "cat" else 2)
    assert run("sh", "-c", f"grep -E '^(CapEff|Seccomp|NoNewPrivs):' /proc/{inside[2]}/status").split() == [
        "CapEff:", "0000000000000000", "NoNewPrivs:", "1", "Seccomp:", "2"]


@case("a reload with a wrong configuration fails and says why; the same process goes on, and is reloaded when it is mended")
def reloaded():
    daemon = shown(SERVICE, "MainPID")
    with changed(CONFIGURATION, "[serve]\ndns = '127.0.0.1'\n"):
        run("systemctl", "reload", SERVICE, status=1)
        said = run("systemctl", "status", "--full", "--no-pager", SERVICE)
        assert "dns belongs above all sections" in said, said
        answers()
        # Whoever sends the signal by hand sees it in the status, too, until the file is mended.
        run("systemctl", "kill", "--signal=HUP", "--kill-whom=main", SERVICE)
        wait_until(lambda: "An older configuration is in force: " in shown(SERVICE, "StatusText"))
        answers()
    wait_until(lambda: shown(SERVICE, "StatusText").startswith("Answering "))
    run("systemctl", "reload", SERVICE)
    answers()
    assert shown(SERVICE, "MainPID") == daemon


@case("restarted with a wrong configuration: the last good one counts, and the status says so; mended, it counts by itself")
def restarted_wrongly():
    kept = "/var/lib/smtp-sts-verify-config/last-good.toml"
    assert read(kept) == read(CONFIGURATION)
    assert run("stat", "-c", "%U %a", kept, os.path.dirname(kept)) == "root 644\nroot 755"
    with changed(CONFIGURATION, "nonsense = = 1\n"):
        run("systemctl", "restart", SERVICE)
        status = shown(SERVICE, "StatusText")
        assert status.startswith("An older configuration is in force: /etc/smtp-sts-verify/config.toml line 1: "), status
        answers()
        assert read(kept) != read(CONFIGURATION)
    wait_until(lambda: shown(SERVICE, "StatusText").startswith("Answering "))
    inside = ["nsenter", "--target", shown(SERVICE, "MainPID"), "--mount", "--"]
    assert "Read-only file system" in run(*inside, "touch", kept, status=1)


@case("mail that waits is one line in the journal, with its fields and an explanation; the history tells of it, too")
def told():
    asked(question=b"P told.example\n")
    run("journalctl", "--sync")
    line = run("journalctl", "--no-pager", "-o", "cat", "-u", SERVICE, "STS_DOMAIN=told.example")
    assert line.startswith("mail waits domain=\"told.example\"") and "smtp_sts_verify::" not in line, line
    assert 'by="exim"' in line and 'configuration="current"' in line and " ms" in line, line
    asked(question=b"P told.example\n")
    run("journalctl", "--sync")
    assert len(run("journalctl", "--no-pager", "-o", "cat", "-u", SERVICE, "STS_DOMAIN=told.example").splitlines()) == 1
    explained = run("journalctl", "--no-pager", "-x", "-u", SERVICE, "STS_DOMAIN=told.example")
    assert "smtp-sts-verify explain told.example" in explained, explained
    history = ["sh", "-c", "smtp-sts-verify cache history told.example"]
    wait_until(lambda: subprocess.run(history, capture_output=True, text=True).stdout.count("mail-waits") == 1)
    assert "2 times until" in run(*history)


@case("one domain is debugged with a reload, and no longer with the next")
def debugged():
    def count(domain="debugged.example"):
        return subprocess.run(["journalctl", "--no-pager", "-o", "cat", "-u", SERVICE, f"STS_DOMAIN={domain}"],
                              capture_output=True, text=True).stdout.count("mail waits")

    with changed(CONFIGURATION, "[serve]\ndebug_domains = 'debugged.example'\nlog_level = 'error'\n"):
        run("systemctl", "reload", SERVICE)
        asked(question=b"P debugged.example\n")
        asked(question=b"P debugged.example\n")
        asked(question=b"P quiet.example\n")
        run("journalctl", "--sync")
        assert (count(), count("quiet.example")) == (2, 0), journal()
    run("systemctl", "reload", SERVICE)
    asked(question=b"P debugged.example\n")
    run("journalctl", "--sync")
    assert count() == 2, journal()


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
        time.sleep(5)  # longer than the watchdog waits: a daemon that is well is left alone
        assert shown(SERVICE, "MainPID") == daemon, f"it does not say that it lives\n{journal()}"
        began = time.monotonic()
        os.kill(int(daemon), 19)
        answers()
        took = time.monotonic() - began
        assert took <= 3 + 2 + 10, f"WatchdogSec=, RestartSec= and a start took {took:.1f} s"
        assert shown(SERVICE, "MainPID") not in (daemon, "0")
    run("systemctl", "daemon-reload")


@case("a wrong configuration, and no earlier one: not tried again and again; Exim gets no socket instead of a dead one; mended, `start` is enough")
def misconfigured():
    run("systemctl", "stop", SERVICE)
    shutil.rmtree("/var/lib/smtp-sts-verify-config")
    with changed(CONFIGURATION, "nonsense = = 1\n"):
        for _ in range(30):
            run("systemctl", "start", SERVICE, status=1)
            assert (shown(SERVICE, "ExecMainStatus"), shown(SERVICE, "NRestarts")) == ("78", "0"), journal()
            with contextlib.suppress(OSError):
                asked()
        wait_until(lambda: not os.path.exists(EXIM_SOCKET))
    run("systemctl", "start", SERVICE)
    is_active(SERVICE, EXIM)
    answers()


@case("a daemon that fails at each start takes its socket with it, and is tried again all the same")
def failing():
    with changed(f"/etc/systemd/system/{SERVICE}.d/test.conf", "[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=100ms\n"):
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", SERVICE, status=1)
        wait_until(lambda: int(shown(SERVICE, "NRestarts")) > 25)
        wait_until(lambda: not os.path.exists(EXIM_SOCKET))
    run("systemctl", "daemon-reload")
    run("systemctl", "start", SERVICE)
    is_active(SERVICE, EXIM)
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
    assert not os.path.exists("/var/lib/smtp-sts-verify-config")


def wait_until(true):
    """Waits for a condition, half a minute at most."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, journal()
        time.sleep(0.1)


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
