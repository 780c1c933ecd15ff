"""Exim and our files alone: a stand-in gives answers from a table, well-formed and otherwise."""

import json
import os
import subprocess
import threading

import ways
from harness import case, delivered, never_in_clear, waits

CASES = []
HANGING = "nopolicy3.signed.example"
REST = "policy=smtp-sts mode=enforce auth=dnssec mx=unchecked cache=hit reason=policy-met"


def answer(verdict="deliver", tls="opportunistic", mxre="^(.+)$", rest=REST):
    """A line as the program prints it, without a line end."""
    return f"verdict={verdict} tls={tls} {rest} mxre={mxre}"


def says(domain, text, status=0):
    """The stand-in's answer about one domain from now on."""
    table = json.load(open(ways.TABLE)) if os.path.exists(ways.TABLE) else {}
    table[domain] = [status, text]
    with open(ways.TABLE, "w") as file:
        json.dump(table, file)


def logged():
    """What the stand-in program was asked since the last time."""
    if not os.path.exists(ways.LOG):
        return []
    with open(ways.LOG) as file:
        lines = [json.loads(line) for line in file]
    os.unlink(ways.LOG)
    return [ways.Asked.by_run(*line) for line in lines if HANGING not in line]


def one(lab, domain, text, status=0):
    """One message to a domain about which the stand-in says `text`."""
    says(domain, text, status)
    lab.world.forget()
    return lab.exim.deliver("u@" + domain)


@case("tls=webpki and a good host: delivered over verified TLS, asked once, as root, by domain alone")
def webpki(lab):
    lab.asked()
    mail = one(lab, "met.signed.example", answer(tls="webpki", mxre="^([^.]+[.]hosts[.]example)$"))
    delivered(lab, mail, "u@met.signed.example", "good", "R=smtp_sts_permitted T=smtp_sts_webpki", "CV=yes")
    questions = lab.asked()
    assert questions == [ways.Asked(None if lab.by == ways.TCP else 0, "met.signed.example")], questions


@case("whatever octet that Exim takes a recipient's domain has: it reaches the program within one argument, and nothing of it is mailed", by=[ways.RUN])
def every_octet(lab):
    octets = [bytes([octet]) for octet in range(1, 256)]
    domains = [name for octet in octets for name in (octet + b"a" + octet + b"b" + octet + b".octets.example", b"a" + octet + b"b.octets.example")]
    names = ["".join(f"\\x{octet:02x}" for octet in name) for name in domains]
    # Which of them Exim takes for addresses, it says itself; an address that goes on behind the octet is another one.
    lines = "".join("${if eq{${domain:${address:u@%s}}}{%s}{yes}{no}}\n" % (name, name) for name in names)
    said = subprocess.run(["exim4", "-be"], input=lines, capture_output=True, text=True).stdout.replace("> ", "").split()
    assert len(said) == len(names), said
    domains = [domain for domain, one in zip(domains, said) if one == "yes"]
    assert {b"aab.octets.example", b"a-b.octets.example"} <= set(domains), said
    lab.world.forget()
    lab.asked()
    mail = lab.exim.deliver(*[b"u@" + domain for domain in domains])
    assert not lab.world.messages(), mail.log
    asked = {os.fsencode(question.domain) for question in lab.asked()}
    assert asked == {domain.lower() for domain in domains}, asked
    print(f"     {lab.build} takes {len(domains)} of {len(said)} domains")


@case("two recipients of one domain: still asked once, or once each, and delivered together")
def two_recipients(lab):
    says("met.signed.example", answer(tls="webpki"))
    lab.asked()
    lab.world.forget()
    mail = lab.exim.deliver("u@met.signed.example", "v@met.signed.example")
    assert len(lab.world.hosts["good"].messages[0].recipients) == 2, mail.log
    assert len(lab.asked()) <= 2


@case("two domains with the same host, one webpki and one without a policy: each by its own transport")
def two_domains(lab):
    says("shared.signed.example", answer(tls="webpki"))
    says("nopolicy2.signed.example", answer())
    lab.world.forget()
    mail = lab.exim.deliver("u@shared.signed.example", "u@nopolicy2.signed.example")
    assert " == " in mail.line("u@shared.signed.example") and "T=smtp_sts_webpki" in mail.line("u@shared.signed.example")
    assert " => " in mail.line("u@nopolicy2.signed.example"), mail.log
    assert [m.recipients for _, m in lab.world.messages()] == [["<u@nopolicy2.signed.example>"]]


@case("a connection opened for a domain without a policy is not used again for an enforced one")
def no_reuse(lab):
    says("shared.signed.example", answer(tls="webpki"))
    says("nopolicy2.signed.example", answer())
    lab.exim.empty_queue()
    lab.exim.forget_hints()
    lab.world.forget()
    selfsigned = lab.world.hosts["selfsigned"]
    for recipient in ("u@nopolicy2.signed.example", "u@shared.signed.example"):
        lab.exim.queue(recipient)
    start = lab.exim.log_size()
    lab.exim.run("exim4 -qqf")
    lab.exim.run("exim4 -qf")
    log = lab.exim.log_since(start)
    lab.exim.empty_queue()
    assert [m.recipients for m in selfsigned.messages] == [["<u@nopolicy2.signed.example>"]], log


@case("tls=encrypt: any certificate will do")
def encrypt(lab):
    mail = one(lab, "selfsigned.signed.example", answer(tls="encrypt", rest=REST + " tlsa=unusable"))
    delivered(lab, mail, "u@selfsigned.signed.example", "selfsigned", "T=smtp_sts_encrypt", "CV=no")


@case("tls=encrypt: no STARTTLS, or one that is refused or broken, and the mail waits")
def encrypt_plain(lab):
    for host in ("plain", "refusing", "broken"):
        mail = one(lab, f"{host}.signed.example", answer(tls="encrypt", rest=REST + " tlsa=unusable"))
        waits(lab, mail, f"u@{host}.signed.example", "T=smtp_sts_encrypt", r"defer \(-3[78]\)")


@case("a word more in the answer, passed=smtp-sts, changes nothing")
def passed(lab):
    rest = REST.replace("policy=smtp-sts", "policy=mta-sts") + " passed=smtp-sts"
    mail = one(lab, "met.signed.example", answer(tls="webpki", rest=rest))
    delivered(lab, mail, "u@met.signed.example", "good", "R=smtp_sts_permitted T=smtp_sts_webpki", "CV=yes")


@case("mxre keeps the first MX out, whatever its preference; the permitted one takes the mail")
def detour(lab):
    mail = one(lab, "detour.signed.example", answer(tls="webpki", mxre="^(good[.]hosts[.]example)$"))
    delivered(lab, mail, "u@detour.signed.example", "good", "CV=yes")


@case("mxre that matches nothing: the mail waits and no host hears of it")
def nothing_permitted(lab):
    mail = one(lab, "met.signed.example", answer(tls="webpki", mxre="^(.^)$"))
    waits(lab, mail, "u@met.signed.example", "R=smtp_sts_none_permitted", "no usable MX host of met.signed.example")


@case("tls=opportunistic: the router and transport that were there before")
def opportunistic(lab):
    mail = one(lab, "nopolicy.signed.example", answer(rest="policy=none mode=none reason=no-policy"))
    delivered(lab, mail, "u@nopolicy.signed.example", "plain", "R=dnslookup T=remote_smtp ")


@case("tls=opportunistic with some hosts left out: the others get the mail by the transport of ordinary mail")
def opportunistic_restricted(lab):
    rest = "policy=none mode=none reason=tlsa-bogus"
    mail = one(lab, "fallback.signed.example", answer(rest=rest, mxre="^(plain[.]hosts[.]example)$"))
    delivered(lab, mail, "u@fallback.signed.example", "plain", "R=smtp_sts_permitted T=remote_smtp ")
    mail = one(lab, "detour.signed.example", answer(rest=rest, mxre="^(good[.]hosts[.]example)$"))
    delivered(lab, mail, "u@detour.signed.example", "good", "R=smtp_sts_permitted T=remote_smtp ")
    assert not lab.world.hosts["other"].envelopes


@case("tls=opportunistic with every host left out: the mail waits, and the log has the reason")
def opportunistic_none(lab):
    mail = one(lab, "nopolicy.signed.example", answer(rest="policy=dane mode=none reason=tlsa-bogus", mxre="^(.^)$"))
    waits(lab, mail, "u@nopolicy.signed.example", "R=smtp_sts_none_permitted", r"no usable MX host .*\(tlsa-bogus\)")


@case("verdict=defer, exit 75: the mail waits, and the log has the reason")
def deferred(lab):
    mail = one(lab, "met.signed.example", answer("defer", rest="policy=none reason=dnssec-bogus"), 75)
    waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", r"cannot be told now \(dnssec-bogus\)")


@case("errors of usage, configuration and program (64, 78, 70): the mail waits, and the log has the reason")
def errors(lab):
    for status, reason in ((64, "usage"), (78, "configuration"), (70, "internal")):
        mail = one(lab, "met.signed.example", answer("defer", rest=f"policy=none reason={reason}"), status)
        waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", rf"\({reason}\)")


GARBAGE = {
    "nothing": "",
    "a blank": " ",
    "words": "GOOD: everything is fine",
    "an answer cut short": "verdict=deliver tls=webpki",
    "an answer without mxre": answer(tls="webpki").partition(" mxre=")[0],
    "an unknown tls": answer(tls="maybe"),
    "an unknown verdict": answer(verdict="perhaps"),
    "a second line": answer(tls="webpki") + "\nX-Injected: yes",
    "a line end behind the answer": answer(tls="webpki") + "\n",
    "an expansion": answer(rest="policy=${run{/usr/bin/touch /var/tmp/ran}}"),
    "a second item for the host list": answer(tls="webpki", mxre="^(x)$ ; ! ^.*$"),
    "octets that are no text": answer(tls="webpki", mxre="^(\x01\xff)$"),
    "a megabyte": "verdict=deliver " + "x" * 1_000_000,
}


@case("garbage of thirteen kinds: each time the mail waits, and none of it reaches the log")
def garbage(lab):
    for kind, text in GARBAGE.items():
        mail = one(lab, "met.signed.example", text)
        try:
            waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", lab.no_answer + "|string too large|failed")
            assert "X-Injected" not in mail.log and "xxxxx" not in mail.log, mail.log
        except AssertionError as error:
            raise AssertionError(f"{kind}: {error}") from None
    assert not os.path.exists("/var/tmp/ran")


@case("a program that a signal ends: the mail waits", by=[ways.RUN])
def killed(lab):
    mail = one(lab, "met.signed.example", "killed")
    waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", "signal 9")


@case("a program that hangs: Exim ends it after a minute, and the mail waits", by=[ways.RUN])
def hangs(lab):
    lab.hanging.join()
    assert "timed out" in lab.hanging.log, lab.hanging.log
    assert f" == u@{HANGING} R=smtp_sts_ask defer" in lab.hanging.log, lab.hanging.log


@case("no program: the mail waits, and the log says exit 127", by=[ways.RUN])
def missing(lab):
    lab.world.forget()
    with lab.without_program():
        mail = lab.exim.deliver("u@nopolicy.signed.example")
    waits(lab, mail, "u@nopolicy.signed.example", "R=smtp_sts_ask defer", "no-answer-from-verifier-exit-127")


@case("verification of a recipient asks as Exim's user; of a sender not at all")
def verification(lab):
    says("met.signed.example", answer("defer", rest="policy=none reason=dnssec-bogus"), 75)
    lab.asked()
    done = subprocess.run(["exim4", "-bv", "u@met.signed.example"], capture_output=True, text=True)
    assert "dnssec-bogus" in done.stdout, done.stdout
    assert len(lab.asked()) == 1
    done = subprocess.run(["exim4", "-bvs", "u@met.signed.example"], capture_output=True, text=True)
    assert "verified" in done.stdout and not lab.asked(), done.stdout


@case("domains that this host relays for, and its own, are not asked about")
def not_asked(lab):
    lab.asked()
    lab.world.forget()
    mail = lab.exim.deliver("u@relayed.signed.example", "nobody@origin.example")
    delivered(lab, mail, "u@relayed.signed.example", "plain", "R=dnslookup_relay_to_domains T=remote_smtp ")
    questions = lab.asked()
    assert questions == [], questions


@case("a failed handshake locks other domains out of the host for no longer than a second")
def lock_out(lab):
    says("shared.signed.example", answer(tls="webpki"))
    says("nopolicy2.signed.example", answer())
    lab.world.forget()
    lab.exim.forget_hints()
    lab.exim.deliver("u@shared.signed.example", fresh=False)
    lab.wait_until_the_next_second_but_one()
    mail = lab.exim.deliver("u@nopolicy2.signed.example", fresh=False)
    lab.exim.empty_queue()
    delivered(lab, mail, "u@nopolicy2.signed.example", "selfsigned")


class Hanging(threading.Thread):
    """A delivery under a program that never ends; it takes Exim's whole minute, so it is started early."""

    def __init__(self, exim):
        super().__init__(daemon=True)
        says(HANGING, "hang")
        self.exim, self.log = exim, ""
        self.start()

    def run(self):
        start = self.exim.log_size()
        subprocess.run(["exim4", "-odi", "-f", "", "u@" + HANGING], input=b"Subject: test\n\n", timeout=90)
        self.log = self.exim.log_since(start)


def choice_deliver(lab):
    """SMTP_STS_ON_FAILURE = deliver: as if there were no policies; but an answer to wait is obeyed."""
    for text in ("", "killed", GARBAGE["a second line"]):
        mail = one(lab, "nopolicy.signed.example", text, 1)
        if text == "killed" and lab.by == ways.RUN:
            waits(lab, mail, "u@nopolicy.signed.example", "signal 9")
        else:
            delivered(lab, mail, "u@nopolicy.signed.example", "plain", "R=dnslookup T=remote_smtp ")
    lab.world.forget()
    with lab.nobody_answers():
        mail = lab.exim.deliver("u@nopolicy.signed.example")
    delivered(lab, mail, "u@nopolicy.signed.example", "plain", "R=dnslookup T=remote_smtp ")
    mail = one(lab, "met.signed.example", answer("defer", rest="policy=none reason=dnssec-bogus"), 75)
    waits(lab, mail, "u@met.signed.example", "dnssec-bogus")


def choice_timeout(lab):
    """Somebody who hangs is somebody who fails, by timeout(1) before the program, or by SMTP_STS_PATIENCE."""
    mail = one(lab, "nopolicy.signed.example", "hang")
    delivered(lab, mail, "u@nopolicy.signed.example", "plain", "R=dnslookup T=remote_smtp ")


def choice_typo(lab):
    """An SMTP_STS_ON_FAILURE that is neither of the two defers."""
    mail = one(lab, "nopolicy.signed.example", "")
    waits(lab, mail, "u@nopolicy.signed.example", lab.no_answer)


# Words, function, and how the configuration is made: keyword arguments of Exim.configure.
CHOICES = [
    ("SMTP_STS_ON_FAILURE = deliver: garbage and nobody do not stop the mail; an answer to wait does",
     choice_deliver, {"macros": {"SMTP_STS_ON_FAILURE": "deliver"}}),
    ("SMTP_STS_ON_FAILURE = deliver and a time-out: a verifier that hangs does not stop the mail",
     choice_timeout,
     {"macros": {"SMTP_STS_ON_FAILURE": "deliver", "SMTP_STS_PATIENCE": "1s",
                 "SMTP_STS_PROGRAM": "/usr/bin/timeout 2 /usr/bin/smtp-sts-verify"}}),
    ("SMTP_STS_ON_FAILURE misspelt: the mail waits", choice_typo, {"macros": {"SMTP_STS_ON_FAILURE": "fail"}}),
]
