"""Mail that Postfix delivers, or keeps waiting, as the daemon tells it."""

import re

import mta_sts
import postfix
from harness import case

CASES = []
NO_TLSA_FITS = "no matching DANE TLSA records(?s:.*)Server certificate not verified"


def to(lab, domain, zone="signed.example"):
    """A message to a domain of the world, delivered or not; all mail hosts forgot what came before."""
    lab.world.forget()
    return lab.postfix.deliver(f"u@{domain}.{zone}")


def delivered(lab, mail, host, *log):
    """The host took the one message there was, nobody else took any; the log says so, and each of `log`."""
    assert "status=sent" in mail.status(), f"not delivered:\n{mail.log}"
    for pattern in log:
        assert re.search(pattern, mail.log), f"the log does not say {pattern}:\n{mail.log}"
    took = [label for label, _ in lab.world.messages()]
    assert took == [host], f"taken by {took}, not by {host} alone\n{mail.log}"


def waits(lab, mail, *log):
    """Nobody saw as much as an envelope; the log says "deferred" and each of `log`."""
    assert "status=deferred" in mail.status(), f"does not wait:\n{mail.log}"
    for pattern in log:
        assert re.search(pattern, mail.log), f"the log does not say {pattern}:\n{mail.log}"
    saw = {label: host.envelopes for label, host in lab.world.hosts.items() if host.envelopes}
    assert not saw, f"envelopes seen: {saw}\n{mail.log}"


def verified(host):
    """What the log says of a certificate that fits."""
    return rf"Verified TLS connection established to {host}\.hosts\.example\["


def never_in_clear(lab, label):
    """The host saw no envelope outside TLS."""
    assert all(encrypted for _, _, encrypted in lab.world.hosts[label].envelopes)


def reply(lab, domain, policy_map="policy", zone="signed.example"):
    """What the daemon says of a domain."""
    return lab.ask(f"{policy_map} {domain}.{zone}")


@case("the README's check asks as Postfix will")
def check(lab):
    commands = postfix.readme("check").replace("example.org", "sts-met.signed.example")
    assert lab.postfix.shell(commands) == "secure match=good.hosts.example servername=hostname\n"


@case("a policy that is met, signed zone or not: delivered over verified TLS, with the name of the MX host as SNI")
def met(lab):
    for zone in ("signed.example", "unsigned.example"):
        mail = to(lab, "sts-met", zone)
        delivered(lab, mail, "good", verified("good"))
        assert set(lab.world.hosts["good"].sni) == {"good.hosts.example"}, lab.world.hosts["good"].sni
    assert reply(lab, "sts-wild") == "OK secure match=good.hosts.example servername=hostname"
    delivered(lab, to(lab, "sts-wild"), "good", verified("good"))


@case("a forbidden MX host ahead of the permitted one sees no envelope; a forbidden one alone, and the mail waits")
def detour(lab):
    delivered(lab, to(lab, "sts-detour"), "good", verified("good"))
    assert not lab.world.hosts["other"].envelopes
    for domain in ("sts-gone", "sts-wild2"):
        waits(lab, to(lab, domain), r"socketmap server temporary error: mx-not-in-policy: smtp-sts-verify explain " + domain)


@case("a policy that is violated: no STARTTLS, one that is refused or breaks, each bad certificate: the mail waits")
def violated(lab):
    for host, words in {
        "plain": "TLS is required, but was not offered",
        "refusing": "TLS is required",
        "broken": "Cannot start TLS",
        "expired": "certificate has expired(?s:.*)Server certificate not verified",
        "wrongname": "Server certificate not verified",
        "selfsigned": "untrusted issuer(?s:.*)Server certificate not verified",
    }.items():
        waits(lab, to(lab, f"sts-{host}"), words)
    waits(lab, to(lab, "sts-plain", "unsigned.example"), "TLS is required, but was not offered")


@case("a policy in testing, and one with mode none: delivered as ever, in clear text")
def not_enforced(lab):
    for domain in ("sts-testing", "sts-none"):
        assert reply(lab, domain) == "NOTFOUND "
        delivered(lab, to(lab, domain), "plain")


@case("no policy, or one that cannot be fetched: delivered as ever, in clear text or with any certificate")
def no_policy(lab):
    for domain, host in [("nopolicy", "plain"), ("nopolicy2", "selfsigned"), ("sts-missing", "plain"), ("sts-malformed", "plain")]:
        assert reply(lab, domain) == "NOTFOUND "
        delivered(lab, to(lab, domain), host)


@case("the draft's record: authenticated by DNSSEC, it is enforced from the first mail on")
def draft(lab):
    delivered(lab, to(lab, "met"), "good", verified("good"))
    waits(lab, to(lab, "plain"), "TLS is required, but was not offered")


@case("DANE: a certificate that fits its TLSA record, of no known CA: delivered by Postfix's own DANE")
def dane(lab):
    assert reply(lab, "danedomain") == "OK dane-only"
    delivered(lab, to(lab, "danedomain"), "dane", verified("dane"))
    delivered(lab, to(lab, "dane-ta"), "daneta", verified("daneta"))


@case("DANE: a certificate that does not fit, even one of a known CA, or no STARTTLS: the mail waits")
def dane_violated(lab):
    for domain in ("danewrong", "dane-mismatch"):
        assert reply(lab, domain) == "OK dane-only"
        waits(lab, to(lab, domain), NO_TLSA_FITS)
    waits(lab, to(lab, "dane-plain"), "TLS is required, but was not offered")
    delivered(lab, to(lab, "dane-fallback"), "dane", verified("dane"))
    assert not lab.world.hosts["danewrong"].envelopes


@case("DANE: no usable TLSA record: TLS with any certificate, and never without")
def dane_unusable(lab):
    assert reply(lab, "dane-unusable") == "OK encrypt"
    delivered(lab, to(lab, "dane-unusable"), "unusable", "(Untrusted|Anonymous) TLS connection established")
    waits(lab, to(lab, "dane-unusable-plain"), "TLS is required, but was not offered")


@case("DANE for some hosts only: Postfix holds these to it, and sends to the others as ever")
def dane_mixed(lab):
    for domain in ("dane-mixed", "dane-mixed2", "dane-half"):
        assert reply(lab, domain) == "OK dane"
    delivered(lab, to(lab, "dane-mixed"), "dane", verified("dane"))
    delivered(lab, to(lab, "dane-mixed2"), "plain")
    delivered(lab, to(lab, "dane-half"), "unusable", "TLS connection established")
    assert not lab.world.hosts["danewrong"].envelopes
    never_in_clear(lab, "unusable")


@case("DANE: TLSA records that are bogus or silent: the mail waits; beside another host they keep mail from theirs alone")
def dane_unknown(lab):
    waits(lab, to(lab, "dane-bogus"), "temporary error: tlsa-bogus")
    waits(lab, to(lab, "dane-silent"), "temporary error: tlsa-unreachable|timeout error")
    assert reply(lab, "dane-bogus-mixed") == "OK dane"
    delivered(lab, to(lab, "dane-bogus-mixed"), "plain")
    assert not lab.world.hosts["danebogus"].envelopes


@case("DANE beside MTA-STS: the first host by preference decides by what; a CA repairs no DANE, and nobody is let in by less")
def dane_beside(lab):
    assert reply(lab, "sts-dane-outside") == "OK dane-only"
    delivered(lab, to(lab, "sts-dane-outside"), "dane", verified("dane"))
    assert reply(lab, "sts-dane-mismatch") == "OK dane-only"
    waits(lab, to(lab, "sts-dane-mismatch"), NO_TLSA_FITS)
    assert reply(lab, "sts-dane-bogus") == "OK secure match=good.hosts.example servername=hostname"
    delivered(lab, to(lab, "sts-dane-bogus"), "good", verified("good"))
    assert not lab.world.hosts["danebogus"].envelopes


@case("DANE that Postfix cannot do, for it asks without DNSSEC: the mail waits, and the log says why")
def without_dnssec(lab):
    with lab.postfix_set("smtp_dns_support_level = enabled"):
        waits(lab, to(lab, "danedomain"), "dane-only configured with dnssec lookups disabled")


@case("an answer that is bogus: the mail waits, policy or not")
def bogus(lab):
    for domain in ("met", "nopolicy"):
        lab.world.forget()
        mail = lab.postfix.deliver(f"u@{domain}.bogus.example")
        waits(lab, mail, "dnssec-bogus|Host or domain name not found|Name service error")


@case("a next hop with a port is a policy domain; addresses, parents and names outside the DNS have no policy; anything else is an error")
def next_hops(lab):
    secure = "OK secure match=good.hosts.example servername=hostname"
    for key in ("sts-met.signed.example", "sts-met.signed.example:587", "sts-met.signed.example.:25"):
        assert lab.ask(f"policy {key}") == secure, key
    for key in (".signed.example", ".sts-met.signed.example", "[192.0.2.11]", "[IPv6:2001:db8::1]:25", "localhost", "[localhost]:10025",
                "mail.corp.internal", "[mail.corp.internal]", "a..signed.example"):
        assert lab.ask(f"policy {key}") == "NOTFOUND ", key
    assert lab.ask("policy a b").startswith("PERM ")
    assert lab.ask("other sts-met.signed.example").startswith("PERM ")
    with lab.postfix_set("relayhost = implicit.signed.example"):
        waits(lab, to(lab, "nopolicy"), "TLS is required, but was not offered")


@case("a next hop in brackets is the host itself: its own TLSA records count, and no policy or MX record of its name")
def brackets(lab):
    for key, expected in {
        "[dane.hosts.example]": "OK dane-only",
        "[dane.hosts.example]:587": "NOTFOUND ",
        "[unusable.hosts.example]:25": "OK encrypt",
        "[good.hosts.example]": "NOTFOUND ",
        "[sts-met.signed.example]": "NOTFOUND ",
    }.items():
        assert lab.ask(f"policy {key}") == expected, key
    assert lab.ask("policy [danebogus.hosts.example]").startswith("TEMP tlsa-bogus")
    with lab.postfix_set("relayhost = [danewrong.hosts.example]"):
        waits(lab, to(lab, "nopolicy"), NO_TLSA_FITS)
    with lab.postfix_set("relayhost = [dane.hosts.example]:25"):
        delivered(lab, to(lab, "nopolicy"), "dane", verified("dane"))
    with lab.postfix_set("relayhost = [implicit.signed.example]"):
        delivered(lab, to(lab, "nopolicy"), "plain")


@case("names that are no textbook host names: Postfix returns the mail at once, as it does alone")
def odd_names(lab):
    for domain in ("foo_bar.signed.example", "xn--a.signed.example", "xn----5da7e.signed.example", "bad-.signed.example"):
        told = lab.ask(f"policy {domain}")
        assert told == "NOTFOUND ", f"{domain}: {told}"
        mail = lab.postfix.deliver(f"u@{domain}")
        assert "status=bounced" in mail.status(), mail.log


@case("a domain of letters beyond ASCII is asked for as it is written")
def letters(lab):
    assert lab.ask("policy bücher.signed.example") == lab.ask("policy xn--bcher-kva.signed.example")
    lab.world.forget()
    delivered(lab, lab.postfix.deliver("u@bücher.signed.example"), "good", verified("good"))


@case("what reports need is told line by line, testing and no policy included; a Postfix before 3.10 is too old for it, and the mail waits")
def tlsrpt(lab):
    policy = mta_sts.body("enforce", "good.hosts.example").decode().split("\r\n")[:-1]
    strings = " ".join(f"{{ policy_string = {line} }}" for line in policy)
    assert reply(lab, "sts-met", "policy-tlsrpt") == (
        "OK secure match=good.hosts.example servername=hostname policy_type=sts policy_domain=sts-met.signed.example "
        f"{strings} mx_host_pattern=good.hosts.example"
    )
    testing = strings.replace("enforce", "testing")
    assert reply(lab, "sts-testing", "policy-tlsrpt") == (
        f"OK may policy_type=sts policy_domain=sts-testing.signed.example {testing} mx_host_pattern=good.hosts.example "
        "policy_failure=validation-failure"
    )
    none = "OK may policy_type=no-policy-found policy_domain=nopolicy.signed.example"
    assert reply(lab, "nopolicy", "policy-tlsrpt") == none
    with lab.postfix_set("smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:policy-tlsrpt"):
        if lab.postfix.numbers < (3, 10):
            waits(lab, to(lab, "sts-met"), "invalid attribute name", "client TLS configuration problem|Temporary lookup")
        else:
            delivered(lab, to(lab, "sts-met"), "good", verified("good"))
            waits(lab, to(lab, "sts-plain"), "TLS is required, but was not offered")
            delivered(lab, to(lab, "sts-testing"), "plain")
            delivered(lab, to(lab, "nopolicy"), "plain")
        delivered(lab, to(lab, "danedomain"), "dane", verified("dane"))


def told(lab, *labels):
    """What `reports` says of a delivery to each domain. Each wants reports: of others Postfix tells nothing."""
    lab.world.forget()
    names, zone = lab.world.names, "signed.example"
    before = names.zones[zone]
    wanted = [f'_smtp._tls.{label}.{zone}. 60 IN TXT "v=TLSRPTv1; rua=mailto:tls@{label}.{zone}"\n' for label in labels]
    names.change(zone, before + "".join(wanted))
    try:
        for label in labels:
            lab.postfix.deliver(f"u@{label}.{zone}")
    finally:
        names.change(zone, before)
    return lab.counted()


@case("TLS reports: what Postfix 3.10 tells of each session is counted as what it was; nothing is a success that nobody looked at")
def reported(lab):
    if lab.postfix.numbers < (3, 10):
        assert "tlsrpt" not in lab.postfix.shell("postconf -d"), "this Postfix can tell, and nobody tries it"
        return
    with lab.postfix_set(*re.findall("'(.*?)'", postfix.readme("tlsrpt"))), lab.counting("--postfix-untrusted", "true"):
        counts = told(
            lab,
            *["sts-met", "sts-expired", "sts-wrongname", "sts-selfsigned", "sts-plain", "sts-refusing", "sts-broken"],
            *["danedomain", "dane-mismatch", "dane-plain", "nopolicy", "nopolicy2", "nopolicy3", "sts-missing"],
        )
    expected = {
        ("sts-met", "mta-sts", "success", None): 1,
        ("sts-expired", "mta-sts", "certificate-expired", None): 1,
        ("sts-wrongname", "mta-sts", "certificate-host-mismatch", None): 1,
        ("sts-selfsigned", "mta-sts", "certificate-not-trusted", "chain"): 1,
        ("sts-plain", "mta-sts", "starttls-not-supported", None): 1,
        ("sts-refusing", "mta-sts", "starttls-not-supported", None): 1,
        ("sts-broken", "mta-sts", "validation-failure", "tls-handshake"): 1,
        ("danedomain", "dane", "success", None): 1,
        ("dane-mismatch", "dane", "validation-failure", "dane-no-match"): 1,
        ("dane-plain", "dane", "starttls-not-supported", None): 1,
        ("nopolicy2", "none", "success", None): 1,
        ("nopolicy3", "none", "success", None): 1,
        # Its policy host has none, which the look-up tells; the host took the mail in clear, of which Postfix tells nothing.
        ("sts-missing", "mta-sts", "sts-policy-fetch-error", "http-404"): 1,
    }
    assert counts == expected, counts


@case("TLS reports: as long as nobody says that Postfix looks at certificates, a success in testing is one of no policy")
def hidden(lab):
    if lab.postfix.numbers < (3, 10):
        assert "tlsrpt" not in lab.postfix.shell("postconf -d"), "this Postfix can tell, and nobody tries it"
        return
    settings = re.findall("'(.*?)'", postfix.readme("tlsrpt"))
    plain = lab.world.hosts["plain"]
    before = plain.starttls, plain.certificate
    plain.starttls, plain.certificate = "offered", lab.world.pems["expired"]
    try:
        for level, options, expected in [
            ("1", [], ("none", "success", None)),
            # The policy permits another host, as our map has told Postfix.
            ("summary, untrusted", ["--postfix-untrusted", "true"], ("mta-sts", "validation-failure", "mx-not-permitted")),
        ]:
            with lab.postfix_set(*settings, f"smtp_tls_loglevel = {level}"), lab.counting(*options):
                counts = told(lab, "sts-testing")
            assert counts == {("sts-testing", *expected): 1}, (level, counts)
    finally:
        plain.starttls, plain.certificate = before


@case("a UNIX socket: an smtp(8) without a chroot asks there; one in its chroot does not see it, and the mail waits")
def unix_socket(lab):
    place = "/run/smtp-sts-verify/postfix.sock"
    with lab.daemon_at(place), lab.postfix_set(f"smtp_tls_policy_maps = socketmap:unix:{place}:policy"):
        chroot = lab.postfix.shell("postconf -hF smtp/unix/chroot").strip()
        for jail in "yn":
            lab.postfix.shell(f"postconf -F smtp/unix/chroot={jail}")
            lab.postfix.restart()
            if jail == "y":
                waits(lab, to(lab, "sts-met"), "lookup error", "No such file or directory")
            else:
                delivered(lab, to(lab, "sts-met"), "good", verified("good"))
        lab.postfix.shell(f"postconf -F smtp/unix/chroot={chroot}")


@case("an exception in a table before the daemon's counts, and all other mail goes as before")
def exception(lab):
    with open(lab.postfix.path("/etc/postfix/tls_policy"), "w") as file:
        file.write("sts-selfsigned.signed.example may\n")
    with lab.postfix_set():
        lab.postfix.shell(postfix.readme("exception"))
        lab.postfix.restart()
        delivered(lab, to(lab, "sts-selfsigned"), "selfsigned")
        delivered(lab, to(lab, "sts-met"), "good", verified("good"))
        delivered(lab, to(lab, "nopolicy"), "plain")
        waits(lab, to(lab, "sts-plain"), "TLS is required, but was not offered")


@case("the daemon is away: all mail waits, also to domains without a policy; when it is back, it knows what was in force")
def away(lab):
    with lab.without_daemon():
        for domain in ("sts-met", "nopolicy"):
            waits(lab, to(lab, domain), "Connection refused", "client TLS configuration problem|Temporary lookup")
    with lab.postfix_set():
        delivered(lab, to(lab, "sts-met"), "good", verified("good"))
        delivered(lab, to(lab, "nopolicy"), "plain")
