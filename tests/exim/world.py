"""What there is in the world: mail hosts, mail domains and their policies."""

import os
import subprocess

import certificates
import dane
import exim
import mta_sts
import names
import sinks

# Mail hosts: address, certificate, STARTTLS. All names are below hosts.example.
HOSTS = {
    "good": ("192.0.2.11", "good", "offered"),
    "other": ("192.0.2.12", "other", "offered"),
    "plain": ("192.0.2.13", "plain", "absent"),
    "expired": ("192.0.2.14", "expired", "offered"),
    "wrongname": ("192.0.2.15", "elsewhere", "offered"),
    "selfsigned": ("192.0.2.16", "selfsigned", "offered"),
    "refusing": ("192.0.2.17", "good", "refused"),
    "broken": ("192.0.2.18", "good", "broken"),
    **dane.HOSTS,
    "issuer": ("192.0.2.21", "issuer", "offered"),
    "hop": ("192.0.2.22", "selfsigned", "offered"),
}
POLICY_HOST = mta_sts.POLICY_HOSTS["trusted"]


def policy(mx="*.hosts.example", to="true", how="dnssec", constraint="webpki", life=86400, more=""):
    """A record of the draft."""
    return f"v=STS1; to={to}; mx={mx}; a={how}; c={constraint}; e={life}; rua=mailto:sts@sts.example{more}"


def domain(name, mx, txt=None, label="_smtp-sts"):
    """The zone lines of one mail domain; `mx` lists host labels in order of preference."""
    lines = [f"{name} MX {10 * (i + 1)} {host}.hosts.example." for i, host in enumerate(mx)]
    if txt is not None:
        lines.append(f'{label}.{name} TXT "{txt}"')
    return "\n".join(lines) + "\n"


# The names of mail hosts in which every octet stands: what a terminal, a shell or a header reads at the start, in the middle and at the end, the rest
# sixteen at a time.
OCTETS = [bytes([octet]) for octet in (*range(0x21), *b"\"$\'`{}:\\", 0x7f)] + [bytes(range(at, at + 16)) for at in range(0x20, 0x100, 16)]


def odd_host(number, octets):
    """A mail domain whose only host is an alias of a name with these octets."""
    name = "".join(f"\\{octet:03}" for octet in octets)
    odd = f"{name}a{name}b{name}.octets{number}"
    return f"octets{number} MX 10 trap.octets{number}\ntrap.octets{number} CNAME {odd}\n{odd} A {HOSTS['good'][0]}\n"


SIGNED = "".join(
    [
        domain("met", ["good"], policy()),
        domain("underscore", ["plain"], policy(), label="_smtp_sts"),
        domain("detour", ["other", "good"], policy("good.hosts.example")),
        domain("crowd", ["plain", "expired", "wrongname", "selfsigned", "refusing", "broken", "good"],
               policy("good.hosts.example")),
        domain("moved", ["good"], policy("good.hosts.example")),
        domain("gone", ["other", "nowhere"], policy("nowhere.hosts.example")),
        *[domain(host, [host], policy()) for host in ("plain", "refusing", "broken", "expired", "wrongname", "selfsigned")],
        domain("fallback", ["plain", "expired", "good"], policy()),
        domain("reportonly", ["plain"], policy(to="false")),
        domain("reportother", ["other"], policy("good.hosts.example", to="false")),
        domain("nopolicy", ["plain"]),
        domain("nopolicy2", ["selfsigned"]),
        domain("nopolicy3", ["good"]),
        domain("malformed", ["plain"], "v=STS1; to=perhaps; mx=good.hosts.example"),
        domain("xn--bcher-kva", ["good"], policy()),
        domain("xn--bcher-plain-thb", ["plain"], policy()),
        *[domain(name, mx) for name, mx in dane.DOMAINS.items()],
        domain("tlsa-demanded", ["danewrong", "good"], policy(constraint="tlsa")),
        domain("shared", ["selfsigned"]),
        domain("issuer", ["issuer"]),
        domain("webpki", ["good"], policy(how="webpki:https://webpki.signed.example/.well-known/smtp-sts/current")),
        f"webpki A {POLICY_HOST}\n",
        domain("aliased", ["alias"], policy("alias.hosts.example")),
        domain("elsewhere", ["alias"], policy("other.hosts.example")),
        f'dane-implicit A {HOSTS["dane"][0]}\n_25._tcp.dane-implicit CNAME _25._tcp.dane.hosts.example.\n',
        f'implicit A {HOSTS["plain"][0]}\n_smtp-sts.implicit TXT "{policy("implicit.signed.example")}"\n',
        domain("closed", ["good"], policy()),
        "nullmx MX 0 .\n_smtp-sts.nullmx TXT \"" + policy() + "\"\n",
        "relayed MX 10 plain.hosts.example.\n_smtp-sts.relayed TXT \"" + policy() + "\"\n",
        # What strangers can put into names and texts: line ends, quotes, dollars, an option in disguise. In a zone file
        # \010 is a line feed, \013 a carriage return.
        "evilmx MX 10 a\\010X-Injected:\\032yes.hosts.example.\nevilmx MX 20 good.hosts.example.\n",
        "evilalias MX 10 trap.evilalias\ntrap.evilalias CNAME a\\010X-Injected:\\032yes.evilalias\n"
        + f"a\\010X-Injected:\\032yes.evilalias A {HOSTS['good'][0]}\n",
        "evilquote MX 10 trap.evilquote\ntrap.evilquote CNAME -D\\032\\\"$\\(id\\)\\{run\\{x\\}\\}'`id`.evilquote\n"
        + f"-D\\032\\\"$\\(id\\)\\{{run\\{{x\\}}\\}}'`id`.evilquote A {HOSTS['good'][0]}\n",
        *[odd_host(number, octets) for number, octets in enumerate(OCTETS)],
        domain("eviltxt", ["good"], "v=STS1; to=true\\010X-Injected: yes; mx=good.hosts.example; a=dnssec"),
        domain("evilmxtext", ["good"], policy("good.hosts.example,a\\010X-Injected: yes")),
        domain("evilregex", ["plain"], policy("good.hosts.example)|(.+,.*")),
        domain("evilkey", ["good"], policy("good.hosts.example", more="; x\\010X-Injected: yes=${run{/bin/touch /tmp/run-by-exim}}")),
        domain("evilrua", ["good"], policy("good.hosts.example", more="\\013\\010X-Injected: yes")),
    ]
)
UNSIGNED = "".join(
    [
        domain("dane-insecure", ["danewrong"]),
        domain("met", ["plain"], policy()),
        domain("firstuse", ["good"], policy("good.hosts.example")),
        domain("spoofed", ["plain"], policy("plain.hosts.example")),
        domain("nopolicy", ["plain"]),
        domain("webpki", ["other", "good"], policy("good.hosts.example", how="webpki:https://webpki.unsigned.example/sts")),
        f"webpki A {POLICY_HOST}\n",
        domain("evilbody", ["good"], policy(how="webpki:https://evilbody.unsigned.example/sts")),
        f"evilbody A {POLICY_HOST}\n",
    ]
)
BOGUS = domain("met", ["good"], policy()) + domain("nopolicy", ["plain"])


class World:
    """Starts everything; attributes: `hosts` (label to MailHost), `names`, `pems` (label to file),
    `policy_hosts` (kind of certificate to PolicyHost)."""

    def __init__(self, directory):
        hosts = [address for address, _, _ in HOSTS.values()]
        for address in [names.AUTHORITATIVE, *mta_sts.POLICY_HOSTS.values(), *hosts]:
            subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
        known, unknown, pems = _certificates(directory + "/certificates")
        self.hosts = {label: sinks.MailHost(address, pems[pem], tls) for label, (address, pem, tls) in HOSTS.items()}
        self.pems = pems
        self.policy_hosts = mta_sts.policy_hosts(mta_sts.pems(known, unknown))
        for host, path, text in [
            ("webpki.signed.example", "/.well-known/smtp-sts/current",
             policy(how="webpki:https://webpki.signed.example/.well-known/smtp-sts/current")),
            ("webpki.unsigned.example", "/sts",
             policy("good.hosts.example", how="webpki:https://webpki.unsigned.example/sts")),
            ("evilbody.unsigned.example", "/sts", "v=STS1\r\nX-Injected: yes\r\n"),
        ]:
            self.policy_hosts["trusted"].pages[host, path] = sinks.Page(text.encode())
        hosts = "".join(f"{label} A {address}\n" for label, (address, _, _) in HOSTS.items())
        hosts += "alias CNAME good\n" + dane.records(pems, unknown)
        zones = {"hosts.example": hosts, "signed.example": SIGNED, "unsigned.example": UNSIGNED, "bogus.example": BOGUS}
        # Where the reports of the pages come from; its mail host is one that keeps no policy.
        zones["example.org"] = domain("@", ["selfsigned"], policy(), label="_smtp-sts").replace("_smtp-sts.@", "_smtp-sts")
        zones[dane.BOGUS] = zones[dane.SILENT] = f"_25 TLSA 3 1 1 {'00' * 32}\n"
        for sts in mta_sts.DOMAINS:
            zones[sts.zone] += sts.records()
        os.makedirs(directory + "/names")
        self.names = names.Names(
            directory + "/names",
            zones,
            unsigned={"unsigned.example"},
            bogus={"bogus.example", dane.BOGUS},
            silent={dane.SILENT},
        )
        with open("/etc/resolv.conf", "w") as file:
            file.write(exim.readme("resolver"))

    def forget(self):
        """All mail hosts forget what they took."""
        for host in self.hosts.values():
            host.forget()

    def messages(self):
        """Label of the host and message, for every message that any host took."""
        return [(label, message) for label, host in self.hosts.items() for message in host.messages]


def _certificates(directory):
    """Writes the CA bundle of this private system and one PEM file for each kind of certificate; returns the
    authority that is in the bundle, one that is not, and the files by label."""
    known = certificates.Authority(directory, "Known CA")
    known.trust()
    unknown = certificates.Authority(directory, "Unknown CA")
    stranger = certificates.Authority(directory, "Stranger\nX-Injected: yes\r\nX-Injected-Too: yes")
    stranger.trust("/etc/ssl/certs/stranger.pem")
    with open("/etc/ssl/certs/stranger.pem") as extra, open("/etc/ssl/certs/ca-certificates.crt", "a") as bundle:
        bundle.write(extra.read())
    return known, unknown, {
        "good": known.issue("good", ["good.hosts.example", "alias.hosts.example"]),
        "other": known.issue("other", ["other.hosts.example"]),
        "plain": known.issue("plain", ["plain.hosts.example"]),
        "plain-of-nobody": unknown.issue("plain-of-nobody", ["plain.hosts.example"]),
        "elsewhere": known.issue("elsewhere", ["elsewhere.hosts.example"]),
        "expired": known.issue("expired", ["expired.hosts.example"], expired=True),
        "selfsigned": unknown.issue("selfsigned", ["selfsigned.hosts.example"]),
        **dane.pems(known, unknown),
        "issuer": stranger.issue("issuer", ["issuer.hosts.example"]),
    }
