"""The header set alone: a stand-in gives answers from a table, and the cache file is written by hand."""

import os
import shutil
import sqlite3
import time

import exim
import ways
import world
from cases_plumbing import answer as answer_to_router
from cases_plumbing import REST, one, says
from harness import case, delivered, never_in_clear, waits

CASES = []
HEADER = "X-smtp-sts-verify"


def answer(*words, **more):
    """A line as the program prints it for somebody who has a host already."""
    return answer_to_router(*words, **more).partition(" mxre=")[0]


def cached(*rows):
    """The cache file as the first smtp-sts-verify had it, with rows of domain and tls_only."""
    path = exim.CACHE + "/cache.db"
    if os.path.exists(path):
        os.unlink(path)
    with sqlite3.connect(path) as file:
        file.execute("create table sts_cache (domain text, tls_only text, sts_record text, expires integer)")
        end = int(time.time()) + 1000
        file.executemany("insert into sts_cache values (?, ?, 'v=STS1', ?)", [(d, t, end) for d, t in rows])
    shutil.chown(path, "Debian-exim", "Debian-exim")
    os.chmod(path, 0o640)


@case("header set: the answer stands in one header, asked with domain, host and the outcome of the handshake")
def header(lab):
    lab.asked(), lab.told()
    mail = one(lab, "met.signed.example", answer(tls="webpki"))
    message = delivered(lab, mail, "u@met.signed.example", "good", "R=dnslookup T=remote_smtp ", "CV=yes")
    assert message.header(HEADER) == "GOOD: " + answer(tls="webpki"), message.text
    questions = lab.asked()
    for question in questions:
        assert question.uid != 0, "asked as root"
        assert (question.domain, question.host) == ("met.signed.example", "good.hosts.example"), question
    assert lab.reports(questions) == ["yes"]


@case("header set: without verification the report says no")
def not_verified(lab):
    lab.reports()
    for host in ("selfsigned", "plain"):
        mail = one(lab, f"{host}.signed.example", answer())
        delivered(lab, mail, f"u@{host}.signed.example", host)
        assert "yes" not in lab.reports()


@case("header set: a refusal is a header that says BAD, and no veto")
def bad(lab):
    mail = one(lab, "met.signed.example", answer("refuse", tls="webpki"), 1)
    message = delivered(lab, mail, "u@met.signed.example", "good", "CV=yes")
    assert message.header(HEADER).startswith("BAD: verdict=refuse "), message.text


@case("header set: tls=webpki and no STARTTLS, a refused or broken one, or a bad certificate: waits, never in clear text")
def enforced(lab):
    for host in ("plain", "refusing", "broken", "expired", "wrongname", "selfsigned"):
        mail = one(lab, f"{host}.signed.example", answer(tls="webpki"))
        waits(lab, mail, f"u@{host}.signed.example", "T=remote_smtp ", r"defer \(-3[78]\)")


@case("header set: tls=encrypt is content with any certificate, but not with clear text")
def encrypt(lab):
    mail = one(lab, "selfsigned.signed.example", answer(tls="encrypt"))
    delivered(lab, mail, "u@selfsigned.signed.example", "selfsigned", "CV=no")
    mail = one(lab, "plain.signed.example", answer(tls="encrypt"))
    waits(lab, mail, "u@plain.signed.example", r"defer \(-38\)")


@case("header set: tls=dane is DANE by Exim and nothing else: without it the mail waits, though a known CA issued the certificate", dane=True)
def dane(lab):
    lab.reports()
    mail = one(lab, "danedomain.signed.example", answer(tls="dane"))
    delivered(lab, mail, "u@danedomain.signed.example", "dane", "T=remote_smtp ", "CV=dane")
    assert lab.reports() == ["yes"]
    for domain in ("danewrong", "dane-mismatch", "dane-plain", "met"):
        mail = one(lab, f"{domain}.signed.example", answer(tls="dane"))
        waits(lab, mail, f"u@{domain}.signed.example", r"T=remote_smtp defer \(-3[78]\)")
    with lab.resolver_without_trust():
        mail = one(lab, "dane-mismatch.signed.example", answer(tls="dane"))
        waits(lab, mail, "u@dane-mismatch.signed.example", r"T=remote_smtp defer \(-37\)")


@case("header set: where the verifier leaves DANE out, Exim does none either, whatever the verdict", dane=True)
def left_out(lab):
    left_out = REST + " tlsa=unusable"
    for verdict, status, tls, cv in [
        ("deliver", 0, "webpki", "CV=yes"),
        ("refuse", 1, "webpki", "CV=yes"),
        ("deliver", 0, "opportunistic", "CV="),
        ("defer", 75, "opportunistic", "CV="),
    ]:
        mail = one(lab, "dane-mismatch.signed.example", answer(verdict, tls=tls, rest=left_out), status)
        message = delivered(lab, mail, "u@dane-mismatch.signed.example", "danemismatch", "T=remote_smtp ", cv)
        assert "CV=dane" not in mail.log and " tlsa=unusable" in message.header(HEADER), mail.log
    mail = one(lab, "dane-mismatch.signed.example", answer("refuse", tls="webpki"), 1)
    waits(lab, mail, "u@dane-mismatch.signed.example", r"T=remote_smtp defer \(-37\)")


@case("header set: in a queue run, what a host without TLSA records is refused for does not stay for the next host", by=ways.DAEMON, dane=True)
def next_host(lab):
    old = lab.world.hosts["tls12"]
    for tls, cv in [("opportunistic", ""), ("webpki", "CV=yes")]:
        first, second = answer(tls="dane"), answer(tls=tls)
        lab.stand_in.behaviour = lambda connection, line: connection.sendall((first if "good.hosts" in line else second).encode())
        old.oldest_tls = True
        lab.exim.empty_queue()
        lab.exim.forget_hints()
        lab.world.forget()
        try:
            lab.exim.queue("u@tls12.signed.example")
            start = lab.exim.log_size()
            lab.exim.run("exim4 -qf")
            log = lab.exim.log_since(start)
        finally:
            lab.stand_in.behaviour, old.oldest_tls = None, False
            lab.exim.empty_queue()
        assert [message.encrypted for message in old.messages] == [True], log
        assert "X=TLS1.2" in log and cv in log, log


@case("header set: a cached True demands verified TLS when the program is missing or prints garbage")
def cached_true(lab):
    cached(("plain.signed.example", "True"), ("selfsigned.signed.example", "True"), ("met.signed.example", "True"))
    for host in ("plain", "selfsigned"):
        mail = one(lab, f"{host}.signed.example", "garbage")
        waits(lab, mail, f"u@{host}.signed.example", r"defer \(-3[78]\)")
        lab.world.forget()
        with lab.nobody_answers():
            mail = lab.exim.deliver(f"u@{host}.signed.example")
        waits(lab, mail, f"u@{host}.signed.example", r"defer \(-3[78]\)")
    lab.world.forget()
    with lab.nobody_answers():
        mail = lab.exim.deliver("u@met.signed.example")
    message = delivered(lab, mail, "u@met.signed.example", "good", "CV=yes")
    assert message.header(HEADER).startswith(("BAD:", "UNKNOWN: no answer from the daemon")), message.text
    assert message.header("X-smtp-sts-cached-enforced") == "True"


@case("header set: a cached False, or nothing cached, and no program: delivered as ever")
def cached_false(lab):
    cached(("plain.signed.example", "False"))
    for domain in ("plain", "nopolicy"):
        lab.world.forget()
        with lab.nobody_answers():
            mail = lab.exim.deliver(f"u@{domain}.signed.example")
        delivered(lab, mail, f"u@{domain}.signed.example", "plain")


@case("header set: an answer goes before the cache")
def answer_before_cache(lab):
    cached(("plain.signed.example", "True"))
    mail = one(lab, "plain.signed.example", answer())
    delivered(lab, mail, "u@plain.signed.example", "plain")


@case("header set: garbage with line ends stays within its header")
def one_line(lab):
    for text in ("x\nX-Injected: yes", "x\r\nX-Injected: yes\r\n\r\nbody", "\n\n", "x\x00\xff\x85\u2028X-Injected: yes"):
        mail = one(lab, "nopolicy.signed.example", text)
        message = delivered(lab, mail, "u@nopolicy.signed.example", "plain")
        names = [name.lower() for name, _ in message.headers()]
        assert "x-injected" not in names and names.count(HEADER.lower()) == 1, message.text
        assert message.text.endswith("\r\n\r\nHello.\r\n"), message.text


@case("header set: a program that a signal ends: nobody takes the message", by=[ways.RUN])
def killed(lab):
    mail = one(lab, "nopolicy.signed.example", "killed")
    waits(lab, mail, "u@nopolicy.signed.example", "T=remote_smtp ", envelope=True)


@case("header set: two domains in one message are asked about one by one")
def two_domains(lab):
    says("shared.signed.example", answer(tls="webpki"))
    says("nopolicy2.signed.example", answer())
    lab.world.forget()
    mail = lab.exim.deliver("u@shared.signed.example", "u@nopolicy2.signed.example")
    assert " == " in mail.line("u@shared.signed.example"), mail.log
    assert " => " in mail.line("u@nopolicy2.signed.example"), mail.log
    assert [m.recipients for _, m in lab.world.messages()] == [["<u@nopolicy2.signed.example>"]]


@case("header set: messages that wait for the same host are asked about each with its own domain and host")
def waiting(lab):
    says("shared.signed.example", answer(tls="webpki"))
    says("nopolicy2.signed.example", answer())
    lab.exim.empty_queue()
    lab.exim.forget_hints()
    lab.world.forget()
    for recipient in ("u@nopolicy2.signed.example", "u@shared.signed.example", "v@nopolicy2.signed.example"):
        lab.exim.queue(recipient)
    start = lab.exim.log_size()
    lab.asked()
    lab.exim.run("exim4 -qqf")
    lab.exim.run("exim4 -qf")
    log = lab.exim.log_since(start)
    lab.exim.empty_queue()
    took = lab.world.messages()
    recipients = sorted(r for _, m in took for r in m.recipients)
    assert recipients == ["<u@nopolicy2.signed.example>", "<v@nopolicy2.signed.example>"], log
    assert all(m.header(HEADER).startswith("GOOD: verdict=") for _, m in took), [m.text for _, m in took]
    assert all(q.domain.endswith("signed.example") and q.host for q in lab.asked()), "asked about nothing"


@case("header set: a certificate's issuer with line ends stays within its header")
def issuer(lab):
    mail = one(lab, "issuer.signed.example", answer(tls="webpki"))
    message = delivered(lab, mail, "u@issuer.signed.example", "issuer", "CV=yes")
    assert not [name for name, _ in message.headers() if "injected" in name.lower()], message.text
    assert "Stranger" in message.header("X-smtp-sts-MX-cert"), message.text


@case("header set: an alias with a line end, quotes and an option in it reaches the program as one argument, no header")
def alias(lab):
    # How an Exim spells a name with other characters than host names have, is a matter of its version and its C library.
    quote = ["-d \\$id{run{x}}'`id`.", "-d \"$(id){run{x}}'`id`."]
    for domain, spellings in [("evilalias", ["\nx-injected"]), ("evilquote", quote)]:
        lab.asked()
        mail = one(lab, f"{domain}.signed.example", answer())
        message = delivered(lab, mail, f"u@{domain}.signed.example", "good")
        assert not [name for name, _ in message.headers() if "injected" in name.lower()], message.text
        questions = lab.asked()
        assert questions and all(q.domain == f"{domain}.signed.example" for q in questions), questions
        spelt = {part for part in spellings for q in questions if part in q.host}
        assert len(spelt) == 1 and all(max(spelt) in q.host for q in questions), questions
        print(f"     by {lab.by}: {lab.build} tells the alias as {max(spelt)!r}")


@case("header set: whatever octet an alias of a mail host has: one argument of the program, and no header more")
def every_octet(lab):
    domains = [f"octets{number}.signed.example" for number in range(len(world.OCTETS))]
    ordinary = delivered(lab, one(lab, "met.signed.example", answer()), "u@met.signed.example", "good")
    # Over TLS there is a certificate to tell of; to a name that is no SNI, an Exim may speak none.
    of_certificate = "X-smtp-sts-MX-cert-sha256"
    expected = [name for name, _ in ordinary.headers() if name != of_certificate]
    for domain in domains:
        says(domain, answer())
    lab.world.forget()
    lab.asked()
    mail = lab.exim.deliver(*[f"u@{domain}" for domain in domains])
    took = lab.world.messages()
    # Whether an Exim finds a host whose name has a NUL or a backslash is its own affair.
    known = {recipient[3:-1] for _, message in took for recipient in message.recipients}
    unknown = [octets for domain, octets in zip(domains, world.OCTETS) if domain not in known]
    assert set(unknown) <= {b"\x00", b"\\"} and len(took) == len(known), mail.log
    for _, message in took:
        assert [name for name, _ in message.headers() if name != of_certificate] == expected, message.text
        assert message.text.endswith("\r\n\r\nHello.\r\n"), message.text
    # What is no question of the expected shape ends these, with what it was.
    questions = lab.asked()
    assert known <= {question.domain for question in questions} <= set(domains), questions
    assert all(question.host for question in questions), questions
    print(f"     {lab.build} mails to hosts with every octet but {unknown}")


@case("header set: the cache file that is missing is made by Exim for its own user, and stops nothing")
def no_cache(lab):
    lab.forget_policies()
    mail = one(lab, "nopolicy.signed.example", answer())
    delivered(lab, mail, "u@nopolicy.signed.example", "plain")
