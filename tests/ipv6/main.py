"""A world without IPv4: name servers, a policy host and mail hosts at IPv6 addresses, the program, its daemon and Exim."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "exim")]

import certificates  # noqa: E402
import exim  # noqa: E402
import harness  # noqa: E402
import names  # noqa: E402
import sinks  # noqa: E402

names.AUTHORITATIVE, names.NOBODY = "2001:db8::53", "2001:db8::54"
names.VALIDATING, names.PLAIN = "::1", "2001:db8::2"
POLICY_HOST = "2001:db8::443"
HOSTS = {"good": "2001:db8::11", "dane": "2001:db8::12", "selfsigned": "2001:db8::13", "plain": "2001:db8::14"}
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: *.hosts.example\r\nmax_age: 86400\r\n"
CONFIGURATION = "/etc/smtp-sts-verify/config.toml"
CASES = []
case = harness.case


class Lab:
    """The world, and Exim with our files in it."""

    def __init__(self, scratch, program):
        subprocess.run(["ip", "-4", "address", "flush", "dev", "lo"], check=True)
        for address in [names.AUTHORITATIVE, names.PLAIN, POLICY_HOST, *HOSTS.values()]:
            subprocess.run(["ip", "address", "add", address + "/128", "dev", "lo", "nodad"], check=True)
        # A way out, as a host has that has IPv6 alone; it leads nowhere.
        for words in ("address add 2001:db8:1::1/128 dev lo nodad", "-6 route add default dev lo src 2001:db8:1::1"):
            subprocess.run(["ip", *words.split()], check=True)
        known = certificates.Authority(scratch + "/certificates", "Known CA")
        known.trust()
        unknown = certificates.Authority(scratch + "/certificates", "Unknown CA")
        pems = {label: (unknown if label in ("selfsigned", "dane") else known).issue(label, [f"{label}.hosts.example"]) for label in HOSTS}
        self.hosts = {label: sinks.MailHost(address, pems[label], "absent" if label == "plain" else "offered")
                      for label, address in HOSTS.items()}
        signed = "".join(
            f"{name} MX 10 {host}.hosts.example.\n_mta-sts.{name} TXT \"v=STSv1; id=1\"\nmta-sts.{name} AAAA {POLICY_HOST}\n"
            for name, host in [("met", "good"), ("selfsigned", "selfsigned")])
        signed += "danedomain MX 10 dane.hosts.example.\nnopolicy MX 10 plain.hosts.example.\n"
        # Too long for a reply by UDP.
        signed += "".join(f'big TXT "{number:02}{"x" * 200}"\n' for number in range(12))
        web = sinks.PolicyHost(POLICY_HOST, known.issue("web", ["mta-sts.met.signed.example", "mta-sts.selfsigned.signed.example"]))
        for name in ("met", "selfsigned"):
            web.pages[f"mta-sts.{name}.signed.example", "/.well-known/mta-sts.txt"] = sinks.Page(POLICY.encode())
        hosts = "".join(f"{label} AAAA {address}\n" for label, address in HOSTS.items())
        hosts += f"_25._tcp.dane TLSA 3 1 1 {certificates.spki_sha256(pems['dane'])}\n"
        os.makedirs(scratch + "/names")
        self.names = names.Names(scratch + "/names", {"hosts.example": hosts, "signed.example": signed}, unsigned=set(), bogus=set())
        self.world = self
        self.exim = exim.Exim(scratch, {})
        with open("/etc/resolv.conf", "w") as file:
            file.write("nameserver ::1\noptions trust-ad edns0\n")
        self.exim.install_program(program)
        os.makedirs("/etc/smtp-sts-verify", exist_ok=True)
        with open(CONFIGURATION, "w") as file:
            file.write(f'trust_anchor = "{self.names.anchor}"\nallow_private_addresses = true\n')

    def run(self, *words, status=0):
        """The program, as people start it, with an empty cache; what it said."""
        shutil.rmtree(exim.CACHE, ignore_errors=True)
        self.exim.run("install -d -o Debian-exim -g Debian-exim -m 0750 /var/lib/smtp-sts-verify")
        done = subprocess.run([exim.PROGRAM, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def forget(self):
        """All mail hosts forget what they took."""
        for host in self.hosts.values():
            host.forget()

    def messages(self):
        """Label of the host and message, for every message that any host took."""
        return [(label, message) for label, host in self.hosts.items() for message in host.messages]


@case("there is no IPv4 here")
def alone(_lab):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "192.0.2.1")):
        with socket.socket(family, socket.SOCK_STREAM) as attempt:
            try:
                attempt.connect((address, 53))
            except OSError as error:
                assert error.errno in (101, 99), error  # unreachable; no such address here
            else:
                raise AssertionError(f"{address} can be reached")


@case("a policy of the web: asked of the name server in /etc/resolv.conf, and of one that is named, however it is written")
def policy(lab):
    for server in ([], ["--dns", f"[{names.PLAIN}]"], ["--dns", f"[{names.PLAIN}]:53"], ["--dns", names.PLAIN]):
        said = lab.run("-d", "met.signed.example", "--format", "exim", *server)
        assert said.startswith("verdict=deliver tls=webpki policy=mta-sts mode=enforce auth=webpki"), said


@case("DANE: the TLSA records of a host that has an IPv6 address alone")
def with_dane(lab):
    said = lab.run("-d", "danedomain.signed.example", "--format", "exim")
    assert said.startswith("verdict=deliver tls=dane policy=dane "), said


@case("an answer that is too long for UDP comes by TCP")
def by_tcp(lab):
    said = lab.run("lookup", "big.signed.example", "TXT", "--dns", f"[{names.PLAIN}]")
    assert said.count(" record ") == 12 and "TXT: secure" in said, said


@case("explain and lint say what there is, and reach the hosts")
def linted(lab):
    assert "met.signed.example" in lab.run("explain", "met.signed.example")
    done = subprocess.run([exim.PROGRAM, "lint", "met.signed.example", "--format", "json"], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1) and "unreachable" not in done.stdout.lower(), (done.stdout, done.stderr)
    assert lab.hosts["good"].greeted, "lint has not looked at the host"
    lab.forget()


@case("probe: connects to mail hosts, and judges their certificates")
def probed(lab):
    for domain, host, words in [("met", "good", "webpki"), ("danedomain", "dane", "dane")]:
        lab.forget()
        done = subprocess.run([exim.PROGRAM, "probe", f"{domain}.signed.example", "--format", "json"], capture_output=True, text=True, timeout=60)
        assert HOSTS[host] in done.stdout, (done.returncode, done.stdout, done.stderr)
        assert lab.hosts[host].sni == [f"{host}.hosts.example"], (lab.hosts[host].sni, done.stdout)
        assert words in done.stdout and json.loads(done.stdout.splitlines()[0]), done.stdout


@case("doctor names the name servers, and that there is no way by IPv4, as a warning at most")
def examined(_lab):
    done = subprocess.run([exim.PROGRAM, "doctor", "--offline", "--format", "json"], capture_output=True, text=True, timeout=120)
    checks = json.loads(done.stdout)["checks"]
    servers = [one for one in checks if one["check"].startswith("resolver.")]
    assert {one["subject"] for one in servers if one["check"] in ("resolver.udp", "resolver.tcp")} == {"[::1]:53"}, servers
    assert not [one for one in servers if one["result"] == "wrong"], servers
    ways = {one["check"]: one for one in checks if one["check"].startswith("network.")}
    assert ways["network.ipv6"]["result"] == "fine" and ways["network.ipv4"]["result"] in ("fine", "warning"), ways
    assert "2001:db8:1::1" in ways["network.ipv6"]["seen"], ways


@case("the daemon listens and is asked there: Exim's place, Postfix's, its pages, and whether it is ready")
def daemon(_lab):
    become = ["setpriv", "--reuid", "Debian-exim", "--regid", "Debian-exim", "--clear-groups"]
    places = ["--exim", "[::1]:8460", "--postfix", "[::1]:8461", "--http", "[::1]:8462"]
    process = subprocess.Popen([*become, exim.PROGRAM, "serve", *places], stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while subprocess.run([exim.PROGRAM, "serve", "--ready", "--http", "[::1]:8462"], capture_output=True).returncode:
            assert process.poll() is None and time.monotonic() < end, process.stderr.read()
            time.sleep(0.05)
        for port, question, answer in [(8460, b"P met.signed.example\n", b"verdict=deliver tls=webpki "),
                                       (8461, netstring(b"policy met.signed.example"), b"OK ")]:
            with socket.create_connection(("::1", port), timeout=20) as asker:
                asker.sendall(question)
                said = asker.recv(4096)
            assert answer in said, said
    finally:
        process.terminate()
        process.wait(20)


def netstring(text):
    """As Postfix asks a socketmap."""
    return str(len(text)).encode() + b":" + text + b","


@case("Exim delivers: by a policy, by DANE, and not to a host that shows another certificate")
def delivered(lab):
    lab.run("-d", "nopolicy.signed.example", "--format", "exim")
    lab.exim.configure("split")
    for recipient, host, log in [("u@met.signed.example", "good", "T=smtp_sts_webpki .* CV=yes"),
                                 ("u@danedomain.signed.example", "dane", "T=smtp_sts_dane .* CV=dane"),
                                 ("u@nopolicy.signed.example", "plain", "T=remote_smtp ")]:
        lab.forget()
        harness.delivered(lab, lab.exim.deliver(recipient), recipient, host, log)
        assert {address for address, _ in lab.hosts[host].greeted} <= set(HOSTS.values()) | {"::1", names.PLAIN, POLICY_HOST, names.AUTHORITATIVE}
    lab.forget()
    harness.waits(lab, lab.exim.deliver("u@selfsigned.signed.example"), "u@selfsigned.signed.example", "T=smtp_sts_webpki")


def main():
    """Runs everything; the exit status."""
    scratch, program = sys.argv[1:]
    lab = Lab(scratch, program)
    ledger = harness.Ledger(None, "IPv6 alone")
    for function in CASES:
        ledger.run(function.words, function, lab)
    return ledger.close()


if __name__ == "__main__":
    sys.exit(main())
