"""A little of what systemd does with a socket and a service, from the very unit files: systemd itself does not run here."""

import configparser
import contextlib
import grp
import os
import pwd
import resource
import signal
import socket
import subprocess
import tempfile
import time

UNITS = "/lib/systemd/system/"


class Daemon:
    """The service, started with its socket as its units say; stops at the end of a `with`."""

    def __init__(self):
        service, listening = _read("smtp-sts-verify.service"), _read("smtp-sts-verify-exim.socket")
        self.path = listening["Socket"]["ListenStream"]
        self.listener = socket.socket(socket.AF_UNIX)
        before = os.umask(0o777 & ~int(listening["Socket"]["SocketMode"], 8))
        self.listener.bind(self.path)
        os.umask(before)
        os.chown(self.path, 0, grp.getgrnam(listening["Socket"]["SocketGroup"]).gr_gid)
        self.listener.listen(int(listening["Socket"]["Backlog"]))
        self.told = tempfile.mkdtemp()
        os.chmod(self.told, 0o755)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.told + "/notify")
        os.chmod(self.told + "/notify", 0o666)
        self.notify.settimeout(0.2)
        self.log = open(self.told + "/log", "w+")
        self.child = self._start(service["Service"], listening["Socket"]["FileDescriptorName"])
        try:
            self._wait_until_ready()
        except Exception:
            self.stop()
            raise

    def _start(self, service, name):
        """The process, with the socket as its third descriptor; it is its own number that LISTEN_PID has to be."""
        user, group = pwd.getpwnam(service["User"]), grp.getgrnam(service["Group"])
        command = service["ExecStart"].split()
        environment = {
            "PATH": "/usr/bin:/bin", "LISTEN_FDS": "1", "LISTEN_FDNAMES": name, "NOTIFY_SOCKET": self.told + "/notify",
            "WATCHDOG_USEC": service["WatchdogSec"] + "000000",
        }
        child = os.fork()
        if child == 0:
            try:
                os.dup2(self.log.fileno(), 1)
                os.dup2(self.log.fileno(), 2)
                os.dup2(self.listener.fileno(), 3)
                os.set_inheritable(3, True)
                # As systemd does where it may not raise what the machine allows.
                files = min(int(service["LimitNOFILE"]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
                os.umask(int(service["UMask"], 8))
                os.setgroups([])
                os.setgid(group.gr_gid)
                os.setuid(user.pw_uid)
                os.chdir("/")
                os.execve(command[0], command, environment | {"LISTEN_PID": str(os.getpid())})
            finally:
                os._exit(127)
        return child

    def _wait_until_ready(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                if "READY=1" in self.notify.recv(4096).decode().split("\n"):
                    return
            assert os.waitid(os.P_PID, self.child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, f"it ended: {self.said()}"
        raise AssertionError(f"the daemon is not ready after 30 s: {self.said()}")

    def said(self):
        """What the daemon logged."""
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """As `systemctl stop`; the exit status."""
        try:
            os.kill(self.child, signal.SIGTERM)
        except ProcessLookupError:
            pass
        _, status = os.waitpid(self.child, 0)
        self.listener.close()
        os.unlink(self.path)  # RemoveOnStop
        return os.waitstatus_to_exitcode(status)


def enabled():
    """The units that systemd would start at boot."""
    found = subprocess.run(
        ["find", "/etc/systemd/system", "-name", "smtp-sts-verify*", "-path", "*.wants/*", "-printf", "%P\n"],
        capture_output=True, text=True, check=True,
    )
    return sorted(found.stdout.split())


def _read(name):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(UNITS + name)
    return unit
