"""Exims that are not configured as Debian does it: machines in the shape of others, written here (tests/platforms/shapes), on which
smtp-sts-verify-exim puts its files. The same cases run on them as on Debian's (tests/exim/run --machine NAME)."""

import os
import re
import shutil
import subprocess

import exim

SHAPES = exim.TOP + "/tests/platforms/shapes"
COMMAND = exim.TOP + "/exim/debian/smtp-sts-verify-exim"
SHARE = "/usr/share/smtp-sts-verify/exim"
# What the tests want to see of each answer, where the header set cannot be had.
NOTE = "  headers_add = X-smtp-sts-verify: $address_data\n"


class Machine(exim.Exim):
    """A machine; `live` is the configuration that Exim reads, `user` its user, `words` what its log says in the place of what
    Debian's says."""

    live = user = group = None
    words = {}
    # Cases of the header set, and of a file of Debian's configuration.
    left_out = ("header set", "cutthrough", "an empty $domain or $host: nothing is asked, TLS is demanded",
                "first use: reported at first, enforced after a verified handshake under it",
                "one line to the daemon, whatever is in $domain and $host",
                # Sessions to domains without any policy are not told of on a panel.
                "TLS reports: where nothing demands TLS a session without it is told of",
                # It is Debian's ACL that verifies recipients there.
                "daemon away while twelve recipients are verified in one SMTP session")

    def __init__(self, scratch, macros):
        super().__init__(scratch, macros)
        binary = "/usr/sbin/exim4"
        for path in ("/usr/sbin/exim", "/usr/local/sbin/exim"):
            if os.path.lexists(path):
                os.unlink(path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy2(binary, path)
            os.chmod(path, 0o4755)
        self.make_user()
        shutil.rmtree("/etc/exim4")
        os.makedirs("/etc/exim4")
        if not os.path.exists(SHARE):
            os.makedirs(os.path.dirname(SHARE), exist_ok=True)
            os.symlink(exim.TOP + "/exim", SHARE)
        # What the Exim of the tests was built to read.
        os.symlink(self.live, "/etc/exim4/exim4.conf")

    def make_user(self):
        """The tests' names of Exim's user hold: the machine's has the number of Debian's."""
        add_user(self.user, shutil._get_uid("Debian-exim"), shutil._get_gid("Debian-exim"), self.group)

    def configure(self, scheme="split", sets=("enforce",), macros=None, relay_domains="", **other):
        """The machine as it comes, then our files; `scheme` is none of this machine's."""
        assert not other, f"not on this machine: {other}"
        for path in self.files():
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)
        shutil.rmtree("/etc/smtp-sts-verify/exim", ignore_errors=True)
        lines = "".join(f"{name} = {value}\n" for name, value in {**self.macros, **(macros or {})}.items())
        self.lay_out(lines, relay_domains, "header" in sets)
        for path in ("/etc/signing-domains", "/etc/over-limit"):
            write(path, "")
        self.rebuild()
        if "enforce" in sets:
            self.command("enable", "enforce")

    def command(self, *words, status=0):
        """smtp-sts-verify-exim, as root; what it said."""
        done = subprocess.run(["sh", COMMAND, *words], capture_output=True, text=True, timeout=300)
        assert done.returncode == status, f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def rebuild(self):
        """What the panel does to make Exim's configuration."""

    def run(self, commands):
        """As an administrator; update-exim4.conf is Debian's."""
        return super().run(commands)

    def in_its_words(self, pattern):
        """What is sought in the log, as this machine says it."""
        for debian, here in self.words.items():
            pattern = pattern.replace(debian, here)
        return pattern


class CPanel(Machine):
    """/etc/exim.conf.local and a script that makes /etc/exim.conf."""

    live, user = "/etc/exim.conf", "mailnull"
    group = "mail"
    tells_without_policy = False
    words = {"R=dnslookup_relay_to_domains ": "R=lookuphost ", "R=dnslookup T=remote_smtp ": r"R=(lookuphost T=remote_smtp|smtp_sts_told T=smtp_sts_told) "}

    def files(self):
        return [self.live, "/etc/exim.conf.local", "/usr/local/cpanel"]

    def lay_out(self, lines, relay_domains, note):
        os.makedirs("/usr/local/cpanel/scripts")
        write("/usr/local/cpanel/version", "11.0\n")
        shutil.copy2(SHAPES + "/cpanel/buildeximconf", "/usr/local/cpanel/scripts")
        parts = read(SHAPES + "/cpanel/exim.conf.parts")
        if note:
            parts = parts.replace("remote_smtp:\n  driver = smtp\n", "remote_smtp:\n  driver = smtp\n" + NOTE)
        write("/usr/local/cpanel/scripts/exim.conf.parts", parts)
        write("/etc/exim.conf.local", read(SHAPES + "/cpanel/exim.conf.local").replace("@CONFIG@\n", "@CONFIG@\n" + lines))
        write("/etc/localdomains", "origin.example\n")
        write("/etc/mailhelo", "origin.example: panel.origin.example\n")
        write("/etc/mailips", "")
        write("/etc/secondarymx", relay_domains + "\n")

    def rebuild(self):
        self.run("/usr/local/cpanel/scripts/buildeximconf")


class DirectAdmin(Machine):
    """/etc/exim.conf, made anew at each update, and files that it includes."""

    live, user, group = "/etc/exim.conf", "mail", "mail"
    tells_without_policy = False
    words = CPanel.words

    def files(self):
        return [self.live, "/etc/exim.routers.pre.conf", "/etc/exim.transports.pre.conf", "/etc/virtual", "/usr/local/directadmin"]

    def lay_out(self, lines, relay_domains, note):
        os.makedirs("/usr/local/directadmin/custombuild")
        os.makedirs("/etc/virtual")
        for name in ("build_exim_conf", "exim.conf"):
            shutil.copy2(f"{SHAPES}/directadmin/{name}", "/usr/local/directadmin/custombuild")
        write("/etc/exim.dkim.conf", read(SHAPES + "/directadmin/exim.dkim.conf") + (NOTE if note else ""))
        write("/etc/exim.variables.conf", lines)
        write("/etc/virtual/domains", "origin.example\n")
        write("/etc/virtual/relay_domains", relay_domains + "\n")
        for name in ("domainowners", "over-limit"):
            write("/etc/virtual/" + name, "")

    def rebuild(self):
        self.run("/usr/local/directadmin/custombuild/build_exim_conf")


class Single(Machine):
    """One file with all sections, in the shape of that which Exim's authors release; how it differs is in the class."""

    live, user = "/etc/exim/exim.conf", "exim"
    words = {"R=dnslookup_relay_to_domains ": "R=by_hand "}
    mark = None  # a file that only such a machine has

    def files(self):
        return [self.live]

    def lay_out(self, lines, relay_domains, note):
        os.makedirs(os.path.dirname(self.live), exist_ok=True)
        if self.mark:
            write(self.mark, "3.20\n")
        text = read(SHAPES + "/single/configure")
        text = text.replace("exim_user = exim\nexim_group = exim\n", f"exim_user = {self.user}\nexim_group = {self.user}\n")
        text = text.replace("relay_to_domains =\n", f"relay_to_domains = {relay_domains}\n")
        if note:
            text = text.replace("\nremote_smtp:\n  driver = smtp\n", "\nremote_smtp:\n  driver = smtp\n" + NOTE)
        write(self.live, text.replace("\nbegin acl", "\n" + lines + "\nbegin acl", 1))


class EnterpriseLinux(Single):
    """/etc/exim/exim.conf."""


class Alpine(Single):
    """The same place; the system is told by a file of its own."""

    mark = "/etc/alpine-release"


class FreeBSD(Single):
    """/usr/local/etc/exim/configure."""

    live, user = "/usr/local/etc/exim/configure", "mailnull"


class Hestia(Machine):
    """Debian's Exim with a template in one file, without Debian's marks."""

    live, user = "/var/lib/exim4/config.autogenerated", "Debian-exim"

    def __init__(self, scratch, macros):
        super().__init__(scratch, macros)
        shutil.rmtree("/etc/exim4")
        os.makedirs("/usr/local/hestia", exist_ok=True)

    def files(self):
        return ["/etc/exim4"]

    def lay_out(self, lines, relay_domains, note):
        shutil.copytree(self.pristine, "/etc/exim4", symlinks=True)
        os.makedirs("/etc/exim4/domains")
        os.makedirs("/etc/exim4/domains/origin.example")
        self._answer(dc_use_split_config="false", dc_eximconfig_configtype="internet")
        text = read(SHAPES + "/hestia/exim4.conf.template")
        write("/etc/exim4/exim4.conf.template", text.replace("\nbegin acl", "\n" + lines + "\nbegin acl", 1) if lines else text)

    def rebuild(self):
        self.run("update-exim4.conf")


MACHINES = {"cpanel": CPanel, "directadmin": DirectAdmin, "enterprise-linux": EnterpriseLinux, "alpine": Alpine,
            "freebsd": FreeBSD, "hestia": Hestia}


def add_user(name, uid, gid, group=None):
    """A user, and a group of that name or another, in this private /etc."""
    group = group or name
    for path, key, line in [("/etc/passwd", name, f"{name}:x:{uid}:{gid}::/var/spool/exim4:/usr/sbin/nologin\n"),
                            ("/etc/group", group, f"{group}:x:{gid}:\n")]:
        write(path, re.sub(rf"(?m)^{re.escape(key)}:.*\n", "", read(path)) + line)


def read(path):
    """All of a text file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    """A text file with that in it."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
