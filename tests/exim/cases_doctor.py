"""What the doctor says of a real Exim with our files installed, and of one where something is amiss."""

import contextlib
import json
import os
import shutil
import signal
import subprocess

import exim
import ways

# Nobody but the laboratory's own servers is there, so nobody is asked for the time.
DOCTOR = [exim.PROGRAM, "doctor", "--offline", "--format", "json"]


def examine(*prefix):
    """Exit status, and results and words by check (of several of one kind, the worst)."""
    done = subprocess.run([*prefix, *DOCTOR], capture_output=True, text=True, timeout=60)
    assert done.stdout and not done.stderr, f"{done.returncode}: {done.stdout}{done.stderr}"
    order = ["unchecked", "fine", "warning", "wrong"]
    found = {}
    for check in json.loads(done.stdout)["checks"]:
        seen = (check["result"], check["seen"])
        found[check["check"]] = max(found.get(check["check"], seen), seen, key=lambda one: order.index(one[0]))
    return done.returncode, found


def has(found, result, *checks):
    """Each of these checks came to that result."""
    for check in checks:
        assert found.get(check, ("nothing",))[0] == result, f"{check}: {found.get(check)}, and not {result}"


def nothing_is(found, *results, but=()):
    """No check came to one of these results, but for those named."""
    odd = {check: seen for check, seen in found.items() if seen[0] in results and check not in but}
    assert not odd, odd


EXIM = ["exim.version", "exim.tls", "exim.events", "exim.dnsdb", "exim.sqlite", "exim.routers", "exim.transports",
        "exim.files", "exim.header-set", "exim.smarthost", "exim.program", "exim.cache", "exim.answer-as-root", "exim.answer-as-exim", "exim.daemon"]
CACHE = ["cache.place", "cache.as-root", "cache.as-exim", "cache.integrity"]
# This world has no way out, and its program asks a resolver that does not validate on purpose.
LABORATORY = ["network.ipv4", "network.ipv6", "resolver.validates"]


def without_dane(lab):
    """What is told of such an Exim, and is no fault of the files."""
    return [] if lab.build.dane else ["exim.dane"]


def fine(lab):
    """Both sets installed, asked by root: Exim, cache and resolvers are fine, before and after the first question."""
    lab.forget_policies()
    for _ in range(2):
        _, found = examine()
        has(found, "fine", *EXIM, *CACHE, "resolver.dnssec", "resolver.denial", "clock.root-signature", "anchor.root",
            "resolv-conf.trust-ad")
        has(found, "fine" if lab.build.dane else "warning", "exim.dane")
        assert lab.build.library in found["exim.tls"][1], found["exim.tls"]
        nothing_is(found, "warning", "wrong", but=LABORATORY + without_dane(lab))
    assert "(" in found["exim.answer-as-root"][1], found["exim.answer-as-root"]
    words = "answers root and Exim's user" if lab.by in ways.DAEMON else "nothing is at /run/smtp-sts-verify/exim.sock"
    assert words in found["exim.daemon"][1], found["exim.daemon"]
    if lab.by in ways.DAEMON:
        has(found, "fine", "exim.daemon-socket")
    owners = {os.stat(os.path.join(exim.CACHE, name)).st_uid for name in os.listdir(exim.CACHE)}
    assert owners <= {os.stat(exim.CACHE).st_uid}, f"the doctor left files of {owners}"


def fine_for_exims_user(lab):
    """Exim's user sees less, and nothing that is amiss."""
    _, found = examine("setpriv", "--reuid=Debian-exim", "--regid=Debian-exim", "--clear-groups")
    has(found, "fine", "exim.answer-as-exim", "cache.as-exim", "exim.routers")
    has(found, "unchecked", "exim.answer-as-root", "cache.as-root")
    nothing_is(found, "wrong", "warning", but=LABORATORY + without_dane(lab))


def fine_for_anybody(lab):
    """Somebody else sees what he may, and is told who sees more."""
    _, found = examine("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    has(found, "unchecked", "exim.answer-as-root", "exim.answer-as-exim", "cache.as-root", "cache.as-exim")
    assert "only root" in found["cache.as-exim"][1], found["cache.as-exim"]
    has(found, "fine", "exim.version", "exim.routers", "resolver.dnssec")


def daemon_agrees(lab):
    """Both are asked, and say the same; with another configuration the daemon does not."""
    found = examine()[1]
    has(found, "fine", "exim.daemon", "exim.daemon-socket", "exim.daemon-answer")
    path = "/etc/smtp-sts-verify/config.toml"
    with open(path) as file:
        before = file.read()
    with open(path, "a") as file:
        file.write('\n[override."example.com"]\nrequire = "dane"\nuntil = 2999-12-31\nreason = "a test"\n')
    found = examine()[1]
    with open(path, "w") as file:
        file.write(before)
    has(found, "warning", "exim.daemon-answer")
    assert " by the daemon and " in found["exim.daemon-answer"][1], found["exim.daemon-answer"]


daemon_agrees.by = ways.DAEMON


def daemon_away(lab):
    """Nobody serves the socket: told, and how bad it is depends on who else is asked."""
    lab.serve.stop(signal.SIGKILL)
    try:
        status, found = examine()
    finally:
        lab.start_over()
    has(found, "warning", "exim.daemon")
    has(found, "fine", "exim.answer-as-root")
    assert status in (1, 2) and "does not answer root and Exim's user" in found["exim.daemon"][1], found["exim.daemon"]


daemon_away.by = ways.DAEMON


def daemon_needed(lab):
    """The same where the daemon alone is asked; and a socket that is open to all."""
    lab.serve.stop()
    try:
        status, found = examine()
    finally:
        lab.start_over()
    has(found, "wrong", "exim.daemon", "exim.answer-as-root", "exim.answer-as-exim")
    assert status == 2, status
    if lab.by == ways.SOCKET:
        os.chmod(ways.PATH, 0o666)
        has(examine()[1], "warning", "exim.daemon-socket")
        os.chmod(os.path.dirname(ways.PATH), 0o777)
        has(examine()[1], "wrong", "exim.daemon-socket")
        os.chmod(os.path.dirname(ways.PATH), 0o755)
        os.chmod(ways.PATH, 0o660)


daemon_needed.by = ways.DAEMON


def trust_ad_missing(lab):
    """Nothing tells glibc to believe the resolver: a warning, and the verdicts are as good as ever."""
    with lab.resolver_without_trust():
        status, found = examine()
    has(found, "warning", "resolv-conf.trust-ad")
    has(found, "fine", *EXIM, *CACHE)
    assert status in (1, 2), status


def cache_of_root(lab):
    """The cache's directory belongs to root: Exim's user cannot write there, and that is wrong."""
    shutil.chown(exim.CACHE, "root", "Debian-exim")
    for name in os.listdir(exim.CACHE):
        shutil.chown(os.path.join(exim.CACHE, name), "root", "Debian-exim")
    try:
        status, found = examine()
    finally:
        lab.forget_policies()
    has(found, "wrong", "cache.as-exim")
    assert status == 2 and "as Debian-exim: " in found["cache.as-exim"][1], (status, found["cache.as-exim"])


def cache_read_only(lab):
    """A read-only file system is told for both users."""
    with lab.read_only_cache():
        shown = examine()[1]
    assert shown["cache.as-exim"][0] == "wrong" or shown["cache.place"][0] == "wrong", shown


def no_program(lab):
    """What Exim starts is not executable: Exim gets no answer, and the doctor (another copy) says so."""
    copy = exim.PROGRAM + ".doctor"
    shutil.copyfile(exim.PROGRAM, copy)
    os.chmod(copy, 0o755)
    with lab.without_program(), _called(copy):
        status, found = examine()
    os.unlink(copy)
    has(found, "wrong", "exim.program", "exim.answer-as-root", "exim.answer-as-exim")
    assert status == 2 and "exit-127" in found["exim.answer-as-root"][1], (status, found)


no_program.by = [ways.RUN]


def not_loaded(lab):
    """Debian's Exim as it comes: a warning that names the routers."""
    status, found = examine()
    has(found, "warning", "exim.routers")
    has(found, "unchecked", "exim.answer-as-root", "exim.transports", "exim.program")
    assert status in (1, 2) and "none of them is loaded" in found["exim.routers"][1], (status, found)


def half_loaded(lab):
    """A router of the set is missing: Exim would not act on answers, which is wrong."""
    path = "/etc/exim4/conf.d/transport/31_smtp-sts-verify"
    os.rename(path, "/etc/exim4/31-away")
    lab.exim.run("update-exim4.conf --keepcomments -o /var/lib/exim4/config.autogenerated || true")
    try:
        status, found = examine()
    finally:
        os.rename("/etc/exim4/31-away", path)
        lab.exim.run(exim.readme("enable"))
    has(found, "wrong", "exim.transports")
    assert status == 2, status


def older_files(lab):
    """A transport as it was before: an Exim linked with OpenSSL would deliver wrongly by it."""
    path = "/etc/exim4/conf.d/transport/31_smtp-sts-verify"
    with open(path) as file:
        text = file.read()
    assert text.count("  tls_require_ciphers = no-usable-TLSA-record\n") == 1
    with open(path, "w") as file:
        file.write(text.replace("  tls_require_ciphers = no-usable-TLSA-record\n", ""))
    lab.exim.run(exim.readme("enable"))
    status, found = examine()
    with open(path, "w") as file:
        file.write(text)
    lab.exim.run(exim.readme("enable"))
    openssl = lab.build.library == "OpenSSL"
    has(found, "wrong" if openssl else "warning", "exim.files")
    assert "older: smtp_sts_dane" in found["exim.files"][1] and (status == 2 or not openssl), (status, found)
    assert ("delivers wrongly" in found["exim.files"][1]) == openssl, found["exim.files"]


def smarthost(lab):
    """All mail goes to a smarthost: told, and the routers that are not there are no fault."""
    status, found = examine()
    has(found, "warning", "exim.smarthost")
    has(found, "unchecked", "exim.routers", "exim.answer-as-root")
    assert status in (1, 2), status


@contextlib.contextmanager
def _called(path):
    """For a while, the doctor is asked under another name."""
    DOCTOR[0], before = path, DOCTOR[0]
    try:
        yield
    finally:
        DOCTOR[0] = before


# Words, function, and how the configuration is made: keyword arguments of Exim.configure, or None for "as it is".
SETUPS = [
    ("doctor: both sets installed, all is fine", fine, dict(scheme="split", sets=["enforce", "header"])),
    ("doctor: asked by Exim's user", fine_for_exims_user, None),
    ("doctor: asked by anybody", fine_for_anybody, None),
    ("doctor: trust-ad is missing", trust_ad_missing, None),
    ("doctor: the cache belongs to root", cache_of_root, None),
    ("doctor: the cache cannot be written", cache_read_only, None),
    ("doctor: the program is not there", no_program, None),
    ("doctor: the transports are not loaded", half_loaded, dict(scheme="split", sets=["enforce"])),
    ("doctor: single file, the enforcing set alone, all is fine", fine, dict(scheme="single", sets=["enforce"])),
    ("doctor: the daemon alone is asked, and is away", daemon_needed, dict(scheme="split", sets=["enforce"])),
    ("doctor: daemon and program say the same, or not", daemon_agrees,
     dict(scheme="split", sets=["enforce"], macros={"SMTP_STS_VERIFIERS": "daemon : program"})),
    ("doctor: daemon and program are asked, and nobody serves the socket", daemon_away, None),
    ("doctor: older files", older_files, dict(scheme="split", sets=["enforce"])),
    ("doctor: nothing of ours is loaded", not_loaded, dict(scheme="split", sets=[])),
    ("doctor: a smarthost", smarthost,
     dict(scheme="split", sets=["enforce"], configtype="smarthost", smarthost="hop.hosts.example")),
]
