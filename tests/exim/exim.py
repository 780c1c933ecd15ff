"""Debian's Exim with our files installed as the README says, and one delivery after the other."""

import dataclasses
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MAINLOG, PANICLOG = "/var/log/exim4/mainlog", "/var/log/exim4/paniclog"
PROGRAM = "/usr/bin/smtp-sts-verify"
CACHE = "/var/lib/smtp-sts-verify"
SENDER = "sender@origin.example"


@dataclasses.dataclass
class Delivery:
    """What Exim's main log said about one message."""

    log: str

    def line(self, recipient):
        """The last line about a recipient that says delivered, deferred or failed."""
        lines = [l for l in self.log.splitlines() if re.search(rf" (=>|->|==|\*\*) {re.escape(recipient)}", l)]
        assert lines, f"nothing in the log about {recipient}:\n{self.log}"
        return lines[-1]


class Exim:
    """One private installation; `scratch` is where the pristine configuration is kept, `macros` are in every one."""

    def __init__(self, scratch, macros):
        self.macros = macros
        self.pristine = scratch + "/pristine-exim4"
        shutil.copytree("/etc/exim4", self.pristine, symlinks=True)
        shutil.rmtree("/var/spool/exim4", ignore_errors=True)
        for directory, mode in [("/var/spool/exim4", 0o750), ("/var/log/exim4", 0o2750)]:
            shutil.rmtree(directory, ignore_errors=True)
            os.makedirs(directory)
            shutil.chown(directory, "Debian-exim", "Debian-exim")
            os.chmod(directory, mode)
        with open("/etc/mailname", "w") as file:
            file.write("origin.example\n")
        self.tree = scratch + "/tree"
        os.makedirs(self.tree + "/target/release")
        os.symlink(TOP + "/exim", self.tree + "/exim")

    def install_program(self, path):
        """Installs a program under the name that Exim calls, and an empty cache directory, as the README says."""
        built = self.tree + "/target/release/smtp-sts-verify"
        if os.path.lexists(built):
            os.unlink(built)
        os.symlink(path, built)
        self.run(readme("program"))

    def configure(self, scheme, sets=("enforce",), macros=None, configtype="internet", relay_domains="", smarthost="",
                  hubbed=None):
        """Debian's configuration as it comes, then our files on top as the README says.

        `scheme` is "split" or "single"; `sets` are of "enforce" and "header"; `macros` are an administrator's presets.
        """
        shutil.rmtree("/etc/exim4")
        shutil.copytree(self.pristine, "/etc/exim4", symlinks=True)
        self._answer(
            dc_eximconfig_configtype=configtype,
            dc_use_split_config="true" if scheme == "split" else "false",
            dc_other_hostnames="origin.example",
            dc_relay_domains=relay_domains,
            dc_smarthost=smarthost,
            dc_local_interfaces="127.0.0.1",
        )
        presets = {
            "MAIN_HARDCODE_PRIMARY_HOSTNAME": "origin.example",
            "MAIN_SMTPUTF8_ADVERTISE_HOSTS": "*",
            "MAIN_LOG_SELECTOR": "+tls_certificate_verified +tls_peerdn +tls_sni",
            **self.macros,
            **(macros or {}),
        }
        lines = "".join(f"{name} = {value}\n" for name, value in presets.items()) + "allow_utf8_domains = true\n"
        target = "conf.d/main/000_localmacros" if scheme == "split" else "exim4.conf.localmacros"
        with open("/etc/exim4/" + target, "w") as file:
            file.write(lines)
        if hubbed:
            with open("/etc/exim4/hubbed_hosts", "w") as file:
                file.write(hubbed + "\n")
        for part in sets:
            self.run(readme(f"{part}-{scheme}"))
        self.run(readme("enable"))

    def run(self, commands):
        """Runs commands of an administrator, in a copy of the source tree."""
        done = subprocess.run(["sh", "-ec", commands], cwd=self.tree, capture_output=True, text=True)
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def deliver(self, *recipients, text="Subject: test\n\nHello.\n", options=(), fresh=True):
        """Hands a message to Exim, which tries to deliver it at once and is waited for.

        With `fresh`, what Exim remembers of hosts is dropped before, and the message afterwards if it still waits.
        """
        if fresh:
            self.forget_hints()
        start = _size(MAINLOG)
        command = ["exim4", *options, "-odi", "-f", SENDER, *recipients]
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)
        assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"
        delivery = Delivery(self.log_since(start))
        if fresh:
            self.empty_queue()
        return delivery

    def queue(self, recipient):
        """Hands a message to Exim, which only queues it."""
        command = ["exim4", "-odq", "-f", SENDER, recipient]
        subprocess.run(command, input=b"Subject: test\n\nHello.\n", check=True, timeout=60)

    def submit(self, recipient, text="Subject: test\r\n\r\nHello.\r\n"):
        """Hands over a message by SMTP with SMTPUTF8, as a client on this machine would."""
        self.forget_hints()
        start = _size(MAINLOG)
        talk = f"EHLO origin.example\r\nMAIL FROM:<{SENDER}> SMTPUTF8\r\nRCPT TO:<{recipient}>\r\nDATA\r\n{text}.\r\nQUIT\r\n"
        done = subprocess.run(["exim4", "-odi", "-bs"], input=talk.encode(), capture_output=True, timeout=120)
        delivery = Delivery(self.log_since(start) + done.stdout.decode("utf-8", "replace"))
        self.empty_queue()
        return delivery

    def route(self, recipient):
        """What `exim4 -bt` says about an address."""
        return subprocess.run(["exim4", "-bt", recipient], capture_output=True, text=True, timeout=120).stdout

    def forget_hints(self):
        """Drops what Exim remembers of hosts that failed, and of messages that wait for them."""
        shutil.rmtree("/var/spool/exim4/db", ignore_errors=True)

    def empty_queue(self):
        """Removes every message that waits."""
        waiting = re.findall(r"\b\w{6}-\w{6,11}-\w{2,4}\b", subprocess.run(["exim4", "-bpr"], capture_output=True, text=True).stdout)
        if waiting:
            subprocess.run(["exim4", "-Mrm", *waiting], capture_output=True)

    def log_since(self, offset):
        """The main log from an offset on."""
        with open(MAINLOG, "rb") as file:
            file.seek(offset)
            return file.read().decode("utf-8", "replace")

    def log_size(self):
        """Where the main log ends now."""
        return _size(MAINLOG)

    def _answer(self, **answers):
        """Sets the answers that debconf would."""
        path = "/etc/exim4/update-exim4.conf.conf"
        with open(path) as file:
            text = file.read()
        for name, value in answers.items():
            text = re.sub(rf"(?m)^{name}=.*$", f"{name}='{value}'", text)
        with open(path, "w") as file:
            file.write(text)


def replace_binary(path):
    """Another build of Exim in the place of Debian's, in this private /usr; it must have been built for
    /var/lib/exim4/config.autogenerated, /var/spool/exim4 and the user Debian-exim."""
    os.unlink("/usr/sbin/exim4")
    shutil.copyfile(path, "/usr/sbin/exim4")
    os.chmod("/usr/sbin/exim4", 0o4755)


def readme(block, suite="tests/exim"):
    """The commands of a code block of the README; a comment `<!-- tests/exim: NAME -->` stands above it."""
    with open(TOP + "/README.md", encoding="utf-8") as file:
        found = re.search(rf"<!-- {suite}: {block} -->\s*```\w*\n(.*?)```", file.read(), re.S)
    assert found, f"the README has no code block with the comment {suite}: {block}"
    return found.group(1)


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0
