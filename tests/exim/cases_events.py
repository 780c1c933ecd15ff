"""What the daemon counts for TLS reports when a real Exim tells it of its sessions. Both sets of files."""

import json
import os
import re
import signal
import subprocess

import exim
import ways
from cases_policy import ENFORCED, PLAIN, changed, send
from harness import case, delivered, waits

CASES = []


def fresh(lab):
    """Nothing was counted, and nobody has seen a policy. What is looked up for one delivery stands until its end: a second
    look-up would be counted, too."""
    lab.world.names.forget()
    lab.forget_policies()
    for host in lab.world.policy_hosts.values():
        host.forget()


def counted(lab):
    """What `reports` says when the daemon has ended: sessions by domain, policy, host and result. Then it starts again."""
    rows = told(lab)
    for row in rows:
        if row["host"] and row["address"]:
            label = row["host"].removesuffix(".hosts.example")
            address = lab.world.hosts[label].address if label in lab.world.hosts else row["address"]
            assert row["address"] == address and row["from"], row
    place = lambda host: host and host.removesuffix(".hosts.example")
    return {
        (row["domain"].removesuffix(".signed.example"), row["policy"]["type"], place(row["host"]), row["result"]): row["sessions"]
        for row in rows
    }


def told(lab):
    """The rows of `reports` when the daemon has ended. Then it starts again."""
    lab.serve.stop()
    rows = [json.loads(line) for line in lab.exim.run("smtp-sts-verify reports --format json").splitlines()]
    lab.start_over()
    return rows


@case("TLS reports: under a policy each session is counted once, as a success or as what it failed for", by=ways.DAEMON)
def enforced(lab):
    fresh(lab)
    delivered(lab, send(lab, "u@sts-met.signed.example"), "u@sts-met.signed.example", "good", ENFORCED)
    delivered(lab, send(lab, "u@sts-met.signed.example"), "u@sts-met.signed.example", "good", ENFORCED)
    failures = {
        "plain": "starttls-not-supported",
        "refusing": "starttls-not-supported",
        "broken": "validation-failure",
        "expired": "certificate-expired",
        "wrongname": "certificate-host-mismatch",
        "selfsigned": "certificate-not-trusted",
    }
    for host in failures:
        waits(lab, send(lab, f"u@sts-{host}.signed.example"), f"u@sts-{host}.signed.example", "T=smtp_sts_webpki defer")
    expected = {("sts-met", "mta-sts", "good", "success"): 2}
    expected |= {(f"sts-{host}", "mta-sts", host, result): 1 for host, result in failures.items()}
    counts = counted(lab)
    assert counts == expected, counts


@case("TLS reports: a certificate of an unknown CA for another name is not trusted, whatever its name", by=ways.DAEMON)
def untrusted_before_name(lab):
    fresh(lab)
    with changed(lab.world.hosts["wrongname"], certificate=lab.world.pems["selfsigned"]):
        waits(lab, send(lab, "u@sts-wrongname.signed.example"), "u@sts-wrongname.signed.example", "T=smtp_sts_webpki defer")
    counts = counted(lab)
    assert counts == {("sts-wrongname", "mta-sts", "wrongname", "certificate-not-trusted"): 1}, counts


@case("TLS reports: in testing mode certificates that do not verify are told apart, and the mail goes", by=ways.DAEMON)
def testing(lab):
    plain = lab.world.hosts["plain"]
    for pem, result in [
        ("expired", "certificate-expired"),
        ("elsewhere", "certificate-host-mismatch"),
        ("plain-of-nobody", "certificate-not-trusted"),
        ("plain", "validation-failure"),  # the policy permits another host
    ]:
        fresh(lab)
        with changed(plain, starttls="offered", certificate=lab.world.pems[pem]):
            delivered(lab, send(lab, "u@sts-testing.signed.example"), "u@sts-testing.signed.example", "plain", PLAIN)
        counts = {key: number for key, number in counted(lab).items() if key[2]}
        assert counts == {("sts-testing", "mta-sts", "plain", result): 1}, (pem, counts)


@case("TLS reports: where nothing demands TLS a session without it is told of, and mail goes all the same", by=ways.DAEMON)
def ordinary(lab):
    fresh(lab)
    for domain, host in [("sts-testing", "plain"), ("nopolicy", "plain"), ("nopolicy2", "selfsigned"), ("nopolicy3", "good")]:
        delivered(lab, send(lab, f"u@{domain}.signed.example"), f"u@{domain}.signed.example", host, PLAIN)
    counts = counted(lab)
    # The policy permits another host than the one that takes its mail.
    testing = {key: number for key, number in counts.items() if key[0] == "sts-testing"}
    assert testing == {("sts-testing", "mta-sts", "plain", "starttls-not-supported"): 1}, counts
    assert counts == testing | {
        ("nopolicy", "none", "plain", "starttls-not-supported"): 1,
        ("nopolicy2", "none", "selfsigned", "success"): 1,
        ("nopolicy3", "none", "good", "success"): 1,
    }, counts


@case("TLS reports: STARTTLS that is refused, or a handshake that breaks, counts once where nothing demands TLS", by=ways.DAEMON)
def opportunistic(lab):
    plain = lab.world.hosts["plain"]
    for starttls, result, code in [
        ("refused", "starttls-not-supported", "starttls-refused"),
        ("broken", "validation-failure", "tls-handshake"),
    ]:
        fresh(lab)
        with changed(plain, starttls=starttls):
            for domain in ("sts-testing", "nopolicy"):
                delivered(lab, send(lab, f"u@{domain}.signed.example"), f"u@{domain}.signed.example", "plain", PLAIN)
        rows = [(row["domain"], row["policy"]["type"], row["result"], row["code"], row["sessions"]) for row in told(lab) if row["host"]]
        expected = [("sts-testing.signed.example", "mta-sts", result, code, 1)]
        if lab.exim.tells_without_policy:
            expected.insert(0, ("nopolicy.signed.example", "none", result, code, 1))
        assert sorted(rows) == expected, (starttls, rows)


@case("TLS reports: a failure says what exactly failed, what the host called itself, and the whole policy that was applied", by=ways.DAEMON)
def details(lab):
    fresh(lab)
    codes = {"selfsigned": "chain", "refusing": "starttls-refused", "broken": "tls-handshake", "expired": None}
    for host in codes:
        waits(lab, send(lab, f"u@sts-{host}.signed.example"), f"u@sts-{host}.signed.example", "T=smtp_sts_webpki defer")
    rows = {row["host"].removesuffix(".hosts.example"): row for row in told(lab)}
    assert {host: row["code"] for host, row in rows.items()} == codes, rows
    for row in rows.values():
        assert row["helo"] == "sink", row
        lines = row["policy"]["text"].splitlines()
        assert "version: STSv1" in lines and "mode: enforce" in lines and lines[-1].startswith("max_age:"), row


@case("TLS reports: several mails over one connection are one session", by=ways.DAEMON)
def reused(lab):
    fresh(lab)
    lab.world.forget()
    lab.exim.forget_hints()
    good = lab.world.hosts["good"]
    for who in ("u", "v", "w"):
        lab.exim.queue(f"{who}@sts-met.signed.example")
    subprocess.run(["exim4", "-qq"], check=True, timeout=120)
    assert len(good.messages) == 3, good.messages
    handshakes = len(good.sni)
    counts = counted(lab)
    assert handshakes < 3 and counts == {("sts-met", "mta-sts", "good", "success"): handshakes}, (handshakes, counts)


@case("TLS reports: sessions under DANE, and what Exim's own DANE failed for", by=ways.DAEMON, dane=True)
def dane(lab):
    fresh(lab)
    delivered(lab, send(lab, "u@danedomain.signed.example"), "u@danedomain.signed.example", "dane", "CV=dane")
    for domain in ("danewrong", "dane-mismatch", "dane-plain"):
        waits(lab, send(lab, f"u@{domain}.signed.example"), f"u@{domain}.signed.example", "T=smtp_sts_dane defer")
    rows = told(lab)
    # The TLSA base domain of each, and its records as they were when the answer was given.
    records = {row["policy"]["domain"]: row["policy"]["text"].splitlines() for row in rows}
    assert set(records) == {f"{host}.hosts.example" for host in ("dane", "danewrong", "danemismatch", "daneplain")}, records
    assert all(re.fullmatch("[23] [01] [12] [0-9A-F]+", line) for lines in records.values() for line in lines), records
    assert all(records.values()), records
    place = lambda row: (row["domain"].removesuffix(".signed.example"), row["policy"]["type"], row["host"].removesuffix(".hosts.example"))
    counts = {(*place(row), row["result"]): row["sessions"] for row in rows}
    assert counts == {
        ("danedomain", "dane", "dane", "success"): 1,
        ("danewrong", "dane", "danewrong", "validation-failure"): 1,
        ("dane-mismatch", "dane", "danemismatch", "validation-failure"): 1,
        ("dane-plain", "dane", "daneplain", "starttls-not-supported"): 1,
    }, counts


@case("TLS reports: what is wrong with a policy is counted without a session; nobody's local part is written down", by=ways.DAEMON)
def policies(lab):
    fresh(lab)
    expected = {
        "sts-untrusted-host": "sts-webpki-invalid",
        "sts-wrongname-host": "sts-webpki-invalid",
        "sts-missing": "sts-policy-fetch-error",
        "sts-malformed": "sts-policy-invalid",
    }
    for domain in expected:
        recipient = f"localpart4711@{domain}.signed.example"
        delivered(lab, send(lab, recipient), recipient, "plain", PLAIN)
    counts = counted(lab)
    for domain, result in expected.items():
        assert counts.get((domain, "mta-sts", None, result)) == 1, (domain, counts)
    with open(exim.CACHE + "/cache.reports.db", "rb") as file:
        octets = file.read()
    assert b"signed.example" in octets and b"localpart4711" not in octets


@case("TLS reports: the counts lie in a file of Exim's user, mode 0640, and add up over a restart", by=ways.DAEMON)
def file(lab):
    fresh(lab)
    for _ in range(2):
        delivered(lab, send(lab, "u@sts-met.signed.example"), "u@sts-met.signed.example", "good", ENFORCED)
        counts = counted(lab)
    assert counts == {("sts-met", "mta-sts", "good", "success"): 2}, counts
    status = os.stat(exim.CACHE + "/cache.reports.db")
    assert status.st_uid == os.stat(exim.CACHE).st_uid and status.st_mode & 0o777 == 0o640, oct(status.st_mode)


@case("first use: a verified handshake that was told of puts the policy into force, and kill -9 does not take it out", by=ways.DAEMON)
def first_use(lab):
    fresh(lab)
    good, recipient = lab.world.hosts["good"], "u@firstuse.unsigned.example"
    with changed(good, certificate=lab.world.pems["selfsigned"]):
        for _ in range(2):
            delivered(lab, send(lab, recipient), recipient, "good", PLAIN, "CV=no")
    delivered(lab, send(lab, recipient), recipient, "good", PLAIN, "CV=yes")
    delivered(lab, send(lab, recipient), recipient, "good", ENFORCED, "CV=yes")
    lab.serve.stop(signal.SIGKILL)
    lab.serve.start()
    with changed(good, starttls="absent"):
        waits(lab, send(lab, recipient), recipient, r"T=smtp_sts_webpki defer \(-38\)")
