"""The real program behind Exim: DANE (RFC 7672), alone, beside MTA-STS, and overridden. Both sets of files."""

from cases_dane_plumbing import half_goes_to
from cases_policy import ENFORCED, PLAIN, send
from harness import case, delivered, never_in_clear, waits

CASES = []
DANE, ENCRYPT = ("R=smtp_sts_permitted T=smtp_sts_" + tls + " " for tls in ("dane", "encrypt"))


def to(lab, domain, zone="signed.example"):
    """One message: the delivery and the recipient."""
    recipient = f"u@{domain}.{zone}"
    return send(lab, recipient), recipient


def held_by_dane(lab):
    """What the log says of mail for a host that does not fit its TLSA records."""
    return r"T=smtp_sts_dane defer \(-37\)" if lab.build.dane else "R=smtp_sts_without_dane defer"


@case("DANE: right TLSA records of three kinds: delivered to hosts of an unknown CA", dane=True)
def right(lab):
    for domain, host in [("danedomain", "dane"), ("dane-ta", "daneta"), ("dane-aliased", "dane"), ("dane-implicit", "dane")]:
        delivered(lab, *to(lab, domain), host, DANE, "CV=dane")
    out = lab.exim.run("smtp-sts-verify -d danedomain.signed.example --format exim")
    assert out.startswith("verdict=deliver tls=dane policy=dane "), out


@case("DANE: a TLSA record that does not fit: the mail waits, whatever CA the certificate is of; the next host may fit", dane=True)
def wrong(lab):
    for domain in ("danewrong", "dane-mismatch"):
        mail, recipient = to(lab, domain)
        waits(lab, mail, recipient, r"T=smtp_sts_dane defer \(-37\)")
        assert "DANE attempt failed" in mail.log, mail.log
    delivered(lab, *to(lab, "dane-fallback"), "dane", DANE, "CV=dane")
    never_in_clear(lab)


@case("DANE: no STARTTLS, and the mail waits", dane=True)
def no_starttls(lab):
    waits(lab, *to(lab, "dane-plain"), r"T=smtp_sts_dane defer \(-38\)")


@case("DANE: no usable TLSA record: TLS with any certificate, and never without; a usable one beside it is held to", dane=True)
def unusable(lab):
    delivered(lab, *to(lab, "dane-unusable"), "unusable", ENCRYPT, "CV=no")
    delivered(lab, *to(lab, "dane-pkix"), "pkix", ENCRYPT, "CV=no")
    waits(lab, *to(lab, "dane-unusable-plain"), r"T=smtp_sts_encrypt defer \(-38\)")
    delivered(lab, *to(lab, "dane-half-good"), half_goes_to(lab)[0], ENCRYPT, half_goes_to(lab)[1])
    if lab.build.library == "OpenSSL":
        waits(lab, *to(lab, "dane-half"), r"T=smtp_sts_encrypt defer \(-37\)")
    else:
        delivered(lab, *to(lab, "dane-half"), "unusable", ENCRYPT)
    assert not lab.world.hosts["danewrong"].envelopes


@case("MTA-STS beside TLSA records that cannot be used: the CAs decide, as without them", dane=True)
def unusable_beside(lab):
    delivered(lab, *to(lab, "sts-dane-unusable"), "unusableca", ENFORCED, "CV=yes")
    waits(lab, *to(lab, "sts-dane-unusable-wrong"), r"T=smtp_sts_webpki defer \(-37\)")


@case("DANE: TLSA records that are bogus or silent: the mail waits, though Exim's resolver would have it go")
def unknown(lab):
    with lab.resolver_that_does_not_validate():
        waits(lab, *to(lab, "dane-bogus"), r"R=smtp_sts_(ask|none_permitted) defer", r"\(tlsa-bogus\)")
        waits(lab, *to(lab, "dane-silent"), r"R=smtp_sts_(ask|none_permitted) defer", r"\(tlsa-unreachable\)")


@case("DANE: bogus TLSA records of one host, and the other takes the mail as ever; the first hears nothing")
def unknown_mixed(lab):
    for resolver in (lab.resolver_that_does_not_validate, lab.resolver_without_trust):
        with resolver():
            delivered(lab, *to(lab, "dane-bogus-mixed"), "plain", "R=smtp_sts_permitted T=remote_smtp ")
        assert not lab.world.hosts["danebogus"].envelopes


@case("DANE for some hosts only: Exim does it for these, and sends to the others as ever", dane=True)
def mixed(lab):
    delivered(lab, *to(lab, "dane-mixed"), "dane", PLAIN, "CV=dane")
    delivered(lab, *to(lab, "dane-mixed2"), "plain", PLAIN)
    assert not lab.world.hosts["danewrong"].envelopes


@case("DANE: TLSA records of a host do not count where the domain's MX records are not signed")
def insecure(lab):
    delivered(lab, *to(lab, "dane-insecure", "unsigned.example"), "danewrong", PLAIN, "CV=no")


@case("DANE: Exim's resolver does not vouch for the records: the mail waits, and the log says what to do", dane=True)
def without_ad(lab):
    with lab.resolver_without_trust():
        for domain in ("danedomain", "dane-half"):
            waits(lab, *to(lab, domain), "R=smtp_sts_resolver defer", '"options trust-ad"')
        delivered(lab, *to(lab, "dane-unusable"), "unusable", ENCRYPT, "CV=no")


@case("DANE beside MTA-STS: a host with TLSA records is used though the policy does not list it", dane=True)
def outside(lab):
    delivered(lab, *to(lab, "sts-dane-outside"), "dane", ENFORCED, "CV=dane")
    # Where it is the only one that may be used, the forbidden ones hear nothing.
    delivered(lab, *to(lab, "sts-dane-forbidden"), "dane", DANE, "CV=dane")
    assert not lab.world.hosts["plain"].envelopes and not lab.world.hosts["other"].envelopes


@case("DANE beside MTA-STS: a host that fails DANE is not repaired by its CA; one without TLSA records is held to the CAs", dane=True)
def not_repaired(lab):
    mail, recipient = to(lab, "sts-dane-mismatch")
    delivered(lab, mail, recipient, "good", ENFORCED, "CV=yes")
    assert "DANE attempt failed" in mail.log and not lab.world.hosts["danemismatch"].envelopes
    for domain in ("sts-dane-only", "sts-dane-testing"):
        waits(lab, *to(lab, domain), r"T=smtp_sts_dane defer \(-37\)")


@case("DANE beside MTA-STS: a host with bogus TLSA records is left alone, though a pattern of the policy fits it")
def bogus_beside(lab):
    with lab.resolver_that_does_not_validate():
        delivered(lab, *to(lab, "sts-dane-bogus"), "good", ENFORCED, "CV=yes")
    assert not lab.world.hosts["danebogus"].envelopes


@case("MTA-STS where DANE does not apply, for the MX records are not signed: the CAs decide")
def insecure_beside(lab):
    waits(lab, *to(lab, "sts-dane-insecure", "unsigned.example"), r"T=smtp_sts_webpki defer \(-37\)")


@case("the draft's c=tlsa: a host without TLSA records gets nothing, though the one with them fails", dane=True)
def demanded(lab):
    waits(lab, *to(lab, "tlsa-demanded"), r"T=smtp_sts_dane defer \(-37\)")
    assert not lab.world.hosts["good"].envelopes
