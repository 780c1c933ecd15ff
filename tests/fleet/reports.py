"""TLS reports of a fleet: days that are moved, counts that Postfix's datagrams cause, and the mails that leave."""

import base64
import collections
import email
import gzip
import hashlib
import json
import os
import re
import socket
import socketserver
import stat
import struct
import threading
import time

from hosts import Host, wait

DAY, HOUR, MINUTE = 86400, 3600, 60
CONTACT = "tls-reports@sender.test"
# Two domains whose zones are not signed, so that the name server of this file may answer for them.
DOMAINS = ["sts.test", "plain.test"]


class Records:
    """A name server that passes on what it is asked, but for `_smtp._tls`: there each domain wants reports by mail."""

    def __init__(self, upstream):
        name, port = upstream.rsplit(":", 1)

        class Datagram(socketserver.BaseRequestHandler):
            """One question."""

            def handle(self):
                question, reply = self.request
                if question[12:].lower().startswith(b"\x05_smtp\x04_tls"):
                    reply.sendto(wished(question), self.client_address)
                    return
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
                    up.settimeout(5)
                    up.sendto(question, (name, int(port)))
                    reply.sendto(up.recv(65535), self.client_address)

        self.server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Datagram)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def wished(question):
    """The reply to a question for the record of a domain."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
        at += question[at] + 1
    asked = question[12:at + 5]
    text = f"v=TLSRPTv1; rua=mailto:rua@{'.'.join(labels[2:])}".encode()
    is_txt = asked[-4:-2] == b"\x00\x10"
    answer = b"\xc0\x0c\x00\x10\x00\x01" + struct.pack("!IHB", 60, len(text) + 1, len(text)) + text if is_txt else b""
    edns = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00"
    return question[:2] + b"\x84\x00" + struct.pack("!HHHH", 1, int(is_txt), 0, 1) + asked + answer + edns


class Sender(Host):
    """A host that counts, and sends reports to a directory."""

    def __init__(self, lab, name, role, clock, dns, sends=True):
        super().__init__(lab.directory, name, lab.world, lab.section(role), dns)
        self.clock, self.role, self.environment = clock, role, clock.environment()
        self.datagrams, self.mails = os.path.join(self.home, "tlsrpt.sock"), os.path.join(self.home, "mails")
        os.makedirs(self.mails)
        self.stub = os.path.join(self.home, "sendmail")
        self.sendmail()
        self.places += f'tlsrpt = "{self.datagrams}"\n'
        self.places += (f'[reports]\nsend = {str(sends).lower()}\norganization = "Sender"\ncontact = "{CONTACT}"\n'
                        f'sendmail = ["{self.stub}"]\n')
        self.write()
        lab.all_hosts.append(self)

    def sendmail(self, before="", after=""):
        """The command that takes a mail, with something that happens before it has and after it."""
        with open(self.stub, "w") as file:
            file.write(f'#!/bin/bash\n{before}\nmail=$(mktemp -p {self.mails} XXXXXX.part) && cat >"$mail" && mv "$mail" "${{mail%.part}}"\n{after}\n')
        os.chmod(self.stub, 0o700)

    def count(self, days):
        """Counts sessions on each of these days: of each a dictionary with (successes, failures) of each domain."""
        # Not before: while a process runs, its clock goes forward alone.
        self.clock.at(min(days), 12 * HOUR)
        self.start(self.clock.environment())
        expected = 0
        for day, domains in sorted(days.items()):
            self.clock.at(day, 12 * HOUR)
            for domain, (successes, failures) in domains.items():
                for is_failure in [0] * successes + [1] * failures:
                    detail = {"failure-details": [{"c": 201, "n": f"mx.{domain}", "r": "192.0.2.25"}]} if is_failure else {}
                    policy = {"policy-type": 9, "t": is_failure, "f": is_failure, **detail}
                    self.tell({"dpv": "1", "d": domain, "policies": [policy]})
                    expected += 1
            wait(lambda: self.heard() >= expected, f"{expected} attempts are counted", 20)
        self.stop()

    def tell(self, attempt):
        """One datagram, as libtlsrpt sends them."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.sendto(json.dumps(attempt).encode(), self.datagrams)

    def heard(self):
        """How many attempts the daemon has counted."""
        page = self.page("/metrics") or ""
        return sum(int(float(line.split()[-1])) for line in page.splitlines()
                   if line.startswith('smtp_sts_serve_tlsrpt_datagrams_total{fate="kept"}'))

    def send(self, *words):
        """A run of the timer; what it says."""
        return self.command("reports", "send", *words)[1]

    def reports(self):
        """What has left: a list of (day, domain, id, successes, failures, octets of the gzip)."""
        found = []
        for name in sorted(os.listdir(self.mails)):
            if name.endswith(".part"):
                continue
            with open(os.path.join(self.mails, name)) as file:
                mail = email.message_from_file(file)
            (part,) = [one for one in mail.walk() if one.get_content_type() == "application/tlsrpt+gzip"]
            octets = base64.b64decode(part.get_payload())
            report = json.loads(gzip.decompress(octets))
            sums = [sum(one["summary"][f"total-{kind}-session-count"] for one in report["policies"]) for kind in ("successful", "failure")]
            found.append((report["date-range"]["start-datetime"][:10], mail["TLS-Report-Domain"], report["report-id"], *sums, octets))
        return found


class Days:
    """A fleet whose days are moved: the clock is that of the hosts and of PostgreSQL."""

    def __init__(self, lab, clock, roles=("mx1", "mx2", "mx3")):
        self.lab, self.clock = lab, clock
        self.today = int(time.time()) // DAY
        clock.at = self.at
        os.chmod(clock.path, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
        lab.database.stop()
        lab.database.environment = clock.environment()
        lab.database.start()
        self.records = Records(lab.world.dns)
        self.hosts = [Sender(lab, f"sender{number}", role, clock, self.records.address) for number, role in enumerate(roles, 1)]

    def at(self, day, seconds):
        """Moves the clock to a moment of a day: 0 is today."""
        self.clock.set(int((self.today + day) * DAY + seconds - time.time()))

    def date(self, day):
        """The day as reports name it."""
        return time.strftime("%Y-%m-%d", time.gmtime((self.today + day) * DAY))

    def run(self, day, seconds, hosts=None):
        """The timers of some hosts at a moment; what they say."""
        self.at(day, seconds)
        return [host.send() for host in (self.hosts if hosts is None else hosts)]

    def rounds(self, day, seconds, hosts=None, number=3):
        """Their timers, every twenty minutes."""
        return [line for turn in range(number) for line in self.run(day, seconds + turn * 20 * MINUTE, hosts)]

    def until_all_is_told(self, day, seconds, hosts=None):
        """The same, until no report is open whose moment has come."""
        said = []
        for turn in range(12):
            said += self.run(day, seconds + turn * 20 * MINUTE, hosts)
            if turn >= 2 and not self.lab.database.sql("SELECT 1 FROM fleet.report WHERE state = 'claimed' UNION ALL SELECT 1 FROM fleet.due WHERE moment <= clock_timestamp()"):
                break
        return said

    def sums(self):
        """All that has left, by day and domain: a list of (id, successes, failures)."""
        all_of_it = collections.defaultdict(list)
        for host in self.hosts:
            for day, domain, identity, successes, failures, _ in host.reports():
                all_of_it[(day, domain)].append((identity, successes, failures))
        return {key: sorted(value) for key, value in all_of_it.items()}


def one_report_of_all(lab):
    """Three hosts send one report a domain and day with the sums; who was down for a day is told in a supplement, who was down for three is not, and is told so"""
    days = Days(lab, lab.clock())
    one, two, three = days.hosts
    for number, host in enumerate(days.hosts, 1):
        host.count({day: {domain: (number + day, number * (day % 2)) for domain in DOMAINS} for day in range(3)})
    # All are there on the day itself; then one of them is down, and is waited for until 03:00.
    days.run(0, 23 * HOUR)
    days.rounds(1, 10 * MINUTE, [one, two], 2)
    days.run(1, 2 * HOUR + 55 * MINUTE, [one, two])
    assert days.sums() == {}, days.sums()
    told = json.loads(one.command("fleet", "status", "--format", "json")[1])["reports"]
    assert told == {"day": days.date(0), "missing": ["mx3"], "unclaimed": 2, "claimed": [], "more": False}, told
    days.until_all_is_told(1, 4 * HOUR + 10 * MINUTE, [one, two])
    first = days.sums()
    assert {key: [sums[1:] for sums in value] for key, value in first.items()} == {
        (days.date(0), domain): [(3, 0)] for domain in DOMAINS}, first
    told = json.loads(one.command("fleet", "status", "--format", "json")[1])["reports"]
    assert (told["unclaimed"], sum(sent["reports"] for sent in told["claimed"] if sent["state"] == "sent")) == (0, 2), told
    # It comes back in the afternoon.
    days.until_all_is_told(1, 13 * HOUR)
    late = days.sums()
    assert {key: [sums[1:] for sums in value] for key, value in late.items()} == {
        (days.date(0), domain): [(3, 0), (3, 0)] for domain in DOMAINS}, late
    for key, value in late.items():
        (whole,), (more,) = {first[key][0][0]}, {identity for identity, *_ in value} - {first[key][0][0]}
        assert more == whole + "s1", late
    # A day with all of them, in whatever order they come.
    days.rounds(2, 10 * MINUTE, [three, one, two], 1)
    days.until_all_is_told(2, 4 * HOUR + 10 * MINUTE, [two, three, one])
    assert [days.sums().get((days.date(1), domain)) for domain in DOMAINS] == [
        [(first[(days.date(0), domain)][0][0].replace(days.date(0), days.date(1)), 9, 6)] for domain in DOMAINS], days.sums()
    # And one is down for three days; and whoever rules the database writes what is no domain: it is settled, and keeps nothing waiting.
    lab.database.sql("ALTER TABLE fleet.sheet DROP CONSTRAINT sheet_domain_check; ALTER TABLE fleet.report DROP CONSTRAINT report_domain_check")
    days.at(3, 5 * MINUTE)
    lab.database.sql(f"INSERT INTO fleet.sheet (day, domain, host, bucket, sheet) SELECT {days.today + 2}, 'NO DOMAIN ' || n, 'mx9', n % 64, 'x' "
                     "FROM generate_series(1, 1100) AS n")
    said = days.rounds(3, 10 * MINUTE, [one, two], 1) + days.until_all_is_told(3, 4 * HOUR + 10 * MINUTE, [one, two])
    before = days.sums()
    assert lab.database.sql("SELECT state, count(*) FROM fleet.report WHERE domain LIKE 'NO %' GROUP BY state") == ["unwanted\t1100"]
    assert [[sums[1:] for sums in before.get((days.date(2), domain), [])] for domain in DOMAINS] == [[(7, 0)]] * 2, (before, said)
    said = days.run(6, 12 * HOUR, [three])[0]
    assert f"{days.date(2)}: what was counted of 2 domains comes too late" in said, said
    assert "too late" not in days.run(6, 12 * HOUR + 20 * MINUTE, [three])[0], "it is told once"
    days.rounds(6, 13 * HOUR)
    assert days.sums() == before
    # What is over is emptied, and what is four days old is gone.
    assert lab.database.sql("SELECT count(*) FROM fleet.sheet WHERE sheet <> ''") == ["0"]
    assert lab.database.sql("SELECT count(*) FROM fleet.sheet") == ["0"]


def a_sender_that_dies(lab):
    """A host that is killed while it sends loses no report: it sends the rest itself, or another host does after an hour, and a copy has the same id and octets"""
    days = Days(lab, lab.clock(), ("mx1", "mx2"))
    for host in days.hosts:
        host.count({0: {domain: (2, 1) for domain in DOMAINS}})
    days.run(0, 23 * HOUR)
    days.rounds(1, 10 * MINUTE, number=1)
    # Whoever comes first is killed: once before the mail is taken, then each time after it.
    for host in days.hosts:
        host.sendmail(before=f"[ -e {host.home}/killed ] || {{ touch {host.home}/killed; kill -9 $PPID; exit 1; }}")
    days.run(1, 4 * HOUR + 30 * MINUTE)
    owners = lab.database.sql("SELECT DISTINCT owner FROM fleet.report WHERE state = 'claimed'")
    assert owners and days.sums() == {}, (owners, days.sums())
    for host in days.hosts:
        host.sendmail(after=f"[ -e {host.home}/killed-again ] || {{ touch {host.home}/killed-again; kill -9 $PPID; }}")
    # It comes back, is killed with one of them handed over, and does not come back again.
    dead = [host for host in days.hosts if host.role == owners[0]]
    (alive,) = [host for host in days.hosts if host.role != owners[0]]
    days.run(1, 4 * HOUR + 40 * MINUTE, dead)
    handed = dead[0].reports()
    assert len(handed) == 1, handed
    days.run(1, 5 * HOUR, [alive])
    alive.sendmail()
    days.rounds(1, 5 * HOUR + 50 * MINUTE, [alive], 5)
    found = collections.defaultdict(list)
    for host in days.hosts:
        for day, domain, identity, successes, failures, octets in host.reports():
            found[(day, domain)].append((identity, successes, failures, octets))
    assert set(found) == {(days.date(0), domain) for domain in DOMAINS}, found.keys()
    assert {(successes, failures) for copies in found.values() for _, successes, failures, _ in copies} == {(4, 2)}, found
    copies = sorted(len(one) for one in found.values())
    assert copies in ([1, 2], [2, 2]), copies
    assert all(len(set(copies)) == 1 for copies in found.values()), "a copy is the same, octet for octet"
    # The dead one returns, and has nothing to send any more.
    number = len(dead[0].reports())
    said = days.run(1, 8 * HOUR, dead)[0]
    assert len(dead[0].reports()) == number, said


def the_database_is_away(lab):
    """While the database is away the counts wait, and the host says so; at noon it tells them alone, and nothing is told twice when the database is back"""
    days = Days(lab, lab.clock(), ("mx1", "mx2"))
    for host in days.hosts:
        host.count({day: {domain: (1, 0) for domain in DOMAINS} for day in range(2)})
    one, two = days.hosts
    days.run(0, 23 * HOUR)
    # One of them could hand in before.
    days.run(1, 10 * MINUTE, [one])
    lab.database.kill()
    for said in days.run(1, 4 * HOUR, [two]):
        assert f"{days.date(0)}: the counts of 2 domains wait for the fleet's database until" in said, said
    assert days.sums() == {}
    said = days.rounds(1, 12 * HOUR + 5 * MINUTE)
    assert any("are told by this host alone" in line for line in said), said
    alone = days.sums()
    assert {key: [sums[1:] for sums in value] for key, value in alone.items()} == {
        (days.date(0), domain): [(1, 0)] for domain in DOMAINS}, alone
    assert all(re.search(r"h[0-9a-f]{8}$", value[0][0]) for value in alone.values()), alone
    lab.database.start()
    days.until_all_is_told(1, 14 * HOUR)
    after = days.sums()
    # What the first had handed in is the fleet's report; what the second had told alone is told no more.
    assert {key: [sums[1:] for sums in value] for key, value in after.items()} == {
        (days.date(0), domain): [(1, 0), (1, 0)] for domain in DOMAINS}, after
    days.rounds(2, 10 * MINUTE, number=1)
    # A domain that is purged is told of by nobody, and what stands of it in the database is gone.
    code, said = one.command("fleet", "purge", DOMAINS[0], "--signing-key", os.path.join(lab.directory, "operator.key"), "--role", "alice",
                             "--password-file", lab.password, "--reason", "ticket 4711")
    assert code == 0, said
    assert lab.database.sql(f"SELECT count(*) FROM fleet.sheet WHERE domain = '{DOMAINS[0]}' AND sheet <> ''") == ["0"]
    days.until_all_is_told(2, 4 * HOUR + 10 * MINUTE)
    assert {key: [sums[1:] for sums in value] for key, value in days.sums().items() if key[0] == days.date(1)} == {
        (days.date(1), DOMAINS[1]): [(2, 0)]}, days.sums()


def a_lost_answer_and_a_refusal(lab):
    """Where the database's answer to handing in is lost, nobody tells those counts twice: not at noon without the database, and not with it afterwards; where it has
    refused them, nobody loses them: at noon without the database they are told alone"""
    days = Days(lab, lab.clock(), ("mx1", "mx2"))
    for host in days.hosts:
        host.count({0: {domain: (1, 0) for domain in DOMAINS}})
    refused, lost = days.hosts
    days.run(0, 23 * HOUR)
    before = ("CREATE FUNCTION fleet.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NULL; END $$; GRANT EXECUTE ON FUNCTION fleet.later TO fleet_owner; "
              "CREATE TRIGGER later AFTER INSERT ON fleet.sheet FOR EACH STATEMENT EXECUTE FUNCTION fleet.later()")
    after = "DROP TRIGGER later ON fleet.sheet; DROP FUNCTION fleet.later"
    # A full disk, a right that was taken away, a function that is gone: the statement is undone.
    lab.database.sql(before % "RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'")
    said = days.run(1, 10 * MINUTE, [refused])[0]
    assert "no space left on device" in said and "wait for the fleet's database until" in said, said
    lab.database.sql(after)
    # It commits, and says so when nobody waits any more.
    lab.database.sql(before % "PERFORM pg_sleep(0.9)")
    said = days.run(1, 10 * MINUTE, [lost])[0]
    assert "has not said whether it has them" in said, said
    wait(lambda: lab.database.sql("SELECT count(*) FROM fleet.sheet WHERE host = 'mx2'") != ["0"], "it has them all the same", 10)
    lab.database.sql(after)
    lab.database.kill()
    said = days.run(1, 12 * HOUR + 5 * MINUTE, [lost])[0]
    assert "has not said whether it has them" in said, said
    assert days.sums() == {}, days.sums()
    said = days.run(1, 12 * HOUR + 5 * MINUTE, [refused])[0]
    assert "are told by this host alone" in said, said
    alone = {key: [sums[1:] for sums in value] for key, value in days.sums().items()}
    assert alone == {(days.date(0), domain): [(1, 0)] for domain in DOMAINS}, (alone, said)
    lab.database.start()
    days.until_all_is_told(1, 13 * HOUR)
    assert {key: [sums[1:] for sums in value] for key, value in days.sums().items()} == {
        (days.date(0), domain): [(1, 0), (1, 0)] for domain in DOMAINS}, days.sums()


def one_that_comes_back(lab):
    """A report that the mail server does not take is taken on by another host when its sender is gone for an hour, by the first again when the other one is, and sent once"""
    days = Days(lab, lab.clock(), ("mx1", "mx2"))
    for host in days.hosts:
        host.count({0: {"sts.test": (2, 1)}})
        host.sendmail(before="exit 75")
    days.run(0, 23 * HOUR)
    days.rounds(1, 10 * MINUTE, number=1)

    def owner():
        return lab.database.sql("SELECT owner, state FROM fleet.report")

    said = days.run(1, 4 * HOUR + 30 * MINUTE)
    ((role, state),) = [line.split("\t") for line in owner()]
    first, other = sorted(days.hosts, key=lambda host: host.role != role)
    assert state == "claimed" and days.sums() == {}, (said, owner())
    # It is gone; the other one takes it on after an hour and a quarter, and fares no better.
    days.run(1, 5 * HOUR + 20 * MINUTE, [other])
    assert owner() == [f"{role}\tclaimed"], owner()
    days.rounds(1, 5 * HOUR + 50 * MINUTE, [other], 2)
    assert owner() == [f"{other.role}\tclaimed"] and days.sums() == {}, owner()
    # Meanwhile the first is back, is told that it is another's, and leaves it alone.
    first.sendmail()
    days.run(1, 6 * HOUR + 20 * MINUTE, [first])
    assert first.reports() == [] and "unwanted sts.test, the fleet's" in first.command("reports", "outbox", "--all")[1], first.command("reports", "outbox", "--all")
    # Then the other one is gone, and it comes back.
    days.rounds(1, 7 * HOUR + 40 * MINUTE, [first], 4)
    assert owner() == [f"{role}\tsent"], owner()
    assert {key: [sums[1:] for sums in value] for key, value in days.sums().items()} == {(days.date(0), "sts.test"): [(4, 2)]}, days.sums()
    other.sendmail()
    days.rounds(1, 10 * HOUR, number=2)
    assert sum(len(host.reports()) for host in days.hosts) == 1, "and nobody sends it twice"


def what_a_role_may_do_about_reports(lab):
    """A host that an attacker has claims its share of a day's reports and no more, hands in so much and no more, and settles nobody else's"""
    clock = lab.clock()
    days = Days(lab, clock, ())
    password, database = "not a secret", lab.database
    sheet = '{"policies":[["none","none","",""]],"rows":[[0,"","","","","encrypted","",1]]}'

    def told(role, sql):
        went, said = database.as_role(role, password, sql)
        assert went, f"{role}: {sql}: {said}"
        return said.splitlines()

    def hands_in(role, names, text=sheet, day=0):
        many = "ARRAY(SELECT '%s' || n || '.test' FROM generate_series(1, %d) AS n)" % names
        text = f"array_fill('{text}'::text, ARRAY[{names[1]}])"
        return collections.Counter(told(role, f"SELECT outcome FROM fleet.hand_in({days.today + day}, {many}, {text})"))

    days.at(0, 23 * HOUR)
    for role in ("mx1", "mx2", "mx3"):
        told(role, "SELECT fleet.report_seen(true)")
    assert hands_in("mx1", ("a", 5)) == {"early": 5}
    days.at(1, 10 * MINUTE)
    assert hands_in("mx1", ("a", 300)) == {"stored": 300} and hands_in("mx1", ("a", 300)) == {"same": 300}
    for junk in ("A.test", "a..test", "-a.test", "192.0.2.7", "0x7f.1", "a" * 64 + ".test", ".test", "a.test.", "a b.test", "ü.test"):
        assert told("mx2", f"SELECT outcome FROM fleet.hand_in({days.today}, ARRAY['{junk}'], ARRAY['{sheet}'])") == ["refused"], junk
    assert hands_in("mx2", ("a", 1), "x" * 262145) == {"refused": 1}
    for role in ("mx1", "mx2"):
        told(role, f"SELECT fleet.handed_all({days.today})")
    claims = "SELECT count(*) FROM fleet.claim_reports(1000)"
    assert told("mx9", claims) == ["0"], "it takes no part"

    def all_are_there():
        for role in ("mx1", "mx2", "mx3"):
            told(role, "SELECT fleet.report_seen(true)")

    def due():
        return int(database.sql("SELECT count(*) FROM fleet.due WHERE moment <= clock_timestamp()")[0])

    # One has not handed in: the rest is claimed from 03:00 on. Each has its share, however often it asks.
    days.at(1, 3 * HOUR - 10)
    all_are_there()
    assert due() > 200 and told("mx1", claims) == ["0"]
    days.at(1, 3 * HOUR + 10)
    number = due()
    share = int(told("mx1", claims)[0])
    assert 20 < share < 180 and int(told("mx1", claims)[0]) == share, share
    others = int(told("mx2", claims)[0]) + int(told("mx3", claims)[0])
    assert share + others == number and due() == 0, (share, others, number)
    mine = database.sql("SELECT domain FROM fleet.report WHERE owner = 'mx2' LIMIT 1")[0]
    settle = f"SELECT fleet.settle_reports(ARRAY[{days.today}], ARRAY['{mine}'], ARRAY[0], ARRAY['sent'], ARRAY['x'])"
    assert (told("mx1", settle), told("mx2", settle), told("mx2", settle)) == (["0"], ["1"], ["0"])
    # What comes later is told every twelve hours at most.
    for part, (day, hour) in enumerate([(1, 5), (1, 13), (2, 1), (2, 13)]):
        days.at(day, hour * HOUR)
        all_are_there()
        for role in ("mx1", "mx2", "mx3"):
            told(role, claims)
        assert database.sql("SELECT max(part) FROM fleet.report WHERE domain = 'a1.test'") == [str(part)], part
        assert hands_in("mx%d" % (part + 2), ("a", 1)) == ({"stored": 1} if part < 3 else {"late": 1}), part
    a_role_that_hangs(days, told, hands_in, due, claims)
    one_that_is_held(days, told)
    one_that_is_taken_over(days, told)
    assert hands_in("mx1", ("b", 1), day=0) == {"stored": 1}
    # A host has so much room, and no more.
    database.sql(f"UPDATE fleet.handed SET sheets = 49998 WHERE host = 'mx2' AND day = {days.today}")
    assert hands_in("mx2", ("c", 3)) == {"stored": 2, "full": 1}
    database.sql(f"UPDATE fleet.handed SET octets = 67108864 - 100 WHERE host = 'mx3' AND day = {days.today}")
    assert hands_in("mx3", ("c", 3)) == {"stored": 1, "full": 2}
    days.at(3, HOUR)
    assert hands_in("mx1", ("d", 1)) == {"late": 1}
    for sql in ("UPDATE fleet.report SET state = 'sent'", "DELETE FROM fleet.sheet", "INSERT INTO fleet.sheet VALUES (1, 'a', 'mx2', 0, 0, '{}')",
                "SELECT fleet.purge_counts('a1.test', 1)", "DELETE FROM fleet.reporter", "UPDATE fleet.handed SET all_at = now()"):
        went, said = database.as_role("mx1", password, sql)
        assert not went and "permission denied" in said, f"{sql}: {said}"


def a_role_that_hangs(days, told, hands_in, due, claims):
    """What a role does in a transaction that it leaves open keeps no other host from handing in, from claiming what is not the hung one's share, and from purging."""
    database, roles = days.lab.database, ("mx1", "mx2", "mx3", "mx9")

    def within_time(sql, role="mx1"):
        said = told(role, "\\timing on\n" + sql + ";\n")
        took = float(re.search(r"Time: ([0-9.]+) ms", said[-1]).group(1))
        assert took < 500, f"{sql}: {took} ms"
        return said[0]

    def are_there():
        for role in roles:
            told(role, "SELECT fleet.report_seen(true)")

    days.at(2, 14 * HOUR)
    are_there()
    day = days.today + 1
    assert hands_in("mx1", ("k", 200), day=1) == {"stored": 200}
    many = "ARRAY(SELECT 'k' || n || '.test' FROM generate_series(1, 200) AS n), array_fill('x{}'::text, ARRAY[200])"
    hung = [database.hang("mx9", "not a secret", f"SELECT fleet.hand_in({day}, {many}); SELECT fleet.handed_all({day}); SELECT fleet.report_seen(true);")]
    try:
        assert hands_in("mx2", ("k", 200), day=1) == {"stored": 200}
        days.at(2, 14 * HOUR + 16 * MINUTE)
        for role in roles[:3]:
            told(role, "SELECT fleet.report_seen(true)")
        assert due() == 200
        hung[0].kill()
        hung[0].wait(10)
        told("mx9", "SELECT fleet.report_seen(true)")
        # It claims its share, and does not end that.
        hung.append(database.hang("mx9", "not a secret", claims + ";"))
        for role in roles[:3]:
            within_time(claims, role)
        mine = int(database.sql("SELECT count(*) FROM fleet.report WHERE domain LIKE 'k%'")[0])
        assert 100 < mine < 190, mine
        days.at(2, 15 * HOUR + 20 * MINUTE)
        for role in roles[:3]:
            within_time("SELECT fleet.report_seen(true)", role)
            within_time(claims, role)
        within_time(f"SELECT fleet.purge_counts('k1.test', {day})", "alice")
        assert due() in (199 - mine, 200 - mine), "what it holds is its own"
    finally:
        for one in hung:
            one.kill()
            one.wait(10)
    wait(lambda: database.sql("SELECT 1 FROM pg_stat_activity WHERE usename = 'mx9'") == [], "its sessions have ended", 10)
    for role in roles[:3]:
        told(role, claims)
    assert due() == 0, "the others take them over"


def of_one_bucket(letter, number):
    """Domains that are claimed together."""
    buckets = collections.defaultdict(list)
    for name in (f"{letter}{n}.test" for n in range(10, 1000)):
        found = buckets[hashlib.sha256(name.encode()).digest()[0] % 64]
        found.append(name)
        if len(found) == number:
            return found
    raise AssertionError("no bucket has so many")


def handed_in(days, told, role, names):
    """Hands in what was counted of these yesterday."""
    sheet = '{"policies":[["none","none","",""]],"rows":[[0,"","","","","encrypted","",1]]}'
    many = "ARRAY[" + ", ".join(f"'{name}'" for name in names) + "]"
    assert set(told(role, f"SELECT outcome FROM fleet.hand_in({days.today + 1}, {many}, array_fill('{sheet}'::text, ARRAY[{len(names)}]))")) == {"stored"}


def one_that_is_held(days, told):
    """One report that somebody holds costs no other its turn, and what a claim returns is what has been written."""
    database = days.lab.database
    for letter, role in (("w", "mx9"), ("v", None)):
        names = of_one_bucket(letter, 4)
        database.sql("UPDATE fleet.report SET state = 'sent' WHERE state = 'claimed'")
        days.at(2, (16 if role else 19) * HOUR)
        # The first one to be due is the third of them, by name.
        handed_in(days, told, "mx1", [names[2]])
        handed_in(days, told, "mx1", names[:2] + names[3:])
        days.at(2, (18 if role else 21) * HOUR)
        for one in ("mx1", "mx2", "mx3", "mx9"):
            told(one, "SELECT fleet.report_seen(true)")
        # A role through the function, or whoever rules the database in some other way.
        sql = "SELECT * FROM fleet.claim_reports(1);" if role else (
            f"INSERT INTO fleet.report SELECT day, domain, part, bucket, moment, 'claimed', 'mx9', now() FROM fleet.due WHERE domain = '{names[2]}';")
        hung = database.hang(role, "not a secret", sql)
        try:
            claimed = sorted(told("mx1", f"SELECT report_domain FROM fleet.claim_reports(1000) WHERE report_domain LIKE '{letter}%'"))
            there = sorted(database.sql(f"SELECT domain FROM fleet.report WHERE owner = 'mx1' AND domain LIKE '{letter}%'"))
            assert claimed == there, f"what is returned is there: {claimed}, {there}"
            assert claimed == sorted(names[:2] + names[3:]), f"the others have their turn: {claimed} of {names}"
            fixed = sorted(database.sql(f"SELECT domain FROM fleet.sheet WHERE part IS NOT NULL AND domain LIKE '{letter}%'"))
            assert fixed == claimed, f"what each tells is fixed: {fixed}"
        finally:
            hung.kill()
            hung.wait(10)
        wait(lambda: database.sql("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'") == [], "its session has ended", 10)
        assert names[2] in told("mx1", "SELECT report_domain FROM fleet.claim_reports(1000)")


def one_that_is_taken_over(days, told):
    """Whoever takes over a report whose lease has ended, and leaves that open, keeps its owner before from settling no other."""
    database, names = days.lab.database, of_one_bucket("u", 3)
    days.at(2, 21 * HOUR + 30 * MINUTE)
    database.sql("UPDATE fleet.report SET state = 'sent' WHERE state = 'claimed'")
    handed_in(days, told, "mx1", names)
    days.at(2, 22 * HOUR + 50 * MINUTE)
    for role in ("mx1", "mx2"):
        told(role, "SELECT fleet.report_seen(true)")
    assert sorted(told("mx1", "SELECT report_domain FROM fleet.claim_reports(1000)")) == names
    database.sql("UPDATE fleet.report SET lease = clock_timestamp() - interval '1 hour' WHERE state = 'claimed'")
    hung = database.hang("mx2", "not a secret", "SELECT * FROM fleet.claim_reports(1);")
    settle = (f"SELECT fleet.settle_reports(array_agg(day), array_agg(domain), array_agg(part::int), array_agg('sent'::text), array_agg('x'::text)) FROM fleet.report "
              "WHERE domain LIKE 'u%'")
    try:
        said = told("mx1", "SET lock_timeout = '400ms';\n\\timing on\n" + settle + ";\n")
        took = float(re.search(r"Time: ([0-9.]+) ms", said[-1]).group(1))
        assert said[0] == "2" and took < 500, said
        assert database.sql("SELECT count(*) FROM fleet.sheet WHERE domain LIKE 'u%' AND sheet = ''") == ["2"]
        assert len(told("mx1", "SELECT report_domain FROM fleet.claim_reports(1000)")) <= 1, "and it claims on"
    finally:
        hung.kill()
        hung.wait(10)
    wait(lambda: database.sql("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'") == [], "its session has ended", 10)
    assert told("mx1", settle) == ["1"]


QUICK = [one_report_of_all, a_lost_answer_and_a_refusal, what_a_role_may_do_about_reports, one_that_comes_back]
LONG = [a_sender_that_dies, the_database_is_away]
