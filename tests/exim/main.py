"""Builds the world, installs Exim's configurations one after the other, and runs the cases of each."""

import contextlib
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cases_header  # noqa: E402
import cases_plumbing  # noqa: E402
import exim  # noqa: E402
import harness  # noqa: E402
import names  # noqa: E402
import world  # noqa: E402


class Laboratory:
    """What every case gets: the world, Exim, and a few ways to break them for a while."""

    def __init__(self, scratch):
        self.exim = exim.Exim(scratch)
        self.world = world.World(scratch)
        os.makedirs("/etc/smtp-sts-verify", exist_ok=True)
        with open("/etc/smtp-sts-verify/config.toml", "w") as file:
            file.write(
                f'dns = ["{names.PLAIN}"]\ntrust_anchor = "{self.world.names.anchor}"\nallow_private_addresses = true\n'
            )
        self.hanging = None

    @contextlib.contextmanager
    def resolver_without_trust(self):
        """Exim's resolver validates, but nothing tells glibc to believe it."""
        with open("/etc/resolv.conf") as file:
            before = file.read()
        _write("/etc/resolv.conf", before.replace("trust-ad ", ""))
        try:
            yield
        finally:
            _write("/etc/resolv.conf", before)

    @contextlib.contextmanager
    def without_program(self):
        """The program is not installed."""
        os.rename(exim.PROGRAM, exim.PROGRAM + ".away")
        try:
            yield
        finally:
            os.rename(exim.PROGRAM + ".away", exim.PROGRAM)

    def forget_policies(self):
        """An empty cache directory, as the README leaves it."""
        shutil.rmtree(exim.CACHE, ignore_errors=True)
        self.exim.run("install -d -o Debian-exim -g Debian-exim -m 0750 /var/lib/smtp-sts-verify")

    @staticmethod
    def wait_until_the_next_second_but_one():
        """Exim counts retry times in whole seconds: a lock-out of one second is over when the clock says two more."""
        end = int(time.time()) + 2
        while time.time() < end:
            time.sleep(0.05)


def main():
    """Runs everything; the exit status."""
    scratch, arguments = sys.argv[1], sys.argv[2:]
    only = None
    if "--only" in arguments:
        at = arguments.index("--only")
        only = arguments[at + 1]
        del arguments[at : at + 2]
    program = os.path.abspath(arguments[0]) if arguments else exim.TOP + "/target/release/smtp-sts-verify"
    ledger = harness.Ledger(only)
    lab = Laboratory(scratch)
    plumbing(lab, ledger)
    header(lab, ledger)
    return ledger.close()


def plumbing(lab, ledger):
    """The stand-in under a split and a single-file configuration, and under each choice of the administrator."""
    lab.exim.install_program(HERE + "/stand-in")
    lab.exim.configure("split", relay_domains="relayed.signed.example")
    if ledger.wants("a program that hangs: Exim ends it after a minute, and the mail waits"):
        lab.hanging = cases_plumbing.Hanging(lab.exim)
    last = [case for case in cases_plumbing.CASES if case is cases_plumbing.hangs]
    for case in [case for case in cases_plumbing.CASES if case not in last] + last:
        ledger.run(case.words, case, lab)
    for words, case, macros in [
        ("SMTP_STS_ON_FAILURE = deliver: garbage and no program do not stop the mail; an answer to wait does",
         cases_plumbing.choice_deliver, {"SMTP_STS_ON_FAILURE": "deliver"}),
        ("SMTP_STS_ON_FAILURE = deliver and timeout(1): a program that hangs does not stop the mail",
         cases_plumbing.choice_timeout,
         {"SMTP_STS_ON_FAILURE": "deliver", "SMTP_STS_PROGRAM": "/usr/bin/timeout 2 /usr/bin/smtp-sts-verify"}),
        ("SMTP_STS_ON_FAILURE misspelt: the mail waits", cases_plumbing.choice_typo, {"SMTP_STS_ON_FAILURE": "fail"}),
    ]:
        if ledger.wants(words):
            lab.exim.configure("split", macros=macros)
            ledger.run(words, case, lab)


def header(lab, ledger):
    """The header set alone, with a stand-in."""
    if not any(ledger.wants(case.words) for case in cases_header.CASES):
        return
    lab.exim.configure("split", sets=["header"], macros={"SMTP_STS_MORE_HEADERS": "yes"})
    for case in cases_header.CASES:
        ledger.run(case.words, case, lab)
    lab.forget_policies()


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())
