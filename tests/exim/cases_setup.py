"""Kinds of configuration: where the files apply and where not, and how they go away again."""

import os
import re
import subprocess

import exim
from cases_dane import DANE, held_by_dane
from cases_policy import ENFORCED, PLAIN, send
from harness import delivered, waits


def applies(lab):
    """Enforced where it should be, untouched elsewhere."""
    lab.forget_policies()
    mail = send(lab, "u@met.signed.example")
    delivered(lab, mail, "u@met.signed.example", "good", ENFORCED, "CV=yes")
    delivered(lab, send(lab, "u@detour.signed.example"), "u@detour.signed.example", "good", ENFORCED)
    for host in ("plain", "expired", "wrongname", "selfsigned"):
        waits(lab, send(lab, f"u@{host}.signed.example"), f"u@{host}.signed.example", "T=smtp_sts_webpki")
    delivered(lab, send(lab, "u@sts-detour.signed.example"), "u@sts-detour.signed.example", "good", ENFORCED, "CV=yes")
    if lab.build.dane:
        delivered(lab, send(lab, "u@danedomain.signed.example"), "u@danedomain.signed.example", "dane", DANE, "CV=dane")
    waits(lab, send(lab, "u@danewrong.signed.example"), "u@danewrong.signed.example", held_by_dane(lab))
    delivered(lab, send(lab, "u@nopolicy.signed.example"), "u@nopolicy.signed.example", "plain", PLAIN)


def header_applies(lab):
    """The header set alone: TLS demanded, header written, clear text never under an enforced policy, first mail included."""
    lab.forget_policies()
    for host in ("plain", "expired", "wrongname", "selfsigned", "refusing", "broken"):
        for _ in range(2):
            waits(lab, send(lab, f"u@{host}.signed.example"), f"u@{host}.signed.example", "T=remote_smtp ")
    for domain in ("sts-plain", "sts-selfsigned", "danewrong", "dane-mismatch", "dane-plain", "dane-unusable-plain"):
        waits(lab, send(lab, f"u@{domain}.signed.example"), f"u@{domain}.signed.example", "T=remote_smtp ")
    takers = [("danedomain", "dane", "dane")] if lab.build.dane else []
    for domain, host, tls in [*takers, ("dane-unusable", "unusable", "encrypt")]:
        mail = send(lab, f"u@{domain}.signed.example")
        message = delivered(lab, mail, f"u@{domain}.signed.example", host, PLAIN)
        assert message.header("X-smtp-sts-verify").startswith(f"GOOD: verdict=deliver tls={tls} policy=dane "), message.text
    message = delivered(lab, send(lab, "u@met.signed.example"), "u@met.signed.example", "good", PLAIN, "CV=yes")
    assert re.match("GOOD: verdict=deliver tls=webpki policy=smtp-sts mode=enforce auth=dnssec mx=match ",
                    message.header("X-smtp-sts-verify")), message.text
    message = delivered(lab, send(lab, "u@detour.signed.example"), "u@detour.signed.example", "other", PLAIN, "CV=yes")
    assert message.header("X-smtp-sts-verify").startswith("GOOD: verdict=deliver"), message.text
    delivered(lab, send(lab, "u@nopolicy.signed.example"), "u@nopolicy.signed.example", "plain", PLAIN)


def header_bad(lab):
    """Under a policy in force a forbidden host gets the mail over verified TLS, and the header says BAD."""
    lab.exim.run("smtp-sts-verify -d detour.signed.example -m good.hosts.example --format exim")
    lab.start_over()
    message = delivered(lab, send(lab, "u@detour.signed.example"), "u@detour.signed.example", "other", PLAIN, "CV=yes")
    assert message.header("X-smtp-sts-verify").startswith("BAD: verdict=refuse tls=webpki "), message.text


def header_cached(lab):
    """Exim's own lookup in the file that the program writes: True, also when the program is gone."""
    send(lab, "u@met.signed.example")
    lab.world.forget()
    with lab.nobody_answers():
        mail = lab.exim.deliver("u@met.signed.example")
    message = delivered(lab, mail, "u@met.signed.example", "good", "CV=yes")
    assert message.header("X-smtp-sts-cached-enforced") == "True", message.text
    good = lab.world.hosts["good"]
    good.certificate, before = lab.world.pems["selfsigned"], good.certificate
    lab.world.forget()
    with lab.nobody_answers():
        mail = lab.exim.deliver("u@met.signed.example")
    good.certificate = before
    waits(lab, mail, "u@met.signed.example", r"T=remote_smtp defer \(-37\)")


# The transport lines of the first smtp-sts-verify, and hosts_require_tls, without which it sent in clear text.
OLD_LINES = r"""
tls_try_verify_hosts = *
tls_verify_certificates = /etc/ssl/certs/ca-certificates.crt
tls_verify_hosts = ${if eq {DOMAIN_IS_CACHED_STS_TRUE}{True}{*}{}}
hosts_require_tls = ${if eq {DOMAIN_IS_CACHED_STS_TRUE}{True}{*}{}}
headers_add = "X-smtp-sts-verify: SMTP_STS_DOMAIN_VERIFY"
headers_add = "X-smtp-sts-cached-enforced: DOMAIN_IS_CACHED_STS_TRUE"
headers_add = "X-smtp-sts-MX-cipher: $tls_out_cipher"
headers_add = "X-smtp-sts-MX-cert: ${if eq {$tls_out_certificate_verified}{1}{OK: ${certextract{issuer}{$tls_out_peercert}{$value}{none}}}{no}}"
headers_add = "X-smtp-sts-TXT: \"SMTP_STS_DOMAIN_TXT\""
"""


def old_lines(lab):
    """Transport lines written for the first smtp-sts-verify, over our macros."""
    with open("/etc/exim4/conf.d/transport/30_exim4-config_remote_smtp-sts", "w") as file:
        file.write(OLD_LINES)
    lab.exim.run(exim.readme("enable"))
    lab.forget_policies()
    for cached in ("", "True"):
        message = delivered(lab, send(lab, "u@met.signed.example"), "u@met.signed.example", "good", PLAIN, "CV=yes")
        assert message.header("X-smtp-sts-verify").startswith("GOOD: verdict=deliver tls=webpki "), message.text
        assert message.header("X-smtp-sts-cached-enforced") == cached, message.text
    lab.world.hosts["good"].starttls = "absent"
    mail = send(lab, "u@met.signed.example")
    lab.world.hosts["good"].starttls = "offered"
    waits(lab, mail, "u@met.signed.example", r"T=remote_smtp defer \(-38\)")


def by_smarthost(lab):
    """All mail goes to the smarthost, policies or not; our routers are not in the configuration."""
    routers = subprocess.run(["exim4", "-bP", "router_list"], capture_output=True, text=True).stdout
    assert "smarthost" in routers and "smtp_sts" not in routers, routers
    for domain in ("met", "plain", "nopolicy"):
        mail = send(lab, f"u@{domain}.signed.example")
        delivered(lab, mail, f"u@{domain}.signed.example", "hop", "R=smarthost T=remote_smtp_smarthost")


def demanding_smarthost(lab):
    """Debian's macros demand verified TLS of the smarthost."""
    waits(lab, send(lab, "u@met.signed.example"), "u@met.signed.example", "T=remote_smtp_smarthost", r"defer \(-37\)")


def by_hand(lab):
    """A domain routed by hand through hubbed_hosts is not affected; the others are."""
    mail = send(lab, "u@plain.signed.example")
    delivered(lab, mail, "u@plain.signed.example", "hop", "R=hubbed_hosts T=remote_smtp ")
    waits(lab, send(lab, "u@selfsigned.signed.example"), "u@selfsigned.signed.example", "T=smtp_sts_webpki")


def relayed(lab):
    """relay_to_domains: not asked about by default."""
    mail = send(lab, "u@relayed.signed.example")
    delivered(lab, mail, "u@relayed.signed.example", "plain", "R=dnslookup_relay_to_domains T=remote_smtp ")


def relayed_included(lab):
    """SMTP_STS_DOMAINS without the exception: asked about."""
    waits(lab, send(lab, "u@relayed.signed.example"), "u@relayed.signed.example", "T=smtp_sts_webpki")


def undone(lab, scheme):
    """After the README's undoing the configuration is octet for octet the one before, apart from when it was made."""
    lab.exim.configure(scheme, sets=[])
    before = _generated()
    lab.exim.configure(scheme, sets=["enforce", "header"])
    assert _generated() != before
    lab.exim.run(exim.readme(f"undo-{scheme}"))
    assert _generated() == before
    left = subprocess.run(["grep", "-rl", "smtp.sts", "/etc/exim4"], capture_output=True, text=True).stdout
    assert not left, left
    mail = send(lab, "u@plain.signed.example")
    delivered(lab, mail, "u@plain.signed.example", "plain", PLAIN)


def without_debian(lab):
    """A configuration of the administrator's own that includes the same four files."""
    files = exim.TOP + "/exim/enforce"
    path = "/etc/exim4/own.conf"
    with open(path, "w") as file:
        file.write(
            "primary_hostname = origin.example\ndomainlist local_domains = @\ndomainlist relay_to_domains =\n"
            "exim_path = /usr/sbin/exim4\nspool_directory = /var/spool/exim4\nlog_file_path = /var/log/exim4/%slog\n"
            "log_selector = +tls_certificate_verified\nlocal_interfaces = 127.0.0.1\n"
            f".include {files}/main/000_smtp-sts-verify\n"
            f"begin routers\n.include {files}/router/190_smtp-sts-verify\n"
            "dnslookup:\n  driver = dnslookup\n  domains = ! +local_domains\n  transport = remote_smtp\n  no_more\n"
            f"begin transports\n.include {files}/transport/31_smtp-sts-verify\n"
            "remote_smtp:\n  driver = smtp\n"
            f"begin retry\n.include {files}/retry/20_smtp-sts-verify\n* * F,2h,15m\n"
        )
    for recipient, log in [("u@met.signed.example", ENFORCED), ("u@nopolicy.signed.example", PLAIN)]:
        lab.world.forget()
        mail = lab.exim.deliver(recipient, options=["-C", path])
        delivered(lab, mail, recipient, "good" if "met" in recipient else "plain", log)
    lab.world.forget()
    mail = lab.exim.deliver("u@selfsigned.signed.example", options=["-C", path])
    waits(lab, mail, "u@selfsigned.signed.example", "T=smtp_sts_webpki")


def same_transports(_lab):
    """The three transports differ in their TLS options and in nothing else."""
    with open(exim.TOP + "/exim/enforce/transport/31_smtp-sts-verify") as file:
        blocks = re.split(r"(?m)^(smtp_sts_\w+):\n", file.read())[1:]
    tls = re.compile(r"hosts_require_tls|tls_verify_hosts|tls_verify_certificates|tls_require_ciphers|dane_require_tls_ciphers|tls_sni|debug_print|^#|^$")
    rest = {
        name: [line for line in body.split("\n") if not tls.search(line.strip())]
        for name, body in zip(blocks[::2], blocks[1::2])
    }
    assert list(rest) == ["smtp_sts_encrypt", "smtp_sts_webpki", "smtp_sts_dane"], list(rest)
    assert rest["smtp_sts_encrypt"] == rest["smtp_sts_webpki"] == rest["smtp_sts_dane"], rest


def _generated():
    with open("/var/lib/exim4/config.autogenerated") as file:
        return [line for line in file if line.strip() and not line.startswith("#")]


# Words, function, and how the configuration is made: keyword arguments of Exim.configure, or None for "as it is".
SETUPS = [
    ("split: enforced and untouched domains", applies, dict(scheme="split")),
    ("single file: enforced and untouched domains", applies, dict(scheme="single")),
    ("single file, both sets: enforced and untouched domains", applies, dict(scheme="single", sets=["enforce", "header"])),
    ("single file, header set: header present, clear text never sent under an enforced policy", header_applies,
     dict(scheme="single", sets=["header"])),
    ("split, header set: header present, clear text never sent under an enforced policy", header_applies,
     dict(scheme="split", sets=["header"], macros={"SMTP_STS_MORE_HEADERS": "yes"})),
    ("split, header set: a forbidden host under a policy in force gets a header that says BAD", header_bad, None),
    ("split, header set: what the program cached enforces TLS through Exim's own lookup, program or not", header_cached, None),
    ("split: the transport lines of the first smtp-sts-verify go on working over our macros", old_lines,
     dict(scheme="split", sets=["header"])),
    ("smarthost: not affected", by_smarthost,
     dict(scheme="split", sets=["enforce", "header"], configtype="smarthost", smarthost="hop.hosts.example")),
    ("satellite, single file: not affected", by_smarthost,
     dict(scheme="single", sets=["enforce", "header"], configtype="satellite", smarthost="hop.hosts.example")),
    ("smarthost with Debian's macros: verified TLS demanded of the smarthost", demanding_smarthost,
     dict(scheme="split", configtype="smarthost", smarthost="hop.hosts.example",
          macros={"REMOTE_SMTP_SMARTHOST_HOSTS_REQUIRE_TLS": "*", "REMOTE_SMTP_SMARTHOST_TLS_VERIFY_HOSTS": "*"})),
    ("hubbed_hosts: routed by hand, not affected", by_hand,
     dict(scheme="split", hubbed="plain.signed.example: hop.hosts.example")),
    ("relay_to_domains: not asked about", relayed, dict(scheme="split", relay_domains="relayed.signed.example")),
    ("relay_to_domains with SMTP_STS_DOMAINS: enforced", relayed_included,
     dict(scheme="split", relay_domains="relayed.signed.example", macros={"SMTP_STS_DOMAINS": "! +local_domains"})),
    ("an Exim without Debian's configuration, the same four files: enforced", without_debian, None),
    ("split: the README's undoing leaves nothing", lambda lab: undone(lab, "split"), None),
    ("single file: the README's undoing leaves nothing", lambda lab: undone(lab, "single"), None),
    ("the three enforcing transports differ in their TLS options only", same_transports, None),
]
