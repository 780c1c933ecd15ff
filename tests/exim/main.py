"""Builds the world, installs Exim's configurations one after the other, and runs the cases of each."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cases_daemon  # noqa: E402
import cases_dane  # noqa: E402
import cases_dane_plumbing  # noqa: E402
import cases_doctor  # noqa: E402
import cases_events  # noqa: E402
import cases_header  # noqa: E402
import cases_mta_sts  # noqa: E402
import cases_overrides  # noqa: E402
import cases_plumbing  # noqa: E402
import cases_policy  # noqa: E402
import cases_reports  # noqa: E402
import cases_setup  # noqa: E402
import cases_storm  # noqa: E402
import cases_without_dane  # noqa: E402
import exim  # noqa: E402
import harness  # noqa: E402
import machines  # noqa: E402
import names  # noqa: E402
import ways  # noqa: E402
import world  # noqa: E402


CONFIGURATION = "/etc/smtp-sts-verify/config.toml"


class Laboratory:
    """What every case gets: the world, Exim, who answers it, and a few ways to break them for a while."""

    def __init__(self, scratch, by, machine=exim.Exim):
        self.by = by
        self.exim = machine(scratch, ways.MACROS[by])
        self.build = exim.Build.installed()
        self.world = world.World(scratch)
        os.makedirs("/etc/smtp-sts-verify", exist_ok=True)
        _write(CONFIGURATION, self._configuration(names.PLAIN))
        # One of them listens, if Exim asks a daemon: the first begins.
        self.stand_in, self.serve = ways.StandIn(by), ways.Serve(by)
        self.hanging = None

    def stand_in_answers(self):
        """The stand-in is asked from now on."""
        self.exim.install_program(HERE + "/stand-in")
        if self.by in ways.DAEMON:
            self.stand_in.start()

    def program_answers(self, program):
        """The real program is asked from now on."""
        self.stand_in.stop()
        self.exim.install_program(program)
        self.forget_policies()

    def asked(self):
        """The questions since the last time."""
        if self.by in ways.DAEMON:
            lines, self.stand_in.questions = self.stand_in.questions, []
            return [ways.Asked.by_daemon(*line) for line in lines]
        return cases_plumbing.logged()

    def told(self):
        """The events since the last time."""
        lines, self.stand_in.events = self.stand_in.events, []
        return [ways.told(line) for line in lines]

    def reports(self, questions=None):
        """Whether each handshake since the last time was said to be verified: "yes", "no"."""
        questions = questions or self.asked()
        if self.by in ways.DAEMON:
            verified = lambda event: event["cv"] == "1" or event["dane"] == "yes"
            return ["yes" if verified(event) else "no" for event in self.told() if event["cipher"]]
        return [question.verified for question in questions if question.verified]

    @property
    def no_answer(self):
        """What the log says when nothing came that is an answer."""
        return "no-answer-from-daemon" if self.by in ways.DAEMON else "no-answer-from-verifier-exit-0"

    def start_over(self):
        """The daemon, if it is asked, knows no more than the files."""
        if self.serve.process:
            self.serve.stop()
        if self.by in ways.DAEMON and not self.stand_in.listening:
            self.serve.start()

    @contextlib.contextmanager
    def _configured(self, text):
        with _replaced(CONFIGURATION, text):
            self.start_over()
            yield
        self.start_over()

    def _configuration(self, server):
        return f'dns = ["{server}"]\ntrust_anchor = "{self.world.names.anchor}"\nallow_private_addresses = true\n'

    def resolver_without_trust(self):
        """For a while, Exim's resolver validates, but nothing tells glibc to believe it."""
        return _replaced("/etc/resolv.conf", f"nameserver {names.VALIDATING}\n")

    def resolver_that_does_not_validate(self):
        """For a while, Exim's resolver hands on everything."""
        return _replaced("/etc/resolv.conf", f"nameserver {names.PLAIN}\n")

    def program_configured(self, text):
        """For a while, the program has another configuration."""
        return self._configured(text)

    @contextlib.contextmanager
    def reloaded(self, text):
        """For a while, the daemon's configuration is another, and it was told to read it."""
        with _replaced(CONFIGURATION, text):
            self.serve.process.send_signal(signal.SIGHUP)
            yield
        self.start_over()

    def program_asks(self, server):
        """For a while, the program asks another name server."""
        return self._configured(self._configuration(server))

    def program_set(self, key, value):
        """For a while, the program's configuration has another value for a key that is in it."""
        text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", self._configuration(names.PLAIN))
        assert count == 1, text
        return self._configured(text)

    def program_told(self, text):
        """For a while, more stands in the program's configuration."""
        return self._configured(self._configuration(names.PLAIN) + text)

    @contextlib.contextmanager
    def read_only_cache(self):
        """The cache's file system is read-only for a while."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", exim.CACHE], check=True)
        try:
            self.start_over()
            yield
        finally:
            self.serve.stop()
            subprocess.run(["umount", exim.CACHE], check=True)
            self.start_over()

    @contextlib.contextmanager
    def published(self, zone, *changes):
        """A zone says something else for a while; `changes` are pairs of a regular expression and what replaces it."""
        before = records = self.world.names.zones[zone]
        for pattern, replacement in changes:
            records, count = re.subn(pattern, replacement, records)
            assert count == 1, f"{pattern} fits {count} times"
        self._publish(zone, records)
        try:
            yield
        finally:
            self._publish(zone, before)

    def _publish(self, zone, records):
        self.world.names.change(zone, records)
        self.forget_dns()

    def forget_dns(self):
        """Drops what the program remembers of the DNS; the policies stay."""
        for name in os.listdir(exim.CACHE):
            if name.startswith("cache.dns.db"):
                os.unlink(os.path.join(exim.CACHE, name))
        self.start_over()

    @contextlib.contextmanager
    def without_program(self):
        """The program is not installed."""
        os.rename(exim.PROGRAM, exim.PROGRAM + ".away")
        try:
            yield
        finally:
            os.rename(exim.PROGRAM + ".away", exim.PROGRAM)

    @contextlib.contextmanager
    def nobody_answers(self):
        """The program is not installed, and the daemon is not there."""
        stands_in = self.stand_in.listening
        self.serve.stop()
        self.stand_in.stop()
        with self.without_program():
            yield
        if stands_in:
            self.stand_in.start()
        self.start_over()

    def forget_policies(self):
        """An empty cache directory, as the README leaves it."""
        shutil.rmtree(exim.CACHE, ignore_errors=True)
        self.exim.run("install -d -o Debian-exim -g Debian-exim -m 0750 /var/lib/smtp-sts-verify")
        self.start_over()

    @staticmethod
    def wait_until_the_next_second_but_one():
        """Exim counts retry times in whole seconds: a lock-out of one second is over when the clock says two more."""
        end = int(time.time()) + 2
        while time.time() < end:
            time.sleep(0.05)


def main():
    """Runs everything; the exit status."""
    scratch, arguments = sys.argv[1], sys.argv[2:]
    options = {}
    for option in ("--only", "--exim", "--by", "--machine"):
        if option in arguments:
            at = arguments.index(option)
            options[option] = arguments[at + 1]
            del arguments[at : at + 2]
    if "--exim" in options:
        exim.replace_binary(options["--exim"])
    only = options.get("--only")
    program = os.path.abspath(arguments[0]) if arguments else exim.TOP + "/target/release/smtp-sts-verify"
    machine = machines.MACHINES[options["--machine"]] if "--machine" in options else exim.Exim
    lab = Laboratory(scratch, options["--by"], machine)
    ledger = harness.Ledger(only, lab.by, lab.build, getattr(machine, "left_out", ()))
    print(f"by {lab.by}: {lab.build}" + (f", on a machine like {options['--machine']}" if "--machine" in options else ""))
    plumbing(lab, ledger)
    if machine is exim.Exim:
        header(lab, ledger)
    daemons(lab, ledger)
    policies(lab, ledger, program)
    if machine is exim.Exim:
        setups(lab, ledger)
    # Started at the beginning, because it takes a minute.
    if lab.hanging:
        ledger.run(cases_plumbing.hangs.words, cases_plumbing.hangs, lab)
    return ledger.close()


def plumbing(lab, ledger):
    """The stand-in under a split and a single-file configuration, and under each choice of the administrator."""
    lab.stand_in_answers()
    lab.exim.configure("split", relay_domains="relayed.signed.example")
    if ledger.wants(cases_plumbing.hangs.words, cases_plumbing.hangs.by):
        lab.hanging = cases_plumbing.Hanging(lab.exim)
    for case in [*cases_plumbing.CASES, *cases_dane_plumbing.CASES, *cases_without_dane.CASES]:
        if case is not cases_plumbing.hangs:
            ledger.run(case.words, case, lab)
    configured(lab, ledger, [*cases_plumbing.CHOICES, *cases_without_dane.CHOICES])


def daemons(lab, ledger):
    """Daemons that fail, and Exim's files and connections meanwhile."""
    if lab.by in ways.DAEMON:
        configured(lab, ledger, cases_daemon.CHOICES)


def configured(lab, ledger, choices):
    """Cases with an administrator's macros, each under a configuration of its own."""
    for words, case, macros in choices:
        if ledger.wants(words, getattr(case, "by", None), getattr(case, "dane", None)):
            lab.exim.configure("split", **macros)
            ledger.run(words, case, lab)


def header(lab, ledger):
    """The header set alone, with a stand-in."""
    if not any(map(ledger.wants_case, cases_header.CASES)):
        return
    lab.exim.configure("split", sets=["header"], macros={"SMTP_STS_MORE_HEADERS": "yes"})
    for case in cases_header.CASES:
        ledger.run(case.words, case, lab)
    lab.forget_policies()


def policies(lab, ledger, program):
    """The real program, both sets installed."""
    lab.program_answers(program)
    cases = [*cases_policy.CASES, *cases_mta_sts.CASES, *cases_dane.CASES, *cases_overrides.CASES, *cases_events.CASES,
             *cases_storm.CASES]
    if not any(map(ledger.wants_case, cases)):
        return
    lab.exim.configure("split", sets=["enforce", "header"])
    for case in cases:
        ledger.run(case.words, case, lab)


def setups(lab, ledger):
    """The real program under each kind of configuration."""
    installed = None
    for words, function, how in [*cases_setup.SETUPS, *cases_reports.SETUPS, *cases_doctor.SETUPS]:
        installed = how or installed
        if ledger.wants(words, getattr(function, "by", None), getattr(function, "dane", None)):
            if how or ledger.only:
                lab.exim.configure(**installed)
            ledger.run(words, function, lab)


@contextlib.contextmanager
def _replaced(path, text):
    with open(path) as file:
        before = file.read()
    _write(path, text)
    try:
        yield
    finally:
        _write(path, before)


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())
