"""An Exim that is built without DANE: what only DANE protects waits, or goes by CAs if the administrator has chosen so."""

import re

import ways
from cases_dane_plumbing import DANE, HALF, UNUSABLE, dane
from cases_header import answer as host_answer
from cases_plumbing import answer, one
from harness import case, delivered, never_in_clear, waits

CASES = []
WAITS = ("R=smtp_sts_without_dane defer", "built without DANE")
POLICY = "policy=mta-sts mode=enforce auth=webpki mx=match cache=hit reason=policy-met"


@case("without DANE, tls=dane: the mail waits, and the log says why; no host hears of it", dane=False)
def alone(lab):
    for domain in ("danedomain", "dane-mismatch", "met"):
        for rest in (DANE, DANE + " tlsa=usable"):
            waits(lab, *dane(lab, domain, rest=rest), *WAITS)


@case("without DANE: a domain with a host that is held to its TLSA records waits, whatever else is asked of it", dane=False)
def mixed(lab):
    waits(lab, *dane(lab, "dane-half", "encrypt", HALF), *WAITS)
    # A daemon of before, which does not say what the records are good for.
    waits(lab, *dane(lab, "dane-half", "encrypt", DANE.replace("usable", "unusable")), *WAITS)
    waits(lab, *dane(lab, "dane-mismatch", "webpki", POLICY + " tlsa=usable"), *WAITS)


@case("without DANE: TLSA records that cannot be used, and policies, ask for no more than with it", dane=False)
def unusable(lab):
    delivered(lab, *dane(lab, "dane-unusable", "encrypt", UNUSABLE), "unusable", "T=smtp_sts_encrypt", "CV=no")
    delivered(lab, *dane(lab, "dane-unusable-ca", "webpki", POLICY + " tlsa=unusable"), "unusableca", "T=smtp_sts_webpki", "CV=yes")
    delivered(lab, *dane(lab, "met", "webpki", POLICY), "good", "T=smtp_sts_webpki", "CV=yes")
    rest = "policy=none mode=none auth=none mx=unchecked cache=none reason=no-policy tlsa=usable"
    delivered(lab, *dane(lab, "dane-mixed", "opportunistic", rest), "dane", "R=dnslookup T=remote_smtp ")


@case("without DANE: the daemon is told of sessions, and no expansion fails", by=ways.DAEMON, dane=False)
def told(lab):
    for host, tls in [("met", "webpki"), ("selfsigned", "webpki"), ("plain", "opportunistic")]:
        lab.told()
        mail = one(lab, f"{host}.signed.example", answer(tls=tls))
        assert not re.search("expan|unknown variable", mail.log), mail.log
        events = lab.told()
        assert events and all(event["dane"] == "no" for event in events), (host, events)


def webpki(lab):
    """SMTP_STS_WITHOUT_DANE = webpki: a certificate of a known CA, for the host's name, is enough, and less is not."""
    for tls, rest in [("dane", DANE), ("encrypt", HALF), ("webpki", POLICY + " tlsa=usable")]:
        delivered(lab, *dane(lab, "dane-mismatch", tls, rest), "danemismatch", "T=smtp_sts_webpki", "CV=yes")
        waits(lab, *dane(lab, "danedomain", tls, rest), r"T=smtp_sts_webpki defer \(-37\)")
        waits(lab, *dane(lab, "dane-plain", tls, rest), r"T=smtp_sts_webpki defer \(-38\)")
    with lab.resolver_without_trust():
        delivered(lab, *dane(lab, "dane-mismatch"), "danemismatch", "T=smtp_sts_webpki", "CV=yes")


def misspelt(lab):
    """SMTP_STS_WITHOUT_DANE is neither of its words: the mail waits."""
    waits(lab, *dane(lab, "dane-mismatch"), *WAITS)


def header(lab):
    """The header set: mail for a host that DANE protects waits, without a handshake."""
    for domain in ("danedomain", "dane-mismatch", "met"):
        mail = one(lab, f"{domain}.signed.example", host_answer(tls="dane"))
        waits(lab, mail, f"u@{domain}.signed.example", r"T=remote_smtp defer \(-37\)", "no cipher match|no-usable-TLSA-record")
    mail = one(lab, "met.signed.example", host_answer(tls="webpki"))
    delivered(lab, mail, "u@met.signed.example", "good", "CV=yes")
    never_in_clear(lab)


def header_webpki(lab):
    """The header set where CAs are enough."""
    mail = one(lab, "dane-mismatch.signed.example", host_answer(tls="dane"))
    delivered(lab, mail, "u@dane-mismatch.signed.example", "danemismatch", "T=remote_smtp ", "CV=yes")
    mail = one(lab, "danedomain.signed.example", host_answer(tls="dane"))
    waits(lab, mail, "u@danedomain.signed.example", r"T=remote_smtp defer \(-37\)")
    never_in_clear(lab)


for _function in (webpki, misspelt, header, header_webpki):
    _function.dane = False

# Words, function, and an administrator's choice: keyword arguments of Exim.configure.
CHOICES = [
    ("without DANE, SMTP_STS_WITHOUT_DANE = webpki: a known CA is enough", webpki, {"macros": {"SMTP_STS_WITHOUT_DANE": "webpki"}}),
    ("without DANE, SMTP_STS_WITHOUT_DANE misspelt: the mail waits", misspelt, {"macros": {"SMTP_STS_WITHOUT_DANE": "perhaps"}}),
    ("without DANE, header set: tls=dane waits", header, {"sets": ["header"]}),
    ("without DANE, header set, SMTP_STS_WITHOUT_DANE = webpki: a known CA is enough", header_webpki,
     {"sets": ["header"], "macros": {"SMTP_STS_WITHOUT_DANE": "webpki"}}),
]
