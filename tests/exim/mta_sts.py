"""What the MTA-STS domains of the world publish (RFC 8461): records, policies, and policy hosts that fail."""

import dataclasses

import sinks

PATH = "/.well-known/mta-sts.txt"
# Web servers, named after their certificates.
POLICY_HOSTS = {"trusted": "192.0.2.80", "untrusted": "192.0.2.81", "wrongname": "192.0.2.82", "expired": "192.0.2.83"}


@dataclasses.dataclass
class Domain:
    """A domain with a policy; `mx` lists host labels in order of preference. Without `mode` it has only a record."""

    label: str
    mx: list
    mode: str = "enforce"
    patterns: tuple = ("good.hosts.example",)
    page: dict = dataclasses.field(default_factory=dict)
    more: str = ""
    zone: str = "signed.example"
    served_by: str = "trusted"

    @property
    def name(self):
        """The domain itself."""
        return f"{self.label}.{self.zone}"

    @property
    def policy_host(self):
        """Where its policy is fetched from (RFC 8461 section 3.3)."""
        return f"mta-sts.{self.name}"

    def records(self):
        """Its lines in the zone file."""
        lines = [f"{self.label} MX {10 * (i + 1)} {host}.hosts.example." for i, host in enumerate(self.mx)]
        lines.append(f'_mta-sts.{self.label} TXT "v=STSv1; id=1;"')
        lines.append(f"mta-sts.{self.label} A {POLICY_HOSTS[self.served_by]}")
        return "\n".join(lines) + "\n" + self.more

    def answer(self):
        """What its policy host says."""
        return sinks.Page(**{"body": body(self.mode, *self.patterns), **self.page})


def body(mode, *patterns, max_age=604800):
    """A policy (RFC 8461 section 3.2)."""
    lines = ["version: STSv1", f"mode: {mode}", *[f"mx: {pattern}" for pattern in patterns], f"max_age: {max_age}"]
    return "".join(line + "\r\n" for line in lines).encode()


ANY = ("*.hosts.example",)
DRAFT = '_smtp-sts.{label} TXT "v=STS1; to=true; mx={mx}; a=dnssec; c=webpki; e=86400; rua=mailto:sts@sts.example"\n'

# Policy hosts that fail, each in its way. The policy would not permit the MX host.
FAILING = {
    **{f"{how}-host": {"served_by": how} for how in ("untrusted", "wrongname", "expired")},
    "redirect": {"page": {"status": 301, "location": "https://mta-sts.sts-met.signed.example" + PATH}},
    "html": {"page": {"type": "text/html"}},
    "slow": {"page": {"trickle": True}},
    "oversized": {"page": {"body": body("enforce", *(f"mx{i}.{'x' * 60}.example" for i in range(4000)))}},
    "missing": {"page": {"status": 404}},
    "malformed": {"page": {"body": b"version: STSv1\r\nmode: perhaps\r\nmx: good.hosts.example\r\nmax_age: 86400\r\n"}},
}

DOMAINS = [
    Domain("sts-met", ["good"]),
    Domain("sts-met", ["good"], zone="unsigned.example"),
    Domain("sts-wild", ["good"], patterns=ANY),
    Domain("sts-wild2", ["plain"], patterns=("*.example",)),
    Domain("sts-detour", ["other", "good"]),
    Domain("sts-gone", ["other"]),
    *[Domain(f"sts-{host}", [host], patterns=ANY)
      for host in ("plain", "refusing", "broken", "expired", "wrongname", "selfsigned")],
    Domain("sts-plain", ["plain"], patterns=ANY, zone="unsigned.example"),
    Domain("sts-testing", ["plain"], mode="testing"),
    Domain("sts-none", ["plain"], mode="none", patterns=()),
    Domain("sts-vanishing", ["good"]),
    Domain("sts-renewed", ["good"]),
    Domain("sts-lowered", ["plain"], patterns=ANY),
    Domain("sts-fading", ["good"]),
    Domain("sts-first", ["other", "good"], more=DRAFT.format(label="sts-first", mx="other.hosts.example")),
    Domain("sts-badmx", ["good"], patterns=("*",)),
    *[Domain(f"sts-{kind}", ["plain"], **how) for kind, how in FAILING.items()],
    Domain("sts-untrusted-host", ["plain"], zone="unsigned.example", served_by="untrusted"),
    # Together with DANE.
    Domain("sts-dane-outside", ["dane", "good"]),
    Domain("sts-dane-mismatch", ["danemismatch", "good"], patterns=ANY),
    Domain("sts-dane-only", ["danemismatch"], patterns=ANY),
    Domain("sts-dane-bogus", ["danebogus", "good"], patterns=ANY),
    Domain("sts-dane-forbidden", ["plain", "dane", "other"]),
    Domain("sts-dane-testing", ["danemismatch"], mode="testing", patterns=ANY),
    Domain("sts-dane-insecure", ["dane"], patterns=ANY, zone="unsigned.example"),
    Domain("sts-dane-unusable", ["unusableca"], patterns=ANY),
    Domain("sts-dane-unusable-wrong", ["unusable"], patterns=ANY),
    Domain("sts-overridden", ["plain"], patterns=ANY),
]


def pems(known, unknown):
    """The certificates of the policy hosts; the trusted one also serves HTTPS copies of the draft's policies."""
    domains = {how: [domain.policy_host for domain in DOMAINS if domain.served_by == how] for how in POLICY_HOSTS}
    copies = ["webpki.signed.example", "webpki.unsigned.example", "evilbody.unsigned.example"]
    return {
        "trusted": known.issue("policies-trusted", copies + domains["trusted"]),
        "untrusted": unknown.issue("policies-untrusted", domains["untrusted"]),
        "wrongname": known.issue("policies-wrongname", ["mta-sts.example"]),
        "expired": known.issue("policies-expired", domains["expired"], expired=True),
    }


def policy_hosts(pems):
    """Starts the web servers; by kind of certificate."""
    hosts = {how: sinks.PolicyHost(address, pems[how]) for how, address in POLICY_HOSTS.items()}
    for domain in DOMAINS:
        hosts[domain.served_by].pages[domain.policy_host, PATH] = domain.answer()
    return hosts
