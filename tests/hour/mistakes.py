"""What a newcomer does wrong, and what is said then: what happened, to what, what it means for mail, and what mends it."""

import contextlib
import os
import shutil
import subprocess
import time

import names

CONFIGURATION = "/etc/smtp-sts-verify/config.toml"
CACHE = "/var/lib/smtp-sts-verify"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
SERVICE = "smtp-sts-verify"
BOTH, EXIM, POSTFIX = [], [], []


def mistake(words, group=BOTH):
    """Registers one, of all machines or of those with one of the mail servers."""

    def register(function):
        group.append((words, function))
        return function

    return register


def of(server):
    """Those of a machine with that mail server. Meanwhile mail waits, of which the last one tells: the daemon writes its history down
    from time to time."""
    ask("sts-gone.signed.example")
    return [*BOTH[:-1], *{"exim": EXIM, "postfix": POSTFIX}[server], BOTH[-1]]


@mistake("a typo: the check names line and key, a reload fails and says why, a restart takes the last good one, the mended file counts")
def typo():
    with configured("[serve]\nanswer_wihtin = 3\n"):
        says("smtp-sts-verify config check", 78, CONFIGURATION, "line 2", "did you mean answer_within?", "lets mail wait")
        says("smtp-sts-verify doctor", 78, "did you mean answer_within?", "lets mail wait")
        says("systemctl reload smtp-sts-verify", 1)
        says("systemctl status --no-pager --full smtp-sts-verify", 0, "did you mean answer_within?")
        says("systemctl restart smtp-sts-verify", 0)
        assert status().startswith("An older configuration is in force: "), status()
    wait_until(lambda: status().startswith("Answering "))
    says("systemctl start smtp-sts-verify", 0)


@mistake("a section, a type, a range, another encoding, a directory, a link to nowhere: each is named with what mends it")
def misconfigured():
    for text, *expected in [
        ("[server]\n", "there is no section [server]: did you mean [serve]?"),
        ("[serve]\ndns = '127.0.0.1'\n", "dns belongs above all sections"),
        ("allow_private_addresses = 'yes'\n", "line 1: allow_private_addresses: ", "expected true or false, without quotation marks"),
        ("dns = 127\n", "line 1: dns: a text in quotation marks, or a list of them"),
        ("[serve]\nanswer_within = 60\n", "line 2: answer_within: 60 is not between 0.1 and 4.5 seconds"),
        ("trust_anchor = /etc/x\n", "a text has to stand in quotation marks"),
        ("trust_anchor = '/nowhere'\n", "the trust anchor /nowhere: No such file", "without trust_anchor the root's keys are used"),
        (b"# gr\xfc\xdfe\n", "line 1: something there is no UTF-8: save the file in that encoding"),
    ]:
        with configured(text):
            says("smtp-sts-verify config check", 78, *expected)
    for text in ("", "\ufeffdns = '127.0.0.1'\n", "dns = '127.0.0.1'\r\n[serve]\r\nanswer_within = 3\r\n"):
        with configured(text):
            says("smtp-sts-verify config check", 0, "can be used")
    with configured(None):
        os.mkdir(CONFIGURATION)
        says("smtp-sts-verify config check", 78, "Is a directory", "it has to be a file")
        os.rmdir(CONFIGURATION)
        os.symlink("/nowhere/config.toml", CONFIGURATION)
        says("smtp-sts-verify config check", 78, "is a link that leads nowhere, to /nowhere/config.toml")
        os.unlink(CONFIGURATION)


@mistake("a configuration that the daemon's user may not read: one cause, told once, with the command that mends it")
def closed():
    os.chmod(CONFIGURATION, 0o600)
    try:
        says("smtp-sts-verify config check", 78, "Permission denied", f"chmod a+r {CONFIGURATION}")
        said = says("smtp-sts-verify doctor", 78, "Permission denied", f"chmod a+r {CONFIGURATION}")
        assert "resolv.conf" not in said and "chown" not in said, said
    finally:
        os.chmod(CONFIGURATION, 0o644)


@mistake("a file that the daemon's unit hides: the check says so, and the last good configuration is not lost for it")
def hidden():
    shutil.copy("/etc/smtp-sts-verify/root.anchor", "/tmp/root.anchor")
    with configured(read(CONFIGURATION).replace("/etc/smtp-sts-verify/root.anchor", "/tmp/root.anchor")):
        says("smtp-sts-verify config check", 0, "whose unit hides /tmp (PrivateTmp=): put it below /etc/smtp-sts-verify")
        for _ in range(2):
            says("systemctl restart smtp-sts-verify", 0)
            assert status().startswith("An older configuration is in force: the trust anchor /tmp/root.anchor"), status()
    wait_until(lambda: status().startswith("Answering "))


@mistake("no certification authorities: the journal and the doctor say that no policy can be fetched")
def no_authorities():
    os.rename(AUTHORITIES, AUTHORITIES + ".away")
    try:
        says("systemctl restart smtp-sts-verify", 0)
        wait_until(lambda: "no policy can be fetched" in journal())
        says("smtp-sts-verify doctor --quiet", 2, "ca.store: ", "install the package ca-certificates")
    finally:
        os.rename(AUTHORITIES + ".away", AUTHORITIES)
    says("systemctl restart smtp-sts-verify", 0)


@mistake("a cache that somebody else owns, and a full disk: said by the doctor and in the journal, and mail is answered")
def cache():
    says("systemctl stop smtp-sts-verify", 0)
    os.chown(CACHE + "/cache.db", 0, 0)
    says("smtp-sts-verify doctor --quiet", 2, "does not belong to the owner of its directory", "chown -R Debian-exim:Debian-exim")
    says(f"chown -R Debian-exim:Debian-exim {CACHE}", 0)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0750", "tmpfs", CACHE], check=True)
    try:
        shutil.chown(CACHE, "Debian-exim", "Debian-exim")
        with contextlib.suppress(OSError), open(CACHE + "/filler", "wb") as file:
            file.write(bytes(60_000))
        says("systemctl restart smtp-sts-verify", 0)
        said = says("smtp-sts-verify doctor --quiet", 1, "cache.room: disk: ", f"where {CACHE} lies", "Free some space on that disk")
        assert "wrong" not in said, said
        ask("sts-wild.signed.example")
        wait_until(lambda: "the cache cannot be written to" in journal() and "its disk is full" in journal())
    finally:
        says("systemctl stop smtp-sts-verify", 0)
        subprocess.run(["umount", "-l", CACHE], check=True)
    says("systemctl restart smtp-sts-verify", 0)


@mistake("why mail waited at three: one line in the journal with its explanation, and the history tells of it")
def three_in_the_morning():
    subprocess.run(["journalctl", "--sync"], check=True)
    says("journalctl --no-pager -x -u smtp-sts-verify STS_DOMAIN=sts-gone.signed.example", 0, "mail waits", "mx-not-in-policy",
         "smtp-sts-verify why mx-not-in-policy")
    wait_until(lambda: "mail-waits" in says("smtp-sts-verify cache history sts-gone.signed.example", 0))


@mistake("a resolver in /etc/resolv.conf that is dead, beside a good one in the configuration: told once, and of whom", EXIM)
def dead_resolver():
    before = read("/etc/resolv.conf")
    with configured(f'dns = ["{names.VALIDATING}"]\n' + read(CONFIGURATION)):
        write("/etc/resolv.conf", "nameserver 127.0.0.9\noptions trust-ad edns0\n")
        try:
            said = says("smtp-sts-verify doctor --quiet", 2, "127.0.0.9:53 for the mail server alone", "mail waits")
            assert said.count("127.0.0.9") == 1, said
        finally:
            write("/etc/resolv.conf", before)


@mistake("a second daemon, at the socket of the first and at a port that is taken", EXIM)
def second():
    alone = "setpriv --reuid Debian-exim --regid Debian-exim --clear-groups smtp-sts-verify serve"
    says(f"{alone} --exim /run/smtp-sts-verify/exim.sock", 78, "a socket of somebody else lies there", "systemctl list-sockets")
    taken = subprocess.Popen([*alone.split(), "--exim", "127.0.0.1:8460"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: "8460" in subprocess.run(["ss", "-ltn"], capture_output=True, text=True).stdout)
        says(f"{alone} --exim 127.0.0.1:8460", 78, "another program has that port", "ss -ltnp")
    finally:
        taken.terminate()
        taken.wait(20)
    says(f"{alone} --exim /run/nowhere/exim.sock", 78, "its directory has to be there", "/run/nowhere")


@mistake("Postfix: a daemon that is away, a map of another name, a socket outside of the chroot, authorities that are not there", POSTFIX)
def postfix():
    place = "socketmap:inet:127.0.0.1:8461:policy"
    says("systemctl stop smtp-sts-verify", 0)
    said = says("smtp-sts-verify doctor --quiet", 2, "connect to 127.0.0.1:8461: Connection refused", "ALL mail wait", "systemctl status")
    assert said.count("refused") == 1, said
    says("systemctl start smtp-sts-verify", 0)
    for setting, status_, *expected in [
        ("smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:polizy", 2, "there are two maps", "is the map called `policy`?"),
        ("smtp_tls_policy_maps = socketmap:unix:/run/smtp-sts-verify/postfix.sock:policy", 2, "is not there", "Ask at a port"),
        ("smtp_tls_CAfile = /etc/ssl/nowhere.pem", 2, "/etc/ssl/nowhere.pem: No such file", "enforced policy waits"),
        ("smtp_dns_support_level =", 2, "does no DANE", "postconf -e 'smtp_dns_support_level = dnssec'"),
        ("smtp_tls_policy_maps =", 1, "mail is sent as if this program were not there", f"postconf -e 'smtp_tls_policy_maps = {place}'"),
    ]:
        before = subprocess.run(["postconf", setting.split(" =")[0]], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["postconf", "-e", setting], check=True)
        says("smtp-sts-verify doctor --quiet", status_, *expected)
        subprocess.run(["postconf", "-e", before], check=True)


@mistake("Postfix: a resolv.conf in its chroot that is an earlier one", POSTFIX)
def chroot():
    inside = "/var/spool/postfix/etc/resolv.conf"
    before = read(inside)
    write(inside, "nameserver 127.0.0.9\n")
    try:
        says("smtp-sts-verify doctor --quiet", 1, "the resolv.conf in the chroot of smtp(8) names 127.0.0.9:53", "systemctl restart postfix")
    finally:
        write(inside, before)


def says(command, status_, *expected):
    """Runs a command; it ends with that status, and what it says has all of these. White space counts as a blank."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "COLUMNS": "80", "HOME": "/root"})
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == status_, f"{command} ended with {done.returncode}, not {status_}: {said}\n{journal()}"
    for words in expected:
        assert words in said, f"{command} does not say {words!r}: {said}"
    for line in done.stdout.splitlines() if "doctor" in command else ():
        assert len(line) <= 80, f"{command}: {len(line)} columns: {line}"
    return said


def ask(domain):
    """Has the mail server ask about a domain, whichever it is."""
    if os.path.exists("/usr/sbin/exim4"):
        subprocess.run(["exim4", "-bt", f"postmaster@{domain}"], capture_output=True, timeout=60)
    else:
        subprocess.run(["postmap", "-q", domain, "socketmap:inet:127.0.0.1:8461:policy"], capture_output=True, timeout=60)


def status():
    """What the daemon says of itself to systemd."""
    return subprocess.run(["systemctl", "show", "--value", "-p", "StatusText", SERVICE], capture_output=True, text=True).stdout.strip()


def journal():
    """The last that the daemon said."""
    return subprocess.run(["journalctl", "--no-pager", "-o", "cat", "-n", "12", "-u", SERVICE], capture_output=True, text=True).stdout


def wait_until(true):
    """Waits for a condition, a minute at most."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, f"{status()}\n{journal()}"
        time.sleep(0.1)


@contextlib.contextmanager
def configured(text):
    """The configuration is another one for a while; `None`: there is none."""
    before = read(CONFIGURATION)
    if text is None:
        os.unlink(CONFIGURATION)
    else:
        write(CONFIGURATION, text)
    try:
        yield
    finally:
        write(CONFIGURATION, before)


def read(path):
    """A whole file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    """All that a file has, as it is: line ends, too."""
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
