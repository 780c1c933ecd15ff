"""Builds the world of the table, sends a mail to each of its domains with each mail server, without us and with us, and compares
what became of them with the table."""

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(os.path.dirname(HERE), part) for part in ("exim", "postfix", "support"))]

import domains  # noqa: E402
from clock import Clock  # noqa: E402
import exim  # noqa: E402
import hosts  # noqa: E402
import names  # noqa: E402
import postfix  # noqa: E402
import resolving  # noqa: E402
import habits  # noqa: E402
import table  # noqa: E402
import ways  # noqa: E402

PROGRAM = "/usr/bin/smtp-sts-verify"
CONFIGURATION = "/etc/smtp-sts-verify/config.toml"
# At the same time, of each mail server: enough that silence is waited for once, and few enough that nobody waits for a processor.
AT_ONCE = 12
QUARTER, HOURS = 15 * 60, 4 * 3600
# Those that silence keeps waiting for an answer are tried at other moments, too: whatever is remembered of silence has ended by then,
# or has not.
SILENT = re.compile(r"^(later-)?drops-(underscores|txt)|^policy-(silent|slow)")


class World:
    """Everything that mail is sent to."""

    def __init__(self, scratch):
        addresses = [names.AUTHORITATIVE, *habits.ODD, habits.TRUE, habits.SECOND, *domains.WEB_HOSTS.values(),
                     *(address for address, *_ in domains.MAIL_HOSTS.values())]
        for address in addresses:
            subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
        with_policy = [domain for domain in domains.DOMAINS if domain.page is not None]
        self.certificates = hosts.Certificates(
            scratch + "/certificates",
            {kind: [d.policy_host for d in with_policy if d.web == kind] or ["www.example"] for kind in domains.WEB_HOSTS},
        )
        pems = self.certificates.pems
        prepared = {
            "tls10": hosts.only(hosts.ssl.TLSVersion.TLSv1), "dhe": hosts.dhe_only(self.certificates.dh),
            "rsa1024": hosts.any_cipher,
        }
        self.mail_hosts = {
            label: hosts.MailHost(address, pems[domains.SHOWN.get(label, label)], starttls, prepared.get(label))
            for label, (address, starttls) in domains.MAIL_HOSTS.items()
        }
        self.mail_hosts["localhost"] = hosts.MailHost("127.0.0.1", pems["good"], "absent", port=10025)
        prepared = {"tls11": hosts.only(hosts.ssl.TLSVersion.TLSv1_1), "rsa1024": hosts.any_cipher,
                    "h2": lambda context: context.set_alpn_protocols(["h2"])}
        for kind, address in domains.WEB_HOSTS.items():
            if kind != "refused":
                pages = {d.policy_host: d.page for d in with_policy if d.web == kind}
                hosts.WebHost(address, pems["web-" + kind], pages, prepared.get(kind), kind == "silent")
        zones = domains.zones(pems, self.certificates.unknown)
        zone_of = {d.zone: d for d in domains.DOMAINS if d.zone and d.zone not in domains.SHARED}
        os.makedirs(scratch + "/names")
        self.names = resolving.Names(
            scratch + "/names", zones,
            unsigned={zone for zone, d in zone_of.items() if not d.signed} | {"unsigned.example"},
            of={zone: list(d.habits) for zone, d in zone_of.items() if d.habits},
            ways={zone: d.way for zone, d in zone_of.items() if d.way},
            also={zone: d.also for zone, d in zone_of.items() if d.also},
        )
        with open("/etc/resolv.conf", "w") as file:
            file.write(exim.readme("resolver"))


class Daemon:
    """`smtp-sts-verify serve` as it comes, with a cache of its own, under the moved clock."""

    def __init__(self, clock, kind, place):
        cache = f"/var/lib/smtp-sts-verify/{kind}"
        postfix.shell(f"install -d -o Debian-exim -g Debian-exim -m 0750 {cache}; install -d -o Debian-exim -g Debian-exim -m 0755 /run/smtp-sts-verify")
        identity = ["setpriv", "--reuid=Debian-exim", "--regid=Debian-exim", "--clear-groups"]
        self.log = f"/var/log/{kind}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*identity, PROGRAM, "serve", "-c", cache + "/cache.db", "--" + kind, place], env={**os.environ, **clock.environment()},
                stdout=log, stderr=log)
        family, where = (socket.AF_UNIX, place) if place.startswith("/") else (socket.AF_INET, ("127.0.0.1", 8461))
        end = time.monotonic() + 20
        while True:
            with socket.socket(family) as attempt:
                if attempt.connect_ex(where) == 0:
                    break
            assert self.process.poll() is None and time.monotonic() < end, open(self.log).read()
            time.sleep(0.02)
        with open(f"/proc/{self.process.pid}/maps") as maps:
            text = maps.read()
        assert clock.library in text and clock.path + "\n" in text, "the daemon has its own clock"

    def stop(self):
        """Ends it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@dataclasses.dataclass
class Outcome:
    """What became of a mail: a word of the table, and the log's line; and the reason that the program gave, if it is in the log."""

    word: str
    line: str
    told: str | None = None


class ByExim:
    """Mail that Exim sends, as it is configured now."""

    WORDS = {"=>": "delivers", "==": "waits", "**": "returns"}

    def __init__(self, scratch):
        self.exim = exim.Exim(scratch, {})

    def send(self, domain):
        """One mail, and what became of it."""
        recipient = f"u@{domain}"
        command = ["exim4", "-odi", "-oep", "-f", exim.SENDER, recipient]
        done = subprocess.run(command, input=b"Subject: test\n\nHello.\n", capture_output=True, timeout=180)
        with open(exim.MAINLOG, "rb") as file:
            file.seek(self.begin)
            log = file.read().decode("utf-8", "replace")
        lines = re.findall(rf"(?mi)^.* (?:=>|==|\*\*) {re.escape(recipient)}(?:[ :].*)?$", log)
        if not lines:
            said = (done.stdout + done.stderr).decode("utf-8", "replace")
            # What is no address for Exim it does not take in the first place.
            return Outcome("returns" if done.returncode == 1 and recipient in said else "?", f"{done.returncode} {said}")
        word = self.WORDS[re.search(r" (=>|==|\*\*) ", lines[-1])[1]]
        if word == "delivers" and re.search(r" T=smtp_sts_(webpki|dane) .* CV=(yes|dane)", lines[-1]):
            word = "verified"
        told = re.search(r" R=smtp_sts_\w+ defer .*\(([a-z0-9-]+)\)$", lines[-1])
        return Outcome(word, lines[-1], told and told[1])

    def everything(self, wanted):
        """A mail to each domain; domain to Outcome."""
        self.exim.forget_hints()
        self.begin = self.exim.log_size()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = dict(zip(wanted, pool.map(self.send, wanted)))
        self.exim.empty_queue()
        return outcomes


class ByPostfix:
    """Mail that Postfix sends, as it is configured now."""

    WORDS = {"sent": "delivers", "deferred": "waits", "bounced": "returns"}

    def __init__(self, place, scratch):
        self.postfix = postfix.Postfix(place, scratch)
        # As the page has it, but for the daemon.
        self.postfix.shell(postfix.readme("main.cf"))
        self.map = self.postfix.shell("postconf -h smtp_tls_policy_maps").strip()
        with open(self.postfix.path("/etc/postfix/transport"), "w") as file:
            file.writelines(f"{d.name} smtp:{d.next_hop}\n" for d in domains.DOMAINS if d.next_hop)
        self.postfix.set("transport_maps = texthash:/etc/postfix/transport")
        self.postfix.set("smtp_tls_policy_maps =")
        self.postfix.start()

    def with_us(self):
        """The daemon is asked from now on."""
        self.postfix.set(f"smtp_tls_policy_maps = {self.map}")
        self.postfix.shell("postfix stop; postfix start")

    def send(self, domain):
        """One mail, and what became of it."""
        recipient = f"u@{domain}"
        command = [*postfix.inside(self.postfix.root), "/usr/sbin/sendmail", "-f", postfix.SENDER, recipient]
        done = subprocess.run(command, input=b"Subject: test\n\nHello.\n", capture_output=True, timeout=60)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            log = self.postfix.log_since(self.begin)
            lines = [line for line in log.splitlines() if f"to=<{recipient}>" in line and "status=" in line]
            if lines:
                word = self.WORDS[re.search(r"status=(\w+)", lines[0])[1]]
                before = self._said_before(log, lines[0])
                if word == "delivers" and re.search(r": Verified TLS connection established ", before):
                    word = "verified"
                told = re.search(r"socketmap server \w+ error: ([a-z0-9-]+)", before)
                return Outcome(word, lines[0], told and told[1])
            time.sleep(0.1)
        return Outcome("?", f"{done.returncode} {done.stdout} {done.stderr}")

    @staticmethod
    def _said_before(log, line):
        """What the process that dealt with a mail said of it before the outcome: since the mail before this one."""
        process = re.search(r"postfix/\w+\[(\d+)\]", line)[1]
        said = [before for before in log[: log.index(line)].splitlines() if f"postfix/smtp[{process}]: " in before]
        ends = [number for number, before in enumerate(said) if "status=" in before]
        return "\n".join(said[ends[-1] + 1 if ends else 0 :])

    def everything(self, wanted):
        """A mail to each domain; domain to Outcome."""
        self.begin = self.postfix.log_size()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = dict(zip(wanted, pool.map(self.send, wanted)))
        self.postfix.shell("postsuper -d ALL 2>/dev/null")
        return outcomes


def both(by_exim, exims, by_postfix, postfixes):
    """Both at the same time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(by_exim.everything, exims), pool.submit(by_postfix.everything, postfixes)
        return first.result(), second.result()


def configure():
    """The program, as the pages say; what is asked is the resolver of /etc/resolv.conf, as ever."""
    os.makedirs(os.path.dirname(CONFIGURATION), exist_ok=True)
    with open(CONFIGURATION, "w") as file:
        file.write('trust_anchor = "/etc/smtp-sts-verify/root.anchor"\nallow_private_addresses = true\n'
                   f"insecure_zones = {json.dumps(domains.INSECURE_ZONES)}\n")


def run(scratch, place, program, rows):
    """All phases; a table.Seen."""
    seen = table.Seen()
    begun = time.monotonic()

    def told(words):
        print(f"{time.monotonic() - begun:5.0f} s  {words}", flush=True)

    world = World(scratch)
    by_exim = ByExim(scratch)
    by_exim.exim.install_program(program)
    configure()
    postfix.shell(f"install -m 0644 {world.names.anchor} /etc/smtp-sts-verify/root.anchor")
    by_exim.exim.configure("split", sets=())
    by_postfix = ByPostfix(place, scratch)
    told("the world is up")
    exims = [row.domain for row in rows if row.by_exim]
    postfixes = [row.domain for row in rows if row.by_postfix]

    seen.exim["alone"], seen.postfix["alone"] = both(by_exim, exims, by_postfix, postfixes)
    told("the mail servers alone")

    clock = Clock(scratch)
    world.names.forget()
    by_exim.exim.configure("split", sets=["enforce"])
    postfix_daemon = Daemon(clock, "postfix", "127.0.0.1:8461")
    by_postfix.with_us()
    seen.exim["run"], seen.postfix["at once"] = both(by_exim, exims, by_postfix, postfixes)
    told("Exim by the program, Postfix by the daemon")

    world.names.forget()
    exim_daemon = Daemon(clock, "exim", ways.PATH)
    by_exim.exim.macros = {"SMTP_STS_VERIFIERS": "daemon"}
    by_exim.exim.configure("split", sets=["enforce"])
    seen.exim["at once"] = by_exim.everything(exims)
    told("Exim by the daemon")

    def later(words, seconds, column=None):
        """Both by the daemon at that moment: everything, or what is silent, of which a column says what has to become."""
        clock.set(seconds)
        world.names.forget()
        tried = [[name for name in names if column is None or SILENT.search(name)] for names in (exims, postfixes)]
        seen.exim[words], seen.postfix[words] = both(by_exim, tried[0], by_postfix, tried[1])
        if column is not None:
            seen.again[words] = column
        told(f"both by the daemon, after {words}")

    later("5 seconds", 5, "at once")
    later("6 minutes", 6 * 60, "at once")
    # What was there at first, and is no longer.
    hosts.Vanishing.gone = True
    world.names.it_is_later()
    later("15 minutes", QUARTER)
    later("1 hour", 3600, "15 minutes")
    later("3 hours", 3 * 3600, "15 minutes")
    later("4 hours", HOURS)
    exim_daemon.stop()
    postfix_daemon.stop()
    by_postfix.postfix.stop()
    return seen


def main():
    """Runs everything; the exit status."""
    scratch, place, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
    options = {}
    for option in ("--only", "--write"):
        if option in arguments:
            at = arguments.index(option)
            options[option] = arguments[at + 1]
            del arguments[at : at + 2]
    program = os.path.abspath(arguments[0]) if arguments else exim.TOP + "/target/debug/smtp-sts-verify"
    rows = table.read(HERE + "/table.tsv")
    table.is_about(rows, domains.DOMAINS)
    only = options.get("--only")
    begun = time.monotonic()
    rows = [row for row in rows if only is None or only in row.domain or only in row.fault]
    seen = run(scratch, place, program, rows)
    if "--write" in options:
        seen.write(options["--write"])
    status = table.compare(rows, seen)
    print(f"{time.monotonic() - begun:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
