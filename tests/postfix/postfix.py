"""Debian's Postfix, unpacked into this private system and set up as exim/postfix.md says, and one delivery after the other."""

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
    """One installation; `package` is the directory into which the package was unpacked."""

    def __init__(self, package):
        # Over the machine's own files, in this private system alone; Exim's `sendmail` among them.
        shell(f"tar -C {package} -c etc usr var | tar -C / -x --keep-directory-symlink")
        shell("getent group postfix >/dev/null || groupadd --system postfix")
        shell("getent group postdrop >/dev/null || groupadd --system postdrop")
        shell("getent passwd postfix >/dev/null || "
              "useradd --system --gid postfix --home-dir /var/spool/postfix --no-create-home --shell /usr/sbin/nologin postfix")
        shutil.copy("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
        with open("/usr/share/postfix/main.cf.debian") as base, open("/usr/share/postfix/main.cf.tls") as tls:
            text = base.read() + tls.read()
        with open("/etc/postfix/main.cf", "w") as file:
            file.write(re.sub(r"(?m)^smtpd_tls.*\n", "", text))
        open("/etc/postfix/dynamicmaps.cf", "w").close()
        # What Debian asks when the package is installed, the log in a file for want of a system log, and what only a test
        # needs: no mail from outside, and no destination that is left alone because the mail before had to wait.
        for setting in (
            "myhostname = origin.example", "mydestination =", "inet_interfaces = loopback-only", "inet_protocols = ipv4",
            f"maillog_file = {LOG}", "default_destination_concurrency_failed_cohort_limit = 1000",
            "alias_maps =", "smtp_address_preference = ipv4",
        ):
            self.set(setting)
        # The package's own modes and owners.
        shell("chgrp postdrop /usr/sbin/postdrop /usr/sbin/postqueue && chmod 2555 /usr/sbin/postdrop /usr/sbin/postqueue")
        shell("cd /var/spool/postfix && mkdir -p private pid && chown postfix private && chmod 700 private")
        shell("install -d -o postfix -g postfix /var/lib/postfix")

    def set(self, setting):
        """Changes main.cf."""
        shell(f"postconf -e '{setting}'")

    def start(self):
        """What Debian's unit does."""
        shell("/usr/lib/postfix/configure-instance.sh - && postfix start")

    def restart(self):
        """After a change that a running process does not see."""
        shell("/usr/lib/postfix/configure-instance.sh - && postfix reload")

    def deliver(self, recipient):
        """Hands over a message, waits for the outcome of the first attempt, and removes it; all that the log said."""
        begin = os.path.getsize(LOG) if os.path.exists(LOG) else 0
        command = ["/usr/sbin/sendmail", "-f", SENDER, recipient]
        subprocess.run(command, input=b"Subject: test\n\nHello.\n", check=True, timeout=60)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            log = self.log_since(begin)
            if re.search(r"to=<.*status=(sent|deferred|bounced)", log):
                shell("postsuper -d ALL 2>/dev/null")
                return Delivery(log)
            time.sleep(0.02)
        raise AssertionError(f"no outcome within {PATIENCE} s:\n{self.log_since(begin)}")

    @staticmethod
    def log_since(begin):
        """What the log says since it was that long."""
        if not os.path.exists(LOG):
            return ""
        with open(LOG, "rb") as file:
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


def shell(commands):
    """Runs what an administrator would; its standard output."""
    done = subprocess.run(["bash", "-ec", commands], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout
