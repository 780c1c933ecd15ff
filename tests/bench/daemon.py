"""What the benchmarks of the daemon share: the world that it is asked about, the daemon itself, and one line a figure."""
import atexit
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
INSIDE = "--inside-the-namespace"
PROTOCOLS = ("socketmap", "exim")
POSTFIX_TCP, PEER_TCP = "127.0.0.1:8461", "127.0.0.1:8463"
MIB = 1 << 20

missed = 0


def row(what, figure, word, goal, detail="", wrong=0):
    """One line of the table."""
    global missed
    met = (goal is None or (figure <= goal if word == "at most" else figure >= goal)) and not wrong
    missed += not met
    print(f"{'ok    ' if met else 'MISSED'} {what}: {figure:.2f} ({'no goal' if goal is None else f'{word} {goal}'})"
          f"{'; ' + detail if detail else ''}{f'; {wrong} WRONG' if wrong else ''}", flush=True)


def said(line):
    """A line of key=value words."""
    words = {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)(?= |$)", line)}
    example = re.search(r'example=(".*")', line)
    return words | ({"example": example[1]} if example else {})


def spawn(command, files=None, **more):
    """A process that ends with this one."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
    process = subprocess.Popen(command, preexec_fn=limit, **{"stdin": subprocess.DEVNULL} | more)
    atexit.register(end, process)
    return process


def end(process, how=signal.SIGKILL):
    if process.poll() is None:
        process.send_signal(how)
        process.wait()


def await_socket(path, process, log=None):
    for _ in range(1_000):
        try:
            address = path if path.startswith("/") else ("127.0.0.1", int(path.rpartition(":")[2]))
            with socket.socket(socket.AF_UNIX if path.startswith("/") else socket.AF_INET) as peer:
                peer.connect(address)
                return
        except OSError:
            if process.poll() is not None:
                said = open(log).read()[-2000:] if log else ""
                sys.exit(f"{process.args[0]} ended with {process.returncode} before it listened: {said}")
            time.sleep(0.01)
    sys.exit(f"{process.args[0]} does not listen at {path}")


def worked(process):
    """Seconds that all threads of a process have computed, as the scheduler counts them."""
    nanoseconds = 0
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{thread}/schedstat") as file:
            nanoseconds += int(file.read().split()[0])
    return nanoseconds / 1e9


class World:
    """The laboratory: thousands of domains, a name server and their policy hosts."""

    def __init__(self, load, domains):
        command = [load, "world", "--domains", str(domains), "--at-home"]
        self.process = spawn(command, files=4_096, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.options = re.match(r"LAB='(.*)'", self.process.stdout.readline())[1].split()
        self.domains = self.tell("domains").split()

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def of(self, kind, count=None):
        return [name for name in self.domains if name.startswith(kind)][:count]


class Daemon:
    """`serve`, at two sockets of its own."""

    number = 0

    def __init__(self, bench, cache=None, files=None, program=None, config=None, under=()):
        Daemon.number += 1
        self.directory = os.path.join(bench.directory, f"daemon{Daemon.number}")
        os.mkdir(self.directory, 0o750)
        self.exim, self.postfix = (os.path.join(self.directory, name) for name in ("exim", "postfix"))
        self.cache = cache or os.path.join(self.directory, "cache.db")
        options = list(bench.options)
        if config:
            options[options.index("--config") + 1] = config
        command = [*under, program or bench.program, "serve", "--exim", self.exim, "--postfix", self.postfix,
                   "--postfix", POSTFIX_TCP, *options, "-c", self.cache, *bench.extra]
        self.log = open(os.path.join(self.directory, "log"), "w+")
        self.process = spawn(command, files=files or 20_000, stdout=self.log, stderr=self.log)
        for place in (self.exim, self.postfix):
            await_socket(place, self.process, self.log.name)

    def at(self, protocol):
        return self.exim if protocol == "exim" else self.postfix

    def memory(self, what="VmRSS"):
        """Resident octets, now (VmRSS) or at most (VmHWM)."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"{what}:\s*(\d+) kB", status.read())[1]) * 1024

    def ask(self, domain, host):
        """What Exim would be told."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(self.exim)
            peer.sendall(f"P {domain} {host}\n".encode())
            peer.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: peer.recv(4096), b"")).decode().strip()

    def end(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            sys.exit(f"the daemon ended with {self.process.returncode}: {self.log.read()[-2000:]}")
        end(self.process, signal.SIGTERM)


class Peer(Daemon):
    """postfix-mta-sts-resolver with uvloop: set up as its Debian package is (SQLite, TCP), or as fast as it can be (its copies in
    memory, a UNIX socket). Its copies last an hour."""

    def __init__(self, bench, directory, at_its_fastest=False, under=()):
        unix = os.path.join(directory, "peer")
        self.postfix, place, cache = (PEER_TCP, {"host": "127.0.0.1", "port": 8463},
                                      {"type": "sqlite", "options": {"filename": os.path.join(directory, "peer.db")}})
        if at_its_fastest:
            self.postfix, place, cache = unix, {"path": unix, "mode": 0o600}, {"type": "internal", "options": {"cache_size": 10_000}}
        config = os.path.join(directory, "peer.yml")
        with open(config, "w") as file:
            json.dump({**place, "cache": cache, "cache_grace": 3_600}, file)
        authority = bench.world.options[bench.world.options.index("--ca-file") + 1]
        self.log = open(os.path.join(directory, "peer.log"), "w+")
        self.process = spawn([*under, self.program_in(bench.given.peer), "-c", config, "-v", "warn"],
                             env=os.environ | {"SSL_CERT_FILE": authority}, files=4_096, stdout=self.log, stderr=self.log)
        await_socket(self.postfix, self.process, self.log.name)

    @staticmethod
    def program_in(directory):
        return os.path.join(directory, "bin", "mta-sts-daemon")

    @classmethod
    def is_in(cls, directory):
        """Whether it is installed there; says so if it is not."""
        if os.path.exists(cls.program_in(directory)):
            return True
        print(f"left out: no postfix-mta-sts-resolver in {directory} (tests/bench/serve --help tells how to get it)")
        return False


class Bench:
    """A world, and what is asked about it. `given` holds the options `program`, `load` and `domains`."""

    def __init__(self, given, directory):
        self.given, self.directory = given, directory
        self.program, self.load = os.path.realpath(given.program), os.path.realpath(given.load)
        self.extra = ["--allow-root"]  # the namespace is made by root
        self.world = World(self.load, given.domains)
        self.options = list(self.world.options)
        self.options[self.options.index("--config") + 1] = self.configuration(max_domains=1_100_000)

    def configuration(self, **settings):
        """A file with these numbers."""
        path = os.path.join(self.directory, "-".join(map(str, settings.values())) + ".toml")
        with open(path, "w") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())
        return path

    def questions(self, protocol, domains):
        """A file with a question about each domain and the beginning of its answer."""
        path = os.path.join(self.directory, f"questions-{protocol}-{len(domains)}-{domains[0]}")
        with open(path, "w") as file:
            for domain in domains:
                is_plain = domain.startswith("plain")
                if protocol == "exim":
                    words = "tls=opportunistic policy=none" if is_plain else "tls=webpki policy=mta-sts"
                    file.write(f"P {domain} mx.{domain}\tverdict=deliver {words}\n")
                else:
                    file.write(f"policy {domain}\t{'NOTFOUND' if is_plain else f'OK secure match=mx.{domain}'}\n")
        return path

    def put(self, at, protocol, questions, connections, *more):
        """What `load ask` counts."""
        run = subprocess.run([self.load, "ask", "--at", at, "--protocol", protocol, "--connections", str(connections),
                              *map(str, more), questions], stdout=subprocess.PIPE, text=True, check=True)
        figures = said(run.stdout)
        if figures["wrong"] or figures["waits"]:
            print(f"    {figures['wrong']:.0f} wrong answers, {figures['waits']:.0f} by which mail waits, such as "
                  f"{figures.get('example')}")
        return figures

    def ask(self, at, protocol, questions, connections=1, seconds=None, once=False, pause=0):
        """The same where the world is well: mail that waits has a wrong answer."""
        more = ["--once"] if once else ["--seconds", seconds or self.given.seconds, "--pause", pause]
        figures = self.put(at, protocol, questions, connections, *more)
        figures["wrong"] += figures["waits"]
        return figures


def alone():
    """In namespaces of its own: the laboratory has the ports of a real one. The directory for all that the benchmark makes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    directory = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    atexit.register(shutil.rmtree, directory, True)
    os.chmod(directory, 0o755)
    with open(os.path.join(directory, "resolv.conf"), "w") as file:
        file.write("nameserver 127.0.0.1\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    with open("/proc/sys/net/core/somaxconn", "w") as setting:
        setting.write("4096")
    return directory


def build():
    """The program as it is released, and what measures it."""
    for command in (["cargo", "--locked", "static"], ["cargo", "build", "--release", "--locked", "-p", "load", "-p", "lab"]):
        subprocess.run(command, cwd=ROOT, check=True)


def go_inside(given):
    """Builds what is missing, and starts the benchmark once more, in namespaces of its own."""
    if os.geteuid() != 0:
        sys.exit("this needs root: it makes namespaces in which the laboratory has the ports of a real one")
    if not (os.path.exists(given.program) and os.path.exists(given.load)):
        build()
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:], INSIDE])
