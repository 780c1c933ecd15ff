"""Fleets of daemons with a real PostgreSQL between them, on loopback. What is tried is a function; its first sentence is what has to be true."""

import contextlib
import html
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import hosts  # noqa: E402
import postgres  # noqa: E402
import reports  # noqa: E402
import rules  # noqa: E402
from clock import Clock  # noqa: E402
from hosts import Attacker, Host, wait  # noqa: E402
from rules import PASSWORD  # noqa: E402

# A domain of the laboratory with a policy of MTA-STS in an unsigned zone; a host that it permits, one that it does not.
DOMAIN, GOOD, BAD = "sts.test", "mx1.sts.test", "mx.hosting.test"
QUESTIONS = [("sts.test", "mx1.sts.test"), ("sts.test", "mx.hosting.test"), ("enforced.test", "mx1.enforced.test"),
             ("none.test", "mx.none.test"), ("plain.test", "mx.plain.test"), ("dane.test", "mx1.dane.test")]
HOUR = 3600


class Laboratory:
    """The world, the database, and what hosts need to share it."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="fleet-")
        os.chmod(self.directory, 0o755)
        self.world = hosts.World()
        self.authority = postgres.Authority(self.directory, "authority")
        self.database = postgres.Server(self.directory, self.authority).with_its_database()
        self.database.sql(self.schema(), "fleet")
        self.password = os.path.join(self.directory, "password")
        with open(self.password, "w") as file:
            file.write(PASSWORD + "\n")
        os.chmod(self.password, 0o600)
        for name in ("operator", "mx1", "mx2", "mx3", "mx4", "mx5"):
            self.keys(name)
        self.known = os.path.join(self.directory, "known")
        os.makedirs(self.known)
        for role in ("mx1", "mx2", "mx3", "mx4", "mx5", "mx9", "stranger"):
            group = "" if role == "stranger" else " IN ROLE fleet_host"
            self.database.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'{group} CONNECTION LIMIT 3")
        self.database.sql(f"CREATE ROLE alice LOGIN PASSWORD '{PASSWORD}' IN ROLE fleet_operator")
        for role in ("mx1", "mx2"):
            shutil.copy(os.path.join(self.directory, f"{role}.pem"), self.known)
        self.all_hosts = []

    def keys(self, name):
        """A key of Ed25519, as the page tells."""
        key = os.path.join(self.directory, f"{name}.key")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", os.path.join(self.directory, f"{name}.pem")],
                       check=True, capture_output=True)

    @staticmethod
    def schema():
        """What the program prints."""
        done = subprocess.run([os.path.join(hosts.TARGET, "smtp-sts-verify"), "fleet", "schema"], capture_output=True,
                              text=True, check=True)
        return done.stdout

    def section(self, role, server=None, **more):
        """The section of a host."""
        server = server or self.database
        keys = {"hosts": f"localhost-data@127.0.0.1:{server.port}", "database": "fleet", "role": role,
                "ca_file": self.authority.file, "password_file": self.password,
                "operator_key": os.path.join(self.directory, "operator.pem"),
                "witness_key": os.path.join(self.directory, f"{role}.key"), "witness_keys": self.known, **more}
        return "[fleet]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items() if value)

    def host(self, name, role=None, dns=None, environment=None, **more):
        """A host of the fleet, which is connected; without a role one that has no fleet."""
        one = Host(self.directory, name, self.world, self.section(role, **more) if role else None, dns)
        self.all_hosts.append(one)
        one.start(environment)
        if role:
            wait(one.connected, f"{name} is connected", 20)
        return one

    def stop(self):
        """Ends all of it."""
        for host in self.all_hosts:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                host.stop()
        self.database.stop()
        self.world.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def clock(self):
        """A clock to be moved."""
        return Clock(self.directory)

    def row(self, domain, columns="fetched_at"):
        """What the store says of a domain."""
        lines = self.database.sql(f"SELECT {columns} FROM fleet.policy WHERE domain = '{domain}'")
        return lines[0] if lines else None

    def lie(self, role, domain, mode="enforce", mx="mx.elsewhere.test", ahead=0, max_age=604800):
        """What a host says that an attacker has."""
        body = f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n"
        now = int(time.time()) + ahead
        row = ["mta-sts", "v=STSv1; id=lie;", body, "webpki", now, now + max_age, None]
        fingerprint = self.database.sql("SELECT encode(fingerprint, 'hex') FROM fleet.host LIMIT 1")[0]
        # As the program does, it wakes the others in a statement of its own.
        statement = rules.offer(domain, row).replace("0" * 32, fingerprint) + " NOTIFY smtp_sts_fleet;"
        return self.database.as_role(role, PASSWORD, statement)


def rules_of_the_database(lab):
    """The database keeps the merge rule of the vectors, and a host's role can do nothing else"""
    rules.vectors(lab.database)
    rules.two_roles_are_two(lab.database)
    rules.what_a_role_cannot_do(lab.database)
    rules.a_role_has_so_much_room(lab.database)
    rules.a_role_that_hangs(lab.database)
    rules.a_word_is_one_of_four(lab.database)
    rules.a_ruler_who_is_no_superuser(lab.database, lab.schema())


def learnt_by_one(lab):
    """What one host learns binds on another within 2 s, although an attacker keeps it from the policy; without a wake-up within 10 s"""
    one, alone = lab.host("one", "mx1"), lab.host("alone", dns=Attacker(lab.world.dns).address)
    attacked = lab.host("attacked", "mx3", dns=Attacker(lab.world.dns).address)
    assert alone.verdict(DOMAIN, BAD).startswith("deliver"), "without a fleet the attacker has his way"
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
    took = wait(lambda: attacked.hears_of(DOMAIN), "the other host hears of it", 2)
    assert attacked.verdict(DOMAIN, GOOD) == "deliver policy-met", attacked.ask(DOMAIN, GOOD)
    assert not attacked.verdict(DOMAIN, BAD).startswith("deliver"), attacked.ask(DOMAIN, BAD)
    assert (DOMAIN, "mta-sts") not in attacked.policies(), "one host's word is no policy of its own"
    print(f"  heard after {took:.2f} s")
    code, shown = attacked.command("cache", "show", DOMAIN, "--format", "json")
    heard = json.loads(shown)["heard"][0]
    assert (code, heard["roles"], heard["standing"], heard["own_look"]) == (0, ["mx1"], "binds-until-seen", "unconfirmed"), heard
    told = json.loads(attacked.command("explain", DOMAIN, "--format", "json")[1])["grounds"]["mta_sts"]
    assert (told["heard"]["roles"], told["heard"]["standing"], told["cached"]) == (["mx1"], "binds-until-seen", None), told
    for words in (["cache", "show", DOMAIN], ["cache", "history", DOMAIN], ["explain", DOMAIN]):
        said = " ".join(attacked.command(*words)[1].split())
        assert "mx1 of the fleet" in said and "nobody has confirmed it" in said, said
    mine = json.loads(one.command("cache", "show", DOMAIN, "--format", "json")[1])["policies"][0]["learnt"]
    assert (mine["from"], mine["confirmed_by"], mine["roles"]) == ("own-fetch", "own-fetch", []), mine
    # The same by looking alone: a row that nobody was woken for.
    lab.database.sql("INSERT INTO fleet.policy (domain, fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, "
                     "witness, change) SELECT 'quiet.test', fingerprint, mechanism, record, body, authentication, fetched_at, "
                     f"expires_at, witness, nextval('fleet.change') FROM fleet.policy WHERE domain = '{DOMAIN}'")
    print(f"  by looking alone after {wait(lambda: attacked.hears_of('quiet.test'), 'it is found by looking', 10):.2f} s")


def told_to_people(lab):
    """The status page, the series, doctor and check tell of the fleet: hosts, groups, clock, role, store; and what a role may do too much"""
    one, two = lab.host("one", "mx1"), lab.host("two", "mx2")
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
    store = lab.database.sql("SELECT id FROM fleet.fleet_schema")[0]
    wait(lambda: f'fleet_store_info{{store="{store}",schema="2"}} 1' in one.page("/metrics"), "the store is told", 30)
    page = one.page("/")
    for expected in ("The fleet", store, "mx1", f"127.0.0.1 port {lab.database.port}"):
        assert expected in page, expected
    series = one.page("/metrics")
    for expected in ("fleet_groups 1\n", 'fleet_hosts{state="unseen"} 0\n', "fleet_overrides 0\n"):
        assert expected in series, series
    found = doctor(one)
    assert {name: one["result"] for name, one in found.items()} == {f"fleet.{name}": "fine" for name in (
        "connection", "schema", "role", "clock", "groups")}, found
    # What it should not be able to do; a host of another group.
    lab.database.sql("GRANT TEMPORARY ON DATABASE fleet TO mx1", "fleet")
    lab.database.sql("GRANT fleet_operator TO mx1")
    two.base = two.base.replace(f'ca_file = "{lab.world.options["ca_file"]}"', f'ca_file = "{lab.authority.file}"')
    two.write()
    two.stop()
    two.start()
    wait(lambda: len(set(lab.database.sql("SELECT fingerprint FROM fleet.host"))) == 2, "the other group shows itself", 30)
    found = doctor(one)
    assert found["fleet.role"]["result"] == "warning" and "temporary" in found["fleet.role"]["seen"] and "fleet_operator" in found["fleet.role"]["seen"], found
    assert found["fleet.groups"]["result"] == "warning" and "mx2" in found["fleet.groups"]["seen"], found
    lab.database.sql("UPDATE fleet.fleet_schema SET version = 4, oldest_reader = 3")
    found = doctor(one)
    assert (found["fleet.schema"]["result"], found["fleet.clock"]["result"]) == ("warning", "unchecked"), found
    lab.database.kill()
    found = doctor(one)
    assert (found["fleet.connection"]["result"], found["fleet.schema"]["result"]) == ("warning", "unchecked"), found
    wait(lambda: "is not connected" in one.page("/"), "the page says so", 20)
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"


def how_the_fleet_is(lab):
    """Status, page and series tell of yesterday's reports, overdue renewals, what was fetched twice, since when the oldest waits, policies by mode, and each host's last trouble"""
    now = int(time.time())
    row = lambda age: rules.columns(f"E1 webpki {age} {age + 604800} -", now)
    # Of two that fetch within a minute the second one has done so needlessly, and that once, however often it says so.
    for role, age, said in (("mx4", -300, "stored"), ("mx5", -280, "stored"), ("mx5", -280, "same"), ("mx5", -100, "stored"), ("mx2", -99, "stored")):
        assert lab.database.as_role(role, PASSWORD, rules.offer("twice.test", row(age))) == (True, said), (role, age)
    twice = lambda: lab.database.sql("SELECT host, twice FROM fleet.quota WHERE twice > 0 ORDER BY host")
    assert twice() == ["mx2\t1", "mx5\t1"]
    # Its own fetch of half a minute before is no other host's.
    for role, age in (("mx4", -900), ("mx5", -700), ("mx5", -670)):
        assert lab.database.as_role(role, PASSWORD, rules.offer("own.test", row(age))) == (True, "stored"), (role, age)
    assert twice() == ["mx2\t1", "mx5\t1"]
    # Whoever is forgotten may add as much again; how often two have fetched the same is no smaller for that.
    assert lab.database.as_role("alice", PASSWORD, "SELECT fleet.forget('mx5')")[0]
    assert twice() == ["mx2\t1", "mx5\t1"] and lab.database.sql("SELECT octets FROM fleet.quota WHERE host = 'mx5'") == ["0"]
    lab.database.sql("INSERT INTO fleet.reporter VALUES ('mx1', now(), true), ('mx4', now() - interval '2 hours', true), ('mx5', now() - interval '2 days', true)")
    yesterday = int(lab.database.sql("SELECT floor(extract(epoch FROM now()) / 86400)::int - 1")[0])
    lab.database.sql(f"INSERT INTO fleet.handed (day, host, all_at) VALUES ({yesterday}, 'mx1', now())")
    lab.database.sql("INSERT INTO fleet.report (day, domain, part, bucket, moment, state, owner) "
                     f"SELECT {yesterday}, 'a' || n || '.test', 0, n, now(), CASE WHEN n < 4 THEN 'sent' ELSE 'claimed' END, 'mx' || n % 2 FROM generate_series(1, 7) AS n")
    lab.database.sql(f"INSERT INTO fleet.sheet (day, domain, host, bucket, sheet) SELECT {yesterday}, 'b' || n % 5 || '.test', 'mx' || n, 0, 'x' FROM generate_series(1, 9) AS n")
    lab.database.sql("SELECT fleet.seen('other', '', 0, 9, 0)")
    lab.database.sql(f"UPDATE fleet.host SET name = 'mx4', outbox_since = {now - 900}, overdue = 3, trouble = 'the <disk> is full', trouble_at = {now - 60}")
    for name in ("b.test", "c.test", "d.test"):
        kind = "T" if name != "b.test" else "E1"
        assert lab.database.as_role("mx4", PASSWORD, rules.offer(name, rules.columns(f"{kind} webpki -10 604790 -", now))) == (True, "stored")
    # The server does that by itself, when a tenth of a table has changed.
    lab.database.sql("ANALYZE fleet.policy")
    one = lab.host("one", "mx1")
    wait(lambda: 'fleet_reports{state="unclaimed"} 5\n' in one.page("/metrics"), "it has looked at the fleet", 30)
    page, series = one.page("/"), one.page("/metrics")
    date = time.strftime("%Y-%m-%d", time.gmtime(yesterday * 86400))
    for expected in (f"TLS reports about {date}", "Not handed in yet: mx4.", "the oldest for 15 minutes", "the \\x3cdisk\\x3e is full", "<dt>enforce</dt><dd>3</dd>", "<dt>testing</dt><dd>2</dd>", "<dt>webpki</dt><dd>5</dd>",
                     "<dt>fetched twice in a minute</dt><dd>2</dd>", "<dt>not fetched again in time</dt><dd>3</dd>"):
        assert expected in page or expected.replace("\\x3c", "&lt;").replace("\\x3e", "&gt;") in page, (expected, page[page.find("The fleet"):])
    for expected in ('fleet_reports{state="claimed"} 4\n', 'fleet_reports{state="sent"} 3\n', "fleet_reports_missing 1\n", "fleet_overdue 3\n",
                     "fleet_fetched_twice_total 2\n", "renewals_overdue 0\n"):
        assert expected in series, (expected, series)
    code, said = one.command("fleet", "status", "--format", "json")
    told = json.loads(said)
    assert code == 0 and told["fetched_twice"] == 2 and told["by_mode"] == {"enforce": 3, "testing": 2} and told["by_authentication"] == {"webpki": 5} and told["unknown"] == [], told
    assert told["reports"] == {"day": date, "missing": ["mx4"], "unclaimed": 5, "more": False, "claimed": [
        {"host": "mx0", "state": "claimed", "reports": 2}, {"host": "mx0", "state": "sent", "reports": 1},
        {"host": "mx1", "state": "claimed", "reports": 2}, {"host": "mx1", "state": "sent", "reports": 2}]}, told["reports"]
    (other,) = [host for host in told["hosts"] if host["name"] == "mx4"]
    assert (other["outbox_since"], other["overdue"], other["trouble"]) == (now - 900, 3, {"at": now - 60, "why": "the <disk> is full"}), other
    code, said = one.command("fleet", "status")
    for expected in ("fetched by two hosts within a minute so far: 2", f"TLS reports about {date}: 2 claimed by mx0, 1 sent by mx0, ", "5 not claimed",
                     "not handed in yet: what was counted by mx4", "the last trouble of mx4, ", "by mode: 3 enforce, 2 testing; by authentication: 5 webpki"):
        assert code == 0 and expected in said, (expected, said)
    # A statement that is refused leaves the rest as it is.
    lab.database.sql("REVOKE SELECT ON fleet.quota FROM fleet_host; ALTER TABLE fleet.sheet RENAME TO sheets")
    code, said = one.command("fleet", "status", "--format", "json")
    told = json.loads(said)
    assert (code, told["fetched_twice"], told["reports"]) == (75, None, None) and told["by_mode"] == {"enforce": 3, "testing": 2} and len(told["hosts"]) == 2, told
    assert ["(42501)" in told["unknown"][0]["why"], "(42P01)" in told["unknown"][1]["why"]] == [True, True] and len(told["unknown"]) == 2, told["unknown"]
    code, said = one.command("fleet", "status")
    assert code == 75 and "the last trouble of mx4, " in said and "not known: the TLS reports about the day before, for " in said, said
    lab.database.sql("GRANT SELECT ON fleet.quota TO fleet_host; ALTER TABLE fleet.sheets RENAME TO sheet")
    # Of so many sheets, one a host and domain, no more are looked at, and that is said.
    lab.database.sql(f"INSERT INTO fleet.sheet (day, domain, host, bucket, sheet) SELECT {yesterday}, 'a.test', 'h' || n, 0, 'x' FROM generate_series(1, 10000) AS n")
    code, said = one.command("fleet", "status", "--format", "json")
    told = json.loads(said)["reports"]
    assert code == 0 and (told["unclaimed"], told["more"]) == (1, True), told
    lab.database.sql("DELETE FROM fleet.sheet WHERE domain = 'a.test'")
    # What this host finds wrong with the database it tells the others when that is over; and since when something waits to be offered.
    lab.database.sql("ALTER FUNCTION fleet.offer RENAME TO offered")
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
    wait(lambda: tried(one) > 0, "it is refused", 20)
    lab.database.sql("ALTER FUNCTION fleet.offered RENAME TO offer")
    wait(lambda: lab.database.sql("SELECT 1 FROM fleet.host WHERE name = 'mx1' AND trouble LIKE '%(42883)%'"), "it is told, with its code", 40)


def inert(text, what):
    """Checks that nothing of a stranger's text acts where this is shown: no control character, no direction of writing, no tag, no line of its own, no end to it."""
    strange = {f"U+{ord(one):04X}" for one in text if one != "\n" and unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp")}
    assert not strange, (what, strange)
    assert "x" * 2000 not in text and (what != "/" or "<script" not in text), (what, text[:2000])
    assert not [line for line in text.splitlines() if line.lstrip().startswith("forged")], (what, text)


def strangers_texts(lab):
    """Whatever text stands in the database, and whatever its server says, comes out inert: on the page, in series and the log, and from every command that tells of it"""
    one = lab.host("one", "mx1")
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
    wait(lambda: lab.row(DOMAIN), "it is offered", 5)
    text = "\x1b[31m\x07\r\nforged_total 1\n\u0085\u2028\u202e\u2066<script>alert('&quot;\\\"')</script>\x7f"
    hostile = lambda text: "E'" + "".join(one if one.isalnum() else f"\\u{ord(one):04x}" for one in text) + "'"
    short, long = hostile(text), hostile(text + "x" * 100_000)
    # Whoever rules the database is kept by nothing that stands in its schema.
    lab.database.sql("DO $$ DECLARE one record; BEGIN FOR one IN SELECT conrelid::regclass AS place, conname FROM pg_constraint "
                     "WHERE contype = 'c' AND connamespace = 'fleet'::regnamespace LOOP "
                     "EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.conname); END LOOP; END $$")
    policy = ("INSERT INTO fleet.policy (domain, fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, witness, change) SELECT {}, "
              "fingerprint, {}, {}, {}, {}, fetched_at, expires_at, {}, nextval('fleet.change') FROM fleet.policy WHERE domain = '" + DOMAIN + "'")
    columns = [f"'{DOMAIN}'", "mechanism", "record", "body", "authentication", "witness"]
    for number in range(6):
        # One column of each; the domain is another one.
        of = [f"'strange{number}.test'", *columns[1:]]
        of[number] = f"ARRAY[{short} || ' 1 2 -', 'mx4 ' || {short}, {short}]" if number == 5 else short
        lab.database.sql(policy.format(*of))
    yesterday = "floor(extract(epoch FROM now()) / 86400)::int - 1"
    for sql in (
            f"INSERT INTO fleet.host SELECT {short}, {long}, fingerprint, now(), 0, 0, 0, NULL, 0, {long}, 1 FROM fleet.host",
            f"INSERT INTO fleet.reporter VALUES ({short}, now(), true)",
            f"INSERT INTO fleet.report SELECT {yesterday}, {short}, 0, 0, now(), {short}, {short}, NULL, {long}",
            f"INSERT INTO fleet.sheet SELECT {yesterday}, {short}, {short}, 0, NULL, {long}",
            f"INSERT INTO fleet.history SELECT now(), {short}, fingerprint, {short}, {short}, NULL, {long}, {long}, 'weakened' FROM fleet.host LIMIT 1",
            f"INSERT INTO fleet.decree (number, statement, signature) VALUES (7, {long}, 'x'), (8, {short}, 'x')"):
        lab.database.sql(sql)
    last = int(lab.database.sql("SELECT last_value FROM fleet.change")[0])
    wait(lambda: one.rows(f"SELECT 1 FROM store WHERE change >= {last}"), "all is read", 20)
    lab.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smtp-sts-verify'")
    wait(lambda: "forged_total" in one.page("/"), "the page tells of the host", 90)

    def look():
        """All that is told."""
        told = {path: one.page(path) for path in ("/", "/metrics", "/readyz")}
        for words in (["fleet", "status"], ["fleet", "check"], ["cache", "list"], ["reports", "outbox"], *(
                [*words, domain] for domain in (DOMAIN, *(f"strange{number}.test" for number in range(1, 6)))
                for words in (["cache", "show"], ["cache", "history"], ["explain"]))):
            for shape in ("human", "json"):
                told[" ".join([*words, shape])] = one.command(*words, *(["--format", shape] if words[1] != "check" else []))[1]
        told["doctor"] = json.dumps(doctor(one))
        with open(os.path.join(one.home, "log")) as log:
            told["log"] = log.read()
        for what, text in told.items():
            inert(text, what)
        assert "forged" not in told["/metrics"], "no stranger adds a series"
        return told
    told = look()
    for what in ("/", "fleet status human", "fleet status json"):
        assert told[what].count("forged_total") > 2, (what, told[what])
    # And what the server says.
    lab.database.sql(f"CREATE FUNCTION public.strange() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING '%', {short}; "
                     f"RAISE EXCEPTION USING MESSAGE = {long}, DETAIL = {long}, HINT = {short}; END $$; "
                     "CREATE TRIGGER strange BEFORE INSERT OR UPDATE ON fleet.host FOR EACH ROW EXECUTE FUNCTION public.strange()")
    begun = os.path.getsize(os.path.join(one.home, "log"))
    lab.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smtp-sts-verify'")
    wait(lambda: one.page("/").count("forged_total") > told["/"].count("forged_total"), "the page tells what the server says", 60)
    look()
    with open(os.path.join(one.home, "log")) as log:
        log.seek(begun)
        assert "forged_total" in log.read()
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"


def other_versions(lab):
    """A database of an earlier schema, or of a later one that this program cannot read, is refused in words and left alone; a later one that it can read is used"""
    one = lab.host("one", "mx1")
    one.stop()
    for words, code, word, expected in (
            ("version = 1, oldest_reader = 1", 78, "configuration", "a schema of version 1, and this program needs version 2"),
            ("version = 9, oldest_reader = 8", 75, "newer-schema", "(readable from version 8 on) that this program does not know: upgrade it here")):
        lab.database.sql(f"UPDATE fleet.fleet_schema SET {words}; UPDATE fleet.host SET seen_at = 'epoch'; DELETE FROM fleet.policy")
        done = one.command("fleet", "check")
        assert done[0] == code and expected in done[1], done
        assert one.command("fleet", "status")[0] == code
        done = one.command("fleet", "purge", DOMAIN, "--signing-key", os.path.join(lab.directory, "operator.key"), "--role", "alice",
                           "--password-file", lab.password, "--reason", "x")
        assert done[0] == code and expected in done[1], done
        begun = os.path.getsize(os.path.join(one.home, "log"))
        one.start()
        # Mail goes on; what it learns waits.
        assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
        wait(lambda: f'fleet_total{{outcome="{word}"}} 0\n' not in one.page("/metrics"), f"it is refused as {word}", 20)
        with open(os.path.join(one.home, "log")) as log:
            log.seek(begun)
            assert expected in log.read()
        assert expected in html.unescape(one.page("/")), one.page("/")
        assert one.rows("SELECT domain FROM outbox", "cache.db") == [(DOMAIN,)]
        one.stop()
        assert lab.database.sql("SELECT extract(epoch FROM seen_at)::int FROM fleet.host") == ["0"] and lab.row(DOMAIN) is None, "nothing is written"
        assert lab.database.sql("SELECT count(*) FROM fleet.decree") == ["0"]
    # The version as an earlier build had it.
    lab.database.sql("UPDATE fleet.fleet_schema SET version = 2, oldest_reader = 2")
    lab.database.sql("ALTER FUNCTION fleet.seen RENAME TO saw")
    done = one.command("fleet", "check")
    assert done[0] == 78 and "as an earlier build of this program wrote it" in done[1], done
    lab.database.sql("ALTER FUNCTION fleet.saw RENAME TO seen")
    # And a later one that says that it can be read.
    lab.database.sql("UPDATE fleet.fleet_schema SET version = 3, oldest_reader = 2")
    lab.database.sql("ALTER FUNCTION fleet.seen RENAME TO saw")
    done = one.command("fleet", "check")
    assert done[0] == 0, f"a later version's own word is enough: {done}"
    lab.database.sql("ALTER FUNCTION fleet.saw RENAME TO seen")
    assert one.command("fleet", "check")[0] == 0
    one.start()
    wait(lambda: lab.row(DOMAIN), "what waited is offered", 20)


def a_purge_that_is_killed(lab):
    """A host that is killed between the note of a purge and the purge does it when it is started again, also without the database; and what is learnt after it stays"""
    one = lab.host("one", "mx1")
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
    wait(lambda: lab.row(DOMAIN), "it is offered", 5)
    # Somebody else writes to the file of policies: the note can be written, and the purge has to wait.
    other = sqlite3.connect(one.cache, isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    code, said = one.command("fleet", "purge", DOMAIN, "--signing-key", os.path.join(lab.directory, "operator.key"), "--role", "alice",
                             "--password-file", lab.password, "--reason", "ticket 4714")
    assert code == 0, said
    wait(lambda: one.rows("SELECT 1 FROM decree WHERE number > 0"), "it is noted as obeyed", 20)
    one.kill()
    lab.database.kill()
    other.execute("ROLLBACK")
    other.close()
    assert (DOMAIN, "mta-sts") in one.policies() and one.rows("SELECT 1 FROM decree WHERE number < 0"), "it was killed in between"
    one.start()
    wait(lambda: (DOMAIN, "mta-sts") not in one.policies(), "it is purged", 20)
    wait(lambda: not one.rows("SELECT 1 FROM decree WHERE number < 0"), "and that is noted", 20)
    # It is done once.
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
    failures = tried(one)
    wait(lambda: tried(one) > failures, "it has tried to connect, and looked at what is owed", 20)
    assert (DOMAIN, "mta-sts") in one.policies()


def doctor(host):
    """What doctor says of the fleet, by check."""
    # As a user who can read what the daemon's can: root would have it looked at by somebody who cannot.
    above = os.path.dirname(host.home)
    os.chmod(host.home, 0o755)
    for name in os.listdir(above):
        if name == "password" or name.endswith(".key"):
            shutil.chown(os.path.join(above, name), postgres.OWNER)
    command = ["setpriv", "--reuid", postgres.OWNER, "--regid", postgres.OWNER, "--init-groups",
               os.path.join(hosts.TARGET, "smtp-sts-verify"), "doctor", "--offline", "--deadline", "8", "--format", "json",
               "--config", host.configuration]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    return {one["check"]: one for one in json.loads(said[said.index("{"):])["checks"] if one["check"].startswith("fleet.")}


def nobody_weakens(lab):
    """Neither a host that an attacker has nor whoever rules the database weakens what another host enforces"""
    one = lab.host("one", "mx1")
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
    wait(lambda: lab.row(DOMAIN), "it is offered", 5)
    for told in (lab.lie("mx9", DOMAIN, mode="testing", mx="*.test", ahead=200), lab.lie("mx9", DOMAIN, mx="*.test", ahead=210),
                 lab.lie("mx9", DOMAIN, max_age=0, ahead=220)):
        assert told == (True, "stored"), told
    went, told = lab.lie("mx9", DOMAIN, mode="testing", ahead=400)
    assert told == "future", "no clock wins for ever"
    lab.database.sql("UPDATE fleet.policy SET record = 'v=STSv1; id=2;', body = E'version: STSv1\\nmode: none\\nmax_age: 86400\\n', "
                     "fetched_at = extract(epoch FROM now())::bigint, expires_at = extract(epoch FROM now())::bigint + 86400, "
                     "witness = ARRAY['mx1 1 2 -', 'mx2 1 2 -', 'mx4 1 2 -'], change = nextval('fleet.change')")
    lab.database.sql("UPDATE fleet.fleet_schema SET version = 2")
    last = int(lab.row(DOMAIN, "change"))
    wait(lambda: one.rows(f"SELECT 1 FROM store WHERE change >= {last}"), "it is heard", 10)
    assert one.policies()[(DOMAIN, "mta-sts")] == "enforce"
    assert not one.verdict(DOMAIN, BAD).startswith("deliver"), one.ask(DOMAIN, BAD)
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"


def nobody_holds_mail_up(lab):
    """Neither of them holds up another host's mail: a proven absence or an own fetch wins at once, all else within four hours"""
    clock = Clock(lab.directory)
    one = lab.host("one", "mx1")
    two = lab.host("two", "mx2", environment=clock.environment())
    # sts.test has a policy, none.test proves that it has none, plain.test is not signed.
    domains = {"sts.test": "mx1.sts.test", "none.test": "mx.none.test", "plain.test": "mx.plain.test"}
    wait(lambda: lab.database.sql("SELECT 1 FROM fleet.host"), "a host has shown itself", 10)
    for domain in domains:
        assert lab.lie("mx9", domain) == (True, "stored")
        wait(lambda: one.hears_of(domain) and two.hears_of(domain), domain, 5)
    assert one.verdict("sts.test", "mx1.sts.test") == "deliver policy-met", "its own fetch wins"
    assert one.verdict("none.test", "mx.none.test").startswith("deliver"), "the proof wins"
    assert two.verdict("plain.test", "mx.plain.test").startswith(("defer", "refuse")), two.ask("plain.test", "mx.plain.test")
    clock.set(2 * HOUR)
    assert lab.lie("mx9", "plain.test", mx="mx.other.test", ahead=9)[0], "it says something new"
    clock.set(4 * HOUR + 60)
    wait(lambda: two.verdict("plain.test", "mx.plain.test").startswith("deliver"), "the mail goes after four hours", 20)
    # Whoever rules the database writes any name, and no signature.
    lab.database.sql("UPDATE fleet.policy SET witness = ARRAY['mx1 1 2 -', 'mx4 1 2 -', 'mx5 1 2 -'], fetched_at = fetched_at + 20, "
                     "expires_at = expires_at + 20, change = nextval('fleet.change') WHERE domain = 'plain.test'")
    last = int(lab.row("plain.test", "change"))
    wait(lambda: two.rows(f"SELECT 1 FROM store WHERE change >= {last}"), "it is heard", 10)
    assert two.verdict("plain.test", "mx.plain.test").startswith("deliver"), "three names that signed nothing are one"
    assert ("plain.test", "mta-sts") not in two.policies()


def two_hosts_bind(lab):
    """What two hosts have fetched and signed binds on a third one that can see nothing, for as long as the policy lives"""
    clock = Clock(lab.directory)
    one, two = lab.host("one", "mx1"), lab.host("two", "mx2")
    attacked = lab.host("attacked", "mx3", dns=Attacker(lab.world.dns).address, environment=clock.environment())
    for host in (one, two):
        assert host.verdict(DOMAIN, GOOD) == "deliver policy-met"
    wait(lambda: (DOMAIN, "mta-sts") in attacked.policies(), "it is a policy of the third, too", 5)
    clock.set(30 * HOUR)
    assert not attacked.verdict(DOMAIN, BAD).startswith("deliver"), attacked.ask(DOMAIN, BAD)
    story = attacked.command("cache", "history", DOMAIN)[1]
    assert "of the fleet" in story and "mx1" in story and "mx2" in story, story
    learnt = json.loads(attacked.command("cache", "show", DOMAIN, "--format", "json")[1])["policies"][0]["learnt"]
    assert (learnt["from"], learnt["confirmed_by"], sorted(learnt["roles"])) == ("fleet", "roles", ["mx1", "mx2"]), learnt
    learnt = json.loads(attacked.command("explain", DOMAIN, "--format", "json")[1])["grounds"]["mta_sts"]["learnt"]
    assert (learnt["from"], sorted(learnt["roles"])) == ("fleet", ["mx1", "mx2"]), learnt
    said = " ".join(attacked.command("explain", DOMAIN)[1].split())
    assert "of the fleet, confirmed by 2 roles" in said, said
    # What they have signed outlives what this host has; the command of a delivery knows it, too.
    attacked.stop()
    with contextlib.closing(sqlite3.connect(attacked.cache)) as cache, cache:
        assert cache.execute("DELETE FROM policy WHERE domain = ?", (DOMAIN,)).rowcount == 1
    attacked.environment = clock.environment()
    for host, expected in ((BAD, "refuse"), (GOOD, "deliver")):
        code, said = attacked.command("-d", DOMAIN, "-m", host, "--format", "json")
        told = json.loads(said[said.index("{"):])
        # In the order in which they have said it.
        assert told["verdict"] == expected and re.search("mx[12] and mx[12] of the fleet", " ".join(told["notes"])), told
    assert (DOMAIN, "mta-sts") not in attacked.policies(), "and it is no fetch of its own"


def nobody_waits_for_one_that_hangs(lab):
    """A role that leaves a transaction open keeps no other host from offering, hearing and obeying; and what it held comes when it has ended"""
    one, two = lab.host("one", "mx1"), lab.host("two", "mx3")
    wait(lambda: lab.database.sql("SELECT 1 FROM fleet.host"), "a host has shown itself", 10)
    fingerprint = lab.database.sql("SELECT encode(fingerprint, 'hex') FROM fleet.host LIMIT 1")[0]
    now = int(time.time())
    held = rules.offer(DOMAIN, rules.columns("E2 webpki -10 604790 -", now)).replace("0" * 32, fingerprint)
    hung = lab.database.hang("mx9", PASSWORD, held + " SELECT fleet.seen('x', '', 0, 0, 0);")
    try:
        assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
        wait(lambda: 'fleet_total{outcome="busy"} 0' not in one.page("/metrics"), "it is told that somebody holds it", 5)
        assert one.rows("SELECT domain FROM outbox", "cache.db") == [(DOMAIN,)], "it waits to be offered"
        assert one.verdict("enforced.test", "mx1.enforced.test") == "deliver policy-met"
        took = wait(lambda: two.hears_of("enforced.test"), "the other host hears of what nobody holds", 2)
        code, said = one.command("fleet", "purge", "enforced.test", "--signing-key", os.path.join(lab.directory, "operator.key"), "--role", "alice",
                                 "--password-file", lab.password, "--reason", "x")
        assert code == 0, said
        wait(lambda: not two.hears_of("enforced.test") and ("enforced.test", "mta-sts") not in one.policies(), "both obey", 15)
        assert 'slow"} 0' in one.page("/metrics") and one.connected() and two.connected()
    finally:
        hung.kill()
        hung.wait(10)
    later = wait(lambda: two.hears_of(DOMAIN), "the other host hears of what was held", 15)
    assert one.rows("SELECT domain FROM outbox", "cache.db") == []
    print(f"  heard after {took:.2f} s, and {later:.2f} s after the end of the one that hung")


def unread_decrees(lab):
    """What the operator has decreed and this host cannot read is told, and mail waits rather than go without it"""
    one = lab.host("one", "mx1")
    alice = ["--role", "alice", "--password-file", lab.password, "--reason", "ticket 4713"]
    operator = os.path.join(lab.directory, "operator.key")
    code, said = one.command("fleet", "override", "plain.test", "--require", "webpki", "--signing-key", operator, *alice)
    assert code == 0, said
    mine = ("-d", "plain.test", "-m", "mx.plain.test")
    wait(lambda: "reason=override" in one.ask("plain.test", "mx.plain.test")[0], "it obeys", 10)
    assert "override" in one.command(*mine, "--format", "json")[1]
    lab.database.kill()
    wait(lambda: "is not connected" in one.page("/"), "it is away", 20)
    assert "ticket 4713" in one.page("/") and "fleet_overrides 1" in one.page("/metrics"), "the page tells of it all the same"
    one.stop()
    one.start()
    wait(lambda: "ticket 4713" in one.page("/") and "fleet_overrides 1" in one.page("/metrics"), "and after a start", 5)
    one.stop()
    # Whatever becomes of the file of others' words, what was decreed counts, and nobody else's mail waits.
    kept, inbox, public = os.path.join(one.home, "cache.decrees"), os.path.join(one.home, "cache.fleet.db"), os.path.join(lab.directory, "operator.pem")
    for harm in (hot_journal, damaged):
        harm(inbox)
        assert "override" in one.command(*mine, "--format", "json")[1], harm.__doc__
        code, said = one.command("-d", "none.test", "-m", "mx.none.test", "--format", "json")
        assert json.loads(said[said.index("{"):])["verdict"] == "deliver", (harm.__doc__, said)
        one.start()
        for _ in range(3):
            assert "reason=override" in one.ask("plain.test", "mx.plain.test")[0], (harm.__doc__, one.ask("plain.test", "mx.plain.test"))
            assert one.verdict("none.test", "mx.none.test").startswith("deliver"), harm.__doc__
            assert one.ask("sts.test", BAD)
        one.stop()
    for path, other in ((kept, b"x" * 8192), (public, b"x")):
        before = open(path, "rb").read()
        with open(path, "wb") as file:
            file.write(other)
        code, said = one.command(*mine, "--format", "json")
        told = json.loads(said[said.index("{"):])
        assert (told["verdict"], told["reason"], told["cache"]) == ("defer", "policy-lost", "unavailable"), told
        assert os.path.basename(path) in said and "decreed cannot be read" in said, said
        code, said = one.command("explain", "plain.test")
        assert code == 75 and "decreed cannot be read" in said, said
        # Others are concerned only where nobody can tell about whom it was.
        code, said = one.command("-d", "none.test", "-m", "mx.none.test", "--format", "json")
        assert json.loads(said[said.index("{"):])["verdict"] == ("defer" if path == kept else "deliver"), said
        one.start()
        assert one.verdict("plain.test", "mx.plain.test") == "defer policy-lost", one.ask("plain.test", "mx.plain.test")
        if path == kept:
            # It looks at it again whenever it fails to connect, and nothing that it does makes it forget.
            failures = tried(one)
            wait(lambda: tried(one) > failures, "it has tried to connect", 60)
        assert one.verdict("plain.test", "mx.plain.test") == "defer policy-lost", one.ask("plain.test", "mx.plain.test")
        assert open(path, "rb").read() == other, "it is nobody's to set aside"
        with open(path, "wb") as file:
            file.write(before)
        wait(lambda: "reason=override" in one.ask("plain.test", "mx.plain.test")[0], "it is read when it can be, without the database", 60)
        one.stop()
    # Where it stays damaged, the fleet's database tells it once more, although it was obeyed.
    damaged(kept)
    one.start()
    assert one.verdict("plain.test", "mx.plain.test") == "defer policy-lost"
    lab.database.start()
    wait(lambda: "reason=override" in one.ask("plain.test", "mx.plain.test")[0], "it is written anew from the database", 60)
    # So it is beside a daemon that is connected.
    damaged(kept)
    wait(lambda: open(kept, "rb").read() != b"x" * 8192, "it is written anew while the database is there", 20)
    one.stop()
    assert "override" in one.command(*mine, "--format", "json")[1]


def tried(host):
    """How often a host has found its database away."""
    return int(re.search(r'fleet_total\{outcome="away"\} ([0-9]+)', host.page("/metrics")).group(1))


def hot_journal(path):
    """A file of SQLite as whoever is killed in the middle of writing leaves it"""
    work = path + ".work"
    shutil.copy(path, work)
    connection = sqlite3.connect(work, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    for number in range(3000):
        connection.execute("INSERT INTO store VALUES (?, 1, 1)", (f"{number} " + "x" * 500,))
    for end in ("", "-journal"):
        shutil.copy(work + end, path + end)
        os.chmod(path + end, 0o640)
    connection.execute("ROLLBACK")
    connection.close()
    os.remove(work)
    with open(path + "-journal", "rb") as file:
        assert file.read(8) == bytes.fromhex("d9d505f920a163d7"), "a journal that has to be rolled back"


def damaged(path):
    """A file that holds something else"""
    with open(path, "wb") as file:
        file.write(b"x" * 8192)


def first_use(lab):
    """Trust on first use that a delivery confirmed on one host counts on all; what the command of a delivery stores leaves through the daemon"""
    one, two = lab.host("one", "mx1"), lab.host("two", "mx3")
    assert one.command("-d", "first.test", "-m", "mx.first.test", "--tls-verified", "yes")[0] == 0
    wait(lambda: two.hears_of("first.test"), "the other host hears of it", 5)
    assert two.verdict("first.test", "mx.first.test") == "deliver policy-met", two.ask("first.test", "mx.first.test")
    assert not two.verdict("first.test", BAD).startswith("deliver"), two.ask("first.test", BAD)


def nothing_is_lost(lab):
    """What a host learnt while the database was away, and was killed after, the others hear when both are back"""
    one, two = lab.host("one", "mx1"), lab.host("two", "mx3")
    lab.database.kill()
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met", "mail goes on"
    assert one.rows("SELECT domain FROM outbox", "cache.db") == [(DOMAIN,)]
    one.kill()
    lab.database.start()
    one.start()
    took = wait(lambda: two.hears_of(DOMAIN), "the other host hears of it", 30)
    wait(lambda: one.rows("SELECT domain FROM outbox", "cache.db") == [], "the outbox is empty", 10)
    print(f"  heard {took:.1f} s after the database was back")


def decrees(lab):
    """A purge that the operator signed is obeyed once by each host; nobody else can order one, and no old one counts again"""
    one, two = lab.host("one", "mx1"), lab.host("two", "mx2")
    for host in (one, two):
        assert host.verdict(DOMAIN, GOOD) == "deliver policy-met"
    wait(lambda: lab.row(DOMAIN), "it is offered", 5)
    alice = ["--role", "alice", "--password-file", lab.password, "--reason", "ticket 4711"]
    stranger = os.path.join(lab.directory, "mx1.key")
    code, said = one.command("fleet", "purge", DOMAIN, "--signing-key", stranger, *alice)
    assert code == 0, said
    wait(lambda: (one.page("/metrics") or "").find('fleet_total{outcome="refused"} 0') < 0, "it is seen and refused", 10)
    assert (DOMAIN, "mta-sts") in one.policies(), "signed with another key"
    code, said = one.command("fleet", "purge", DOMAIN, "--signing-key", os.path.join(lab.directory, "operator.key"), *alice)
    assert code == 0 and "decree 2" in said, said
    for host in (one, two):
        wait(lambda: (DOMAIN, "mta-sts") not in host.policies(), f"{host.name} has forgotten it", 15)
    assert lab.row(DOMAIN) is None
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met", "and learns it anew"
    # Whoever rules the database plays it again, under its number and under another.
    lab.database.sql("INSERT INTO fleet.decree (number, statement, signature) SELECT 9, statement, signature FROM fleet.decree WHERE number = 2")
    one.stop()
    one.start()
    wait(one.connected, "connected", 20)
    wait(lambda: (one.page("/metrics") or "").find('fleet_total{outcome="refused"} 0') < 0, "both are seen and refused", 10)
    assert (DOMAIN, "mta-sts") in one.policies()
    code, said = one.command("fleet", "purge", DOMAIN, "--signing-key", os.path.join(lab.directory, "operator.key"), "--role", "mx1",
                             "--password-file", lab.password, "--reason", "x")
    assert code == 75 and "permission denied" in said, f"a host's role lays nothing down: {said}"
    code, said = one.command("fleet", "status")
    assert code == 0 and "mx1" in said and "mx2" in said, said
    code, said = one.command("fleet", "forget", "mx2", "--role", "alice", "--password-file", lab.password)
    assert code == 0 and "off the list" in said, said


def overrides(lab):
    """An override that the operator signed counts on each host as one of its configuration, is told, outlives the database, and ends when it is lifted or its key is taken away"""
    one, two = lab.host("one", "mx1"), lab.host("two", "mx2")
    for host in (one, two):
        assert host.verdict(DOMAIN, GOOD) == "deliver policy-met"
        assert not host.verdict(DOMAIN, BAD).startswith("deliver")
    alice = ["--role", "alice", "--password-file", lab.password]
    operator, stranger = (os.path.join(lab.directory, f"{name}.key") for name in ("operator", "mx1"))

    def order(domain, *words, key=operator, reason="ticket 4712"):
        return one.command("fleet", "override", domain, *words, "--signing-key", key, "--reason", reason, *alice)

    code, said = order(DOMAIN, "--require", "none", key=stranger)
    assert code == 0, said
    refused = lambda host: 'fleet_total{outcome="refused"} 0' not in host.page("/metrics")
    wait(lambda: refused(one) and refused(two), "it is seen and refused", 10)
    assert not one.verdict(DOMAIN, BAD).startswith("deliver"), "signed with another key"
    for words in (["--require", "none", "--hours", "169"], ["--require", "tls"], [], ["--lift", "--ignore"]):
        assert order(DOMAIN, *words)[0] == 64, order(DOMAIN, *words)
    assert order(DOMAIN, "--ignore", reason=" ")[0] == 64
    code, said = order(DOMAIN, "--require", "none", "--hours", "2")
    assert code == 0 and "decree 2" in said, said
    for host in (one, two):
        wait(lambda: host.verdict(DOMAIN, BAD).startswith("deliver"), f"{host.name} obeys", 10)
        assert host.command("-d", DOMAIN, "-m", BAD)[0] == 0, "and so does the command"
        told = json.loads(host.command("explain", DOMAIN, BAD, "--format", "json")[1])
        assert (told["override"]["decree"], told["override"]["effect"]) == (2, "none"), told["override"]
        assert "decree 2 of the fleet's operator" in " ".join(host.command("explain", DOMAIN)[1].split())
        wait(lambda: "fleet_overrides 1" in host.page("/metrics") and "ticket 4712" in host.page("/"), "the page tells", 30)
        with open(os.path.join(host.home, "log")) as log:
            assert "an override is in force" in log.read()
    code, said = one.command("fleet", "status")
    assert code == 0 and f"the override for {DOMAIN} by decree 2" in said, said
    listed = json.loads(one.command("fleet", "status", "--format", "json")[1])["overrides"]
    assert [(entry["decree"], entry["scope"], entry["effect"]) for entry in listed] == [(2, DOMAIN, "none")], listed
    # The policy is kept: it counts again at once when the override is gone.
    assert (DOMAIN, "mta-sts") in one.policies()
    lab.database.kill()
    one.kill()
    one.start()
    assert one.verdict(DOMAIN, BAD).startswith("deliver"), "it needs no database"
    lab.database.start()
    wait(one.connected, "connected", 60)
    wait(two.connected, "connected", 60)
    # Whoever rules the database plays it again, under another number.
    code, said = order(DOMAIN, "--lift")
    assert code == 0 and "decree 3" in said, said
    for host in (one, two):
        wait(lambda: not host.verdict(DOMAIN, BAD).startswith("deliver"), f"{host.name} holds to the policy again", 10)
    lab.database.sql("INSERT INTO fleet.decree (number, statement, signature) SELECT 9, statement, signature FROM fleet.decree WHERE number = 2; "
                     "DELETE FROM fleet.decree WHERE number = 3")
    one.stop()
    one.start()
    wait(one.connected, "connected", 20)
    wait(lambda: refused(one), "it is seen and refused", 10)
    assert not one.verdict(DOMAIN, BAD).startswith("deliver"), one.ask(DOMAIN, BAD)
    # All domains below one; and a key that is taken away takes its overrides with it.
    code, said = order("*.test", "--ignore")
    assert code == 0, said
    wait(lambda: one.verdict(DOMAIN, BAD).startswith("deliver"), "it obeys", 10)
    shutil.copy(os.path.join(lab.directory, "mx2.pem"), os.path.join(lab.directory, "operator.pem"))
    one.process.send_signal(signal.SIGHUP)
    wait(lambda: not one.verdict(DOMAIN, BAD).startswith("deliver"), "the policy counts again", 10)


def who_is_believed(lab):
    """Only the named authority, only the right name, only SCRAM or a certificate; each mistake is told by fleet check, and keeps no daemon from its work"""
    other = postgres.Authority(lab.directory, "other")
    wrong_password = os.path.join(lab.directory, "wrong")
    with open(wrong_password, "w") as file:
        file.write("wrong\n")
    os.chmod(wrong_password, 0o600)
    place = f"127.0.0.1:{lab.database.port}"
    host = Host(lab.directory, "x", lab.world)
    for more, code, expected in (
            ({}, 0, "can be used by the role mx1"),
            ({"ca_file": other.file}, 78, "not one of ca_file"),
            ({"hosts": f"db.example.org@{place}"}, 78, "not one of ca_file"),
            ({"password_file": wrong_password}, 78, "password authentication failed"),
            ({"database": "nothing"}, 78, "pg_hba.conf"),
            ({"ca_file": "/nonexistent"}, 78, "/nonexistent"),
            ({"witness_key": wrong_password}, 78, wrong_password),
            ({"hosts": "localhost-data@127.0.0.1:1"}, 75, "")):
        host.write(lab.section("mx1", **more))
        done = host.command("fleet", "check")
        assert done[0] == code and expected in done[1], (more, done)
    host.write(lab.section("stranger", witness_key=None))
    done = host.command("fleet", "check")
    assert done[0] == 75 and "permission denied" in done[1], done
    # A server that asks for the password in the clear gets nothing.
    with open(os.path.join(lab.database.data, "pg_hba.conf"), "w") as file:
        file.write("local all postgres peer\nhostssl fleet +fleet_by_certificate 127.0.0.1/32 cert\n"
                   "hostssl fleet all 127.0.0.1/32 password\n")
    lab.database.sql("SELECT pg_reload_conf()")
    host.write(lab.section("mx1"))
    done = host.command("fleet", "check")
    assert done[0] == 78 and "bound to nothing" in done[1], done
    # A certificate of the authority whose common name is the role.
    lab.database.sql("CREATE ROLE mx7 LOGIN IN ROLE fleet_host, fleet_by_certificate")
    certificate, key = lab.authority.issue("mx7", False)
    host.write(lab.section("mx7", password_file=None, witness_key=None, certificate=certificate, key=key))
    assert host.command("fleet", "check")[0] == 0, host.command("fleet", "check")
    certificate, key = other.issue("mx7", False)
    host.write(lab.section("mx7", password_file=None, witness_key=None, certificate=certificate, key=key))
    assert host.command("fleet", "check")[0] != 0
    # A daemon starts with any of these, and answers.
    host.write(lab.section("mx1", ca_file="/nonexistent"))
    assert host.command("config", "check")[0] == 78
    lab.all_hosts.append(host)
    host.start()
    assert host.verdict(DOMAIN, GOOD) == "deliver policy-met"


def newer(lab):
    """The schema of a later program is left alone"""
    lab.database.sql("UPDATE fleet.fleet_schema SET version = 4, oldest_reader = 3")


def away(lab):
    """The server is gone"""
    lab.database.kill()


def stopped(lab):
    """The server is stopped in the middle of what it does"""
    lab.database.kill(signal.SIGSTOP)


def read_only(lab):
    """The server takes no writes"""
    lab.database.sql("ALTER SYSTEM SET default_transaction_read_only = on")
    lab.database.sql("SELECT pg_reload_conf()")


def full(lab):
    """There is no connection left"""
    lab.database.sql("ALTER ROLE mx1 CONNECTION LIMIT 0")
    lab.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mx1'")


def broken(lab):
    """The function is gone"""
    lab.database.sql("ALTER FUNCTION fleet.offer RENAME TO offered")


def recovered(lab):
    """All that is in order again."""
    if lab.database.process.poll() is not None:
        lab.database.start()
    lab.database.kill(signal.SIGCONT)
    time.sleep(0.2)
    lab.database.sql("ALTER SYSTEM RESET default_transaction_read_only")
    lab.database.sql("SELECT pg_reload_conf()")
    lab.database.sql("SET default_transaction_read_only = off; UPDATE fleet.fleet_schema SET version = 2, oldest_reader = 2; "
                     "ALTER ROLE mx1 CONNECTION LIMIT 3")
    if lab.database.sql("SELECT 1 FROM pg_proc WHERE proname = 'offered'"):
        lab.database.sql("ALTER FUNCTION fleet.offered RENAME TO offer")


def troubles(lab):
    """Whatever is the matter with the database, the answers are those of a host without a fleet, as fast, and the hosts agree within 30 s after its end"""
    number = 0
    for trouble in (away, stopped, read_only, full, broken, newer):
        number += 1
        one, two = lab.host(f"one{number}", "mx1"), lab.host(f"two{number}", "mx3")
        alone = lab.host(f"alone{number}")
        for host in (one, alone):
            assert host.verdict("enforced.test", "mx1.enforced.test") == "deliver policy-met"
        trouble(lab)
        for _ in range(3):
            for domain, host in QUESTIONS:
                (mine, took), (others, usual) = one.ask(domain, host), alone.ask(domain, host)
                assert mine.replace("cache=stored", "cache=hit") == others.replace("cache=stored", "cache=hit"), f"{trouble.__doc__}: {domain} {host}: {mine} instead of {others}"
                assert took < usual + 1.0, f"{trouble.__doc__}: {took:.2f} s instead of {usual:.2f} s"
        assert (DOMAIN, "mta-sts") in one.policies()
        recovered(lab)
        took = wait(lambda: two.hears_of(DOMAIN) or (DOMAIN, "mta-sts") in two.policies(), f"{trouble.__doc__}: it is heard after it", 30)
        print(f"  {trouble.__doc__}: heard {took:.1f} s after its end")
        for host in (one, two, alone):
            host.stop()
        lab.database.sql("TRUNCATE fleet.policy")


def back_in_time(lab):
    """A store that has gone back in time, or is another one, is offered all that the hosts have; and what is new under an old number is heard"""
    one, two = lab.host("one", "mx1"), lab.host("two", "mx3")
    assert one.verdict(DOMAIN, GOOD) == "deliver policy-met"
    wait(lambda: two.hears_of(DOMAIN), "it is heard", 5)
    wait(lambda: one.rows("SELECT 1 FROM store WHERE offered = 1 AND change > 0"), "all is offered", 10)
    lab.database.sql("TRUNCATE fleet.policy; SELECT setval('fleet.change', 1); UPDATE fleet.fleet_schema SET id = gen_random_uuid()")
    lab.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smtp-sts-verify'")
    wait(lambda: lab.row(DOMAIN), "another store has it", 30)
    lab.database.sql("TRUNCATE fleet.policy; SELECT setval('fleet.change', 1)")
    lab.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smtp-sts-verify'")
    wait(lambda: lab.row(DOMAIN), "the same store has it again", 30)
    # Behind a failover, or where a primary came back, something new may have a number that was read before.
    last = int(lab.database.sql("SELECT last_value FROM fleet.change")[0])
    wait(lambda: two.rows(f"SELECT 1 FROM store WHERE change >= {last}"), "all is read", 20)
    lab.database.sql("INSERT INTO fleet.policy (domain, fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, witness, change) "
                     "SELECT 'behind.test', fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, witness, change - 1 "
                     f"FROM fleet.policy WHERE domain = '{DOMAIN}'")
    lab.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smtp-sts-verify'")
    wait(lambda: two.hears_of("behind.test"), "it is read on the next connection", 30)


def any_order(lab):
    """In whatever order hosts offer what they fetched, and however often, the store ends with the same rows, and with the last fetch"""
    randomly = random.Random(4711)
    now = int(time.time())
    offers = [("mx%d" % randomly.randint(1, 5), rules.columns(f"{name} webpki {age} {age + life} -", now))
              for age, name, life in [(-1000 + 37 * number, randomly.choice(["E1", "E2", "T"]), 604800) for number in range(12)]]
    ends = set()
    for number in range(6):
        domain = f"order{number}.test"
        again = offers + randomly.sample(offers, 6)
        randomly.shuffle(again)
        # The ruler of the database may speak as any role: one session instead of many.
        told = lab.database.sql(" ".join(f"SET SESSION AUTHORIZATION {role}; {rules.offer(domain, row)}" for role, row in again))
        assert len(told) == len(again) and set(told) <= {"stored", "same", "late"}, told
        ends.add(tuple(rules.seen(lab.database, domain)))
    assert ends == {tuple(offers[-1][1])}, ends


def blocks(name):
    """The commands of the page below that comment."""
    with open(os.path.join(HERE, "..", "..", "exim", "fleet.md")) as page:
        behind = page.read().split(f"<!-- tests/fleet: {name} -->\n```sh\n", 1)[1]
    return behind.split("\n```", 1)[0]


class Machine:
    """A machine of its own: a name, a private /etc, and commands that are typed there."""

    def __init__(self, directory, name, programs):
        self.name, self.home = name, os.path.join(directory, f"machine-{name}")
        for part in ("over", "work", "bin"):
            os.makedirs(os.path.join(self.home, part))
        self.environment = {**os.environ, "PATH": f"{self.home}/bin:{programs}:" + os.environ["PATH"]}
        # Where systemd is, it sends the daemon this signal.
        with open(os.path.join(self.home, "bin", "systemctl"), "w") as file:
            file.write(f"#!/bin/sh\n[ \"$*\" = 'reload smtp-sts-verify' ] && kill -HUP $(cat {self.home}/pid)\n")
        os.chmod(os.path.join(self.home, "bin", "systemctl"), 0o755)
        mounted = (f"mount -t tmpfs tmpfs {self.home}/over && mkdir {self.home}/over/a {self.home}/over/b && "
                   f"mount -t overlay overlay -o lowerdir=/etc,upperdir={self.home}/over/a,workdir={self.home}/over/b /etc && "
                   f"hostname {name} && touch {self.home}/ready && exec sleep 1000")
        self.space = subprocess.Popen(["unshare", "--mount", "--uts", "bash", "-c", mounted])
        wait(lambda: os.path.exists(f"{self.home}/ready"), "a private /etc", 10)

    def type(self, script, check=True):
        """Types it there; what is said."""
        command = ["nsenter", "-t", str(self.space.pid), "--mount", "--uts", "bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        assert not check or done.returncode == 0, f"{self.name}: {script}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self, *command):
        """Starts something there."""
        space = ["nsenter", "-t", str(self.space.pid), "--mount", "--uts"]
        with open(os.path.join(self.home, "log"), "ab") as log:
            return subprocess.Popen([*space, *command], stdout=log, stderr=log, env=self.environment)


def the_page(lab):
    """From an empty PostgreSQL to two hosts that share, by the commands of exim/fleet.md as they stand"""
    server = postgres.Server(lab.directory, lab.authority, 5432, "page", "192.0.2.10", "db.example.org")
    programs, operator = os.path.join(lab.directory, "programs"), os.path.join(lab.directory, "operator")
    os.makedirs(programs)
    os.makedirs(operator)
    shutil.copy(os.path.join(hosts.TARGET, "smtp-sts-verify"), programs)
    machines, daemons = [], []
    try:
        ruler = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "bash", "-euo", "pipefail", "-c"]
        path = f"{programs}:{postgres.programs()}:" + os.environ["PATH"]
        subprocess.run([*ruler, blocks("database")], check=True, cwd=server.home,
                       env={**os.environ, "PATH": path, "PGHOST": server.home, "PGPORT": "5432"})
        subprocess.run(["bash", "-euo", "pipefail", "-c", blocks("operator")], check=True, cwd=operator)
        ports = {}
        for name in ("mx1", "mx2"):
            machine = Machine(lab.directory, name, programs)
            machines.append(machine)
            ports[name] = postgres.free_port()
            os.makedirs(os.path.join(machine.home, "cache"), mode=0o750)
            with open(os.path.join(machine.home, "config"), "w") as file:
                file.write(lab.world.configuration() + f'cachedb = "{machine.home}/cache/cache.db"\n'
                           f'[serve]\nexim = "127.0.0.1:{ports[name]}"\n')
            machine.type("mkdir -p /etc/smtp-sts-verify/fleet && "
                         f"cp {lab.authority.file} /etc/smtp-sts-verify/fleet/ca.pem && cp {operator}/operator.pem /etc/smtp-sts-verify/fleet/ && "
                         f"cp {machine.home}/config /etc/smtp-sts-verify/config.toml")
            daemon = machine.start("smtp-sts-verify", "serve", "--allow-root", "--log-format", "text")
            daemons.append(daemon)
            with open(os.path.join(machine.home, "pid"), "w") as file:
                file.write(str(daemon.pid))
            wait(lambda: "verdict=" in asked(ports[name], "none.test"), "the daemon answers", 20)
            said = machine.type(blocks("host"))
            assert f"can be used by the role {name}" in said, said
            # The daemon's user, whose group that is, can read what it has to.
            machine.type("cd /etc/smtp-sts-verify/fleet && for file in password witness.key hosts/$(hostname).pem; do "
                         "setpriv --reuid nobody --regid Debian-exim --clear-groups cat $file >/dev/null; done")
        for machine in machines:
            machine.type(f"cp /etc/smtp-sts-verify/fleet/hosts/*.pem {operator}/")
        for machine in machines:
            machine.type(f"cp {operator}/mx?.pem /etc/smtp-sts-verify/fleet/hosts/")
        assert "reason=policy-met" in asked(ports["mx1"], f"{DOMAIN} {GOOD}")
        heard = os.path.join(machines[1].home, "cache", "cache.fleet.db")
        wait(lambda: os.path.exists(heard) and sqlite3.connect(f"file:{heard}?mode=ro", uri=True).execute(
            f"SELECT 1 FROM hearsay WHERE domain = '{DOMAIN}'").fetchall(), "the other host hears of it", 20)
        said = machines[0].type(blocks("look"))
        assert "mx1" in said and "mx2" in said, said
        purge = blocks_of_text("smtp-sts-verify fleet purge")
        said = machines[0].type(f"cd {operator} && (umask 077; echo 'password of alice' >alice.password) && {purge}")
        assert "decree 1" in said, said
    finally:
        for daemon in daemons:
            daemon.terminate()
            daemon.wait(20)
        for machine in machines:
            machine.space.kill()
            machine.space.wait(10)
        server.stop()


def asked(port, question):
    """The answer to Exim at that port; nothing while nobody is there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as one:
            one.sendall(f"P {question}\n".encode())
            one.shutdown(socket.SHUT_WR)
            return one.makefile().read()
    except OSError:
        return ""


def blocks_of_text(begin):
    """The command in the text of the page that begins so."""
    with open(os.path.join(HERE, "..", "..", "exim", "fleet.md")) as page:
        return begin + page.read().split("`" + begin, 1)[1].split("`", 1)[0]


CASES = [rules_of_the_database, any_order, told_to_people, how_the_fleet_is, nobody_weakens, nobody_holds_mail_up,
         nobody_waits_for_one_that_hangs, first_use, nothing_is_lost, decrees, overrides, other_versions, back_in_time, troubles,
         the_page, reports.one_report_of_all]

# They wait most of the time: for an attacker's silence, for the next try. So they run beside the others, in a network of their own.
BESIDE = [strangers_texts, two_hosts_bind, learnt_by_one, unread_decrees, a_purge_that_is_killed, who_is_believed, *[case for case in reports.QUICK if case is not reports.one_report_of_all]]


def run(cases):
    """Runs these, each in a laboratory of its own; how many failed."""
    failed = 0
    for case in cases:
        begun, lab = time.monotonic(), Laboratory()
        try:
            case(lab)
            print(f"ok {case.__doc__} ({time.monotonic() - begun:.1f} s)", flush=True)
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError, sqlite3.Error) as error:
            failed += 1
            print(f"FAILED {case.__doc__}: {error}", flush=True)
            for host in lab.all_hosts:
                with open(os.path.join(host.home, "log")) as log:
                    print(f"  {host.name}: " + "  ".join(log.readlines()[-12:]))
        finally:
            lab.stop()
    return failed


class Beside:
    """A process that runs cases beside the others, and tells of them at its end."""

    def __init__(self, cases):
        self.said = tempfile.TemporaryFile("w+")
        network = ["unshare", "--net", "bash", "-c", 'ip link set lo up && exec "$@"', "beside"]
        command = [*network, sys.executable, "-B", os.path.abspath(__file__), "--cases", *[case.__name__ for case in cases]]
        self.process = subprocess.Popen(command, stdout=self.said, stderr=subprocess.STDOUT)

    def end(self):
        """Waits for it; how many failed."""
        failed = self.process.wait()
        self.said.seek(0)
        print(self.said.read(), end="", flush=True)
        return failed


def main():
    """Runs the cases whose sentence contains the words behind --only; with --long those that take minutes."""
    if "--cases" in sys.argv[1:2]:
        sys.exit(run([case for case in CASES + BESIDE if case.__name__ in sys.argv[2:]]))
    words = sys.argv[sys.argv.index("--only") + 1:] if "--only" in sys.argv else []
    long = []
    if "--long" in sys.argv[1:2]:
        # They use what is here.
        sys.modules["main"] = sys.modules["__main__"]
        import replicated  # noqa: E402
        long = reports.LONG + replicated.CASES
    if words:
        chosen = [case for case in CASES + BESIDE + long if all(word.lower() in (case.__doc__ + case.__name__).lower() for word in words)]
        sys.exit(min(run(chosen), 1))
    beside = Beside(BESIDE)
    failed = run(CASES)
    failed += beside.end()
    # Nothing is beside what is measured.
    failed += run(long)
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    main()
