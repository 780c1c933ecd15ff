"""The real program behind Exim: what the administrator says about single domains, against what they publish."""

import ways
from cases_dane import held_by_dane, to
from cases_policy import ENFORCED, PLAIN
from harness import case, delivered, waits

CASES = []
LATER, PAST = "2999-12-31", "2020-12-31"


def overridden(lab, scope, words, until=LATER):
    """For a while, the program's configuration has an override."""
    lines = [f'[override."{scope}"]', words, f"until = {until}", 'reason = "the owner knows and mends it"']
    return lab.program_told("\n" + "\n".join(lines) + "\n")


@case("override: a domain of which nothing is required is delivered to as ever, against its policy and its TLSA records")
def nothing_required(lab):
    for scope in ("sts-overridden.signed.example", "*.signed.example"):
        waits(lab, *to(lab, "sts-overridden"), r"T=smtp_sts_webpki defer \(-38\)")
        with overridden(lab, scope, 'require = "none"'):
            message = delivered(lab, *to(lab, "sts-overridden"), "plain", "T=remote_smtp ")
        assert " policy=override " in message.header("X-smtp-sts-verify"), message.text
    with overridden(lab, "danewrong.signed.example", 'require = "none"'):
        delivered(lab, *to(lab, "danewrong"), "danewrong", "R=smtp_sts_permitted T=remote_smtp ", "CV=no")
        waits(lab, *to(lab, "dane-mismatch"), held_by_dane(lab))


@case("override: a domain that is ignored goes as if the program were not there")
def ignored(lab):
    with overridden(lab, "sts-overridden.signed.example", "ignore = true"):
        message = delivered(lab, *to(lab, "sts-overridden"), "plain", PLAIN)
    assert " policy=override " in message.header("X-smtp-sts-verify"), message.text
    with overridden(lab, "dane-bogus.signed.example", "ignore = true"), lab.resolver_that_does_not_validate():
        delivered(lab, *to(lab, "dane-bogus"), "danebogus", PLAIN)


@case("override: a CA required, of a domain without a policy and of one whose TLSA record does not fit")
def webpki_required(lab):
    with overridden(lab, "*.signed.example", 'require = "webpki"'):
        waits(lab, *to(lab, "nopolicy"), r"T=smtp_sts_webpki defer \(-38\)")
        waits(lab, *to(lab, "nopolicy2"), r"T=smtp_sts_webpki defer \(-37\)")
        delivered(lab, *to(lab, "nopolicy3"), "good", ENFORCED, "CV=yes")
        delivered(lab, *to(lab, "dane-mismatch"), "danemismatch", ENFORCED, "CV=yes")


@case("override: DANE required: hosts without TLSA records get nothing", dane=True)
def dane_required(lab):
    with overridden(lab, "*.signed.example", 'require = "dane"'):
        waits(lab, *to(lab, "sts-met"), "R=smtp_sts_(ask|none_permitted) defer", r"\(tlsa-required\)")
        delivered(lab, *to(lab, "sts-dane-forbidden"), "dane", "R=smtp_sts_permitted T=smtp_sts_dane ", "CV=dane")
        waits(lab, *to(lab, "dane-mixed2"), r"T=smtp_sts_dane defer \(-37\)")


@case("mechanisms: without dane, no transport of ours does DANE: a policy is met by a CA, whatever TLSA records say")
def without_dane(lab):
    waits(lab, *to(lab, "sts-dane-only"), held_by_dane(lab))
    with lab.program_told('\nmechanisms = ["mta-sts", "smtp-sts"]\n'):
        delivered(lab, *to(lab, "sts-dane-only"), "danemismatch", ENFORCED, "CV=yes")
        waits(lab, *to(lab, "sts-dane-unusable-wrong"), r"T=smtp_sts_webpki defer \(-37\)")
    waits(lab, *to(lab, "sts-dane-only"), held_by_dane(lab))


@case("override: one that has ended counts no more")
def ended(lab):
    with overridden(lab, "sts-overridden.signed.example", 'require = "none"', until=PAST):
        waits(lab, *to(lab, "sts-overridden"), r"T=smtp_sts_webpki defer \(-38\)")


@case("override: one without an end is an error in the configuration", by=[ways.RUN])
def endless(lab):
    with lab.program_told('\n[override."sts-overridden.signed.example"]\nrequire = "none"\nreason = "why not"\n'):
        waits(lab, *to(lab, "sts-overridden"), "R=smtp_sts_ask defer", r"\(configuration\)")
