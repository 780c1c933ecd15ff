"""Debian's Postfix, unpacked and set up as exim/postfix.md says, and one delivery after the other.

The one of this machine's own suite lies over the machine's files, in this private system alone; one of another suite has a root
of its own, with that suite's libraries, in which all of its commands run.
"""

import os
import re
import shutil
import subprocess
import time

import exim

SENDER = "sender@origin.example"
LOG = "/var/log/mail.log"
PATIENCE = 30



class Postfix:
    """One installation; `place` is the directory into which tests/postfix/fetch unpacked it, `scratch` one of our own."""

    def __init__(self, place, scratch):
        self.root = scratch + "/root" if os.path.basename(place) == "root" else ""
        for group in ("postfix", "postdrop"):
            shell(f"getent group {group} >/dev/null || groupadd --system {group}")
        shell("getent passwd postfix >/dev/null || "
              "useradd --system --gid postfix --home-dir /var/spool/postfix --no-create-home --shell /usr/sbin/nologin postfix")
        if self.root:
            self._enter(place, scratch)
        else:
            # Over the machine's own files; Exim's `sendmail` among them.
            shell(f"tar -C {place} -c etc usr var | tar -C / -x --keep-directory-symlink")
        self.log = self.path(LOG)
        self._main_and_master()
        self.version = self.shell("postconf -h mail_version").strip()
        self.numbers = tuple(int(number) for number in re.findall(r"\d+", self.version))
        # What Debian asks when the package is installed, the log in a file for want of a system log, and what only a test
        # needs: no mail from outside, and no destination that is left alone because the mail before had to wait.
        for setting in (
            "myhostname = origin.example", "mydestination =", "inet_interfaces = loopback-only", "inet_protocols = ipv4",
            f"maillog_file = {LOG}", "default_destination_concurrency_failed_cohort_limit = 1000",
            "alias_maps =", "smtp_address_preference = ipv4",
        ):
            self.set(setting)
        # The package's own modes and owners.
        self.shell("chgrp postdrop /usr/sbin/postdrop /usr/sbin/postqueue && chmod 2555 /usr/sbin/postdrop /usr/sbin/postqueue")
        self.shell("mkdir -p /var/spool/postfix && cd /var/spool/postfix && mkdir -p private pid && chown postfix private && "
                   "chmod 700 private")
        self.shell("mkdir -p /var/lib/postfix && chown postfix:postfix /var/lib/postfix")

    def _enter(self, place, scratch):
        """A root of its own that can be written to, with what this private system is: its users, names, CAs, sockets."""
        for directory in ("root", "root-over", "root-work"):
            os.makedirs(f"{scratch}/{directory}")
        shell(f"mount -t overlay -o lowerdir={place},upperdir={scratch}/root-over,workdir={scratch}/root-work overlay {self.root}")
        shell(f"cd {self.root} && mkdir -p proc dev run tmp var/log etc/ssl && mount --rbind /proc proc && mount --rbind /dev dev && "
              "mount --rbind /run run && mkdir -p etc/ssl/certs && mount --rbind /etc/ssl/certs etc/ssl/certs && "
              "rm -f etc/resolv.conf && cp /etc/passwd /etc/group /etc/hosts /etc/resolv.conf /etc/nsswitch.conf etc")

    def _main_and_master(self):
        for directory in ("/etc/postfix", "/usr/share/postfix"):
            os.makedirs(self.path(directory), exist_ok=True)
        shutil.copy(self.path("/usr/share/postfix/master.cf.dist"), self.path("/etc/postfix/master.cf"))
        text = ""
        for part in ("debian", "tls"):
            with open(self.path("/usr/share/postfix/main.cf." + part)) as file:
                text += file.read()
        with open(self.path("/etc/postfix/main.cf"), "w") as file:
            file.write(re.sub(r"(?m)^smtpd_tls.*\n", "", text))
        # The kinds of tables whose libraries are there.
        with open(self.path("/usr/share/postfix/dynamicmaps.cf")) as file:
            tables = [line for line in file if os.path.exists(self.path("/usr/lib/postfix/") + line.split()[1])]
        with open(self.path("/etc/postfix/dynamicmaps.cf"), "w") as file:
            file.writelines(tables)

    def path(self, path):
        """Where a file of its system is."""
        return self.root + path

    def shell(self, commands):
        """Runs what an administrator would, in its system; its standard output."""
        return shell(commands, self.root)

    def set(self, setting):
        """Changes main.cf."""
        self.shell(f"postconf -e '{setting}'")

    def start(self):
        """What Debian's unit does."""
        self._go("start")

    def restart(self):
        """After a change that a running process does not see."""
        self._go("reload")

    def stop(self):
        """Ends it, if it runs."""
        self.shell("postfix stop 2>/dev/null || true")

    def _go(self, how):
        # Before 3.9 it is Debian's unit that does this first, afterwards Postfix itself.
        before = "" if self.numbers >= (3, 9) else "/usr/lib/postfix/configure-instance.sh - && "
        self.shell(f"{before}postfix {how}")

    def deliver(self, recipient, sender=SENDER, text="Subject: test\n\nHello.\n", tries=1):
        """Hands over a message, waits for the outcome of the first attempt, or of at most so many until it is sent, and removes it; all that the
        log said."""
        begin = self.log_size()
        command = [*inside(self.root), "/usr/sbin/sendmail", "-oi", "-f", sender, "--", recipient]
        subprocess.run(command, input=text.encode(), check=True, timeout=60)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            log = self.log_since(begin)
            outcomes = re.findall(r"to=<.*status=(sent|deferred|bounced)", log)
            if outcomes and outcomes[-1] == "deferred" and len(outcomes) < tries:
                time.sleep(0.2)
                self.shell("postqueue -f")
                continue
            if outcomes:
                self.shell("postsuper -d ALL 2>/dev/null")
                return Delivery(log)
            time.sleep(0.02)
        raise AssertionError(f"no outcome within {PATIENCE} s:\n{self.log_since(begin)}")

    def log_size(self):
        """How long the log is now."""
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def log_since(self, begin):
        """What the log says since it was that long."""
        if not os.path.exists(self.log):
            return ""
        with open(self.log, "rb") as file:
            file.seek(begin)
            return file.read().decode("utf-8", "replace")


class Delivery:
    """What the log said about one message."""

    def __init__(self, log):
        self.log = log

    def status(self):
        """The line of the outcome."""
        return [line for line in self.log.splitlines() if re.search("to=<.*status=", line)][-1]


def readme(block):
    """The text of a code block of exim/postfix.md; a comment `<!-- tests/postfix: NAME -->` stands above it."""
    return exim.readme(block, "tests/postfix")


def inside(root):
    """What stands before a command that is to run in a root."""
    return ["chroot", root] if root else []


def shell(commands, root=""):
    """Runs what an administrator would; its standard output."""
    done = subprocess.run([*inside(root), "/bin/bash", "-ec", commands], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout
