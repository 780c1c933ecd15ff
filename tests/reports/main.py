"""Deliveries, a night, `reports send`, and what readers make of what arrives; see the script `run`."""

import datetime
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *[os.path.join(os.path.dirname(HERE), part) for part in ("exim", "postfix", "wild", "support")]]

import exim  # noqa: E402
import names  # noqa: E402
import readers  # noqa: E402
import sessions  # noqa: E402
import ways  # noqa: E402
import world  # noqa: E402
from clock import Clock  # noqa: E402

CONTACT = "tls-reports@example.org"
CONFIGURATION = "/etc/smtp-sts-verify/config.toml"
ANCHOR = "/etc/smtp-sts-verify/root.anchor"
PROGRAM = "/usr/bin/smtp-sts-verify"
IDENTITY = ["setpriv", "--reuid=Debian-exim", "--regid=Debian-exim", "--clear-groups"]
QUIET = 7


class Exim:
    """Debian's Exim, or another build, with the sets enforce and reports."""

    kind, listens, group = "exim", [f"--exim={ways.PATH}"], "Debian-exim"

    def __init__(self, lab, build):
        if build:
            exim.replace_binary(build)
        self.exim = exim.Exim(lab.scratch, ways.MACROS[ways.SOCKET])
        self.exim.install_program(lab.program)
        macros = dict([exim.readme("reports-macros").strip().split(" = ")])
        self.exim.configure("split", sets=["enforce", "reports"], macros=macros)
        self.exim.run(exim.readme("reports-key"))
        names = lab.world.names
        names.change("example.org", names.zones["example.org"] + self.exim.run(exim.readme("reports-record")))
        self.words = str(exim.Build.installed())
        self.sendmail = ["/usr/sbin/sendmail", "-oi", "-odi"]

    def deliver(self, recipient, sender=exim.SENDER):
        """One message, and one attempt at it."""
        self.exim.deliver(recipient, options=["-oi"]) if sender == exim.SENDER else self.exim.hand_over(sender, recipient, user="nobody")

    def settle(self):
        """All that was handed over has been tried: Exim does it in the foreground."""


class Laboratory:
    """The world, the mail server, the daemon, and the clock of the daemon and of `reports send`."""

    def __init__(self, scratch, kind, place, program):
        self.scratch, self.program = scratch, program
        sessions.publish()
        self.world = world.World(scratch)
        sessions.publish_more(self.world)
        self.clock = Clock(scratch)
        os.makedirs(os.path.dirname(CONFIGURATION), exist_ok=True)
        with open(self.world.names.anchor) as anchor, open(ANCHOR, "w") as file:
            file.write(anchor.read())
        self.daemon = None
        if kind == "exim":
            self.server = Exim(self, place)
        else:
            import server_postfix

            self.server = server_postfix.Postfix(self, place)
        with open(CONFIGURATION, "w") as file:
            words = ", ".join(f'"{word}"' for word in self.server.sendmail)
            file.write(f'dns = ["{names.PLAIN}"]\ntrust_anchor = "{ANCHOR}"\nallow_private_addresses = true\n'
                       f'[reports]\nsend = true\norganization = "Example Sender"\ncontact = "{CONTACT}"\nsendmail = [{words}]\n'
                       + getattr(self.server, "configuration", ""))
        self.first = datetime.datetime.now(datetime.timezone.utc).date()

    def start_daemon(self):
        """As Exim's user, by the moved clock."""
        os.makedirs("/run/smtp-sts-verify", exist_ok=True)
        subprocess.run(["chown", "Debian-exim:Debian-exim", "/run/smtp-sts-verify"], check=True)
        with open("/var/log/serve.log", "ab") as log:
            identity = ["setpriv", "--reuid=Debian-exim", "--regid=" + self.server.group, "--clear-groups"]
            self.daemon = subprocess.Popen([*identity, PROGRAM, "serve", *self.server.listens, "--answer-within=4.5"],
                                           env={**os.environ, **self.clock.environment()}, stdout=log, stderr=log)
        place = self.server.listens[0].split("=")[1]
        family, where = (socket.AF_UNIX, place) if place.startswith("/") else (socket.AF_INET, tuple([place.split(":")[0], int(place.split(":")[1])]))
        end = time.monotonic() + 20
        while True:
            with socket.socket(family) as attempt:
                if attempt.connect_ex(where) == 0:
                    break
            assert self.daemon.poll() is None and time.monotonic() < end, open("/var/log/serve.log").read()[-2000:]
            time.sleep(0.02)
        with open(f"/proc/{self.daemon.pid}/maps") as maps:
            assert self.clock.library in maps.read(), "the program is linked statically: its clock cannot be moved"

    def stop_daemon(self):
        """It writes down what it counted."""
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(20)
        ways.remove_socket()

    def night(self, day):
        """It is 04:05 in the morning (UTC) of the so many-th day after the first."""
        moment = datetime.datetime.combine(self.first, datetime.time(4, 5), datetime.timezone.utc) + datetime.timedelta(days=day)
        self.clock.set(int(moment.timestamp() - time.time()))

    def send(self):
        """What `reports send` says, as the timer would run it; the mails that arrived."""
        self.world.forget()
        done = subprocess.run([*IDENTITY, PROGRAM, "reports", "send"], env={**os.environ, **self.clock.environment()}, capture_output=True, text=True, timeout=300)
        self.server.settle()
        mails = [message for label, message in self.world.messages() if any(sessions.INBOX in to for to in message.recipients)]
        return done.returncode, done.stdout + done.stderr, mails


def main():
    """Everything, in order; the exit status."""
    scratch, kind, place, *arguments = sys.argv[1:]
    reader = None
    if "--reader" in arguments:
        at = arguments.index("--reader")
        reader = arguments[at + 1]
        del arguments[at : at + 2]
    program = os.path.abspath(arguments[0]) if arguments else exim.TOP + "/target/debug/smtp-sts-verify"
    lab = Laboratory(scratch, kind, place, program)
    print(f"{lab.server.words}", flush=True)

    # The first day.
    lab.start_daemon()
    for session in sessions.SESSIONS:
        for _ in range(session.mails):
            lab.server.deliver(f"u@{session.domain}")
    lab.stop_daemon()

    # The second day: the daemon runs and is told of sessions while reports leave.
    lab.night(1)
    lab.start_daemon()
    status, said, mails = lab.send()
    lab.stop_daemon()
    files = []
    for number, message in enumerate(mails):
        files.append(f"{scratch}/report-{number:02}.eml")
        with open(files[-1], "w") as file:
            file.write(message.text)
    if not files:
        with open("/var/log/serve.log") as log:
            print(f"FAIL no report arrived; reports send ended with {status}: {said}\nthe daemon said: {log.read()[-4000:]}")
        return 1
    failed = table(lab, files, reader)
    if status != 0:
        failed.append(f"reports send ended with {status}: {said}")
    failed += signatures(lab, mails)
    for name, understood in readers.example(PROGRAM).items():
        if understood != sessions.EXAMPLE:
            failed.append(f"{name} reads of the example: {understood}")
    about_reports = 0

    # Seven days more, with no other mail: no report about reports.
    for day in range(2, 2 + QUIET):
        lab.night(day)
        lab.start_daemon()
        status, said, more = lab.send()
        lab.stop_daemon()
        if more or status != 0:
            failed.append(f"day {day + 1}: {len(more)} reports although nothing was sent but reports ({status}): {said}")
        about_reports += len(more)
    # And that a session with the domain of the reports would have caused one: a mail that is no report.
    lab.night(2 + QUIET)
    lab.start_daemon()
    lab.server.deliver(sessions.INBOX)
    lab.stop_daemon()
    lab.night(3 + QUIET)
    status, said, more = lab.send()
    if len(more) != 1:
        failed.append(f"a mail to the domain of the reports caused {len(more)} reports: {said}")
    print(f"days without other mail: {QUIET}, reports about reports on them: {about_reports}; after one mail to their domain: {len(more)}")
    for line in failed:
        print("FAIL " + line)
    print(f"{lab.server.words}: {'FAILED' if failed else 'passed'}")
    return 1 if failed else 0


def table(lab, files, reader):
    """Prints a line for each domain: what was done, and what each reader understood; what is wrong."""
    understood, failed = readers.all_of(PROGRAM, files, reader)
    wanted = {s.domain: s.expected(lab.server.kind) for s in sessions.SESSIONS}
    print(f"{'policy':8} {'host':11} {'mails':5} {'the report has to say':62} " + " ".join(f"{name:12}" for name in understood))
    for session in sessions.SESSIONS:
        expected = wanted[session.domain]
        marks = []
        for name, reports in understood.items():
            found = reports.get(session.domain)
            is_right = found == expected
            marks.append(f"{'the same' if is_right else 'DIFFERENT':12}")
            if not is_right:
                failed.append(f"{name} reads of {session.domain}: {found}, not {expected}")
        print(f"{session.policy:8} {session.host:11} {session.mails:<5} {words(expected):62} " + " ".join(marks), flush=True)
    for name, reports in understood.items():
        for domain in sorted(reports.keys() - wanted.keys()):
            failed.append(f"{name} reads of {domain}, which had no mail: {reports[domain]}")
    return failed


def words(expected):
    """An expectation in words."""
    if expected is None:
        return "nothing: the server does not tell of such sessions"
    told = []
    for kind, about, successes, failures in expected:
        counts = [f"{successes} success"] if successes else []
        counts += [f"{number} {result}" for result, number in failures.items()]
        told.append(f"{kind} {about.removesuffix('.' + sessions.ZONE).removesuffix('.hosts.example')}: {', '.join(counts)}")
    return "; ".join(told)


def signatures(lab, mails):
    """Each report is signed for the report address's domain, by a key for reports: as dkimpy sees it."""
    import cases_reports

    if lab.server.kind == "postfix":
        print("signatures: a milter's with Postfix, and there is none here")
        return []
    dkim = cases_reports.verifier()
    if dkim is None:
        print("tests/reports: skipped: the check of the signatures: needs python3-dkim, or tests/reports/fetch")
        return []
    look = lambda name, timeout=5: cases_reports.published(name.decode().rstrip(".")).encode()
    right = [dkim.DKIM(message.text.encode(), tlsrpt="strict").verify(dnsfunc=look) for message in mails]
    print(f"signatures that an independent verifier accepts, s=tlsrpt demanded: {sum(right)} of {len(right)}")
    return [] if all(right) else ["a signature does not verify"]


if __name__ == "__main__":
    sys.exit(main())
