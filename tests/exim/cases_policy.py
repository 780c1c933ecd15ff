"""The real program behind Exim: policies in DNS and on the web, the cache, first use. Enforcing and header set."""

import contextlib
import os
import re
import stat
import subprocess

import exim
import ways
import world
from harness import case, delivered, never_in_clear, waits

CASES = []
ENFORCED = "R=smtp_sts_permitted T=smtp_sts_webpki "
PLAIN = "R=dnslookup T=remote_smtp "


def send(lab, recipient):
    """One message, with every mail host's memory empty before."""
    lab.world.forget()
    return lab.exim.deliver(recipient)


@contextlib.contextmanager
def changed(host, **attributes):
    """A mail host that is different for a while."""
    before = {name: getattr(host, name) for name in attributes}
    for name, value in attributes.items():
        setattr(host, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(host, name, value)


@case("policy met: delivered over verified TLS to the host that the policy permits")
def met(lab):
    mail = send(lab, "u@met.signed.example")
    delivered(lab, mail, "u@met.signed.example", "good", ENFORCED, "CV=yes", "H=good.hosts.example")
    assert lab.world.hosts["good"].sni[-1] == "good.hosts.example"


@case("after mail through root's routers the cache directory holds files of Debian-exim, mode 0640 or to be locked by it alone, and nothing else's")
def ownership(lab):
    send(lab, "u@met.signed.example")
    uid = os.stat(exim.CACHE).st_uid
    files = {name: os.stat(os.path.join(exim.CACHE, name)) for name in os.listdir(exim.CACHE)}
    assert "cache.db" in files, files
    mode = lambda name: 0o600 if name.endswith(".turn") else 0o640
    wrong = {n: (s.st_uid, oct(stat.S_IMODE(s.st_mode))) for n, s in files.items()
             if s.st_uid != uid or stat.S_IMODE(s.st_mode) != mode(n)}
    assert uid != 0 and not wrong, wrong


@case("recipient verification as Debian-exim and delivery as root share the cache file")
def both_users(lab):
    lab.forget_policies()
    command = ["setpriv", "--reuid=Debian-exim", "--regid=Debian-exim", "--clear-groups", exim.PROGRAM, "-d",
               "met.signed.example", "--format", "exim"]
    first = subprocess.run(command, capture_output=True, text=True).stdout
    assert " cache=stored " in first, first
    mail = send(lab, "u@met.signed.example")
    delivered(lab, mail, "u@met.signed.example", "good", ENFORCED)
    second = subprocess.run(command, capture_output=True, text=True).stdout
    assert " cache=hit " in second, second


@case("twenty messages at once for a domain that nobody has asked about yet: all delivered as the policy demands")
def at_once(lab):
    lab.forget_policies()
    lab.exim.forget_hints()
    lab.world.forget()
    start = lab.exim.log_size()
    command = ["exim4", "-odi", "-f", exim.SENDER, "u@met.signed.example"]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(20)]
    for process in running:
        process.communicate(b"Subject: test\n\nHello.\n")
    log = lab.exim.log_since(start)
    assert len(re.findall(" => u@met.signed.example " + ENFORCED + ".* CV=yes", log)) == 20, log
    assert len(lab.world.messages()) == 20


@case("a record at the draft's own name, _smtp_sts, counts as well")
def underscore(lab):
    mail = send(lab, "u@underscore.signed.example")
    waits(lab, mail, "u@underscore.signed.example", "T=smtp_sts_webpki", r"defer \(-38\)")


@case("MX forbidden, with a permitted one left: that one takes the mail, the first MX hears nothing")
def detour(lab):
    mail = send(lab, "u@detour.signed.example")
    delivered(lab, mail, "u@detour.signed.example", "good", ENFORCED, "CV=yes")
    assert not lab.world.hosts["other"].envelopes


@case("six forbidden MX hosts ahead of the permitted one: it is reached")
def crowd(lab):
    mail = send(lab, "u@crowd.signed.example")
    delivered(lab, mail, "u@crowd.signed.example", "good", ENFORCED, "CV=yes")


@case("MX forbidden, and the permitted one has no address: the mail waits")
def gone(lab):
    mail = send(lab, "u@gone.signed.example")
    waits(lab, mail, "u@gone.signed.example", "R=smtp_sts_none_permitted", "no usable MX host")


@case("MX changed to a forbidden one under a policy in force: the mail waits, with and without the policy's record")
def moved(lab):
    mail = send(lab, "u@moved.signed.example")
    delivered(lab, mail, "u@moved.signed.example", "good", ENFORCED)
    redirect = ("moved MX 10 good.hosts", "moved MX 10 other.hosts")
    withdraw = (r"(?m)^_smtp-sts\.moved .*\n", "")
    for changes in ([redirect], [redirect, withdraw]):
        with lab.published("signed.example", *changes):
            mail = send(lab, "u@moved.signed.example")
            waits(lab, mail, "u@moved.signed.example", "R=smtp_sts_(ask|none_permitted)", "mx-not-in-policy|no usable MX host")


@case("null MX under a policy in force: returned to the sender at once")
def closed(lab):
    delivered(lab, send(lab, "u@closed.signed.example"), "u@closed.signed.example", "good", ENFORCED)
    with lab.published("signed.example", ("closed MX 10 good.hosts.example.", "closed MX 0 .")):
        mail = send(lab, "u@closed.signed.example")
    assert re.search(r" \*\* u@closed\.signed\.example R=smtp_sts_none_permitted.*null MX", mail.log), mail.log


@case("an MX name that is an alias: the policy is about the MX name, not about where the alias leads")
def aliased(lab):
    delivered(lab, send(lab, "u@aliased.signed.example"), "u@aliased.signed.example", "good", ENFORCED, "CV=yes")
    # other.hosts.example is in the policy, but no MX of the domain: never met, so nothing is refused.
    delivered(lab, send(lab, "u@elsewhere.signed.example"), "u@elsewhere.signed.example", "good", PLAIN)


@case("no MX record, but an address and a policy that lists the domain itself: enforced")
def implicit(lab):
    mail = send(lab, "u@implicit.signed.example")
    waits(lab, mail, "u@implicit.signed.example", r"T=smtp_sts_webpki defer \(-38\)")


@case("no STARTTLS, one that is refused, one that breaks: the mail waits, no envelope is seen")
def no_starttls(lab):
    for host in ("plain", "refusing", "broken"):
        mail = send(lab, f"u@{host}.signed.example")
        waits(lab, mail, f"u@{host}.signed.example", "T=smtp_sts_webpki", r"defer \(-3[78]\)")


@case("expired certificate: the mail waits")
def expired(lab):
    waits(lab, send(lab, "u@expired.signed.example"), "u@expired.signed.example", r"T=smtp_sts_webpki defer \(-37\)", "certificate")


@case("certificate for another name: the mail waits")
def wrong_name(lab):
    waits(lab, send(lab, "u@wrongname.signed.example"), "u@wrongname.signed.example", r"T=smtp_sts_webpki defer \(-37\)", "certificate")


@case("certificate of an unknown CA: the mail waits")
def self_signed(lab):
    waits(lab, send(lab, "u@selfsigned.signed.example"), "u@selfsigned.signed.example", r"T=smtp_sts_webpki defer \(-37\)", "certificate")


@case("two bad MX hosts ahead of a good one, all permitted: the good one takes the mail")
def fallback(lab):
    mail = send(lab, "u@fallback.signed.example")
    delivered(lab, mail, "u@fallback.signed.example", "good", ENFORCED, "CV=yes")
    never_in_clear(lab)


@case("report only: delivered as ever, in clear text and to a host that the policy does not list")
def report_only(lab):
    message = delivered(lab, send(lab, "u@reportonly.signed.example"), "u@reportonly.signed.example", "plain", PLAIN)
    assert "mode=testing" in message.header("X-smtp-sts-verify"), message.text
    delivered(lab, send(lab, "u@reportother.signed.example"), "u@reportother.signed.example", "other", PLAIN)


@case("no policy: delivered as ever, in clear text and under an unknown CA")
def no_policy(lab):
    message = delivered(lab, send(lab, "u@nopolicy.signed.example"), "u@nopolicy.signed.example", "plain", PLAIN)
    assert "reason=no-policy" in message.header("X-smtp-sts-verify"), message.text
    delivered(lab, send(lab, "u@nopolicy2.signed.example"), "u@nopolicy2.signed.example", "selfsigned", PLAIN)
    delivered(lab, send(lab, "u@nopolicy.unsigned.example"), "u@nopolicy.unsigned.example", "plain", PLAIN)


@case("a malformed policy is none: delivered as ever")
def malformed(lab):
    message = delivered(lab, send(lab, "u@malformed.signed.example"), "u@malformed.signed.example", "plain", PLAIN)
    assert "reason=policy-malformed" in message.header("X-smtp-sts-verify"), message.text


@case("bogus zone, with and without a policy in it: the mail waits, though the resolver vouches for nothing")
def bogus(lab):
    with lab.resolver_that_does_not_validate():
        for domain in ("met", "nopolicy"):
            mail = send(lab, f"u@{domain}.bogus.example")
            waits(lab, mail, f"u@{domain}.bogus.example", "R=smtp_sts_ask defer", r"\(dnssec-bogus\)")


@case("name servers that do not answer: the mail waits for a domain without a policy in the cache")
def unreachable(lab):
    with lab.program_asks("127.0.0.9"):
        lab.forget_policies()
        mail = send(lab, "u@met.signed.example")
    waits(lab, mail, "u@met.signed.example", "R=smtp_sts_ask defer", r"\((dns-unreachable|deadline)\)")


@case("name servers that do not answer: a policy in force goes on being enforced")
def unreachable_cached(lab):
    send(lab, "u@met.signed.example")
    send(lab, "u@selfsigned.signed.example")
    with lab.program_asks("127.0.0.9"):
        lab.forget_dns()
        mail = send(lab, "u@selfsigned.signed.example")
    line = mail.line("u@selfsigned.signed.example")
    assert " == " in line and not lab.world.messages(), line


@case("the HTTPS copy authenticates a policy of an unsigned zone: the forbidden MX hears nothing")
def webpki(lab):
    mail = send(lab, "u@webpki.unsigned.example")
    delivered(lab, mail, "u@webpki.unsigned.example", "good", ENFORCED, "CV=yes")
    assert not lab.world.hosts["other"].envelopes
    mail = send(lab, "u@webpki.signed.example")
    delivered(lab, mail, "u@webpki.signed.example", "good", ENFORCED, "CV=yes")


@case("first use: reported at first, enforced after a verified handshake under it")
def first_use(lab):
    good = lab.world.hosts["good"]
    lab.forget_policies()
    with changed(good, starttls="absent"):
        message = delivered(lab, send(lab, "u@firstuse.unsigned.example"), "u@firstuse.unsigned.example", "good", PLAIN)
        assert "reason=first-use" in message.header("X-smtp-sts-verify"), message.text
    delivered(lab, send(lab, "u@firstuse.unsigned.example"), "u@firstuse.unsigned.example", "good", PLAIN, "CV=yes")
    delivered(lab, send(lab, "u@firstuse.unsigned.example"), "u@firstuse.unsigned.example", "good", ENFORCED, "CV=yes")
    with changed(good, starttls="absent"):
        mail = send(lab, "u@firstuse.unsigned.example")
        waits(lab, mail, "u@firstuse.unsigned.example", r"T=smtp_sts_webpki defer \(-38\)")
    with changed(good, certificate=lab.world.pems["selfsigned"]):
        mail = send(lab, "u@firstuse.unsigned.example")
        waits(lab, mail, "u@firstuse.unsigned.example", r"T=smtp_sts_webpki defer \(-37\)")


@case("first use without a verified handshake never stops mail: one forged record blocks no domain")
def spoofed(lab):
    for _ in range(3):
        mail = send(lab, "u@spoofed.unsigned.example")
        delivered(lab, mail, "u@spoofed.unsigned.example", "plain", PLAIN)


@case("null MX beside a policy that was never met: returned to the sender at once")
def null_mx(lab):
    mail = send(lab, "u@nullmx.signed.example")
    assert " ** " in mail.line("u@nullmx.signed.example"), mail.log


@case("a domain that does not exist: returned to the sender at once")
def no_such_domain(lab):
    mail = send(lab, "u@nosuchdomain.signed.example")
    assert " ** " in mail.line("u@nosuchdomain.signed.example"), mail.log


@case("a domain in UTF-8 (SMTPUTF8) has the policy of its A-label")
def internationalized(lab):
    lab.world.forget()
    mail = lab.exim.submit("u@bücher.signed.example")
    line = mail.line("u@bücher.signed.example")
    assert " => " in line and ENFORCED in line and "CV=yes" in line, mail.log
    lab.world.forget()
    mail = lab.exim.submit("u@bücher-plain.signed.example")
    assert " == " in mail.line("u@bücher-plain.signed.example"), mail.log
    assert not lab.world.messages()


@case("a cache directory that cannot be written: the policy is enforced all the same")
def unwritable(lab):
    lab.forget_policies()
    with lab.read_only_cache():
        mail = send(lab, "u@met.signed.example")
        delivered(lab, mail, "u@met.signed.example", "good", ENFORCED, "CV=yes")
        waits(lab, send(lab, "u@plain.signed.example"), "u@plain.signed.example", r"T=smtp_sts_webpki defer \(-38\)")


@case("a configuration that cannot be read as TOML: the mail waits, and the log says configuration", by=[ways.RUN])
def configuration(lab):
    with lab.program_configured("dns = ["):
        mail = send(lab, "u@nopolicy.signed.example")
    waits(lab, mail, "u@nopolicy.signed.example", "R=smtp_sts_ask defer", r"\(configuration\)")


@case("a configuration that cannot be read as TOML, and SIGHUP: the daemon keeps the one it has", by=ways.DAEMON)
def kept(lab):
    waits(lab, send(lab, "u@plain.signed.example"), "u@plain.signed.example", r"T=smtp_sts_webpki defer \(-38\)")
    with lab.reloaded("dns = ["):
        waits(lab, send(lab, "u@plain.signed.example"), "u@plain.signed.example", r"T=smtp_sts_webpki defer \(-38\)")
        delivered(lab, send(lab, "u@nopolicy.signed.example"), "u@nopolicy.signed.example", "plain", PLAIN)


@case("the README's own check: answer, route, files and resolver")
def check(lab):
    commands = exim.readme("check")
    assert "domain=example.org\n" in commands
    lab.forget_policies()
    out = lab.exim.run(commands.replace("domain=example.org\n", "domain=detour.signed.example\n"))
    assert out.startswith("verdict=deliver tls=webpki policy=smtp-sts mode=enforce auth=dnssec mx=match "), out
    assert "router = smtp_sts_permitted, transport = smtp_sts_webpki" in out, out
    assert "host good.hosts.example" in out and "host other.hosts.example" not in out, out
    assert "-rw-r-----" in out, out
    assert out.endswith("\nvalidated\n"), out
    with lab.resolver_without_trust():
        out = lab.exim.run(commands.replace("domain=example.org\n", "domain=detour.signed.example\n"))
    assert out.endswith("\nnot validated\n"), out


@case("the README's own check of the daemon, as Exim's user: the line that the command prints", by=[ways.SOCKET])
def check_daemon(lab):
    asked = exim.readme("daemon-check").replace("domain=example.org\n", "domain=detour.signed.example\n")
    command = "smtp-sts-verify -c /var/lib/smtp-sts-verify/cache.db -d detour.signed.example --format exim"
    said, printed = lab.exim.run(asked).strip(), lab.exim.run(command)
    without_cache = [re.sub(r" (cache|reason|mx)=\S+", "", line) for line in (said, printed)]
    assert said.startswith("verdict=deliver tls=webpki ") and without_cache[0] == without_cache[1], (said, printed)
    with lab.nobody_answers():
        assert lab.exim.run(asked).strip() == "nobody"


@case("strangers' strings, one after the other: no header of theirs, no command run, no mail lost")
def strangers(lab):
    for domain, host in [("evilmx", "good"), ("evilalias", "good"), ("evilquote", "good"), ("eviltxt", "good"),
                         ("evilmxtext", "good"), ("evilkey", "good"), ("evilrua", "good")]:
        message = delivered(lab, send(lab, f"u@{domain}.signed.example"), f"u@{domain}.signed.example", host)
        injected = [name for name, _ in message.headers() if "injected" in name.lower()]
        assert not injected, f"{domain}: {message.text}"
        assert message.text.endswith("\r\n\r\nHello.\r\n"), f"{domain}: {message.text}"
    message = delivered(lab, send(lab, "u@evilbody.unsigned.example"), "u@evilbody.unsigned.example", "good")
    assert "injected" not in message.text.lower(), message.text
    assert not os.path.exists("/tmp/run-by-exim"), "a command was run"


@case("an mx pattern with regular-expression letters in it permits nothing that it should not")
def regex(lab):
    mail = send(lab, "u@evilregex.signed.example")
    delivered(lab, mail, "u@evilregex.signed.example", "plain", PLAIN)
    answer = subprocess.run([exim.PROGRAM, "-d", "evilregex.signed.example", "--format", "exim"], capture_output=True, text=True)
    assert "mxre=^(.+)$" in answer.stdout or ".+" not in answer.stdout, answer.stdout


@case("recipients' domains with quotes, dollars, blanks and the like: refused by Exim before anybody is asked")
def hostile_domains(lab):
    for domain in ("a b.example", '"a".example', "$(id).example", "a;b.example", "a\\.example", "-v.example", "a{b}.example"):
        mail = lab.exim.submit("u@" + domain)
        assert "=>" not in mail.log and ("501" in mail.log or "550" in mail.log or "553" in mail.log), f"{domain}: {mail.log}"


@case("an empty $domain or $host: nothing is asked, TLS is demanded; and the program takes neither")
def empty(lab):
    macros = "SMTP_STS_DOMAIN_VERIFY|SMTP_STS_MUST_ENCRYPT|SMTP_STS_MUST_AUTHENTICATE|DOMAIN_IS_CACHED_STS_TRUE"
    done = subprocess.run(["exim4", "-be", macros], capture_output=True, text=True)
    assert done.stdout == "UNKNOWN: no domain or host here|*|*|\n", done
    for arguments in (["-d", "", "-m", "good.hosts.example"], ["-d", "met.signed.example", "-m", ""]):
        done = subprocess.run([exim.PROGRAM, *arguments, "--format", "exim"], capture_output=True, text=True)
        assert done.returncode == 64 and done.stdout.startswith("verdict=defer ") and not done.stderr, done


@case("an address literal passes without a question")
def literal(lab):
    done = subprocess.run([exim.PROGRAM, "-d", "[192.0.2.11]", "--format", "exim"], capture_output=True, text=True)
    assert done.returncode == 0 and "reason=address-literal" in done.stdout, done
