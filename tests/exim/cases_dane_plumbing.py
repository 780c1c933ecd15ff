"""DANE by Exim alone: a stand-in says what is demanded, and Exim's own resolver and TLSA look-ups do the rest."""

import contextlib
import os
import subprocess

import exim
from cases_plumbing import answer, one, says
from harness import case, delivered, never_in_clear, waits

CASES = []
ROUTED = "R=smtp_sts_permitted T=smtp_sts_"
DANE = "policy=dane mode=enforce auth=dnssec mx=match cache=none reason=dane-usable"
UNUSABLE = DANE.replace("usable", "unusable") + " tlsa=unusable"
# A host of the domain is held to its TLSA records, and another one's are of no use.
HALF = UNUSABLE.replace("tlsa=unusable", "tlsa=usable")
# What Exim says where it sees no TLSA record and the answer is DANE.
NO_TLSA = {"GnuTLS": "no-usable-TLSA-record", "OpenSSL": "no cipher match"}
OVERRIDE = "policy=override mode=none auth=none mx=match cache=none reason=override"


def dane(lab, label, tls="dane", rest=DANE, mxre="^(.+)$", zone="signed.example"):
    """One message to a domain that demands DANE, or what `tls` says; the delivery and the recipient."""
    domain = f"{label}.{zone}"
    return one(lab, domain, answer(tls=tls, rest=rest, mxre=mxre)), "u@" + domain


@contextlib.contextmanager
def without_root_key():
    """The package dns-root-data, which libgnutls-dane only suggests, is not installed."""
    key = "/usr/share/dns/root.key"
    there = os.path.exists(key)
    if there:
        os.rename(key, key + ".away")
    try:
        yield
    finally:
        if there:
            os.rename(key + ".away", key)


@case("tls=dane: delivered to a host of an unknown CA with the right TLSA record, with or without the package dns-root-data", dane=True)
def right(lab):
    delivered(lab, *dane(lab, "danedomain"), "dane", ROUTED + "dane", "CV=dane")
    with without_root_key():
        delivered(lab, *dane(lab, "danedomain"), "dane", ROUTED + "dane", "CV=dane")


@case("tls=dane: a TLSA record of the CA that issued the certificate (usage 2)", dane=True)
def trust_anchor(lab):
    delivered(lab, *dane(lab, "dane-ta"), "daneta", ROUTED + "dane", "CV=dane")


@case("tls=dane: an alias with the TLSA record at its target", dane=True)
def aliased(lab):
    delivered(lab, *dane(lab, "dane-aliased"), "dane", ROUTED + "dane", "CV=dane")


@case("tls=dane: waits when the TLSA record does not fit, whatever CA the certificate is of; the next host may fit", dane=True)
def wrong(lab):
    for domain in ("danewrong", "dane-mismatch"):
        mail, recipient = dane(lab, domain)
        waits(lab, mail, recipient, "T=smtp_sts_dane", r"defer \(-37\)")
        assert "DANE attempt failed; TLS connection" in mail.log, mail.log
    delivered(lab, *dane(lab, "dane-fallback"), "dane", ROUTED + "dane", "CV=dane")
    never_in_clear(lab)


@case("tls=dane: waits when the host offers no STARTTLS", dane=True)
def no_starttls(lab):
    waits(lab, *dane(lab, "dane-plain"), r"T=smtp_sts_dane defer \(-38\)")


@case("tls=dane: waits when Exim's resolver does not vouch for the MX records, and the log says what to do", dane=True)
def without_ad(lab):
    for resolver in (lab.resolver_without_trust, lab.resolver_that_does_not_validate):
        with resolver():
            mail, recipient = dane(lab, "danedomain")
        waits(lab, mail, recipient, "R=smtp_sts_resolver defer", "validating resolver", 'resolv.conf .*"options trust-ad"')


@case("tls=dane without an MX record: goes by the domain's own address, and waits when the resolver does not vouch for it", dane=True)
def implicit(lab):
    delivered(lab, *dane(lab, "dane-implicit"), "dane", ROUTED + "dane", "CV=dane")
    with lab.resolver_without_trust():
        waits(lab, *dane(lab, "dane-implicit"), "R=smtp_sts_permitted defer", "insecurely")


@case("tls=dane and a host without TLSA records in Exim's eyes: waits, though a known CA issued its certificate", dane=True)
def without_tlsa(lab):
    for domain in ("met", "dane-misplaced"):
        mail, recipient = dane(lab, domain)
        waits(lab, mail, recipient, r"T=smtp_sts_dane defer \(-37\)", NO_TLSA[lab.build.library])
        assert "DANE attempt failed" not in mail.log, mail.log


@case("tls=dane and TLSA records that Exim cannot use: waits, whatever CA the certificate is of", dane=True)
def unusable_in_exims_eyes(lab):
    for domain in ("dane-unusable", "dane-unusable-ca"):
        waits(lab, *dane(lab, domain), r"T=smtp_sts_dane defer \(-37\)", "certificate")


@case("tls=dane and TLSA records that are bogus or silent in Exim's eyes: waits", dane=True)
def bogus(lab):
    for domain in ("dane-bogus", "dane-silent"):
        waits(lab, *dane(lab, domain), "T=smtp_sts_dane defer", "DANE error: tlsa lookup DEFER")


@case("tls=dane, and mxre permits no host: the mail waits", dane=True)
def nothing_permitted(lab):
    waits(lab, *dane(lab, "danedomain", mxre="^(good[.]hosts[.]example)$"), "R=smtp_sts_none_permitted")


@case("tls=encrypt: a host whose TLSA records are all unusable may show any certificate, but has to show one")
def unusable(lab):
    delivered(lab, *dane(lab, "dane-unusable", "encrypt", UNUSABLE), "unusable", ROUTED + "encrypt", "CV=no")
    waits(lab, *dane(lab, "dane-unusable-plain", "encrypt", UNUSABLE), r"T=smtp_sts_encrypt defer \(-38\)")


@case("tls=webpki: where no TLSA record can be used the CAs decide", dane=True)
def unusable_webpki(lab):
    rest = "policy=mta-sts mode=enforce auth=webpki mx=match cache=hit reason=policy-met tlsa=unusable"
    delivered(lab, *dane(lab, "dane-unusable-ca", "webpki", rest), "unusableca", ROUTED + "webpki", "CV=yes")
    waits(lab, *dane(lab, "dane-unusable", "webpki", rest), r"T=smtp_sts_webpki defer \(-37\)")


@case("tls=encrypt and TLSA records that cannot be used: nothing is asked of Exim's resolver", dane=True)
def unusable_without_ad(lab):
    with lab.resolver_without_trust():
        delivered(lab, *dane(lab, "dane-unusable", "encrypt", UNUSABLE), "unusable", ROUTED + "encrypt", "CV=no")


@case("tls=encrypt: a host of the domain with usable TLSA records is held to them", dane=True)
def half(lab):
    delivered(lab, *dane(lab, "dane-half-good", "encrypt", HALF), *half_goes_to(lab))
    mail, recipient = dane(lab, "dane-half", "encrypt", HALF)
    if lab.build.library == "OpenSSL":
        waits(lab, mail, recipient, r"T=smtp_sts_encrypt defer \(-37\)")
    else:
        delivered(lab, mail, recipient, "unusable", ROUTED + "encrypt")
    assert not lab.world.hosts["danewrong"].envelopes
    delivered(lab, *dane(lab, "danedomain", "encrypt", HALF), "dane", ROUTED + "encrypt", "CV=dane")


def half_goes_to(lab):
    """Who gets the mail of a domain whose first host has TLSA records that cannot be used, and the second one usable ones:
    linked with OpenSSL, Exim holds the first to a digest of the wrong length, too."""
    return ("dane", "CV=dane") if lab.build.library == "OpenSSL" else ("unusable", "CV=no")


@case("tls=encrypt: waits when Exim's resolver does not vouch for the MX records, for then nothing holds the usable host", dane=True)
def encrypt_without_ad(lab):
    with lab.resolver_without_trust():
        waits(lab, *dane(lab, "dane-half", "encrypt", HALF), "R=smtp_sts_resolver defer", "trust-ad")


@case("tls=webpki: TLSA records that Exim sees go before the CAs, whether they fit or not", dane=True)
def webpki(lab):
    delivered(lab, *dane(lab, "danedomain", "webpki"), "dane", ROUTED + "webpki", "CV=dane")
    mail, recipient = dane(lab, "dane-mismatch", "webpki")
    waits(lab, mail, recipient, r"T=smtp_sts_webpki defer \(-37\)")
    assert "DANE attempt failed" in mail.log, mail.log


@case("tls=webpki needs no resolver that validates")
def webpki_without_ad(lab):
    with lab.resolver_without_trust():
        delivered(lab, *dane(lab, "met", "webpki"), "good", ROUTED + "webpki", "CV=yes")


@case("policy=override of a domain that nobody looked at: the routers and transport that were there before, DANE included", dane=True)
def ignored(lab):
    rest = OVERRIDE.replace("mx=match", "mx=unchecked")
    mail, recipient = dane(lab, "danewrong", "opportunistic", rest)
    waits(lab, mail, recipient, "R=dnslookup T=remote_smtp ")
    assert "DANE attempt failed" in mail.log, mail.log


@case("policy=override outranks DANE: require none, webpki and dane, each for a host whose TLSA record does not fit", dane=True)
def override(lab):
    delivered(lab, *dane(lab, "danewrong", "opportunistic", OVERRIDE), "danewrong", "R=smtp_sts_permitted T=remote_smtp ", "CV=no")
    delivered(lab, *dane(lab, "dane-mismatch", "webpki", OVERRIDE), "danemismatch", ROUTED + "webpki", "CV=yes")
    waits(lab, *dane(lab, "danewrong", "webpki", OVERRIDE), r"T=smtp_sts_webpki defer \(-37\)")
    waits(lab, *dane(lab, "dane-mismatch", "dane", OVERRIDE), r"T=smtp_sts_dane defer \(-37\)")
    delivered(lab, *dane(lab, "danedomain", "dane", OVERRIDE), "dane", ROUTED + "dane", "CV=dane")


@case("tls=webpki and a host that is held to its TLSA records: waits when Exim's resolver does not vouch for them", dane=True)
def webpki_usable_without_ad(lab):
    rest = "policy=mta-sts mode=enforce auth=webpki mx=match cache=hit reason=policy-met tlsa=usable"
    with lab.resolver_without_trust():
        waits(lab, *dane(lab, "dane-mismatch", "webpki", rest), "R=smtp_sts_resolver defer", "trust-ad")


@case("cutthrough delivery: a recipient is not added to a connection that DANE verified for another domain's host", dane=True)
def cutthrough(lab):
    says("dane-neighbour.signed.example", answer(tls="dane", rest=DANE))
    says("danewrong.signed.example", answer(tls="dane", rest=DANE))
    path = "/etc/exim4/conf.d/acl/30_exim4-config_check_rcpt"
    with open(path) as file:
        text = file.read()
    rcpt = "acl_check_rcpt:\n"
    assert text.count(rcpt) == 1
    with open(path, "w") as file:
        file.write(text.replace(rcpt, rcpt + "\n  accept control = cutthrough_delivery\n         verify = recipient\n"))
    lab.exim.run("update-exim4.conf")
    try:
        lab.exim.forget_hints()
        lab.world.forget()
        start = lab.exim.log_size()
        rcpts = "".join(f"RCPT TO:<u@{domain}.signed.example>\r\n" for domain in ("dane-neighbour", "danewrong"))
        talk = f"EHLO origin.example\r\nMAIL FROM:<{exim.SENDER}>\r\n{rcpts}DATA\r\nSubject: test\r\n\r\nHello.\r\n.\r\nQUIT\r\n"
        done = subprocess.run(["exim4", "-odi", "-bs"], input=talk.encode(), capture_output=True, timeout=120)
        took = [r for _, message in lab.world.messages() for r in message.recipients]
    finally:
        with open(path, "w") as file:
            file.write(text)
        lab.exim.run("update-exim4.conf")
        lab.exim.empty_queue()
    assert took == ["<u@dane-neighbour.signed.example>"], (took, lab.exim.log_since(start), done.stdout)


@case("a connection that DANE verified is not used again for a domain that demands a CA", dane=True)
def no_reuse(lab):
    says("danedomain.signed.example", answer(tls="dane", rest=DANE))
    says("dane-insecure.signed.example", answer(tls="webpki"))
    lab.exim.empty_queue()
    lab.exim.forget_hints()
    lab.world.forget()
    for recipient in ("u@danedomain.signed.example", "u@sts-dane-insecure.unsigned.example"):
        lab.exim.queue(recipient)
    says("sts-dane-insecure.unsigned.example", answer(tls="webpki"))
    start = lab.exim.log_size()
    lab.exim.run("exim4 -qqf")
    lab.exim.run("exim4 -qf")
    log = lab.exim.log_since(start)
    lab.exim.empty_queue()
    assert [m.recipients for m in lab.world.hosts["dane"].messages] == [["<u@danedomain.signed.example>"]], log


@case("a TLSA record that does not fit locks other domains out of the host for no longer than a second")
def lock_out(lab):
    says("danewrong.signed.example", answer(tls="dane", rest=DANE))
    says("dane-insecure.unsigned.example", answer())
    lab.world.forget()
    lab.exim.forget_hints()
    lab.exim.deliver("u@danewrong.signed.example", fresh=False)
    lab.wait_until_the_next_second_but_one()
    mail = lab.exim.deliver("u@dane-insecure.unsigned.example", fresh=False)
    lab.exim.empty_queue()
    delivered(lab, mail, "u@dane-insecure.unsigned.example", "danewrong")
