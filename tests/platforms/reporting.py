"""The set for TLS reports on machines that are not configured as Debian does it: who goes the way on which nothing is demanded, how it is
signed, and that nothing of it is left. tests/exim has more of the set itself."""

import json
import os
import re
import subprocess

import exim
import harness
from machines import read, write

CASES = []
case = harness.case
CONTACT, SELECTOR = "tls-reports@origin.example", "tlsrpt1"
SETTINGS = "/etc/smtp-sts-verify/exim-settings"
ORDINARY = r"R=smtp_sts_permitted T=smtp_sts_webpki(_\w+)? defer"
ROUTE = "R=smtp_sts_reports T=smtp_sts_reports "
BROKEN = "tlsrpt@selfsigned.signed.example"
REPORT = (f"From: {CONTACT}\nTo: {BROKEN}\nMessage-ID: <1@origin.example>\nSubject: Report Domain: selfsigned.signed.example\n"
          "TLS-Report-Domain: selfsigned.signed.example\nTLS-Report-Submitter: origin.example\nTLS-Required: No\n\nA report.\n")


def page(name):
    """A block of the page, for the report address of these tests."""
    return exim.readme(name, "tests/platforms").replace("tls-reports@example.org", CONTACT)


def with_route(lab, *sets, address=True):
    """The machine with the sets, as the page has administrators do it."""
    lab.exim.run(page("reports-key"))
    if address:
        lab.exim.run(page("reports-address"))
    return lab.exim.command("enable", *sets)


def identity(lab, user=None):
    """The words to be a user, Exim's own if none is named."""
    group = "nogroup" if user else lab.exim.group or lab.exim.user
    return ["setpriv", f"--reuid={user or lab.exim.user}", f"--regid={group}", "--clear-groups"]


def hand_over(lab, *recipients, user=None, text=REPORT, sender=CONTACT, options=("-odi", "-oi")):
    """A message of a user of this machine, whom the log has as Exim's own if none is named."""
    lab.world.forget()
    lab.exim.forget_hints()
    start = lab.exim.log_size()
    command = [*identity(lab, user), "exim", *options, *(["-f", sender, "--", *recipients] if sender is not None else [])]
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    mail = exim.Delivery(lab.exim.log_since(start))
    lab.exim.empty_queue()
    return mail


@case("reports: one gets to a host that strict mail waits for, signed by its own key, from the platform's address; others of that address wait")
def route(lab):
    lab.clean()
    signs = lab.signers.get(lab.kind)
    if signs:
        signs()
    said = with_route(lab, "enforce", "reports")
    assert "Reports go by the router smtp_sts_reports." in said, said
    lab.accepted()
    message = harness.delivered(lab, hand_over(lab, BROKEN), BROKEN, "selfsigned", ROUTE)
    tags = dict(tag.strip().split("=", 1) for tag in message.header("DKIM-Signature").split(";") if "=" in tag)
    assert (tags["d"], tags["s"], "l" in tags) == ("origin.example", SELECTOR, False), tags
    signed = tags["h"].replace(" ", "").lower().split(":")
    assert {"from", "to", "subject", "tls-report-domain", "tls-report-submitter"} <= set(signed), signed
    assert message.text.count("DKIM-Signature:") == 1, message.text
    if signs:
        assert set(lab.world.hosts["selfsigned"].greeted) == {(lab.source, "panel.origin.example")}, lab.world.hosts["selfsigned"].greeted
    # Who is not Exim's user, who speaks SMTP, and who writes to two.
    harness.waits(lab, hand_over(lab, BROKEN, user="root"), BROKEN, ORDINARY)
    harness.waits(lab, hand_over(lab, BROKEN, user="nobody"), BROKEN, ORDINARY)
    talk = f"EHLO x.example\r\nMAIL FROM:<{CONTACT}>\r\nRCPT TO:<{BROKEN}>\r\nDATA\r\n" + REPORT.replace("\n", "\r\n") + ".\r\nQUIT\r\n"
    for options, words in ((("-odi", "-bs"), talk), (("-odi", "-oMr", "scanned", "-bS"), talk.partition("\r\n")[2])):
        harness.waits(lab, hand_over(lab, text=words, sender=None, options=options), BROKEN, ORDINARY)
    expired = "u@expired.signed.example"
    mail = hand_over(lab, BROKEN, expired)
    for recipient in (BROKEN, expired):
        assert re.search(ORDINARY, mail.line(recipient)), mail.log
    other = hand_over(lab, BROKEN, sender="else@origin.example")
    harness.waits(lab, other, BROKEN, ORDINARY)


@case("reports: whom the platform does not let send, it lets send no report either")
def limited(lab):
    if lab.kind not in lab.limits:
        return
    lab.clean()
    with_route(lab, "enforce", "reports")
    write(lab.limits[lab.kind], CONTACT + ": yes\n")
    try:
        mail = hand_over(lab, BROKEN)
    finally:
        write(lab.limits[lab.kind], "")
    assert not lab.world.messages() and " => " not in mail.line(BROKEN), mail.log


@case("reports: a bounce to the report address is read by the program, as Exim's user, and goes on")
def bounce(lab):
    lab.clean()
    with_route(lab, "enforce", "reports")
    mail = hand_over(lab, CONTACT, user="root", sender="<>", text="Subject: away\n\nUntil Monday.\n")
    assert "R=smtp_sts_report_bounces T=smtp_sts_report_bounces" in mail.log, mail.log
    assert "nothing is done: it is no delivery status notification" in mail.log, mail.log


@case("reports: without the address the set does nothing, and says so; what cannot be signed waits")
def off(lab):
    lab.clean()
    said = with_route(lab, "enforce", "reports", address=False)
    assert "does nothing until /etc/smtp-sts-verify/exim-settings has reports_sender=ADDRESS" in said, said
    harness.waits(lab, hand_over(lab, BROKEN), BROKEN, ORDINARY)
    lab.exim.run(page("reports-address"))
    lab.exim.command("refresh")
    harness.delivered(lab, hand_over(lab, BROKEN), BROKEN, "selfsigned", ROUTE)
    os.unlink("/etc/smtp-sts-verify/tlsrpt.key")
    harness.waits(lab, hand_over(lab, BROKEN), BROKEN, ROUTE + "defer", envelope=True)


@case("reports: in whichever order, rebuilt, refreshed, one set without the other, and disabled: octet for octet as before")
def there_and_back(lab):
    lab.clean()
    before = lab.tree()
    with_route(lab, "enforce")
    enforce = lab.tree()
    lab.exim.command("enable", "reports")
    both = lab.tree()
    assert both != enforce
    lab.exim.command("disable", "reports")
    assert lab.tree() == enforce, lab.changed(lab.tree(), enforce)
    lab.exim.command("disable")
    assert lab.tree() == before, lab.changed(lab.tree(), before)
    lab.exim.command("enable", "reports")
    lab.accepted()
    alone = lab.tree()
    harness.delivered(lab, hand_over(lab, BROKEN), BROKEN, "selfsigned", ROUTE)
    lab.exim.command("enable", "enforce")
    assert lab.tree() == both, lab.changed(lab.tree(), both)
    lab.updates[lab.kind](lab)
    lab.accepted()
    said = lab.exim.command("status")
    assert "reports: enabled" in said and ("is gone from" in said) == (lab.tree() != both), said
    said = lab.exim.command("refresh")
    assert "reports is enabled." in said and lab.tree() == both, said
    lab.exim.command("disable", "enforce")
    assert lab.tree() == alone, lab.changed(lab.tree(), alone)
    lab.exim.command("disable")
    assert lab.tree() == before, lab.changed(lab.tree(), before)
    lab.accepted()


@case("reports: doctor finds the route, and what is wrong with it")
def examined(lab):
    lab.clean()
    with_route(lab, "enforce", "reports")
    settings = read(lab.configuration)
    write(lab.configuration, settings + f'[reports]\nsend = true\norganization = "Example Sender"\ncontact = "{CONTACT}"\n')
    assert look()["reports.route"]["result"] == "fine", look()["reports.route"]
    write(SETTINGS, re.sub("reports_sender=.*", "reports_sender=else@origin.example", read(SETTINGS)))
    lab.exim.command("refresh")
    assert look()["reports.route"]["result"] == "warning", look()["reports.route"]
    lab.exim.command("disable", "reports")
    assert "not loaded" in look()["reports.route"]["seen"], look()["reports.route"]


def look():
    """What doctor finds, by check."""
    done = subprocess.run([exim.PROGRAM, "doctor", "--offline", "--format", "json"], capture_output=True, text=True, timeout=120)
    return {finding["check"]: finding for finding in json.loads(done.stdout)["checks"]}
