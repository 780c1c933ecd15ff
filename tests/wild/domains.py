"""What each domain of the table publishes. What becomes of its mail stands in table.tsv."""

import dataclasses
import gzip

import certificates
import hosts

GOOD = "192.0.2.100"
# Mail hosts, all below hosts.example: address, STARTTLS, how its TLS is prepared.
MAIL_HOSTS = {
    label: (f"192.0.2.{100 + number}", *how)
    for number, (label, *how) in enumerate([
        ("good", "offered"), ("other", "offered"), ("plain", "absent"), ("refusing", "refused"), ("silent", "silent"),
        ("broken", "broken"), ("expired", "offered"), ("selfsigned", "offered"), ("unknown", "offered"),
        ("aliased", "offered"),
        ("elsewhere", "offered"), ("tls10", "offered"), ("dhe", "offered"), ("rsa1024", "offered"), ("p521", "offered"),
        ("caleaf", "offered"), ("cross", "offered"), ("dane", "offered"), ("danewrong", "offered"), ("daneplain", "absent"),
        ("daneexpired", "offered"), ("daneta", "offered"), ("danetamissing", "offered"), ("unusable", "offered"),
        ("unusableplain", "absent"), ("empty", "offered"),
    ])
}
# Those with TLSA records; "danealiasalone" is an alias.
WITH_TLSA = ("dane", "danewrong", "daneplain", "daneexpired", "daneta", "danetamissing", "unusable", "unusableplain", "empty",
             "danealiasalone")
# The certificate of "elsewhere" is for another name.
SHOWN = {"elsewhere": "other"}
WEB_HOSTS = {
    kind: f"192.0.2.{80 + number}"
    for number, kind in enumerate(
        ["trusted", "expired", "unknown", "wrongname", "tls11", "h2", "silent", "refused", "p521", "rsa1024", "cnonly",
         "nointermediate"])
}
SHARED = {"signed.example": True, "unsigned.example": False}
# Zones that the resolver of this machine knows of, and nobody else.
PRIVATE = {
    zone: [f"{zone}. 60 IN MX 10 good.hosts.example.", f"mail.{zone}. 60 IN A {GOOD}"]
    for zone in ("corp.internal", "corp.home.arpa", "corp.lan", "intern.signed.example", "private.lan", "private.signed.example")
}
# Those that the administrator says to be private.
INSECURE_ZONES = ["private.lan", "private.signed.example"]


@dataclasses.dataclass
class Domain:
    """A domain that mail goes to. `records` are lines of its zone; `habits` those of the zone's two servers, none for a server
    as it should be; `page` is what its policy host sends, and `web` the kind of that host; `next_hop` is where Postfix is told
    to send its mail instead; `way` is how its zone is signed, if it is not as usual, and `also` what its second version has more."""

    name: str
    zone: str
    records: str = ""
    signed: bool = False
    habits: tuple = ()
    page: object = None
    web: str = "trusted"
    next_hop: str | None = None
    way: str | None = None
    also: str = ""

    @property
    def policy_host(self):
        """Where its policy is fetched from (RFC 8461 section 3.3)."""
        return f"mta-sts.{self.name}"


def own(label, *habits, records="", mx="good.hosts.example.", **more):
    """A domain that is a zone of its own."""
    lines = f"@ MX 10 {mx}\n" if mx else ""
    name = f"{label}.example"
    return Domain(name, name, lines + records, habits=habits, **more)


def signed(label, *habits, **more):
    """The same, signed."""
    return own("signed-" + label, *habits, signed=True, **more)


def among(label, records, zone="unsigned.example", **more):
    """A domain among others of a zone. In its records @ is the domain."""
    lines = [line if line[0] != "@" else label + line[1:] for line in records.replace(".@ ", f".{label} ").splitlines()]
    return Domain(f"{label}.{zone}", zone, "\n".join(lines) + "\n", signed=SHARED[zone], **more)


def at_host(host, **more):
    """A domain without a policy, at a mail host with a habit."""
    return among(f"host-{host}", f"@ MX 10 {host}.hosts.example.", **more)


def dane(host):
    """A signed domain at a mail host with TLSA records."""
    return among(f"tlsa-{host}", f"@ MX 10 {host}.hosts.example.", zone="signed.example")


def policy(mode="enforce", mx=("*.hosts.example",), max_age="604800", end="\r\n", first="version: STSv1"):
    """A policy (RFC 8461 section 3.2)."""
    lines = [first, f"mode: {mode}", *[f"mx: {pattern}" for pattern in mx], f"max_age: {max_age}"]
    return "".join(line + end for line in lines).encode()


def announced(label, page, web="trusted", mx="plain", zone="unsigned.example", record="v=STSv1; id=1;", address=True):
    """A domain with a policy of MTA-STS; by itself at a mail host without STARTTLS, which no policy in force would permit."""
    lines = [f"@ MX 10 {mx}.hosts.example.", f'_mta-sts.@ TXT "{record}"']
    if address:
        lines.append(f"mta-sts.@ A {WEB_HOSTS[web]}")
    page = hosts.reply(page) if isinstance(page, bytes) and not page.startswith(b"HTTP/") else page
    return among(f"policy-{label}", "\n".join(lines), zone=zone, page=page, web=web)


def announced_at(label, page, *mail_hosts):
    """The same at several mail hosts."""
    domain = announced(label, page)
    mx = "".join(f"policy-{label} MX {10 * number} {host}.hosts.example.\n" for number, host in enumerate(mail_hosts, 1))
    return dataclasses.replace(domain, records=mx + domain.records.partition("\n")[2])


ENFORCE = policy()
STS = f'_mta-sts TXT "v=STSv1; id=1;"\nmta-sts A {WEB_HOSTS["trusted"]}\n'
MANY_MX = "".join(f"@ MX {10 + number} gone{number}.hosts.example.\n" for number in range(40))
OWN_MX = f"mx A {GOOD}\n"
MX = {"records": OWN_MX, "mx": "mx"}
FITS_NOBODY = "3 1 1 " + "00" * 32
TLSA = {"records": OWN_MX + f"_25._tcp.mx TLSA {FITS_NOBODY}\n", "mx": "mx"}
HUGE = "".join(f"mx A 192.0.2.{100 + number}\n" for number in (0, 1)) + "".join(
    f'_mta-sts TXT "{number:03} {"x" * 200}"\n' for number in range(60))

# There has to be something to withhold: resolvers deny by themselves what NSEC records that they know deny (RFC 8198).
WITHHELD = {"records": STS, "page": hosts.reply(ENFORCE)}

DOMAINS = [
    among("plain", "@ MX 10 good.hosts.example."),
    among("plain", "@ MX 10 good.hosts.example.", zone="signed.example"),
    # Name servers of unsigned zones.
    own("drops-all", "drops all"),
    own("drops-underscores", "drops underscores"),
    own("drops-txt", "drops TXT"),
    own("drops-tlsa", "drops TLSA", **MX),
    own("drops-mx", "drops MX"),
    own("servfail-mx", "SERVFAIL for MX"),
    own("drops-aaaa", "drops AAAA", **MX),
    own("drops-edns", "drops EDNS"),
    own("refuses-all", "refuses all"),
    own("refuses-underscores", "refuses underscores"),
    own("notimp-all", "NOTIMP for all"),
    own("notimp-txt", "NOTIMP for TXT"),
    own("notimp-tlsa", "NOTIMP for TLSA", **MX),
    own("formerr-txt", "FORMERR for TXT"),
    own("servfail-underscores", "SERVFAIL for underscores"),
    own("servfail-tlsa", "SERVFAIL for TLSA", **MX),
    own("servfail-aaaa", "SERVFAIL for AAAA", **MX),
    own("truncates", "truncates"),
    own("truncates-no-tcp", "truncates and has no TCP"),
    own("truncates-txt-no-tcp", "truncates TXT and has no TCP"),
    own("formerr-edns", "FORMERR to EDNS"),
    own("lame", "honest", "refuses all"),
    own("lame-upward", "honest", "refers to the root"),
    own("one-silent", "honest", "drops all"),
    own("no-soa", "no SOA"),
    own("nothing", "nothing"),
    own("shouts", "shouts"),
    own("mixes-letters", "mixes letters"),
    own("address-for-underscores", "an address for underscores"),
    own("ttl-0", records='@ 0 MX 10 mx\nmx 0 A 192.0.2.100\n', mx=None),
    own("huge", records=HUGE, mx="mx"),
    own("wildcard-txt", records='* TXT "v=spf1 -all"\n'),
    own("wildcard-address", records=f"* A {WEB_HOSTS['refused']}\n"),
    own("wildcard-alias", records="* CNAME www.hosts.example.\n"),
    own("alias-loop", records="_mta-sts CNAME a\na CNAME b\nb CNAME a\n"),
    own("alias-to-nowhere", records="_mta-sts CNAME nowhere.hosts.example.\n"),
    own("nxdomain-tcp", "NXDOMAIN for _tcp", **TLSA),
    own("txt-spf", records='_mta-sts TXT "v=spf1 -all"\n'),
    own("txt-two", records='_mta-sts TXT "v=STSv1; id=1;"\n_mta-sts TXT "v=STSv1; id=2;"\n'),
    own("txt-misspelt", records='_mta-sts TXT "v=STSV1; id=1;"\n'),
    own("txt-no-id", records='_mta-sts TXT "v=STSv1;"\n'),
    own("txt-draft-broken", records='_smtp-sts TXT "v=STS1; to=maybe"\n'),
    # Signed zones.
    signed("drops-underscores", "drops underscores", **WITHHELD),
    signed("drops-tlsa", "drops TLSA", **TLSA),
    signed("drops-txt", "drops TXT", **WITHHELD),
    signed("refuses-underscores", "refuses underscores", **WITHHELD),
    signed("servfail-tlsa", "SERVFAIL for TLSA", **TLSA),
    signed("notimp-tlsa", "NOTIMP for TLSA", **TLSA),
    signed("servfail-underscores", "SERVFAIL for underscores", **WITHHELD),
    signed("half-unsigned", "honest", "no DNSSEC"),
    signed("half-expired", "honest", "past"),
    signed("half-refusing", "honest", "refuses all"),
    signed("expired", "past"),
    signed("wrong-ds", way="wrong DS"),
    signed("no-dnskey", "no DNSKEY"),
    signed("mx-unsigned", "MX unsigned"),
    signed("txt-unsigned", "TXT unsigned", records='_mta-sts TXT "v=STSv1; id=1;"\n'),
    signed("tlsa-unsigned", "TLSA unsigned", **TLSA),
    signed("no-soa", "no SOA"),
    signed("nsec-unsigned", "no NSEC"),
    signed("shouts", "shouts"),
    signed("mixes-letters", "mixes letters"),
    signed("truncates", "truncates"),
    signed("formerr-edns", "FORMERR to EDNS"),
    signed("ttl-0", records='@ 0 MX 10 mx\nmx 0 A 192.0.2.100\n', mx=None),
    signed("huge", records=HUGE, mx="mx"),
    signed("nxdomain-tcp", "NXDOMAIN for _tcp", records=f"mx A {MAIL_HOSTS['dane'][0]}\n_25._tcp.mx CNAME _25._tcp.dane.hosts.example.\n", mx="mx"),
    signed("cut-that-is-none", "a cut that is none", way="NSEC3", mx="mx", also="mx NS odd1.nic.example.\n",
           records=f"mx A {MAIL_HOSTS['dane'][0]}\n_25._tcp.mx CNAME _25._tcp.dane.hosts.example.\n"),
    signed("wildcard-txt", records='* TXT "v=spf1 -all"\n'),
    signed("wildcard-tlsa", records=OWN_MX + f"*.mx TLSA {FITS_NOBODY}\n", mx="mx"),
    signed("wildcard-alias", records="* CNAME www.hosts.example.\n"),
    signed("unknown-algorithm", way="unknown algorithm"),
    *[signed(way.lower(), way=way) for way in ("RSASHA1", "RSASHA512", "ED25519", "NSEC3", "opt-out")],
    # MX records.
    among("mx-alias", "@ MX 10 alias.hosts.example."),
    among("mx-alias-loop", "@ MX 10 loop1.hosts.example."),
    among("mx-address", f"@ MX 10 {GOOD}."),
    among("mx-address-beside", f"@ MX 10 {GOOD}.\n@ MX 20 good.hosts.example."),
    among("mx-zero", "@ MX 10 0."),
    among("mx-null", "@ MX 0 ."),
    among("mx-null-beside", "@ MX 0 .\n@ MX 10 good.hosts.example."),
    among("mx-null-preferred-less", "@ MX 10 ."),
    among("mx-missing", f"@ A {GOOD}"),
    among("mx-missing-altogether", '@ TXT "nothing"'),
    among("mx-nowhere", "@ MX 10 nowhere.hosts.example."),
    among("mx-nowhere-beside", "@ MX 10 nowhere.hosts.example.\n@ MX 20 good.hosts.example."),
    among("mx-no-address", "@ MX 10 noaddress.hosts.example."),
    among("mx-underscore", "@ MX 10 mail_1.hosts.example."),
    among("mx-many", MANY_MX + "@ MX 5 good.hosts.example."),
    among("mx-loopback", "@ MX 10 loopback.hosts.example."),
    among("domain-alias", "@ CNAME plain"),
    among("mx-alias", "@ MX 10 alias.hosts.example.", zone="signed.example"),
    among("tlsa-at-alias", "@ MX 10 danealias.hosts.example.", zone="signed.example"),
    among("tlsa-at-alias-alone", "@ MX 10 danealiasalone.hosts.example.", zone="signed.example"),
    # Mail hosts.
    *[at_host(host) for host in ("tls10", "dhe", "rsa1024", "p521", "plain", "refusing", "broken", "silent", "expired",
                                 "selfsigned", "unknown", "elsewhere", "cross", "caleaf")],
    *[dane(host) for host in ("dane", "daneta", "daneexpired", "danewrong", "daneplain", "danetamissing", "unusable",
                              "unusableplain", "empty")],
    among("tlsa-danewrong-beside-plain", "@ MX 10 danewrong.hosts.example.\n@ MX 20 plain.hosts.example.", zone="signed.example"),
    among("tlsa-danewrong-beside-dane", "@ MX 10 danewrong.hosts.example.\n@ MX 20 dane.hosts.example.", zone="signed.example"),
    # Mail hosts under a policy in force.
    *[announced(f"host-{host}", ENFORCE, mx="strict-" + host) for host in
      ("good", "plain", "refusing", "expired", "selfsigned", "elsewhere", "cross", "p521", "dhe", "rsa1024", "tls10")],
    announced_at("mx-nowhere-beside", ENFORCE, "nowhere", "good"),
    announced_at("mx-elsewhere-beside", policy(mx=("good.hosts.example",)), "other", "good"),
    announced("mx-elsewhere", policy(mx=("other.hosts.example",)), mx="good"),
    announced("good", ENFORCE, mx="good", zone="signed.example"),
    among("policy-null-mx", '@ MX 0 .\n_mta-sts.@ TXT "v=STSv1; id=1;"\nmta-sts.@ A 192.0.2.80', page=hosts.reply(policy())),
    # Policy hosts.
    announced("testing", policy("testing")),
    announced("none", policy("none", mx=())),
    announced("max-age-0", policy(max_age="0"), mx="good"),
    announced("redirect", hosts.reply(b"", status="301 Moved Permanently",
                                      more="Location: https://mta-sts.policy-good.signed.example/.well-known/mta-sts.txt\r\n")),
    announced("404", hosts.reply(ENFORCE, status="404 Not Found")),
    announced("500", hosts.reply(ENFORCE, status="500 Internal Server Error")),
    announced("gzip", hosts.reply(gzip.compress(ENFORCE), more="Content-Encoding: gzip\r\n")),
    announced("octet-stream", hosts.reply(ENFORCE, kind="application/octet-stream")),
    announced("charset", hosts.reply(ENFORCE, kind="text/plain; charset=utf-8"), mx="good"),
    announced("html", hosts.reply(b"<!DOCTYPE html><html><body>Welcome!</body></html>", kind="text/html")),
    announced("html-as-text", hosts.reply(b"<!DOCTYPE html><html><body>Welcome!</body></html>")),
    announced("empty", hosts.reply(b"")),
    announced("no-reply", b"HTTP/"),
    announced("vanishes", hosts.Vanishing(hosts.reply(ENFORCE)), mx="good"),
    announced("vanishes-host-plain", hosts.Vanishing(hosts.reply(ENFORCE)), mx="strict-plain"),
    among("policy-delegated", "@ MX 10 good.hosts.example.\n_mta-sts.@ CNAME _mta-sts.policy-good.signed.example.\n"
          "mta-sts.@ CNAME mta-sts.policy-good.signed.example.", page=hosts.reply(ENFORCE)),
    announced("in-pieces", ENFORCE, mx="good", record='v=STS" "v1; id=" "1;'),
    announced("extension", ENFORCE, mx="good", record="v=STSv1; id=1; more=yes;"),
    announced("id-too-long", ENFORCE, record=f"v=STSv1; id={'1' * 33};"),
    announced("capitals", policy(mx=("*.HOSTS.Example",)), mx="good"),
    announced("more-fields", ENFORCE + b"ttl: 86400\r\n", mx="good"),
    announced("max-age-too-long", policy(max_age="9999999999"), mx="good"),
    among("policy-ipv6-only", '@ MX 10 plain.hosts.example.\n_mta-sts.@ TXT "v=STSv1; id=1;"\nmta-sts.@ AAAA 2001:db8::1'),
    announced("cn-only", ENFORCE, web="cnonly"),
    announced("no-intermediate", ENFORCE, web="nointermediate"),
    # What there was at first is gone afterwards.
    own("later-drops-underscores", "drops underscores later"),
    own("later-drops-underscores-policy", "drops underscores later", mx="good.hosts.example.", records=STS, page=hosts.reply(ENFORCE)),
    own("later-drops-underscores-policy-host-plain", "drops underscores later", mx="strict-plain.hosts.example.", records=STS,
        page=hosts.reply(ENFORCE)),
    own("later-no-record-policy-host-plain", "no record later", mx="strict-plain.hosts.example.", records=STS,
        page=hosts.reply(ENFORCE)),
    announced("slow", hosts.trickle(hosts.reply(ENFORCE))),
    announced("too-large", ENFORCE + b"x: " + b"y" * 100_000 + b"\r\n"),
    announced("blank-line", ENFORCE + b"\r\n", mx="good"),
    announced("line-ends-mixed", ENFORCE.replace(b"\r\n", b"\n", 2), mx="good"),
    announced("line-ends-lf", policy(end="\n"), mx="good"),
    announced("bom", b"\xef\xbb\xbf" + ENFORCE, mx="good"),
    announced("mx-with-port", policy(mx=("good.hosts.example:25",)), mx="good"),
    announced("mode-misspelt", policy("enforced")),
    announced("version-missing", policy(first="comment: none")),
    announced("expired", ENFORCE, web="expired"),
    announced("unknown-ca", ENFORCE, web="unknown"),
    announced("wrong-name", ENFORCE, web="wrongname"),
    announced("tls11", ENFORCE, web="tls11"),
    announced("http2", hosts.http2, web="h2"),
    announced("silent", ENFORCE, web="silent"),
    announced("refused", ENFORCE, web="refused"),
    announced("p521", ENFORCE, web="p521", mx="good"),
    announced("rsa1024", ENFORCE, web="rsa1024"),
    announced("no-address", ENFORCE, address=False),
    announced("no-address", ENFORCE, address=False, zone="signed.example"),
    # Names that are no textbook host names, and such as the public DNS does not have.
    *[among(label, "@ MX 10 good.hosts.example.") for label in
      ("foo_bar", "xn--a", "xn----5da7e", "-bad", "bad-", "a--b", "123", "_leading", "x" * 63)],
    Domain("corp.internal", ""),
    Domain("corp.home.arpa", ""),
    Domain("corp.lan", ""),
    Domain("intern.signed.example", "", signed=True),
    *[Domain(zone, "") for zone in INSECURE_ZONES],
    Domain("nothing.invalid", ""),
    # Next hops of Postfix's own.
    among("next-hop", "@ MX 10 plain.hosts.example.", next_hop="[good.hosts.example]"),
    among("next-hop-port", "@ MX 10 plain.hosts.example.", next_hop="[good.hosts.example]:25"),
    among("next-hop-address", "@ MX 10 plain.hosts.example.", next_hop="[192.0.2.100]"),
    among("next-hop-localhost", "@ MX 10 plain.hosts.example.", next_hop="[localhost]:10025"),
    among("next-hop-127", "@ MX 10 plain.hosts.example.", next_hop="[127.0.0.1]:10025"),
    among("next-hop-internal", "@ MX 10 plain.hosts.example.", next_hop="[mail.corp.internal]"),
    among("next-hop-domain", "@ MX 10 plain.hosts.example.", next_hop="plain.signed.example"),
    among("next-hop-dane", "@ MX 10 plain.hosts.example.", next_hop="[dane.hosts.example]"),
    among("next-hop-dane-wrong", "@ MX 10 plain.hosts.example.", next_hop="[danewrong.hosts.example]"),
]


def zones(pems, ca):
    """The zones of the world, without the root and the top-level domain: name to records."""
    content = {zone: "" for zone in SHARED}
    content["hosts.example"] = _mail_hosts(pems, ca)
    for domain in DOMAINS:
        if domain.zone:
            content[domain.zone] = content.get(domain.zone, "") + domain.records
    return content


def _mail_hosts(pems, ca):
    # Each a second time, for domains with a policy: Exim remembers for a second that TLS failed with a host of some name, and lets
    # mail of other domains to that host wait meanwhile.
    lines = [f"{prefix}{label} A {address}" for label, (address, *_) in MAIL_HOSTS.items() for prefix in ("", "strict-")]
    fits = {label: f"3 1 1 {certificates.spki_sha256(pems[label])}"
            for label in ("dane", "daneplain", "daneexpired")}
    tlsa = {
        **fits,
        "danewrong": FITS_NOBODY,
        "daneta": f"2 1 1 {ca.spki_sha256()}",
        "danetamissing": f"2 1 1 {ca.spki_sha256()}",
        # A usage that RFC 7672 does not have.
        "unusable": f"1 1 1 {'00' * 32}",
        "unusableplain": f"1 1 1 {'00' * 32}",
        # The digest of nothing at all.
        "empty": "3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "danealiasalone": f"3 1 1 {certificates.spki_sha256(pems['aliased'])}",
    }
    lines += [f"_25._tcp.{label} TLSA {tlsa[label]}" for label in WITH_TLSA]
    lines += [
        "alias CNAME good", "danealias CNAME dane", "danealiasalone CNAME aliased", "loop1 CNAME loop2", "loop2 CNAME loop1",
        f"mail_1 A {GOOD}", "loopback A 127.0.0.1", 'noaddress TXT "nothing"', 'www TXT "a page"',
    ]
    return "\n".join(lines) + "\n"
