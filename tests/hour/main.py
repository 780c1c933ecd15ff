"""An administrator's first hour in a booted container, with the README in hand; see run. It runs below systemd itself."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "exim")]

import exim  # noqa: E402
import harness  # noqa: E402
import mistakes  # noqa: E402
import mta_sts  # noqa: E402
import names  # noqa: E402
import world  # noqa: E402

CONFIGURATION = "/etc/smtp-sts-verify/config.toml"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive", "COLUMNS": "80"}
PATIENCE = 30


class Example(mta_sts.Domain):
    """example.org, of which the README speaks: its policy permits the second of its MX hosts alone."""

    name = "example.org"

    def records(self):
        return f'@ MX 20 good.hosts.example.\n_mta-sts TXT "v=STSv1; id=1;"\nmta-sts A {mta_sts.POLICY_HOSTS["trusted"]}\n'


class Shell:
    """A root shell at which lines are typed, one after the other."""

    def __init__(self, directory):
        self.process = subprocess.Popen(["bash", "--norc"], cwd=directory, env=ENVIRONMENT, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def type(self, line):
        """What was said, and the exit status; the command reads nothing."""
        self.process.stdin.write("{ " + line + "\n} </dev/null; echo; echo :: $?\n")
        said = ""
        for more in self.process.stdout:
            if more.startswith(":: "):
                return said.strip(), int(more[3:])
            said += more
        raise AssertionError(f"the shell ended at {line}: {said}")


@dataclasses.dataclass
class Step:
    """What the page wants done: a command, or text that a file is to get."""

    command: str = ""
    file: str = ""
    text: str = ""
    appended: bool = False
    is_last_block: bool = False  # what follows is told of afterwards: how to undo it


def steps(page, heading):
    """All that a section wants done, in the order in which it stands there: each line of its blocks of commands, each block that
    belongs into a file, and each command in the text between."""
    with open(f"{exim.TOP}/{page}", encoding="utf-8") as file:
        section = re.search(rf"(?ms)^## {re.escape(heading)}$(.*?)^## ", file.read())[1]
    file, found, last = "", [], 0
    for fence, language, block, span in re.findall(r"(?ms)^(```)(\w*)\n(.*?)^```$|`([^`\n]+)`", section):
        if span.startswith("/etc/"):
            file = span
        elif span:
            if re.match(r"(systemctl|apt|postconf|smtp-sts-verify|smtp-sts-verify-exim) ", span):
                found.append(Step(command=span))
        elif fence and language in ("sh", "bash"):
            found += [Step(command=line) for line in block.replace("\\\n", "").splitlines() if line]
        elif fence:
            assert file, f"the page does not say into which file this belongs: {block}"
            found.append(Step(file=file, text=block, appended=language == "toml"))
        if fence:
            last = len(found) - 1
    found[last].is_last_block = True
    return found


class Hour:
    """The machine, the world around it, and the table of what was done."""

    def __init__(self, server):
        self.server, self.table, self.ledger = server, [], harness.Ledger(None, server)
        mta_sts.DOMAINS.append(Example("@", ["good"], zone="example.org"))
        os.makedirs("/tmp/world")
        self.world = world.World("/tmp/world")
        # Nothing is there, and there is a way to it.
        subprocess.run(["ip", "route", "add", "default", "dev", "lo"], check=True)
        # As a provider leaves it: a resolver that hands everything on, and vouches for nothing.
        with open("/etc/resolv.conf", "w") as file:
            file.write(f"nameserver {names.PLAIN}\n")
        # The source directory, and the package as `exim/debian/build` made it.
        os.makedirs("/root/source/exim/debian")
        shutil.copy("/mnt/package.deb", "/root/source/smtp-sts-verify_0.1.0-1_amd64.deb")
        with open("/root/source/exim/debian/build", "w") as file:
            file.write('#!/bin/sh\necho "$PWD/smtp-sts-verify_0.1.0-1_amd64.deb"\n')
        os.chmod("/root/source/exim/debian/build", 0o755)
        self.shell = Shell("/root/source")
        self.failed = False

    def setting_up(self, *commands):
        """Makes the machine what it is before the hour begins."""
        for command in commands:
            said, status = self.shell.type(command)
            assert status == 0, f"{command} ended with {status}: {said}"

    def do(self, step):
        """One step as the page has it; whether it went well. What was said is shown if not."""
        begun = time.monotonic()
        if step.file:
            with open(step.file, "a" if step.appended else "w", encoding="utf-8") as file:
                file.write(step.text)
            words, said, status = f"({'to the end of' if step.appended else 'as'} {step.file})", "", 0
        else:
            words, (said, status) = step.command, self.shell.type(step.command)
        # The doctor's warnings are no failures of the command.
        fine = status == 0 or (status == 1 and words == "smtp-sts-verify doctor")
        self.tell(words, begun, fine, f"exit status {status}\n{said}")
        return said

    def tell(self, words, begun, fine, said=""):
        """One line of the table."""
        seconds = time.monotonic() - begun
        print(f"{seconds:6.2f} s  {words}", flush=True)
        self.table.append(seconds)
        if fine:
            self.ledger.passed += 1
        else:
            self.ledger.failed += 1
            print("FAIL " + said.replace("\n", "\n     "), flush=True)

    def before_the_internet(self):
        """What this world has and the internet has not: a root of its own, and addresses that are nobody's."""
        anchor = os.path.dirname(CONFIGURATION) + "/root.anchor"
        shutil.copy(self.world.names.anchor, anchor)
        with open(CONFIGURATION) as file:
            shipped = file.read()
        with open(CONFIGURATION, "w") as file:
            file.write(f'trust_anchor = "{anchor}"\nallow_private_addresses = true\n{shipped}')
        self.setting_up("systemctl reload smtp-sts-verify")

    def mail(self, taker, as_wanted):
        """A message to example.org: whether that host has it and no other saw an envelope, and the log says what is wanted."""
        begun = time.monotonic()
        self.world.forget()
        before = len(self.log())
        subprocess.run(["/usr/sbin/sendmail", "-oi", "-f", exim.SENDER, "--", "postmaster@example.org"], text=True,
                       input="Subject: test\n\nHello.\n", timeout=60, check=True)
        wait_for(lambda: re.search(self.outcome, self.log()[before:]))
        log = self.log()[before:]
        saw = [label for label, host in self.world.hosts.items() if host.envelopes]
        took = [label for label, _ in self.world.messages()]
        self.tell(f"a mail to example.org, taken by {', '.join(took) or 'nobody'}", begun, saw == took == [taker] and as_wanted(log),
                  f"envelopes seen by {saw}; the log:\n{log}")


class WithExim(Hour):
    """Debian's Exim as an internet site, in one file, as Debian asks for it."""

    heading = "Exim on one screen"

    def prepare(self):
        self.setting_up(
            "rm -rf /var/spool/exim4/* /var/log/exim4/*", "echo origin.example > /etc/mailname",
            "sed -i -e \"s/^dc_eximconfig_configtype=.*/dc_eximconfig_configtype='internet'/\""
            " -e \"s/^dc_other_hostnames=.*/dc_other_hostnames='origin.example'/\" /etc/exim4/update-exim4.conf.conf",
            "update-exim4.conf", "systemctl start exim4")

    outcome = r" (=>|==|\*\*) postmaster@example\.org "

    def log(self):
        return read(exim.MAINLOG) if os.path.exists(exim.MAINLOG) else ""

    def enforced(self, log):
        return "R=smtp_sts_permitted T=smtp_sts_webpki" in log and "CV=yes" in log


class WithPostfix(Hour):
    """Debian's Postfix, on a machine that never had an Exim."""

    heading = "Postfix on one screen"

    def prepare(self):
        self.setting_up(
            "dpkg --purge --force-depends exim4 exim4-daemon-heavy exim4-base exim4-config", "rm -rf /etc/exim4 /var/spool/exim4 /var/log/exim4",
            "! getent passwd Debian-exim || userdel Debian-exim",
            "echo 'postfix postfix/main_mailer_type select Internet Site' | debconf-set-selections",
            "echo 'postfix postfix/mailname string origin.example' | debconf-set-selections",
            "dpkg -i /mnt/told/postfix.deb", "postconf -e 'inet_interfaces = loopback-only'", "systemctl restart postfix")

    outcome = r"to=<postmaster@example\.org>.* status="

    def log(self):
        return subprocess.run(["journalctl", "--no-pager", "-o", "cat", "-t", "postfix/smtp", "-t", "postfix/error"],
                              capture_output=True, text=True).stdout

    def enforced(self, log):
        return "Verified TLS connection established to good.hosts.example" in log


def read(path):
    """A whole file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def wait_for(what):
    """What it comes to, as soon as it is something; None after half a minute."""
    end = time.monotonic() + PATIENCE
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def main():
    """The hour with one mail server; the exit status."""
    hour = {"exim": WithExim, "postfix": WithPostfix}[sys.argv[1]](sys.argv[1])
    hour.prepare()
    if os.path.exists("/mnt/told/walk"):
        return walk()
    for step in steps("README.md", hour.heading):
        hour.do(step)
        if "exim/debian/build" in step.command:
            hour.before_the_internet()
        if step.is_last_block:
            hour.mail("good", hour.enforced)
            print(f"{sum(hour.table):6.2f} s  in all, to the first delivery that the policy enforced", flush=True)
            for words, function in mistakes.of(hour.server):
                hour.ledger.run(words, function)
    # Undone, mail goes to the first MX host, as on any other machine.
    hour.mail("selfsigned", lambda log: not hour.enforced(log))
    return hour.ledger.close()


def walk():
    """Nothing is done until somebody who is in the container has seen enough."""
    while os.path.exists("/mnt/told/walk"):
        time.sleep(0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
