"""The real program behind Exim: MTA-STS (RFC 8461), its policy hosts and what becomes of a policy. Both sets of files."""

import contextlib
import re
import time

import mta_sts
import sinks
import ways
from cases_policy import ENFORCED, PLAIN, changed, send
from harness import case, delivered, never_in_clear, waits

CASES = []
HEADER = "X-smtp-sts-verify"


@contextlib.contextmanager
def serving(lab, domain, **page):
    """The policy host of a domain of signed.example says something else for a while."""
    pages, key = lab.world.policy_hosts["trusted"].pages, (f"mta-sts.{domain}.signed.example", mta_sts.PATH)
    before, pages[key] = pages[key], sinks.Page(**{"body": b"", **page})
    try:
        yield
    finally:
        pages[key] = before


def forget(lab):
    """Nobody has seen a policy, and no policy host remembers a question."""
    lab.forget_policies()
    for host in lab.world.policy_hosts.values():
        host.forget()


def asked(lab, domain):
    """How often the policy of a domain was asked for."""
    question = (f"mta-sts.{domain}", mta_sts.PATH)
    return sum(host.asked.count(question) for host in lab.world.policy_hosts.values())


def record(domain, identity):
    """The change that gives a domain's policy another id."""
    return rf'(?m)^(_mta-sts\.{domain} TXT "v=STSv1; id=)1;', rf"\g<1>{identity};"


def moved(domain, before, after):
    """The change of a domain's first MX host."""
    return rf"(?m)^{domain} MX 10 {before}\.", f"{domain} MX 10 {after}."


@case("MTA-STS: an enforced policy that is met, signed zone or not: delivered over verified TLS, and fetched once")
def met(lab):
    forget(lab)
    for domain in ("sts-met.signed.example", "sts-met.unsigned.example", "sts-wild.signed.example"):
        for _ in range(2):
            delivered(lab, send(lab, "u@" + domain), "u@" + domain, "good", ENFORCED, "CV=yes", "H=good.hosts.example")
        assert asked(lab, domain) == 1, lab.world.policy_hosts["trusted"].asked
    out = lab.exim.run("smtp-sts-verify -d sts-met.unsigned.example --format exim")
    assert " tls=webpki policy=mta-sts mode=enforce auth=webpki " in out, out


@case("MTA-STS: a forbidden MX ahead of the permitted one hears nothing; a forbidden one alone, and the mail waits")
def detour(lab):
    delivered(lab, send(lab, "u@sts-detour.signed.example"), "u@sts-detour.signed.example", "good", ENFORCED, "CV=yes")
    assert not lab.world.hosts["other"].envelopes
    for domain in ("sts-gone", "sts-wild2"):
        mail = send(lab, f"u@{domain}.signed.example")
        waits(lab, mail, f"u@{domain}.signed.example", "R=smtp_sts_(ask|none_permitted) defer", "mx-not-in-policy")


@case("MTA-STS enforced: no STARTTLS, one that is refused or breaks, and each bad certificate: the mail waits")
def enforced(lab):
    for host in ("plain", "refusing", "broken", "expired", "wrongname", "selfsigned"):
        mail = send(lab, f"u@sts-{host}.signed.example")
        waits(lab, mail, f"u@sts-{host}.signed.example", r"T=smtp_sts_webpki defer \(-3[78]\)")
    waits(lab, send(lab, "u@sts-plain.unsigned.example"), "u@sts-plain.unsigned.example", r"T=smtp_sts_webpki defer \(-38\)")


@case("MTA-STS in testing, and with mode none: delivered as ever, in clear text, and the header says so")
def not_enforced(lab):
    for domain, words in [("sts-testing", "mode=testing"), ("sts-none", "mode=none .*reason=mode-none")]:
        mail = send(lab, f"u@{domain}.signed.example")
        message = delivered(lab, mail, f"u@{domain}.signed.example", "plain", PLAIN)
        assert re.search(words, message.header(HEADER)), message.text


def unfetched(kind, zone="signed.example"):
    """A case: the policy host fails in one way, and nothing is remembered."""

    def run(lab):
        forget(lab)
        domain = f"sts-{kind}.{zone}"
        # Time enough for a slow policy host and a busy machine.
        with lab.program_told("deadline = 30\n"):
            if kind == "slow" and lab.by in ways.DAEMON:
                # Longer than Exim waits; the daemon goes on for the next one.
                waits(lab, send(lab, "u@" + domain), "u@" + domain, r"R=smtp_sts_ask defer", r"\(deadline\)")
                while "(deadline)" in lab.exim.route("u@" + domain):
                    time.sleep(0.2)
            for _ in range(2):
                message = delivered(lab, send(lab, "u@" + domain), "u@" + domain, "plain", PLAIN)
                assert re.search("reason=policy-(not-fetched|malformed)", message.header(HEADER)), message.text
        came = {how: host.connections for how, host in lab.world.policy_hosts.items()}
        assert sum(came.values()) == 1, f"a failure is not remembered, or a redirect followed: {came}"
        assert asked(lab, domain) == (0 if kind.endswith("-host") else 1), "asked in spite of the certificate"

    return run


for kind, words in {
    "untrusted-host": "with a certificate of an unknown CA",
    "wrongname-host": "with a certificate for another name",
    "expired-host": "with an expired certificate",
    "redirect": "that redirects",
    "html": "that says text/html",
    "slow": "that sends two octets a second",
    "oversized": "that does not stop sending",
    "missing": "that says 404",
    "malformed": "that serves something else",
}.items():
    case(f"MTA-STS with a policy host {words}: delivered as ever, and the failure is remembered")(unfetched(kind))
case("MTA-STS in an unsigned zone with a policy host with a certificate of an unknown CA: delivered as ever")(
    unfetched("untrusted-host", "unsigned.example")
)


@case("MTA-STS with a policy host at a private address: not asked, delivered as ever")
def private(lab):
    forget(lab)
    with lab.program_set("allow_private_addresses", "false"):
        message = delivered(lab, send(lab, "u@sts-plain.signed.example"), "u@sts-plain.signed.example", "plain", PLAIN)
        assert "reason=policy-not-fetched" in message.header(HEADER), message.text
    assert not lab.world.policy_hosts["trusted"].connections


@case("MTA-STS: a policy in force outlives a failing policy host and a new id")
def fading(lab):
    good = lab.world.hosts["good"]
    lab.forget_policies()
    delivered(lab, send(lab, "u@sts-fading.signed.example"), "u@sts-fading.signed.example", "good", ENFORCED)
    for failure in ({"status": 404}, {"type": "text/html"}, {"body": b"version: STSv1\r\n"}):
        with serving(lab, "sts-fading", **failure), lab.published("signed.example", record("sts-fading", 2)):
            with changed(good, starttls="absent"):
                mail = send(lab, "u@sts-fading.signed.example")
                waits(lab, mail, "u@sts-fading.signed.example", r"T=smtp_sts_webpki defer \(-38\)")


@case("MTA-STS: a policy in force outlives its record: the forbidden MX hears nothing")
def vanished(lab):
    lab.forget_policies()
    delivered(lab, send(lab, "u@sts-vanishing.signed.example"), "u@sts-vanishing.signed.example", "good", ENFORCED)
    record_gone = (r"(?m)^_mta-sts\.sts-vanishing .*\n", "")
    with lab.published("signed.example", record_gone, moved("sts-vanishing", "good", "other")):
        mail = send(lab, "u@sts-vanishing.signed.example")
        waits(lab, mail, "u@sts-vanishing.signed.example", "R=smtp_sts_(ask|none_permitted) defer", "mx-not-in-policy")
    with lab.published("signed.example", record_gone):
        delivered(lab, send(lab, "u@sts-vanishing.signed.example"), "u@sts-vanishing.signed.example", "good", ENFORCED)


@case("MTA-STS: a domain that moves publishes a new policy with a new id, and its mail follows; under the old id it waits")
def renewed(lab):
    new = mta_sts.body("enforce", "other.hosts.example")
    forget(lab)
    delivered(lab, send(lab, "u@sts-renewed.signed.example"), "u@sts-renewed.signed.example", "good", ENFORCED)
    move = moved("sts-renewed", "good", "other")
    with serving(lab, "sts-renewed", body=new):
        with lab.published("signed.example", move):
            mail = send(lab, "u@sts-renewed.signed.example")
            waits(lab, mail, "u@sts-renewed.signed.example", "mx-not-in-policy")
        assert asked(lab, "sts-renewed.signed.example") == 1, "fetched again though the id is the same"
        with lab.published("signed.example", move, record("sts-renewed", 2)):
            mail = send(lab, "u@sts-renewed.signed.example")
            delivered(lab, mail, "u@sts-renewed.signed.example", "other", ENFORCED, "CV=yes")


@case("MTA-STS: a domain that gives up says mode none with a new id, and is delivered to as ever")
def lowered(lab):
    lab.forget_policies()
    waits(lab, send(lab, "u@sts-lowered.signed.example"), "u@sts-lowered.signed.example", r"T=smtp_sts_webpki defer \(-38\)")
    with serving(lab, "sts-lowered", body=mta_sts.body("none")), lab.published("signed.example", record("sts-lowered", 2)):
        delivered(lab, send(lab, "u@sts-lowered.signed.example"), "u@sts-lowered.signed.example", "plain", PLAIN)


@case("MTA-STS goes before the draft's record, and the answer names both")
def first(lab):
    delivered(lab, send(lab, "u@sts-first.signed.example"), "u@sts-first.signed.example", "good", ENFORCED, "CV=yes")
    assert not lab.world.hosts["other"].envelopes
    out = lab.exim.run("smtp-sts-verify -d sts-first.signed.example --format exim")
    assert " policy=mta-sts " in out and " passed=smtp-sts mxre=^(good[.]hosts[.]example)$" in out, out


@case("MTA-STS: a policy with mx: * is none, and delivered to as ever")
def bad_pattern(lab):
    message = delivered(lab, send(lab, "u@sts-badmx.signed.example"), "u@sts-badmx.signed.example", "good", PLAIN)
    assert re.search("reason=policy-(malformed|not-fetched)", message.header(HEADER)), message.text


@case("MTA-STS: name servers that do not answer, and a policy in force goes on being enforced")
def unreachable(lab):
    lab.forget_policies()
    waits(lab, send(lab, "u@sts-selfsigned.signed.example"), "u@sts-selfsigned.signed.example", "T=smtp_sts_webpki")
    with lab.program_asks("127.0.0.9"):
        lab.forget_dns()
        mail = send(lab, "u@sts-selfsigned.signed.example")
    assert " == " in mail.line("u@sts-selfsigned.signed.example") and not lab.world.messages(), mail.log
    never_in_clear(lab)
