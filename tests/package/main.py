"""The package's life on one machine, told in order: each chapter begins where the one before ended."""

import contextlib
import hashlib
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "exim")]

import exim  # noqa: E402
import harness  # noqa: E402
import names  # noqa: E402
import units  # noqa: E402
import world  # noqa: E402

CONFIGURATION = "/etc/smtp-sts-verify/config.toml"
SHARE = "usr/share/smtp-sts-verify/exim/"
DOC = "usr/share/doc/smtp-sts-verify/"
# Pages lie as they do in the source.
PAGES = ["exim/README.md", "exim/fleet.md", "exim/postfix.md", "exim/publishing.md", "exim/troubleshooting.md", "exim/daemon/README.md", "exim/reports/README.md",
         "exim/manual/README.md", "exim/manual/smtp-sts-verify.1.md", "exim/manual/smtp-sts-verify.toml.5.md",
         "exim/manual/first-screen.svg", "exim/manual/status-page.png", "exim/monitoring/README.md", "exim/packages/README.md",
         *sorted(f"exim/platforms/{name}" for name in os.listdir(exim.TOP + "/exim/platforms") if name.endswith(".md"))]
# Every file of the package but Exim's and the examples; modes where they are not 0644.
FILES = {
    "etc/smtp-sts-verify/config.toml": 0o644,
    "lib/systemd/system/smtp-sts-verify.service": 0o644,
    "lib/systemd/system/smtp-sts-verify-exim.socket": 0o644,
    "lib/systemd/system/smtp-sts-verify-reports.service": 0o644,
    "lib/systemd/system/smtp-sts-verify-reports.timer": 0o644,
    "lib/systemd/system/smtp-sts-verify-postfix.socket": 0o644,
    "lib/systemd/system/smtp-sts-verify-tlsrpt.socket": 0o644,
    "usr/bin/smtp-sts-verify": 0o755,
    "usr/sbin/smtp-sts-verify-exim": 0o755,
    "usr/lib/sysusers.d/smtp-sts-verify.conf": 0o644,
    "usr/lib/tmpfiles.d/smtp-sts-verify.conf": 0o644,
    "usr/lib/systemd/catalog/smtp-sts-verify.catalog": 0o644,
    "usr/share/lintian/overrides/smtp-sts-verify": 0o644,
    "usr/share/bash-completion/completions/smtp-sts-verify": 0o644,
    "usr/share/fish/vendor_completions.d/smtp-sts-verify.fish": 0o644,
    "usr/share/zsh/vendor-completions/_smtp-sts-verify": 0o644,
    "usr/share/man/man1/smtp-sts-verify.1.gz": 0o644,
    "usr/share/man/man5/smtp-sts-verify.toml.5.gz": 0o644,
    "usr/share/man/man8/smtp-sts-verify-exim.8.gz": 0o644,
    **{DOC + name: 0o644 for name in
       ("README.md", "SECURITY.md", "changelog.gz", "changelog.Debian.gz", "copyright", *PAGES)},
}
ENFORCED, PLAIN = "R=smtp_sts_permitted T=smtp_sts_webpki ", "R=dnslookup T=remote_smtp "
CASES = []


class Machine:
    """The world, Exim without any file of ours, and the package that is not installed yet."""

    def __init__(self, scratch, package):
        self.package = package
        self.exim = exim.Exim(scratch, macros={})
        self.world = world.World(scratch)
        self.exim.configure("split", sets=[])
        # Whether or not this machine has Exim's by-hand installation, too.
        for path in ("/etc/smtp-sts-verify", "/var/lib/smtp-sts-verify"):
            shutil.rmtree(path, ignore_errors=True)
        # dpkg would renew the index of all manual pages each time.
        if os.path.exists("/var/lib/man-db/auto-update"):
            os.unlink("/var/lib/man-db/auto-update")
        self.before = _paths()

    def run(self, *command, status=0):
        """Runs a command, as an administrator would; what it said."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        said = done.stdout + done.stderr
        assert done.returncode == status, f"{' '.join(command)} ended with {done.returncode}, not with {status}:\n{said}"
        return said

    def configure_program(self):
        """The one thing that an administrator of this world has to configure: whom to ask, and whom to believe."""
        with open(CONFIGURATION) as file:
            shipped = file.read()
        with open(CONFIGURATION, "w") as file:
            file.write(f'dns = ["{names.PLAIN}"]\ntrust_anchor = "{self.world.names.anchor}"\n'
                       f"allow_private_addresses = true\n{shipped}")

    def mail(self, recipient, host, *log):
        """One message, that the host has to get."""
        self.world.forget()
        harness.delivered(self, self.exim.deliver(recipient), recipient, host, *log)

    def mail_waits(self, recipient, *log):
        """One message, that nobody may get."""
        self.world.forget()
        harness.waits(self, self.exim.deliver(recipient), recipient, *log)


case = harness.case


@case("the package has the files that it should have, and no others; its scripts read")
def content(machine):
    listed = {}
    for line in machine.run("dpkg-deb", "-c", machine.package).splitlines():
        mode, owner, *_, name = line.split()
        assert owner == "root/root" or owner == "0/0", line
        if not name.endswith("/"):
            listed[name.removeprefix("./")] = stat_mode(mode)
    expected = dict(FILES)
    for part in ("enforce", "header", *[f"reports/{part}" for part in ("main", "router", "transport", "retry")]):
        expected |= {SHARE + f"{part}/{name}": 0o644 for name in _files(f"{exim.TOP}/exim/{part}")}
    expected[SHARE + "earlier.sha256"] = 0o644
    expected |= {SHARE + "platforms/" + name: 0o644 for name in _files(exim.TOP + "/exim/platforms") if name.endswith(".sh")}
    examples = {DOC + "examples/monitoring/" + name: 0o644 for name in _files(exim.TOP + "/exim/monitoring")
                if not name.endswith(".md")}
    examples |= {DOC + f"examples/systemd/{name}.conf": 0o644 for name in ("exim-loopback", "postfix-loopback", "reports-postfix")}
    assert listed == expected | examples, set(listed.items()) ^ set((expected | examples).items())
    scripts = os.path.join(machine.exim.tree, "scripts")
    machine.run("dpkg-deb", "-e", machine.package, scripts)
    assert sorted(os.listdir(scripts)) == ["conffiles", "control", "postinst", "postrm", "prerm"], os.listdir(scripts)
    for script in ("postinst", "prerm", "postrm"):
        machine.run("sh", "-n", f"{scripts}/{script}")
    if shutil.which("shellcheck"):
        machine.run("sh", "-ec", f"shellcheck {exim.TOP}/exim/platforms/*.sh")
        machine.run("shellcheck", exim.TOP + "/exim/debian/smtp-sts-verify-exim", exim.TOP + "/exim/debian/build",
                    *[f"{scripts}/{script}" for script in ("postinst", "prerm", "postrm")])


@case("lintian has nothing to say")
def checked(machine):
    if shutil.which("lintian"):
        # It is not uploaded to Debian, where a first upload would close a wish for it.
        machine.run("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", "initial-upload-closes-no-bugs",
                    machine.package)


@case("the program is linked statically, and its addresses are still chosen anew for each process")
def static(machine):
    tree = os.path.join(machine.exim.tree, "program")
    machine.run("dpkg-deb", "-x", machine.package, tree)
    with open(f"{tree}/usr/bin/smtp-sts-verify", "rb") as file:
        octets = file.read()
    kind, table, size, count = (struct.unpack_from(form, octets, at)[0] for form, at in (("<H", 16), ("<Q", 32), ("<H", 54), ("<H", 56)))
    segments = {struct.unpack_from("<I", octets, table + number * size)[0] for number in range(count)}
    shared_object, interpreter = 3, 3  # elf(5): ET_DYN, PT_INTERP
    assert kind == shared_object and interpreter not in segments, (kind, segments)
    control = machine.run("dpkg-deb", "-f", machine.package, "Depends")
    assert control.strip() == "adduser", control
    # The C library's own look-up of names would load modules of another C library, and crash.
    place = os.path.join(tree, "cache")
    os.mkdir(place, 0o750)
    os.chown(place, 54321, 54321)
    told = subprocess.run([f"{tree}/usr/bin/smtp-sts-verify", "doctor", "--config", "/dev/null", "-c", f"{place}/cache.db"],
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    words = " ".join(told.stdout.split())
    assert told.returncode in (0, 1, 2) and "user 54321:group 54321" in words, (told.returncode, told.stdout, told.stderr)


@case("installed: the directory is Exim's, the units are enabled but Postfix's, and Exim goes on as before")
def installed(machine):
    before, generated = _tree("/etc/exim4"), _generated()
    machine.run("dpkg", "-i", machine.package)
    _directory("/var/lib/smtp-sts-verify", "Debian-exim", 0o750)
    _directory("/run/smtp-sts-verify", "root", 0o755)
    assert units.enabled() == ["multi-user.target.wants/smtp-sts-verify.service",
                               "smtp-sts-verify.service.wants/smtp-sts-verify-exim.socket",
                               "sockets.target.wants/smtp-sts-verify-exim.socket"], units.enabled()
    assert _tree("/etc/exim4") == before
    machine.run("update-exim4.conf")
    assert _generated() == generated
    machine.configure_program()
    machine.mail("u@plain.signed.example", "plain", PLAIN)


@case("split: one command enables the files, as the README does by hand; once more changes nothing")
def enabled_split(machine):
    _enabled(machine, "split")


@case("single file: one command enables the files, as the README does by hand; once more changes nothing")
def enabled_single(machine):
    _enabled(machine, "single")


def _enabled(machine, scheme):
    for part in ("enforce", "header", "reports"):
        machine.exim.configure(scheme, sets=[part])
        by_hand = _read_by_exim(machine)
        machine.exim.configure(scheme, sets=[])
        before = _tree("/etc/exim4")
        said = machine.run("smtp-sts-verify-exim", "enable", part)
        assert "systemctl reload exim4" in said and f"{part} is enabled." in said, said
        assert _read_by_exim(machine) == by_hand
        once = _tree("/etc/exim4")
        machine.run("smtp-sts-verify-exim", "enable", part)
        machine.run("smtp-sts-verify-exim", "refresh")
        assert _tree("/etc/exim4") == once
        assert f"{part}: enabled" in machine.run("smtp-sts-verify-exim", "status")
        machine.run("smtp-sts-verify-exim", "disable")
        assert _tree("/etc/exim4") == before
        assert "is not enabled" in machine.run("smtp-sts-verify-exim", "disable")


@case("enabled by hand, enabled by the command, disabled: both kinds of configuration are as they were")
def by_hand(machine):
    for scheme in ("split", "single"):
        machine.exim.configure(scheme, sets=[])
        before = _tree("/etc/exim4")
        machine.exim.configure(scheme, sets=["enforce", "header"])
        machine.run("smtp-sts-verify-exim", "enable", "header", "enforce")
        # Exim's configuration may have changed its kind since.
        machine.exim._answer(dc_use_split_config="false" if scheme == "split" else "true")
        machine.run("smtp-sts-verify-exim", "disable")
        machine.exim._answer(dc_use_split_config="true" if scheme == "split" else "false")
        assert _tree("/etc/exim4") == before, set(_tree("/etc/exim4").items()) ^ set(before.items())


@case("a file of the administrator's in the place of ours is kept under another name")
def kept(machine):
    machine.exim.configure("split", sets=[])
    path = "/etc/exim4/conf.d/retry/20_smtp-sts-verify"
    with open(path, "w") as file:
        file.write("# mine\n")
    assert path + ".old" in machine.run("smtp-sts-verify-exim", "enable")
    machine.run("smtp-sts-verify-exim", "disable")
    with open(path + ".old") as file:
        assert file.read() == "# mine\n"


@case("files copied by hand from an earlier version give way to the package's; of edited ones the difference is shown")
def earlier(machine):
    name, first = _earlier_version("enforce")
    for scheme, place in (("split", "/etc/exim4/conf.d/"), ("single", "/etc/exim4/smtp-sts-verify/")):
        machine.exim.configure(scheme, sets=[])
        machine.run("smtp-sts-verify-exim", "enable")
        enabled = _tree("/etc/exim4")
        machine.exim.configure(scheme, sets=["enforce"])
        _write(place + name, first)
        assert f"{place}{name} is of an earlier version" in machine.run("smtp-sts-verify-exim", "status")
        said = machine.run("smtp-sts-verify-exim", "refresh")
        assert f"{place}{name} was of an earlier version" in said and "edited" not in said, said
        assert _tree("/etc/exim4") == enabled, set(_tree("/etc/exim4").items()) ^ set(enabled.items())
        assert "earlier" not in machine.run("smtp-sts-verify-exim", "status")
        # The same, with a line of the administrator's.
        os.unlink(place + name)
        _write(place + name, first + "# a line of mine\n")
        assert f"{place}{name} was edited; see: diff " in machine.run("smtp-sts-verify-exim", "status")
        said = machine.run("dpkg", "-i", machine.package)
        assert f"{place}{name} was edited; it is {place}{name}.old now" in said and "\n-# a line of mine\n" in said, said
        with open(f"{place}{name}.old") as file:
            assert file.read() == first + "# a line of mine\n"
        os.unlink(f"{place}{name}.old")
        assert _tree("/etc/exim4") == enabled
        machine.run("smtp-sts-verify-exim", "disable")


def _earlier_version(part):
    """A file of a set as the history has it, and not as it is now."""
    name, path = "transport/31_smtp-sts-verify", f"exim/{part}/transport/31_smtp-sts-verify"
    git = lambda *words: subprocess.run(["git", "-c", "safe.directory=*", "-C", exim.TOP, *words],
                                        capture_output=True, text=True, check=True).stdout
    with open(f"{exim.TOP}/{path}") as file:
        now = file.read()
    versions = (git("show", f"{commit}:{path}") for commit in git("rev-list", "HEAD", "--", path).split())
    return name, next(version for version in versions if version != now)


@case("an Exim that cannot do what the files want is refused, and what it lacks is told")
def unfit(machine):
    machine.exim.configure("split", sets=[])
    before = _tree("/etc/exim4")
    bv = "Exim version {}\nSupport for: {}\nLookups (built-in): {}\n"
    for version, support, lookups, arguments, words in [
        ("4.95 #2", "OpenSSL DANE Event", "dnsdb sqlite", [], "this is Exim 4.95"),
        ("4.98 #2", "iconv() DANE Event", "dnsdb sqlite", [], "built without TLS"),
        ("4.98 #2", "OpenSSL DANE Event", "dnsdb", ["enforce", "header"], "built without SQLite"),
        ("4.98 #2", "OpenSSL DANE Event", "dnsdb", ["reports"], "built without DKIM"),
    ]:
        with _says_of_itself(bv.format(version, support, lookups)):
            assert words in machine.run("smtp-sts-verify-exim", "enable", *arguments, status=1)
        assert _tree("/etc/exim4") == before
    with _says_of_itself(bv.format("4.100.1 #1", "OpenSSL DKIM", "lsearch wildlsearch")):
        said = machine.run("smtp-sts-verify-exim", "enable")
    for words in ("Exim 4.100.1, linked with OpenSSL", "built without DANE", "built without events", "lookups in the DNS"):
        assert words in said, said
    machine.run("smtp-sts-verify-exim", "disable")
    said = machine.run("smtp-sts-verify-exim", "enable")
    assert "linked with GnuTLS" in said and "without" not in said, said
    machine.run("smtp-sts-verify-exim", "disable")
    assert _tree("/etc/exim4") == before


@contextlib.contextmanager
def _says_of_itself(text):
    """For a while, this Exim says something else for -bV, and does everything else as before."""
    os.rename("/usr/sbin/exim4", "/usr/sbin/exim4.real")
    _write("/usr/sbin/exim4", f"""#!/bin/sh
case "$*" in *-bV*) cat <<'EOT'
{text}EOT
exit ;; esac
exec /usr/sbin/exim4.real "$@"
""")
    os.chmod("/usr/sbin/exim4", 0o755)
    try:
        yield
    finally:
        os.rename("/usr/sbin/exim4.real", "/usr/sbin/exim4")


@case("what Exim refuses is taken back; so is a removal that would leave Exim with a configuration that it refuses")
def refused(machine):
    for scheme in ("split", "single"):
        machine.exim.configure(scheme, sets=[])
        before = _tree("/etc/exim4")
        wrong = "/etc/exim4/" + ("conf.d/main/000_localmacros" if scheme == "split" else "exim4.conf.localmacros")
        with open(wrong) as file:
            right = file.read()
        _write(wrong, right + "no_such_option = 1\n")
        assert "nothing is enabled" in machine.run("smtp-sts-verify-exim", "enable", status=1)
        _write(wrong, right)
        assert _tree("/etc/exim4") == before
        machine.run("smtp-sts-verify-exim", "enable")
        with open(wrong) as file:
            right = file.read()
        _write(wrong, right + "no_such_option = 1\n")
        enabled = _tree("/etc/exim4")
        assert "still enabled" in machine.run("dpkg", "-r", "smtp-sts-verify", status=1)
        assert os.path.exists(exim.PROGRAM)
        machine.run("exim4", "-bV")
        assert sorted(_tree("/etc/exim4")) == sorted(enabled)
        _write(wrong, right)
        machine.run("dpkg", "--configure", "-a")
        machine.run("smtp-sts-verify-exim", "disable")


@case("words that the command does not know change nothing")
def misspelt(machine):
    before = _tree("/etc/exim4")
    assert "Usage" in machine.run("smtp-sts-verify-exim", status=64)
    assert "Usage" in machine.run("smtp-sts-verify-exim", "enabel", status=64)
    assert "no set 'enforced'" in machine.run("smtp-sts-verify-exim", "enable", "enforced", status=1)
    assert _tree("/etc/exim4") == before


@case("split: mail goes as the daemon says, started as its units say")
def daemon_split(machine):
    _daemon(machine, "split")


@case("single file: mail goes as the daemon says, started as its units say")
def daemon_single(machine):
    _daemon(machine, "single")


def _daemon(machine, scheme):
    machine.exim.configure(scheme, sets=[], macros={"SMTP_STS_VERIFIERS": "daemon"})
    machine.run("smtp-sts-verify-exim", "enable")
    machine.mail_waits("u@met.signed.example", "R=smtp_sts_ask")
    daemon = units.Daemon()
    try:
        machine.mail("u@met.signed.example", "good", ENFORCED, "CV=yes")
        machine.mail_waits("u@selfsigned.signed.example", "T=smtp_sts_webpki")
        machine.mail("u@nopolicy.signed.example", "plain", PLAIN)
        for name in os.listdir("/var/lib/smtp-sts-verify"):
            meta = os.stat("/var/lib/smtp-sts-verify/" + name)
            mode = 0o600 if name.endswith(".turn") else 0o640
            assert (shutil._get_uid("Debian-exim"), mode) == (meta.st_uid, stat.S_IMODE(meta.st_mode)), name
    except AssertionError as error:
        raise AssertionError(f"{error}\nthe daemon said: {daemon.said()}") from None
    finally:
        status = daemon.stop()
    assert status == 0, f"the daemon ended with {status}: {daemon.said()}"


@case("without systemd, as the README says: mail goes as the daemon says, and it ends when it is told to")
def daemon_alone(machine):
    machine.exim.configure("split", sets=[], macros={"SMTP_STS_VERIFIERS": "daemon"})
    machine.run("smtp-sts-verify-exim", "enable")
    shutil.rmtree("/run/smtp-sts-verify")
    daemon = subprocess.Popen(["sh", "-ec", exim.readme("daemon-alone").replace("setpriv", "exec setpriv")],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 30
    while not os.path.exists("/run/smtp-sts-verify/exim.sock"):
        assert daemon.poll() is None and time.monotonic() < end, daemon.stderr.read()
        time.sleep(0.05)
    machine.mail("u@met.signed.example", "good", ENFORCED, "CV=yes")
    daemon.terminate()
    assert daemon.wait(timeout=20) == 0, daemon.stderr.read()
    machine.run("systemd-tmpfiles", "--create", "smtp-sts-verify.conf")


@case("without the daemon Exim asks the program, which remembers in the same file")
def program_alone(machine):
    machine.exim.configure("split", sets=[])
    machine.run("smtp-sts-verify-exim", "enable")
    machine.mail("u@met.signed.example", "good", ENFORCED, "CV=yes")
    listed = machine.run("smtp-sts-verify", "cache", "list")
    assert "met.signed.example" in listed and "selfsigned.signed.example" in listed, listed


@case("upgraded: what was enabled, configured and remembered is so still")
def upgraded(machine):
    before, configuration = _tree("/etc"), _generated()
    machine.run("dpkg", "-i", machine.package)
    assert _tree("/etc") == before, set(_tree("/etc").items()) ^ set(before.items())
    assert _generated() == configuration
    assert "met.signed.example" in machine.run("smtp-sts-verify", "cache", "list")
    machine.mail("u@met.signed.example", "good", ENFORCED, "CV=yes")


@case("removed while it is enabled: Exim's configuration is as it was before, mail flows, policies and configuration stay")
def removed(machine):
    for scheme in ("single", "split"):
        machine.exim.configure(scheme, sets=[])
        before, generated = _tree("/etc/exim4"), _generated()
        machine.run("smtp-sts-verify-exim", "enable", "enforce", "header")
        machine.run("dpkg", "-r", "smtp-sts-verify")
        assert _tree("/etc/exim4") == before
        assert _generated() == generated
        assert not os.path.exists(exim.PROGRAM)
        machine.run("exim4", "-bV")
        machine.mail("u@plain.signed.example", "plain", PLAIN)
        assert os.path.exists(CONFIGURATION) and os.path.exists("/var/lib/smtp-sts-verify/cache.db")
        if scheme == "single":
            machine.run("dpkg", "-i", machine.package)
            assert "met.signed.example" in machine.run("smtp-sts-verify", "cache", "list")


@case("purged: nothing of it is left")
def purged(machine):
    machine.run("dpkg", "-P", "smtp-sts-verify")
    left = _paths() - machine.before
    assert not left, sorted(left)
    machine.run("update-exim4.conf")
    machine.mail("u@plain.signed.example", "plain", PLAIN)


@case("purged at once while it is enabled: Exim does not notice")
def purged_at_once(machine):
    for scheme in ("split", "single"):
        machine.exim.configure(scheme, sets=[])
        generated = _generated()
        machine.run("dpkg", "-i", machine.package)
        machine.run("smtp-sts-verify-exim", "enable")
        machine.run("dpkg", "-P", "smtp-sts-verify")
        assert _generated() == generated
        machine.run("update-exim4.conf")
        machine.mail("u@plain.signed.example", "plain", PLAIN)


def stat_mode(text):
    """The mode that `ls` writes as rwxr-xr-x."""
    return sum(1 << (8 - at) for at, letter in enumerate(text[1:10]) if letter != "-")


def _directory(path, owner, mode):
    meta = os.stat(path)
    assert (shutil._get_uid(owner), shutil._get_gid(owner), mode) == (meta.st_uid, meta.st_gid, stat.S_IMODE(meta.st_mode)), meta


def _files(directory):
    return [os.path.relpath(os.path.join(place, name), directory) for place, _, found in os.walk(directory) for name in found]


def _tree(directory):
    """What every file below a directory is; not what dpkg and its relatives write down for themselves."""
    found = {}
    for name in _files(directory):
        path = os.path.join(directory, name)
        if os.path.islink(path):
            found[name] = "-> " + os.readlink(path)
        else:
            with open(path, "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def _paths():
    """All that is there, but for what grows with any use of a machine."""
    places = ["/etc", "/usr", "/var/lib", "/run"]
    grows = re.compile(r"/var/lib/(dpkg|systemd/deb-systemd-helper-masked$|ucf)|/run/(exim4|lock)|/etc/exim4/conf\.d/retry/.*\.old$")
    found = subprocess.run(["find", *places, "-xdev"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {path for path in found if not grows.match(path)}


def _generated():
    """Exim's configuration, apart from when and from what it was made."""
    with open("/var/lib/exim4/config.autogenerated") as file:
        return [line for line in file if line.strip() and not line.startswith("#")]


def _read_by_exim(machine):
    """What Exim makes of its configuration, whichever files that comes from."""
    return [machine.run("exim4", "-bP", what) for what in ("config", "routers", "transports")][1:] + [
        re.findall(r"(?m)^\S+ +tls_required .*", machine.run("exim4", "-bP", "config"))]


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


def main():
    """Runs everything; the exit status."""
    scratch, package = sys.argv[1:]
    machine = Machine(scratch, os.path.abspath(package))
    ledger = harness.Ledger(None, "the package", exim.Build.installed())
    for function in CASES:
        ledger.run(function.words, function, machine)
    return ledger.close()


if __name__ == "__main__":
    sys.exit(main())
