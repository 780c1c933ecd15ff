"""Daemons that fail, and an Exim that calls ${readsocket} again and again in one process.

Released Exims keep the number of a UNIX socket that they could not connect to, and take it for an open one later in the
same process: what has that number by then is written to and closed. So each case looks at what could have been hit.
"""

import contextlib
import glob
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time

import exim
import ways
from cases_plumbing import answer, logged, one, says
from harness import delivered, waits

ENFORCED = "R=smtp_sts_permitted T=smtp_sts_webpki "
PLAIN = "R=dnslookup T=remote_smtp "
NOBODY = "no-answer-from-daemon"
GARBAGE = {
    "nothing": "",
    "words": "GOOD: everything is fine",
    "an answer cut short": answer(tls="webpki")[:-1],
    "half an answer": answer(tls="webpki")[:40],
    "a line end": answer(tls="webpki") + "\n",
    "a second line": answer(tls="webpki") + "\nX-Injected: yes",
    "two answers": answer(tls="webpki") + answer(),
    "an expansion": answer(rest="policy=${run{/usr/bin/touch /var/tmp/ran}}"),
    "a megabyte on one line": "verdict=deliver " + "x" * 1_000_000,
    "a megabyte of lines": "verdict=deliver\n" * 65_536,
    "octets that are no text": "\x00\x01\xff\x00",
}


# How a daemon can be away, each a context of the laboratory and then of what Exim does.


@contextlib.contextmanager
def absent(lab):
    """Nothing is at its place."""
    lab.stand_in.stop()
    yield
    lab.stand_in.start()


@contextlib.contextmanager
def stale(lab):
    """The socket is there, and nobody listens, as after kill -9."""
    lab.stand_in.die()
    assert lab.by == ways.TCP or os.path.exists(ways.PATH)
    yield
    lab.stand_in.start()


@contextlib.contextmanager
def forbidden(lab):
    """Exim's user may not connect."""
    shutil.chown(ways.PATH, "root", "root")
    os.chmod(ways.PATH, 0o600)
    yield
    shutil.chown(ways.PATH, "root", "Debian-exim")
    os.chmod(ways.PATH, 0o660)


@contextlib.contextmanager
def silent(lab):
    """It takes the question and answers nothing."""
    with behaving(lab, lambda _connection, _line: time.sleep(60)):
        yield


@contextlib.contextmanager
def deaf(lab):
    """It listens, and takes no connection: what waits there is full."""
    lab.stand_in.stop()
    listening, waiting = ways.listener(lab.by), []
    listening.listen(0)
    for _ in range(4):
        attempt = socket.socket(listening.family)
        attempt.setblocking(False)
        attempt.connect_ex(listening.getsockname())
        waiting.append(attempt)
    yield
    for open_one in [listening, *waiting]:
        open_one.close()
    lab.stand_in.start()


@contextlib.contextmanager
def behaving(lab, how):
    """For a while, it does something else with a question than answer it from the table."""
    lab.stand_in.behaviour = how
    try:
        yield
    finally:
        lab.stand_in.behaviour = None


def send_in_pieces(*pieces):
    """A behaviour: the answer comes in pieces, and then the end of the connection, or not."""

    def behaviour(connection, _line):
        for piece in pieces:
            connection.sendall(piece.encode("latin-1"))
            time.sleep(0.05)

    return behaviour


def send_and_stay(text):
    """A behaviour: an answer, and no end."""

    def behaviour(connection, _line):
        connection.sendall(text.encode())
        time.sleep(60)

    return behaviour


# What may have been hit.


@contextlib.contextmanager
def nothing_else_is_hit(lab):
    """No question stands in a log, in the spool or in the cache file; the panic log is as it was."""
    panic = _size(exim.PANICLOG)
    path = exim.CACHE + "/cache.db"
    if not os.path.exists(path):
        with sqlite3.connect(path) as file:
            file.execute("create table sts_cache (domain text, tls_only text, sts_record text, expires integer)")
        shutil.chown(path, "Debian-exim", "Debian-exim")
    yield
    assert _size(exim.PANICLOG) == panic, open(exim.PANICLOG).read()[panic:]
    question = re.compile(rb"(?m)^[PE] [a-z0-9.?]+\.example|E ev=")
    for path in [exim.MAINLOG, *glob.glob("/var/spool/exim4/**", recursive=True), *glob.glob(exim.CACHE + "/*")]:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found = question.search(file.read())
            assert not found, f"{path}: {found}"
    with sqlite3.connect(exim.CACHE + "/cache.db") as file:
        assert file.execute("pragma integrity_check").fetchone() == ("ok",)


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def ways_to_be_away(lab):
    """Each of them; over TCP nothing has a mode."""
    return [absent, stale, silent, deaf] + ([forbidden] if lab.by == ways.SOCKET else [])


# The cases.


def alone(lab):
    """SMTP_STS_VERIFIERS = daemon, and it is away: mail waits, and what is none of its business goes."""
    says("met.signed.example", answer(tls="webpki"))
    for away in ways_to_be_away(lab):
        if away is forbidden:
            continue  # root may
        lab.world.forget()
        with away(lab), nothing_else_is_hit(lab):
            mail = lab.exim.deliver("u@met.signed.example", "v@met.signed.example", "u@nopolicy.signed.example",
                                    "u@relayed.signed.example", "postmaster@[192.0.2.13]")
        for recipient in ("u@met.signed.example", "v@met.signed.example", "u@nopolicy.signed.example"):
            line = mail.line(recipient)
            assert " == " in line and "R=smtp_sts_ask defer" in line and NOBODY in line, f"{away.__name__}: {line}"
        assert " => " in mail.line("u@relayed.signed.example"), f"{away.__name__}: {mail.log}"
        assert [m.recipients for _, m in lab.world.messages()] == [["<u@relayed.signed.example>"]], away.__name__
    mail = one(lab, "met.signed.example", answer(tls="webpki"))
    delivered(lab, mail, "u@met.signed.example", "good", ENFORCED, "CV=yes")


def deliver(lab):
    """The same with SMTP_STS_ON_FAILURE = deliver: mail goes as if nobody had a policy; an answer to wait is obeyed."""
    for away in ways_to_be_away(lab):
        if away is forbidden:
            continue
        lab.world.forget()
        with away(lab), nothing_else_is_hit(lab):
            mail = lab.exim.deliver("u@nopolicy.signed.example")
        delivered(lab, mail, "u@nopolicy.signed.example", "plain", PLAIN)
    mail = one(lab, "met.signed.example", answer("defer", rest="policy=none reason=dnssec-bogus"))
    waits(lab, mail, "u@met.signed.example", r"\(dnssec-bogus\)")


def then_program(lab):
    """"daemon : program": while the daemon is away, the program's answer counts; and it is not asked otherwise."""
    for away in ways_to_be_away(lab):
        if away is forbidden:
            continue
        says("met.signed.example", answer(tls="webpki"))
        says("plain.signed.example", answer(tls="webpki"))
        logged()
        lab.world.forget()
        with away(lab), nothing_else_is_hit(lab):
            mail = lab.exim.deliver("u@met.signed.example", "u@plain.signed.example")
        assert ENFORCED in mail.line("u@met.signed.example") and " => " in mail.line("u@met.signed.example"), mail.log
        waiting = mail.line("u@plain.signed.example")
        assert " == " in waiting and re.search(r"T=smtp_sts_webpki defer .*a TLS session is required", waiting), mail.log
        assert sorted(question.domain for question in logged()) == ["met.signed.example", "plain.signed.example"]
    mail = one(lab, "met.signed.example", answer(tls="webpki"))
    delivered(lab, mail, "u@met.signed.example", "good", ENFORCED, "CV=yes")
    assert not logged(), "the program was asked though the daemon had answered"
    with behaving(lab, send_in_pieces("nonsense")):
        mail = one(lab, "met.signed.example", answer(tls="webpki"))
    delivered(lab, mail, "u@met.signed.example", "good", ENFORCED, "CV=yes")
    assert logged()
    with absent(lab), lab.without_program():
        mail = one(lab, "met.signed.example", "")
    waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", "no-answer-from-verifier-exit-127")


def nobody(lab):
    """An empty SMTP_STS_VERIFIERS: nobody is asked, and the administrator's choice counts."""
    lab.asked()
    logged()
    mail = one(lab, "met.signed.example", answer(tls="webpki"))
    waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", NOBODY)
    assert not lab.asked() and not logged()


def garbage(lab):
    """Whatever a daemon says that is no answer, in one piece or several, is none; nothing of it reaches the log."""
    for kind, text in GARBAGE.items():
        for how in (send_in_pieces(text), send_in_pieces(*re.findall(r"(?s).{1,300}", text[:900]), text[900:])):
            with behaving(lab, how), nothing_else_is_hit(lab):
                mail = one(lab, "met.signed.example", "")
            try:
                waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", NOBODY)
                assert "X-Injected" not in mail.log and "xxxxx" not in mail.log, mail.log
            except AssertionError as error:
                raise AssertionError(f"{kind}: {error}") from None
    assert not os.path.exists("/var/tmp/ran")
    whole = answer(tls="webpki")
    with behaving(lab, send_in_pieces(whole[:5], whole[5:70], whole[70:])):
        mail = one(lab, "met.signed.example", "")
    delivered(lab, mail, "u@met.signed.example", "good", ENFORCED, "CV=yes")
    with behaving(lab, send_and_stay(whole)):
        mail = one(lab, "met.signed.example", "")
    waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", NOBODY)


def killed_between(lab):
    """The daemon dies between two deliveries of one queue run: the first goes, the second waits, nothing else happens."""
    for how in (lab.stand_in.die, lab.stand_in.stop):
        for domain in ("met", "nopolicy3", "detour"):
            says(f"{domain}.signed.example", answer(tls="webpki", mxre="^(good[.]hosts[.]example)$"))
        lab.exim.empty_queue()
        lab.exim.forget_hints()
        lab.world.forget()
        start = lab.exim.log_size()

        def dies(connection, line):
            lab.stand_in._from_the_table(connection, line)
            how()

        for domain in ("met", "nopolicy3", "detour"):
            lab.exim.queue(f"u@{domain}.signed.example")
        with nothing_else_is_hit(lab), behaving(lab, dies):
            lab.exim.run("exim4 -q")
        lab.stand_in.stop()
        lab.stand_in.start()
        log = lab.exim.log_since(start)
        lab.exim.empty_queue()
        assert len(re.findall(" => u@.*" + ENFORCED, log)) == 1, log
        assert len(re.findall(rf" == u@.* R=smtp_sts_ask defer\b.*{NOBODY}", log)) == 2, log
        assert len(lab.world.messages()) == 1, log


def killed_after_the_answer(lab):
    """The daemon dies after its answer: the session that it is not told of goes on as it should."""
    by_dane = [("danedomain", "dane", answer(tls="dane"), "T=smtp_sts_dane ")] if lab.build.dane else []
    for domain, host, text, log in [
        ("met", "good", answer(tls="webpki"), ENFORCED),
        ("nopolicy", "plain", answer(), PLAIN),
        *by_dane,
    ]:
        for how in (lab.stand_in.die, lab.stand_in.stop):

            def dies(connection, line):
                lab.stand_in._from_the_table(connection, line)
                how()

            with nothing_else_is_hit(lab), behaving(lab, dies):
                mail = one(lab, f"{domain}.signed.example", text)
            lab.stand_in.stop()
            lab.stand_in.start()
            message = delivered(lab, mail, f"u@{domain}.signed.example", host, log)
            assert message.text.endswith("\r\n\r\nHello.\r\n") and "E ev=" not in message.text, message.text
    # Exim's number for the failure is the one that the retry rule knows.
    for domain, number in [("dane-plain", -38), ("danewrong", -37)] if lab.build.dane else []:
        with nothing_else_is_hit(lab), behaving(lab, dies):
            mail = one(lab, f"{domain}.signed.example", answer(tls="dane"))
        lab.stand_in.start()
        waits(lab, mail, f"u@{domain}.signed.example", rf"T=smtp_sts_dane defer \({number}\)")


def session(lab):
    """Many recipients verified in one SMTP session of Exim's own user, then a message: each refusal stands in the log,
    each answer counts, the message arrives whole; and no connection, log or spool file hears a question."""
    with open(exim.CONFIGURATION) as file:
        text = file.read()
    with open(exim.CONFIGURATION, "w") as file:
        file.write(re.sub(r"(?m)^acl_check_rcpt:\n", "acl_check_rcpt:\n  require verify = recipient\n  accept\n", text))
    for domain in ("met", "detour", "nopolicy"):
        says(f"{domain}.signed.example", answer(tls="webpki"))
    rcpt = "".join(f"RCPT TO:<{user}@{domain}>\r\n" for user in "abc" for domain in
                   ("met.signed.example", "detour.signed.example", "nopolicy.signed.example", "relayed.signed.example"))
    talk = f"EHLO origin.example\r\nMAIL FROM:<{exim.SENDER}>\r\n{rcpt}DATA\r\nSubject: test\r\n\r\nHello.\r\n.\r\nQUIT\r\n"
    become = ["setpriv", "--reuid=Debian-exim", "--regid=Debian-exim", "--clear-groups"]
    for away in ways_to_be_away(lab):
        if away in (silent, deaf):
            continue  # nine times six seconds; nothing else than above
        lab.exim.empty_queue()
        lab.exim.forget_hints()
        lab.world.forget()
        start = lab.exim.log_size()
        with away(lab), nothing_else_is_hit(lab):
            done = subprocess.run([*become, "exim4", "-odi", "-oMa", "192.0.2.1", "-bs"], input=talk.encode(),
                                  capture_output=True, timeout=120)
        replies, log = done.stdout.decode(), lab.exim.log_since(start)
        lab.exim.empty_queue()
        assert replies.count("\r\n451 ") == 9, f"{away.__name__}: {replies}{log}"
        assert replies.count("\r\n250 Accepted") == 3, f"{away.__name__}: {replies}{log}"
        assert len(re.findall("temporarily rejected RCPT .*: ", log)) == 9, f"{away.__name__}: {log}"
        took = [message for _, message in lab.world.messages()]
        assert [len(message.recipients) for message in took] == [3], f"{away.__name__}: {log}"
        assert took[0].text.endswith("\r\n\r\nHello.\r\n"), took[0].text


def header_away(lab):
    """The header set: away, and a cached True demands verified TLS; nothing cached, and mail goes as ever. Nothing of a
    question reaches the host."""
    for away in ways_to_be_away(lab):
        with sqlite3.connect(exim.CACHE + "/cache.db") as file:
            file.execute("drop table if exists sts_cache")
            file.execute("create table sts_cache (domain text, tls_only text, sts_record text, expires integer)")
            file.execute("insert into sts_cache values ('met.signed.example', 'True', 'v=STS1', ?)", [int(time.time()) + 1000])
            file.execute("insert into sts_cache values ('plain.signed.example', 'True', 'v=STS1', ?)", [int(time.time()) + 1000])
        shutil.chown(exim.CACHE + "/cache.db", "Debian-exim", "Debian-exim")
        for domain, host in [("met", "good"), ("nopolicy", "plain"), ("plain", None)]:
            with away(lab), nothing_else_is_hit(lab):
                mail = one(lab, f"{domain}.signed.example", answer())
            if host is None:
                waits(lab, mail, f"u@{domain}.signed.example", r"T=remote_smtp defer \(-38\)")
                continue
            message = delivered(lab, mail, f"u@{domain}.signed.example", host, PLAIN)
            assert message.header("X-smtp-sts-verify") == "UNKNOWN: no answer from the daemon", message.text
            assert message.text.endswith("\r\n\r\nHello.\r\n") and "P " not in message.text.split("\r\n")[0], message.text


def one_line(lab):
    """Whatever is in $domain and $host, the daemon gets one line, and takes no second one for a question."""
    for domain, line in [
        ("met.signed.example", "P met.signed.example"),
        ("a b.example\\nP evil.example", "P a?b.example?P?evil.example"),
        ("\\r\\n\\t\\x7f\\x01", "P ?????"),
        ("bücher.signed.example", "P bücher.signed.example"),
        ('"a".example', 'P "a".example'),
    ]:
        for macro, host in [("SMTP_STS_BY_DAEMON", ""), ("SMTP_STS_HOST_BY_DAEMON", ' "x\\nP evil.example \\"y\\""')]:
            lab.stand_in.questions.clear()
            expansion = subprocess.run(["exim4", "-bP", "macro", macro], capture_output=True, text=True).stdout
            expansion = expansion.replace("$domain", domain).replace("$host", 'x\\nP evil.example \\"y\\"')
            subprocess.run(["exim4", "-be"], input=expansion.partition("=")[2].encode(), capture_output=True, check=True)
            assert [got for _, got in lab.stand_in.questions] == [line + (host or "\n")], (macro, lab.stand_in.questions)


# Words, function, and how the configuration is made: keyword arguments of Exim.configure.
ALONE = {"SMTP_STS_VERIFIERS": "daemon", "SMTP_STS_PATIENCE": "1s"}
RELAY = {"relay_domains": "relayed.signed.example"}
CHOICES = [
    ("daemon away in each way: mail waits, and what is none of its business goes", alone, {"macros": ALONE, **RELAY}),
    ("daemon away in each way, SMTP_STS_ON_FAILURE = deliver: mail goes", deliver,
     {"macros": {**ALONE, "SMTP_STS_ON_FAILURE": "deliver"}}),
    ("daemon away in each way, the program after it: the program's answer counts", then_program,
     {"macros": {**ALONE, "SMTP_STS_VERIFIERS": "daemon : program"}}),
    ("SMTP_STS_VERIFIERS is empty: nobody is asked, mail waits", nobody, {"macros": {"SMTP_STS_VERIFIERS": ""}}),
    ("daemon that talks nonsense, too much, in pieces, without an end: the mail waits", garbage, {"macros": ALONE}),
    ("daemon killed between two deliveries of a queue run: the second waits", killed_between, {"macros": ALONE}),
    ("daemon killed after its answer: the session goes on", killed_after_the_answer, {"macros": ALONE}),
    ("daemon away while twelve recipients are verified in one SMTP session, by Exim's user", session, {"macros": ALONE, **RELAY}),
    ("one line to the daemon, whatever is in $domain and $host", one_line,
     {"sets": ["enforce", "header"], "macros": ALONE}),
    ("header set, daemon away in each way: the cache file decides", header_away, {"sets": ["header"], "macros": ALONE}),
]
