"""Debian's own configuration, split and in a single file: what smtp-sts-verify-exim makes of it is, octet for octet, what stands in
shapes/debian, and what the page has administrators do by hand; and the same in another root than this machine's."""

import hashlib
import os
import re
import shutil
import subprocess

import exim
import harness
import machines
from machines import read, write

CASES = []
case = harness.case
GOLDEN = machines.SHAPES + "/debian/"
TOP = "/etc/exim4"
OURS = ".include /etc/exim4/smtp-sts-verify/"
SETS = {"enforce": ["enforce"], "header": ["header"], "reports": ["reports"], "all": ["enforce", "header", "reports"],
        "all, the other way round": ["reports", "header", "enforce"]}


class Lab:
    """This machine's Exim."""

    def __init__(self, scratch, kind, program):
        self.kind, self.scratch = kind, scratch
        self.exim = exim.Exim(scratch, {})
        self.build = exim.Build.installed()
        shutil.copyfile(program, exim.PROGRAM)
        os.chmod(exim.PROGRAM, 0o755)
        for path in ("/usr/sbin/smtp-sts-verify-exim", "/usr/share/smtp-sts-verify/exim"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.lexists(path):
                subprocess.run(["rm", "-rf", path], check=True)
        shutil.copyfile(machines.COMMAND, "/usr/sbin/smtp-sts-verify-exim")
        os.chmod("/usr/sbin/smtp-sts-verify-exim", 0o755)
        shutil.copytree(exim.TOP + "/exim", "/usr/share/smtp-sts-verify/exim")


def command(*words, status=0):
    """The command as the package has it."""
    done = subprocess.run(["smtp-sts-verify-exim", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def told(top=TOP):
    """Every file and link below a directory, with what is in it."""
    found = {}
    for place, _, files in os.walk(top):
        for path in (os.path.join(place, name) for name in files):
            name = os.path.relpath(path, top)
            found[name] = "-> " + os.readlink(path) if os.path.islink(path) else read(path)
    return found


def differences(before, after):
    """What is new, a line each: a link, or a line of a file between those around it that are not ours."""
    lines = []
    for name in sorted(after):
        if after[name].startswith("-> "):
            lines.append(f"{name} {after[name]}")
        elif after[name] != before.get(name):
            kept = [line.strip() for line in after[name].splitlines() if line.strip()]
            for at, line in enumerate(kept):
                if line.startswith(OURS):
                    above = next((other for other in reversed(kept[:at]) if not other.startswith(OURS)), "(the beginning)")
                    below = next((other for other in kept[at:] if not other.startswith(OURS)), "(the end)")
                    lines.append(f"{name}: {above} | {line} | {below}")
            rest = re.sub(rf"(?m)^{re.escape(OURS)}.*\n", "", after[name])
            assert rest == before.get(name, ""), name
    assert not before.keys() - after.keys()
    return "".join(line + "\n" for line in lines)


def generated():
    """What Exim reads, without when and from what it was made."""
    return re.sub(r"(?m)^#.*\n", "", read(exim.CONFIGURATION))


@case("Debian, split and single file: the links and lines are those of shapes/debian, octet for octet, whichever set came first")
def as_written_down(lab):
    for scheme in ("split", "single"):
        golden = dict(part.split("\n", 1) for part in read(GOLDEN + scheme).split("== ")[1:])
        for name, sets in SETS.items():
            lab.exim.configure(scheme, sets=[])
            before, bytes_before = told(), generated()
            command("enable", *sets)
            made = differences(before, told())
            assert made == golden[name], f"{scheme}, {name}:\n{made}"
            command("disable")
            assert told() == before and generated() == bytes_before, (scheme, name)


@case("Debian, split and single file: what Exim reads is, line by line, what the page's steps by hand make it read")
def as_by_hand(lab):
    for scheme in ("split", "single"):
        for sets in (["enforce"], ["header"], ["reports"], ["enforce", "header", "reports"]):
            lab.exim.configure(scheme, sets=sets)
            by_hand = lines_of(generated())
            lab.exim.configure(scheme, sets=[])
            command("enable", *sets)
            assert lines_of(generated()) == by_hand, (scheme, sets)
            # And the files that it is made from are the package's: no octet of them is another.
            for name, content in told().items():
                if content.startswith("-> "):
                    path = content.removeprefix("-> ")
                    source = exim.TOP + "/exim/" + path.removeprefix("/usr/share/smtp-sts-verify/exim/")
                    assert digest(path) == digest(source), name


def lines_of(text):
    """Without empty lines and spaces at the end, which a page's sed may leave."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def digest(path):
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@case("--root: enabled, told and disabled within another root, and nothing changes in this one")
def another_root(lab):
    root = lab.scratch + "/root"
    lab.exim.configure("split", sets=[])
    here = told()
    make_root(root)
    before = told(root + TOP)
    said = command("--root", root, "enable")
    assert "enforce is enabled." in said, said
    made = differences(before, told(root + TOP))
    assert made == dict(part.split("\n", 1) for part in read(GOLDEN + "split").split("== ")[1:])["enforce"], made
    assert "smtp_sts_ask:" in read(root + exim.CONFIGURATION) and "smtp_sts_ask:" not in read(exim.CONFIGURATION)
    assert told() == here
    assert "enforce: enabled" in command("--root=" + root, "status") and "enforce: not enabled" in command("status")
    command("--root", root, "disable")
    assert told(root + TOP) == before and told() == here
    # What cannot be done is said.
    assert "whole path" in command("--root", "root", "status", status=64)
    assert "there is no directory" in command("--root", root + "/none", "status", status=1)
    empty = lab.scratch + "/empty"
    os.makedirs(empty + "/dev")
    write(empty + "/dev/null", "")
    assert "mount /dev there first" in command("--root", empty, "status", status=1)
    os.unlink(root + "/usr/sbin/smtp-sts-verify-exim")
    assert "is not installed in that root" in command("--root", root, "status", status=1)


def make_root(root):
    """A root with this machine's programs, and /etc and /var of its own."""
    for name in ("etc", "var", "dev", "proc", "tmp", "run", "usr"):
        os.makedirs(f"{root}/{name}")
    subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir=/usr,upperdir={upper(root, 'u')},workdir={upper(root, 'w')}", "overlay", root + "/usr"], check=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        if os.path.islink("/" + name):
            os.symlink(os.readlink("/" + name), f"{root}/{name}")
    shutil.rmtree(root + "/etc")
    shutil.copytree("/etc", root + "/etc", symlinks=True)
    for name in ("lib/exim4", "spool/exim4", "log/exim4"):
        shutil.copytree("/var/" + name, f"{root}/var/{name}", symlinks=True)
    subprocess.run(["mount", "--bind", "/dev", root + "/dev"], check=True)
    subprocess.run(["mount", "--bind", "/proc", root + "/proc"], check=True)


def upper(root, name):
    """A directory for what is written over another."""
    os.makedirs(f"{root}.{name}")
    return f"{root}.{name}"
