"""TLS reports on their way through Postfix: delivered whatever TLS there is, and not counted, as exim/reports/README.md sets it up."""

import contextlib
import hmac
import json
import os
import re
import smtplib
import socket
import sqlite3
import time

import postfix
from harness import case

CASES = []
CONTACT = "tls-reports@example.org"
BROKEN = ("selfsigned", "plain", "broken", "refusing")
# From this version on a mail with TLS-Required: No is not counted.
UNCOUNTED = (3, 10, 4)


def report(recipient, *more):
    """A report, as far as Postfix looks at it."""
    return "\n".join([f"From: {CONTACT}", f"To: {recipient}", "Subject: Report Domain: x.example", *more, "", "A report.", ""])


class Collector:
    """Who takes the datagrams of libtlsrpt, below the queue directory, where smtp(8) sees it in its chroot."""

    NAME = "tlsrpt-of-the-test"

    def __init__(self, lab):
        self.path = lab.postfix.path("/var/spool/postfix/") + self.NAME
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.setblocking(False)

    def domains(self):
        """The domains of the sessions since the last time; Postfix sends each before it logs the delivery."""
        domains = []
        with contextlib.suppress(BlockingIOError):
            while True:
                domains.append(json.loads(self.socket.recv(1 << 18).decode("utf-8", "replace"))["d"])
        return domains


@contextlib.contextmanager
def counting(lab, *settings):
    """Postfix counts sessions with domains that ask for reports, and has other settings, for a while."""
    zones = lab.world.names.zones
    before = zones["signed.example"]
    wish = "".join(f'_smtp._tls.sts-{host} TXT "v=TLSRPTv1; rua=mailto:tlsrpt@sts-{host}.signed.example"\n' for host in BROKEN)
    lab.world.names.change("signed.example", before + wish)
    told = ["smtp_tlsrpt_enable = yes", f"smtp_tlsrpt_socket_name = {Collector.NAME}",
            "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:policy-tlsrpt"]
    try:
        with lab.postfix_set(*(told if lab.postfix.numbers >= (3, 10) else []), *settings):
            yield Collector(lab)
    finally:
        lab.world.names.change("signed.example", before)


def reach(lab, collector, host, text):
    """A report to a domain whose policy its host does not keep; what the log said, and what was counted."""
    recipient = f"tlsrpt@sts-{host}.signed.example"
    lab.world.forget()
    mail = lab.postfix.deliver(recipient, CONTACT, text(recipient), tries=PLENTY if host == "broken" else 1)
    took = [label for label, _ in lab.world.messages()]
    return mail, took, collector.domains()


# What the page puts ours before.
MAPS = "sender_dependent_default_transport_maps smtpd_sender_restrictions transport_maps virtual_alias_maps"


def undone(lab, before):
    """The page's undo: the maps are as they were, and no transport of ours is left."""
    lab.postfix.shell(postfix.readme("undo-reports"))
    assert lab.postfix.shell(f"postconf -h {MAPS}") == before
    assert not re.search(r"(?m)^tls-(reports|bounces)", lab.postfix.shell("postconf -M"))


# Where the handshake fails, Postfix gives TLS up only for mail that has waited for five minutes (minimal_backoff_time), or, so that
# no test has to, for a second.
AT_ONCE, PLENTY = "minimal_backoff_time = 1s", 100


@case("reports: TLS-Required: No, and four broken receivers are reached right after strict mail waited there; no session of theirs is counted")
def header(lab):
    if lab.postfix.numbers < UNCOUNTED:
        return
    with counting(lab, AT_ONCE) as collector:
        for host in BROKEN:
            lab.world.forget()
            mail = lab.postfix.deliver(f"u@sts-{host}.signed.example")
            assert "status=deferred" in mail.status() and not lab.world.messages(), mail.log
        assert sorted(collector.domains()) == sorted(f"sts-{host}.signed.example" for host in BROKEN)
        for host in BROKEN:
            mail, took, counted = reach(lab, collector, host, lambda recipient: report(recipient, "TLS-Required: No"))
            assert (took, counted) == ([host], []), (host, took, counted, mail.log)
        # It is the header that does it.
        mail, took, counted = reach(lab, collector, "selfsigned", report)
        assert (took, counted) == ([], ["sts-selfsigned.signed.example"]), (took, counted, mail.log)


@case("reports: an older Postfix, with a delivery agent of their own: four broken receivers are reached, no session is counted; others' mail waits")
def agent(lab):
    if lab.postfix.numbers >= (3, 11):
        return
    with open(lab.postfix.path("/etc/postfix/master.cf")) as file:
        master = file.read()
    with counting(lab, AT_ONCE, "sender_dependent_default_transport_maps = inline:{{other@example.org=discard:}}") as collector:
        before = lab.postfix.shell(f"postconf -h {MAPS}")
        lab.postfix.shell(postfix.readme("reports-older"))
        if lab.postfix.numbers >= (3, 10):
            lab.postfix.shell(postfix.readme("reports-uncounted"))
        lab.postfix.restart()
        for host in BROKEN:
            # Without the header, which an older Postfix does not know.
            mail, took, counted = reach(lab, collector, host, report)
            assert (took, counted) == ([host], []), (host, took, counted, mail.log)
            lab.world.forget()
            mail = lab.postfix.deliver(f"u@sts-{host}.signed.example")
            assert "status=deferred" in mail.status() and not lab.world.messages(), mail.log
            assert lab.postfix.numbers < (3, 10) or collector.domains() == [f"sts-{host}.signed.example"]
        strangers(lab)
        undone(lab, before)
    with open(lab.postfix.path("/etc/postfix/master.cf"), "w") as file:
        file.write(master)
    lab.postfix.restart()


@case("reports: a 550 comes back as a bounce, which Postfix hands to the program: the address is left alone for a week; 450 and delays do nothing")
def bounced(lab):
    domain, dead, late = "sts-met.signed.example", "dead@sts-met.signed.example", "late@sts-met.signed.example"
    host = lab.world.hosts["good"]
    host.unknown = {dead: "550 5.1.1 nobody has this mailbox", late: "450 4.2.1 not now"}
    with open(lab.postfix.path("/etc/postfix/master.cf")) as file:
        master = file.read()
    lab.postfix.shell("install -d -o Debian-exim -g Debian-exim -m 0750 /var/lib/smtp-sts-verify")
    identity = f"chroot --userspec=Debian-exim:Debian-exim {lab.postfix.root or '/'}"
    program = lambda words: postfix.shell(f"{identity} /usr/bin/smtp-sts-verify {words}")
    path = lab.postfix.path("/var/lib/smtp-sts-verify/cache.outbox.db")
    program("reports suppress nobody@elsewhere.example")  # makes the file
    day = int(time.time()) // 86400 - 1
    key = bytes(range(32))
    with sqlite3.connect(path) as file:
        file.execute("INSERT INTO bounce VALUES (1, ?)", [key])
        file.execute("INSERT INTO report (day, domain, state, next, first, tries, words) VALUES (?, ?, 'sent', 0, 0, 1, '')", [day, domain])
        for place in (dead, late):
            file.execute("INSERT INTO destination (day, domain, place, state, tries, next, words) VALUES (?, ?, ?, 'sent', 1, 0, '')", [day, domain, place])
    file.close()

    def sent(recipient):
        """A report, whose Message-ID is as the program makes it; what the log says until it is over with it."""
        token = hmac.new(key, f"{day} {domain} {recipient}".encode(), "sha256").hexdigest()[:32]
        date = time.strftime("%Y-%m-%d", time.gmtime(day * 86400))
        return report(recipient, f"Message-ID: <{date}.{domain}.0badc0de.{token}@example.org>", "TLS-Required: No")

    known = lambda: [json.loads(line) for line in program("reports outbox --all --format json").splitlines()]
    lab.postfix.set("transport_maps = inline:{{other@elsewhere.example=discard:}}")
    before = lab.postfix.shell(f"postconf -h {MAPS}")
    try:
        lab.postfix.shell(postfix.readme("reports-bounces"))
        with lab.postfix_set("smtp_tls_security_level = may"):
            begin = lab.postfix.log_size()
            for recipient in (late, dead):
                lab.postfix.shell(f"sendmail -oi -f {CONTACT} -- {recipient} <<'END'\n{sent(recipient)}\nEND")
            end = time.monotonic() + postfix.PATIENCE
            while "relay=tls-bounces" not in lab.postfix.log_since(begin):
                assert time.monotonic() < end, lab.postfix.log_since(begin)
                time.sleep(0.1)
            log = lab.postfix.log_since(begin)
            found = known()
            assert re.search(f"to=<{dead}>.*status=bounced", log) and re.search(f"to=<{late}>.*status=deferred", log), log
            states = {leg["to"]: leg["state"] for leg in found[0]["destinations"]}
            assert states == {dead: "gave-up", late: "sent"}, found
            left_alone = [line for line in found if line.get("suppression") == f"{dead} about {domain}"]
            assert len(left_alone) == 1 and "550 5.1.1 nobody has this mailbox" in left_alone[0]["reason"], found
            # The bounce went on to the report address as before.
            assert re.search(f"to=<{CONTACT}>", log), log
        undone(lab, before)
    finally:
        host.unknown = {}
        lab.postfix.shell("postsuper -d ALL 2>/dev/null")
        with open(lab.postfix.path("/etc/postfix/master.cf"), "w") as file:
            file.write(master)
        lab.postfix.shell("postconf -X virtual_alias_maps transport_maps")
        lab.postfix.restart()


def strangers(lab):
    """No client is let in with the report address as sender; with another one it is."""
    lab.postfix.shell(postfix.readme("reports-strangers"))
    lab.postfix.restart()
    for sender, code in [(CONTACT, 554), (CONTACT.upper(), 554), (postfix.SENDER, 250)]:
        with smtplib.SMTP("127.0.0.1", 25, local_hostname="x.example") as client:
            client.mail(sender)
            reply, words = client.rcpt("u@sts-selfsigned.signed.example")
            assert reply == code, (sender, reply, words)
