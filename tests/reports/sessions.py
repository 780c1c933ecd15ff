"""The domains of the table, and what a report about each has to say: by RFC 8460 and RFC 7672, and by what was done."""

import dataclasses

import certificates
import mta_sts
import names
import world

HOSTS = ("good", "expired", "wrongname", "selfsigned", "plain")
ZONE = "signed.example"
# Where all reports go: a host that keeps what it is given, in a domain that wants reports itself.
INBOX, SINK = f"tlsrpt@reports.{ZONE}", "other"

FAULTS = {"expired": "certificate-expired", "wrongname": "certificate-host-mismatch", "selfsigned": "certificate-not-trusted",
          "plain": "starttls-not-supported"}


@dataclasses.dataclass
class Session:
    """One domain: under which policy, to which host, how many mails, and what that counts as."""

    policy: str  # "enforce", "testing", "dane", "none"
    host: str
    mails: int

    @property
    def domain(self):
        """The recipients' domain."""
        return f"to-{self.policy}-{self.host}.{ZONE}"

    @property
    def mx(self):
        """The name of its MX host. For DANE each has a name of its own, with a TLSA record that fits, but for one."""
        return f"{'d' if self.policy == 'dane' else ''}{self.host}.hosts.example"

    def expected(self, server):
        """The report, a list of its policies: kind and domain, successes, and failures by result type; None for no report. `server` is
        "exim" or "postfix", which sees less (exim/postfix.md)."""
        kind, about = {"enforce": ("sts", self.domain), "testing": ("sts", self.domain), "dane": ("tlsa", self.mx),
                       "none": ("no-policy-found", self.domain)}[self.policy]
        fault = FAULTS.get(self.host)
        if self.host == "mismatch":
            fault = "validation-failure"
        if self.policy == "dane" and self.host in ("expired", "wrongname", "selfsigned"):
            fault = None  # DANE-EE looks at neither name nor time (RFC 7672 section 3.1.1)
        if server == "postfix" and self.host == "plain" and self.policy in ("testing", "none"):
            return None  # it sends no datagram
        if server == "postfix" and (self.policy, self.host) == ("testing", "wrongname"):
            fault = None  # it compares no name where nothing demands one, and tells of a success
        if self.policy == "none" and self.host != "plain":
            fault = None  # any TLS is as nobody demands (RFC 8460 section 4.2)
        return [(kind, about, self.mails if fault is None else 0, {} if fault is None else {fault: self.mails})]


SESSIONS = [Session(policy, host, 1 + (a + b) % 2) for a, policy in enumerate(("enforce", "testing", "dane", "none")) for b, host in enumerate(HOSTS)]
SESSIONS.append(Session("dane", "mismatch", 2))


# What the report in fixtures/corpora/tls_report/whole.json says.
EXAMPLE = [
    ("no-policy-found", "receiver.example", 1, {}),
    ("sts", "receiver.example", 40, {"certificate-not-trusted": 2, "sts-policy-fetch-error": 1}),
    ("tlsa", "b.mx.receiver.example", 5, {}),
]


def publish():
    """The policies, before the world is made: its policy hosts get certificates for all of them."""
    mta_sts.DOMAINS += [mta_sts.Domain(f"to-{s.policy}-{s.host}", [s.host], mode=s.policy, patterns=(f"*.hosts.example",))
                        for s in SESSIONS if s.policy in ("enforce", "testing")]


def publish_more(made):
    """The rest: TLSA records, domains without MTA-STS, and where each wants its reports."""
    hosts, mail = "", ""
    for session in SESSIONS:
        label = session.domain.split(".")[0]
        mail += f'_smtp._tls.{label} TXT "v=TLSRPTv1; rua=mailto:{INBOX}"\n'
        if session.policy in ("dane", "none"):
            mail += f"{label} MX 10 {session.mx}.\n"
        if session.policy == "dane":
            address, pem, _ = world.HOSTS["good" if session.host == "mismatch" else session.host]
            digest = "11" * 32 if session.host == "mismatch" else certificates.spki_sha256(made.pems[pem])
            hosts += f"d{session.host} A {address}\n_25._tcp.d{session.host} TLSA 3 1 1 {digest}\n"
    mail += f'reports MX 10 {SINK}.hosts.example.\n_smtp._tls.reports TXT "v=TLSRPTv1; rua=mailto:{INBOX}"\n'
    for zone, records in ((ZONE, mail), ("hosts.example", hosts)):
        made.names.change(zone, made.names.zones[zone] + records)
