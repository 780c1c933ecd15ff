"""TLS reports on their way: the router and transport of exim/reports, who may go that way, and the signature.

The messages are made by hand here, as `reports send` hands them over; what is in them is tried elsewhere.
"""

import base64
import contextlib
import glob
import json
import os
import re
import smtplib
import sqlite3
import subprocess
import sys
import time

import cases_doctor
import exim
import names
import ways
from cases_events import counted, fresh
from cases_policy import changed, send
from harness import case, delivered, waits

CASES = []
BY = (ways.SOCKET,)
CONTACT, DOMAIN, SELECTOR = "tls-reports@example.org", "example.org", "tlsrpt1"
ROUTE = "R=smtp_sts_reports T=smtp_sts_reports "
READERS = exim.TOP + "/target/reports/readers"
# Mail hosts that a policy in force keeps mail away from, each for another reason.
BROKEN = ("selfsigned", "plain", "broken", "refusing")


def macros():
    """What the page has administrators define."""
    return dict([exim.readme("reports-macros").strip().split(" = ")])


def report(recipients, about="receiver.example"):
    """A message as RFC 8460 section 5.3 wants it; what is attached is none of the mail server's business."""
    return (
        f"From: {CONTACT}\nTo: {recipients}\nDate: Sun, 29 Nov 2026 00:10:00 +0000\n"
        f"Message-ID: <2026-11-28.{about}.1@{DOMAIN}>\n"
        f"Subject: Report Domain: {about} Submitter: {DOMAIN} Report-ID: <2026-11-28.{about}.1@{DOMAIN}>\n"
        f"TLS-Report-Domain: {about}\nTLS-Report-Submitter: {DOMAIN}\nTLS-Required: No\nAuto-Submitted: auto-generated\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type="tlsrpt"; boundary="x"\n\n'
        "--x\nContent-Type: text/plain; charset=us-ascii\n\nA report.\n"
        "--x\nContent-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\n"
        + base64.b64encode(b"\x1f\x8b").decode() + "\n--x--\n"
    )


def hand_over(lab, *recipients, **how):
    """A report, with every mail host's memory empty before."""
    lab.world.forget()
    return lab.exim.hand_over(CONTACT, *recipients, text=report(", ".join(recipients)), **how)


def with_key(lab):
    """The key is there and its record is published, as the page says."""
    key = "/etc/exim4/tlsrpt.key"
    if os.path.exists(key):
        return
    lab.exim.run(exim.readme("reports-key"))
    status = os.stat(key)
    assert status.st_mode & 0o777 == 0o640 and status.st_gid == os.stat(exim.CACHE).st_gid, oct(status.st_mode)
    lines = [line for line in lab.world.names.zones[DOMAIN].splitlines() if "_domainkey" not in line]
    lab._publish(DOMAIN, "\n".join(lines) + "\n" + lab.exim.run(exim.readme("reports-record")))


def ordinary(lab, mail, recipient):
    """It took the way of any mail, and waits there for the TLS that the domain demands."""
    waits(lab, mail, recipient, r"R=smtp_sts_permitted T=smtp_sts_webpki defer")


@case("reports: where a policy in force keeps mail away from a host, a report gets there, and is not counted", by=BY)
def passes(lab):
    with_key(lab)
    fresh(lab)
    lab.exim.forget_hints()
    for host in BROKEN:
        recipient = f"tlsrpt@sts-{host}.signed.example"
        message = delivered(lab, hand_over(lab, recipient), recipient, host, ROUTE)
        assert message.encrypted == (host == "selfsigned") and CONTACT in message.sender, open(exim.MAINLOG).read()[-3000:]
    assert counted(lab) == {}
    lab.world.forget()
    mail = lab.exim.deliver("u@sts-selfsigned.signed.example")
    ordinary(lab, mail, "u@sts-selfsigned.signed.example")
    assert counted(lab) == {("sts-selfsigned", "mta-sts", "selfsigned", "certificate-not-trusted"): 1}


@case("reports: no TLSA record keeps a report from its host", by=BY, dane=True)
def passes_dane(lab):
    with_key(lab)
    for domain in ("danewrong", "dane-plain", "dane-unusable-plain"):
        recipient = f"tlsrpt@{domain}.signed.example"
        host = domain.removeprefix("dane-").replace("plain", "daneplain") if domain == "dane-plain" else domain.replace("-", "").replace("daneu", "u")
        lab.exim.forget_hints()
        delivered(lab, hand_over(lab, recipient), recipient, host, ROUTE)


@case("reports: four broken receivers are reached at once, right after strict mail failed there: 4 of 4", by=BY)
def at_once(lab):
    with_key(lab)
    lab.forget_policies()
    lab.exim.forget_hints()
    strict = {host: f"u@sts-{host}.signed.example" for host in BROKEN}
    for recipient in strict.values():
        mail = lab.exim.deliver(recipient, fresh=False)
        assert "T=smtp_sts_webpki defer" in mail.line(recipient), mail.log
    reached = 0
    for host in BROKEN:
        recipient = f"tlsrpt@sts-{host}.signed.example"
        mail = hand_over(lab, recipient)
        delivered(lab, mail, recipient, host, ROUTE)
        reached += len(re.findall(f" => {re.escape(recipient)} ", mail.log))
    assert reached == 4
    # And by a queue run, while the strict mail waits for the same hosts and is tried in the same process.
    lab.world.forget()
    start = lab.exim.log_size()
    for host in BROKEN:
        lab.exim.hand_over(CONTACT, f"tlsrpt@sts-{host}.signed.example", text=report("x@y.example"), options=("-odq",))
    lab.exim.run("exim4 -q")
    log = exim.Delivery(lab.exim.log_since(start))
    for host in BROKEN:
        recipient = f"tlsrpt@sts-{host}.signed.example"
        assert re.search(" => .*" + ROUTE, log.line(recipient)), log.log
    assert sorted(label for label, _ in lab.world.messages()) == sorted(BROKEN)
    lab.exim.empty_queue()


@case("reports: who claims the report address takes the ordinary way, by SMTP, as another user, as root, or as a filter", by=BY)
def strangers(lab):
    with_key(lab)
    lab.exim.forget_hints()
    recipient = "u@sts-selfsigned.signed.example"
    for user in ("nobody", "root"):
        mail = hand_over(lab, recipient, user=user)
        assert f"<= {CONTACT} " in mail.log, mail.log  # Debian believes everybody's -f
        ordinary(lab, mail, recipient)
        lab.exim.forget_hints()
    # A filter that runs as Exim's user and hands back what strangers sent.
    talk = f"MAIL FROM:<{CONTACT}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\nSubject: x\r\n\r\nHello.\r\n.\r\nQUIT\r\n"
    for options in (("-bS",), ("-oMr", "spam-scanned", "-bS"), ("-bs",)):
        lab.world.forget()
        hello = "EHLO x.example\r\n" if options == ("-bs",) else ""
        mail = lab.exim.hand_over(None, text=hello + talk, call=("exim4",), options=("-odi", *options))
        ordinary(lab, mail, recipient)
        lab.exim.forget_hints()
    # By SMTP: a message's "user" is then the one of Exim's daemon, which is Exim's own.
    lab.world.forget()
    start = lab.exim.log_size()
    with listening():
        with smtplib.SMTP("127.0.0.1", 2525, local_hostname="x.example") as client:
            client.sendmail(CONTACT, [recipient], report(recipient))
        end = time.monotonic() + 20
        while "Completed" not in (log := lab.exim.log_since(start)) and " == " not in log:
            assert time.monotonic() < end, log
            time.sleep(0.02)
    assert f"<= {CONTACT} H=" in log, log
    ordinary(lab, exim.Delivery(log), recipient)
    lab.exim.empty_queue()


@contextlib.contextmanager
def listening():
    """Exim's daemon, on a port of the loopback interface."""
    daemon = subprocess.Popen(["exim4", "-bdf", "-oX", "127.0.0.1.2525", "-oP", ""], stdin=subprocess.DEVNULL)
    end = time.monotonic() + 20
    try:
        while True:
            try:
                smtplib.SMTP("127.0.0.1", 2525, local_hostname="x.example").quit()
                break
            except ConnectionRefusedError:
                assert daemon.poll() is None and time.monotonic() < end, "Exim does not listen"
                time.sleep(0.02)
        yield
    finally:
        daemon.terminate()
        daemon.wait(20)


@case("reports: the bounce of a report takes the ordinary way", by=BY)
def bounced(lab):
    with_key(lab)
    lab.exim.forget_hints()
    mail = hand_over(lab, "tlsrpt@nullmx.signed.example")
    assert re.search(r" \*\* tlsrpt@nullmx", mail.log), mail.log
    assert re.search(r" <= <> R=", mail.log), mail.log
    # Of the domain of the report address a policy is in force, and its host keeps it as little as the others.
    ordinary(lab, mail, CONTACT)
    lab.exim.empty_queue()


@case("reports: what an alias or a .forward leads elsewhere takes the ordinary way, even if it is a report", by=BY)
def forwarded(lab):
    with_key(lab)
    recipient = "u@sts-selfsigned.signed.example"
    with open("/etc/aliases", "a") as file:
        file.write(f"elsewhere: {recipient}\n")
    lab.exim.run("getent passwd forwarder >/dev/null || useradd --home-dir /var/forwarder --create-home forwarder\n"
                 f"echo {recipient} >/var/forwarder/.forward && chown forwarder /var/forwarder/.forward")
    for local in ("elsewhere", "forwarder"):
        for user in ("Debian-exim", "nobody"):
            lab.exim.forget_hints()
            mail = hand_over(lab, f"{local}@origin.example", user=user)
            ordinary(lab, mail, recipient)
    lab.exim.empty_queue()


@case("reports: a message of the report address to two recipients takes the ordinary way", by=BY)
def two_recipients(lab):
    with_key(lab)
    lab.exim.forget_hints()
    both = ("u@sts-selfsigned.signed.example", "u@sts-expired.signed.example")
    mail = hand_over(lab, *both)
    for recipient in both:
        ordinary(lab, mail, recipient)
    lab.exim.empty_queue()


@case("reports: signed by a key for reports alone, with both headers and without l=, as an independent verifier sees it", by=BY)
def signed(lab):
    with_key(lab)
    lab.exim.forget_hints()
    recipient = "tlsrpt@sts-selfsigned.signed.example"
    message = delivered(lab, hand_over(lab, recipient), recipient, "selfsigned", ROUTE)
    tags = dict(tag.strip().split("=", 1) for tag in message.header("DKIM-Signature").split(";") if "=" in tag)
    assert (tags["d"], tags["s"], "l" in tags) == (DOMAIN, SELECTOR, False), tags
    headers = tags["h"].replace(" ", "").lower().split(":")
    assert {"from", "to", "date", "subject", "message-id", "tls-report-domain", "tls-report-submitter"} <= set(headers), headers
    assert "; s=tlsrpt; " in published()
    dkim = verifier()
    if dkim is None:
        print("tests/exim: skipped: the check of the signature: needs python3-dkim, or tests/reports/fetch")
        return
    octets = message.text.encode()
    look = lambda name, timeout=5: published(name.decode().rstrip(".")).encode()
    check = lambda octets, tlsrpt: dkim.DKIM(octets, tlsrpt=tlsrpt).verify(dnsfunc=look)
    assert check(octets, "strict") is True
    # The key's record says that it is for nothing else, and what is signed cannot be changed.
    assert not_verified(check, octets, False)
    for before, after in [(b"TLS-Report-Domain: receiver.example", b"TLS-Report-Domain: other.example"),
                          (b"TLS-Report-Submitter: example.org", b"TLS-Report-Submitter: other.example"), (b"A report.", b"Another.")]:
        assert before in octets and not_verified(check, octets.replace(before, after), "strict"), before
    # Other mail is not signed with it.
    message = delivered(lab, mail_to(lab, "u@sts-met.signed.example"), "u@sts-met.signed.example", "good", "R=smtp_sts_permitted")
    assert message.header("DKIM-Signature") is None, message.text


def mail_to(lab, recipient):
    """Ordinary mail with the report address as sender."""
    lab.world.forget()
    return lab.exim.hand_over(CONTACT, recipient, user="nobody")


def not_verified(check, octets, tlsrpt):
    """Whether the verifier refuses it; it does so in two ways."""
    try:
        return check(octets, tlsrpt) is False
    except Exception as error:
        return type(error).__module__.startswith("dkim")


def published(name=f"{SELECTOR}._domainkey.{DOMAIN}"):
    """The TXT record of a name, as Exim's resolver tells it, its strings joined."""
    answer = names.dns.query.udp_with_fallback(names.dns.message.make_query(name + ".", "TXT"), names.VALIDATING, timeout=5)[0]
    return b"".join(answer.answer[0][0].strings).decode()


def verifier():
    """dkimpy, of Debian or of the readers' own environment; None if there is none."""
    sys.path.extend(glob.glob(READERS + "/lib/python3*/site-packages"))
    try:
        import dkim
    except ImportError:
        return None
    return dkim


@case("reports: a test goes the way of reports, signed, to whoever is named, before anything is sent; nothing is counted or remembered", by=BY)
def tried(lab):
    with_key(lab)
    fresh(lab)
    lab.exim.forget_hints()
    recipient = "me@sts-selfsigned.signed.example"
    before = counted(lab)  # of other cases
    with lab.program_told(REPORTING.replace("send = true", "send = false")):
        lab.world.forget()
        start, known = lab.exim.log_size(), program(lab, "reports outbox --all --format json")
        said = program(lab, f"reports send --test {recipient}")
        assert f"a test from {CONTACT} to {recipient}: handed to the mail server" in said, said
        after = program(lab, "reports outbox --all --format json")
        assert after == known, (known, after)
    message = delivered(lab, exim.Delivery(lab.exim.log_since(start)), recipient, "selfsigned", ROUTE)
    after = counted(lab)
    assert after == before, (before, after)
    assert f"TLS-Report-Submitter: {DOMAIN}" in message.text and "This is a test of the way" in message.text, message.text
    dkim = verifier()
    if dkim is None:
        print("tests/exim: skipped: the check of the signature: needs python3-dkim, or tests/reports/fetch")
        return
    look = lambda name, timeout=5: published(name.decode().rstrip(".")).encode()
    assert dkim.DKIM(message.text.encode(), tlsrpt="strict").verify(dnsfunc=look) is True, message.text


@case("reports: what cannot be signed waits", by=BY)
def unsigned(lab):
    with_key(lab)
    lab.exim.forget_hints()
    recipient = "tlsrpt@sts-selfsigned.signed.example"
    os.rename("/etc/exim4/tlsrpt.key", "/etc/exim4/tlsrpt.key.away")
    try:
        mail = hand_over(lab, recipient)
    finally:
        os.rename("/etc/exim4/tlsrpt.key.away", "/etc/exim4/tlsrpt.key")
    waits(lab, mail, recipient, ROUTE + "defer", envelope=True)
    lab.exim.empty_queue()


@case("reports: a host that is away is tried for 24 hours, and its report comes back to the report address", by=BY)
def gives_up(lab):
    with_key(lab)
    lab.exim.forget_hints()
    recipient = "tlsrpt@away.example.org"
    lab._publish(DOMAIN, lab.world.names.zones[DOMAIN] + f"away MX 10 away.{DOMAIN}.\naway A 192.0.2.99\n")
    mail = hand_over(lab, recipient)
    assert ROUTE + "defer" in mail.line(recipient), mail.log
    if lab.build.numbers >= (4, 99):
        return  # what it remembers is written in another form than this machine's exim_dumpdb reads
    first, last, following = retry_times("T:away.example.org")
    assert following - last == 15 * 60, (first, last, following)
    for hours, pattern in [(23, " == "), (25, r" \*\* ")]:
        failing_for(hours, "T:away.example.org")
        start = lab.exim.log_size()
        lab.exim.run("exim4 -qf")
        log = exim.Delivery(lab.exim.log_since(start))
        assert re.search(pattern, log.line(recipient)), (hours, log.log)
    lab.exim.empty_queue()


REPORTING = (f'[reports]\nsend = true\norganization = "Example Sender"\ncontact = "{CONTACT}"\n'
             'sendmail = ["/usr/sbin/sendmail", "-oi", "-odi"]\n')


@case("reports: a 550 comes back as a bounce, and the next run leaves the address alone for a week; what is forged does nothing", by=BY)
def bounced(lab):
    with_key(lab)
    fresh(lab)
    lab.exim.forget_hints()
    domain, dead, host = "sts-met.signed.example", "dead@sts-met.signed.example", lab.world.hosts["good"]
    before = lab.world.names.zones["signed.example"]
    lab._publish("signed.example", before + f'_smtp._tls.sts-met TXT "v=TLSRPTv1; rua=mailto:{dead}"\n')
    host.unknown[dead] = "550 5.1.1 nobody has this mailbox"
    try:
        with lab.program_configured(lab._configuration(names.PLAIN) + REPORTING):
            delivered(lab, lab.exim.deliver(f"u@{domain}"), f"u@{domain}", "good", "R=smtp_sts_permitted")
            lab.serve.stop()
            two_days_later()
            start = lab.exim.log_size()
            send = lambda: program(lab, "reports send")
            assert f"sent: " in send(), send()
            # The run has the turn while Exim delivers in the foreground, so the bounce may wait for the next queue run.
            end = time.monotonic() + 60
            while (found := outbox_about(lab, domain))[0]["state"] != "gave-up":
                assert time.monotonic() < end, lab.exim.log_since(start)
                lab.exim.run("exim4 -qf")
            log = lab.exim.log_since(start)
            assert re.search(rf" \*\* {re.escape(dead)} {ROUTE}", log) and "R=smtp_sts_report_bounces T=smtp_sts_report_bounces" in log, log
            assert "came back: " in found[0]["words"] and "550 5.1.1 nobody has this mailbox" in found[0]["words"], found
            left_alone = [line for line in found if line.get("suppression")]
            assert [line["suppression"] for line in left_alone] == [f"{dead} about {domain}"], found
            until = time.mktime(time.strptime(left_alone[0]["until"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            assert abs(until - time.time() - 7 * 86400) < 600, left_alone
            # Whoever reads the report address has it, too: here it waits for a host that does not keep its policy.
            # Not with exiqgrep: the installed one may not know the longer numbers of this Exim.
            number = re.search(r"(\S+) <>.*\n\s+\S*tls-reports", lab.exim.run("exim4 -bp"))[1]
            text = lab.exim.run(f"exim4 -Mvc {number}")
            assert "Action: failed" in text, text
            forget_reports()
            start = lab.exim.log_size()
            said = send()
            assert re.search("0 sent, 0 wait, 0 given up, [12] not asked for", said) and dead not in lab.exim.log_since(start), said
            program(lab, f"reports suppress {dead} --lift")
            # The same with another token, and mail of another kind.
            token = re.search(r"\.([0-9a-f]{32})@", text)[1]
            for forged, words in [(text.replace(token, "0" * 32), "nothing is done: no mail of ours has the Message-ID that it gives back"),
                                  ("Subject: I am away\n\nUntil Monday.\n", "nothing is done: it is no delivery status notification")]:
                start = lab.exim.log_size()
                subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "sendmail", "-oi", "-odi", "-f", "<>", "--", CONTACT],
                               input=forged.encode(), check=True, timeout=120)
                assert words in lab.exim.log_since(start), lab.exim.log_since(start)
            assert not any(line.get("suppression") for line in outbox_about(lab, domain))
    finally:
        host.unknown.clear()
        lab._publish("signed.example", before)
        lab.exim.empty_queue()


def program(lab, words):
    """What the program says to Exim's user, whatever its status."""
    return lab.exim.run(f"setpriv --reuid=Debian-exim --regid=Debian-exim --clear-groups smtp-sts-verify {words} || true")


def outbox_about(lab, domain):
    """What is known of a domain's reports, and of addresses that are left alone. Mail of other cases that still waits for our own
    domain may have been counted, too."""
    lines = [json.loads(line) for line in program(lab, "reports outbox --all --format json").splitlines()]
    return [line for line in lines if line.get("domain", domain) == domain]


def two_days_later():
    """What was counted today was counted the day before yesterday: its report is due, whatever the time is now."""
    with sqlite3.connect(exim.CACHE + "/cache.reports.db") as file:
        for table, in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if "day" in [column[1] for column in file.execute(f"PRAGMA table_info({table})")]:
                file.execute(f"UPDATE {table} SET day = day - 2")


def forget_reports():
    """As if no report had been sent; what is known of addresses stays."""
    with sqlite3.connect(exim.CACHE + "/cache.outbox.db") as file:
        file.executescript("DELETE FROM report; DELETE FROM destination; DELETE FROM package")


@case("reports: the commands that show the route say what the page says", by=BY)
def shown(lab):
    with_key(lab)
    commands = exim.readme("reports-check").replace("example.net", "sts-met.signed.example")
    assert "sts-met.signed.example" in commands
    report_goes, others_go = [lab.exim.run(line) for line in commands.strip().splitlines()]
    way = "router = smtp_sts_reports, transport = smtp_sts_reports"
    assert way in report_goes and way not in others_go, (report_goes, others_go)


@case("reports: the doctor sees the route, the key and our own record, and what is wrong with them", by=BY)
def doctor(lab):
    with_key(lab)
    before = lab.world.names.zones[DOMAIN]
    sends = f'[reports]\nsend = true\norganization = "Example Sender"\ncontact = "{CONTACT}"\n'
    with lab.program_told(sends):
        found = cases_doctor.examine()[1]
        cases_doctor.has(found, "fine", "reports.sendmail", "reports.route", "reports.key", "reports.signature", "exim.routers", "exim.transports")
        assert "the key that signs" in found["reports.key"][1], found["reports.key"]
        assert f"a test message verifies: s={SELECTOR}, d={DOMAIN}" in found["reports.signature"][1], found["reports.signature"]
        cases_doctor.has(found, "warning", "reports.record")
        # Whatever root's umask is.
        masked = cases_doctor.examine("sh", "-c", 'umask 077; exec "$@"', "sh")[1]
        cases_doctor.has(masked, "fine", "reports.signature")
        lab._publish(DOMAIN, before.replace("s=tlsrpt; ", "") + '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls-reports@example.org"\n')
        found = cases_doctor.examine()[1]
        cases_doctor.has(found, "fine", "reports.record")
        cases_doctor.has(found, "warning", "reports.key")
        lab._publish(DOMAIN, before)
        os.chmod("/etc/exim4/tlsrpt.key", 0o600)
        found = cases_doctor.examine()[1]
        cases_doctor.has(found, "warning", "reports.key")
        assert "Exim's user cannot read" in found["reports.key"][1], found["reports.key"]
        cases_doctor.has(found, "warning", "reports.signature")
        assert "did not hand over a test message" in found["reports.signature"][1], found["reports.signature"]
        os.chmod("/etc/exim4/tlsrpt.key", 0o640)
        os.rename("/etc/exim4/tlsrpt.key", "/etc/exim4/tlsrpt.key.away")
        lab.exim.run(exim.readme("reports-key"))
        cases_doctor.has(cases_doctor.examine()[1], "warning", "reports.key", "reports.signature")
        os.rename("/etc/exim4/tlsrpt.key.away", "/etc/exim4/tlsrpt.key")
    with lab.program_told(sends.replace(CONTACT, "another@example.org")):
        cases_doctor.has(cases_doctor.examine()[1], "warning", "reports.route")
    assert not any(check.startswith("reports.") for check in cases_doctor.examine()[1])
    assert not glob.glob("/tmp/smtp-sts-verify-*"), "the test message left something"


@case("TLS reports: that this machine tries no TLS with a host is no failure of that host's", by=BY)
def avoided(lab):
    plain, other = lab.world.hosts["plain"], lab.world.hosts["selfsigned"]
    told = lambda: {key: number for key, number in counted(lab).items() if key[2]}
    # Of several transports each has its own list, as exim/platforms/derive.sh hands them over.
    of_each = "${if inlist{$transport_name}{another:smtp_sts_told}{*}}${if inlist{$transport_name}{remote_smtp:smtp_sts_told_remote_smtp}{%s}}"
    lists = ["<; 192.0.2.9 ; plain.hosts.example", plain.address, "lsearch;/etc/hosts", "<; 192.0.2.9 ; " + plain.address]
    for place, list_of_hosts in enumerate(lists):
        macros = {"REMOTE_SMTP_HOSTS_AVOID_TLS": list_of_hosts}
        if place == 3:
            macros["SMTP_STS_AVOIDS_TLS"] = of_each % list_of_hosts
        lab.exim.configure("split", sets=["enforce"], macros=macros)
        fresh(lab)
        with changed(plain, starttls="offered"), changed(other, starttls="refused"):
            for domain, host in [("sts-testing", "plain"), ("nopolicy", "plain"), ("nopolicy2", "selfsigned")]:
                recipient = f"u@{domain}.signed.example"
                delivered(lab, send(lab, recipient), recipient, host, "T=remote_smtp ")
        expected = {("nopolicy2", "none", "selfsigned", "starttls-not-supported"): 1}
        if "lsearch" in list_of_hosts:
            # Exim finds no host there and tries TLS; of the one that refuses it nobody but Exim can tell that.
            expected = {("nopolicy", "none", "plain", "success"): 1, ("sts-testing", "mta-sts", "plain", "validation-failure"): 1}
        if not lab.exim.tells_without_policy:
            expected = {key: number for key, number in expected.items() if key[1] != "none"}
        counts = told()
        assert counts == expected, (list_of_hosts, counts)
    # Where a policy demands TLS, this machine tries it, whatever the list says.
    fresh(lab)
    with changed(plain, starttls="refused"):
        waits(lab, send(lab, "u@sts-plain.signed.example"), "u@sts-plain.signed.example", "T=smtp_sts_webpki defer")
    counts = told()
    assert counts == {("sts-plain", "mta-sts", "plain", "starttls-not-supported"): 1}, counts
    lab.exim.empty_queue()


@case("reports: without the macro the files do nothing", by=BY)
def off(lab):
    lab.exim.forget_hints()
    assert "smtp_sts_reports" not in lab.exim.run("exim4 -bP router_list transport_list")
    recipient = "u@sts-selfsigned.signed.example"
    ordinary(lab, hand_over(lab, recipient), recipient)
    lab.exim.empty_queue()


@case("reports, single file: a report gets there, whichever set came first, and the page's undoing leaves nothing", by=BY)
def single(lab):
    recipient = "tlsrpt@sts-selfsigned.signed.example"
    for sets in (["enforce", "reports"], ["reports", "enforce"], ["reports"]):
        lab.exim.configure("single", sets=sets, macros=macros())
        with_key(lab)
        lab.exim.forget_hints()
        delivered(lab, hand_over(lab, recipient), recipient, "selfsigned", ROUTE)
    for scheme in ("single", "split"):
        lab.exim.configure(scheme, sets=["enforce"], macros=macros())
        before = generated()
        lab.exim.configure(scheme, sets=["enforce", "reports"], macros=macros())
        assert generated() != before
        lab.exim.run(exim.readme(f"undo-reports-{scheme}"))
        assert generated() == before
        left = subprocess.run(["grep", "-rl", "verify-reports", "/etc/exim4"], capture_output=True, text=True).stdout
        assert not left, left


def generated():
    """What Exim reads, without comments."""
    with open(exim.CONFIGURATION) as file:
        return [line for line in file if line.strip() and not line.startswith("#")]


def retry_times(key):
    """When Exim failed first and last at a host, and when it tries it again, seconds since 1970."""
    dump = subprocess.run(["exim_dumpdb", "-z", "/var/spool/exim4", "retry"], capture_output=True, text=True).stdout
    found = re.search(rf"(?m)^\s*{re.escape(key)} .*\n(.*)$", dump)
    assert found, dump
    moments = re.findall(r"\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d", found[1])
    return [time.mktime(time.strptime(moment, "%d-%b-%Y %H:%M:%S")) for moment in moments]


def failing_for(hours, key):
    """Exim remembers that a host failed first so many hours ago."""
    moment = time.strftime("%y%m%d%H%M", time.localtime(time.time() - hours * 3600))
    done = subprocess.run(["exim_fixdb", "/var/spool/exim4", "retry"], input=f"{key}\n2 {moment}\n\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert abs(time.time() - hours * 3600 - retry_times(key)[0]) < 120, done.stdout


# As in cases_setup: words, function, and how the configuration is made.
_ON = dict(scheme="split", sets=["enforce", "reports"], macros=macros())
_HOW = {passes: _ON, avoided: dict(scheme="split", sets=["enforce"]), off: dict(scheme="split", sets=["enforce", "reports"]), single: _ON}
SETUPS = [(function.words, function, _HOW.get(function)) for function in CASES]
