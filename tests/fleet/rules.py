"""What the database itself enforces: the merge rule of the vectors, and that a host's role can do nothing else."""

import os
import re
import time

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "..", "..", "fixtures", "fleet", "merge.tsv")
PASSWORD = "not a secret"


def text_of(name):
    """(mechanism, record, body) of a policy of the vectors, as src/policy/stored.rs has them."""
    def mta_sts(mode, mx, max_age):
        return "mta-sts", "v=STSv1; id=1;", f"version: STSv1\nmode: {mode}\n{mx}max_age: {max_age}\n"

    def draft(rest):
        return "smtp-sts", f"v=STS1; to=true; a=dnssec; {rest}", None
    return {
        "E1": mta_sts("enforce", "mx: *.one.test\n", 604800), "E2": mta_sts("enforce", "mx: *.two.test\n", 604800),
        "T": mta_sts("testing", "mx: *.one.test\n", 604800), "N": mta_sts("none", "", 86400),
        "Z": mta_sts("enforce", "mx: *.one.test\n", 0), "D1": draft("mx=*.one.test; e=604800"),
        "D2": draft("mx=*.two.test; e=604800"), "D0": draft("mx=*.one.test; e=0"),
    }[name]


def literal(value):
    """A value for a statement of a test."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return "E'" + value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n") + "'"


def columns(words, now):
    """The columns of a policy of the vectors; None for none."""
    if words == "-":
        return None
    name, authentication, fetched, expires, applied = words.split(" ")
    mechanism, record, body = text_of(name)
    applied = None if applied == "-" else now + int(applied)
    return [mechanism, record, body, authentication, now + int(fetched), now + int(expires), applied]


def offer(domain, row, signature="-"):
    """The statement of a host that offers it."""
    mechanism, record, body, authentication, fetched, expires, applied = row
    texts = [f"ARRAY[{literal(one)}]::text[]" for one in (mechanism, record, body, authentication)]
    numbers = [f"ARRAY[{literal(one)}]::bigint[]" for one in (fetched, expires, applied)]
    return (f"SELECT outcome FROM fleet.offer(ARRAY[{literal(domain)}]::text[], ARRAY['\\x{'0' * 32}'::bytea], "
            f"{', '.join(texts)}, {', '.join(numbers)}, ARRAY[{literal(signature)}]::text[]);")


def offers(domains, rows):
    """The statement of a host that offers many at once."""
    columns_of = list(zip(*rows))
    texts = ["ARRAY[" + ", ".join(map(literal, one)) + "]::text[]" for one in (domains, *columns_of[:4])]
    numbers = ["ARRAY[" + ", ".join(map(literal, one)) + "]::bigint[]" for one in columns_of[4:]]
    many = len(domains)
    return (f"SELECT count(outcome) FROM fleet.offer({texts[0]}, array_fill('\\x{'0' * 32}'::bytea, ARRAY[{many}]), {', '.join(texts[1:])}, "
            f"{', '.join(numbers)}, array_fill('-'::text, ARRAY[{many}]))")


def seen(server, domain):
    """The row, as columns; None without one."""
    lines = server.sql("SELECT mechanism, record, replace(body, E'\\n', '\\n'), authentication, fetched_at, expires_at, applied_at "
                       f"FROM fleet.policy WHERE domain = {literal(domain)}")
    if not lines:
        return None
    (line,) = lines
    one = line.split("\t")
    number = [int(value) if value else None for value in one[4:7]]
    return [one[0], one[1], one[2].replace("\\n", "\n") or None, one[3], *number]


def vectors(server):
    """Each line of the file of vectors: the row before is laid down by the ruler, the offer is a host's."""
    number = 0
    for line in open(VECTORS):
        if line.startswith("#"):
            continue
        what, old, new, after, said = line.rstrip("\n").split("\t")
        number += 1
        domain = f"v{number}.test"
        now = int(server.sql("SELECT floor(extract(epoch FROM clock_timestamp()))")[0])
        before, offered = columns(old, now), columns(new, now)
        if before:
            values = ", ".join(literal(one) for one in before)
            server.sql("INSERT INTO fleet.policy (domain, fingerprint, mechanism, record, body, authentication, fetched_at, "
                       f"expires_at, applied_at, witness, change) VALUES ({literal(domain)}, '\\x{'0' * 32}', {values}, "
                       f"ARRAY['other {before[4]} {before[5]} -'], nextval('fleet.change'))")
        went, told = server.as_role("mx1", PASSWORD, offer(domain, offered))
        assert went and told == said, f"{what}: {told!r} instead of {said!r}"
        expected = {"old": before, "new": offered}.get(after) or (columns(after, now) if " " in after else None)
        assert seen(server, domain) == expected, f"{what}: {seen(server, domain)} instead of {expected}"
    assert number > 35, number


def what_a_role_cannot_do(server):
    """Everything but reading, offering and showing itself."""
    server.sql("CREATE TABLE IF NOT EXISTS fleet.of_the_ruler (x int)")
    now = int(server.sql("SELECT floor(extract(epoch FROM clock_timestamp()))")[0])
    row = columns("E1 webpki -10 604790 -", now)
    assert server.as_role("mx1", PASSWORD, offer("kept.test", row)) == (True, "stored")
    before = server.sql("SELECT count(*) FROM fleet.policy")
    for sql in (
            "UPDATE fleet.policy SET expires_at = fetched_at", "DELETE FROM fleet.policy", "TRUNCATE fleet.policy",
            "INSERT INTO fleet.history (domain, fingerprint, mechanism, event) VALUES ('a', '', 'mta-sts', 'x')",
            "DELETE FROM fleet.history", "UPDATE fleet.host SET name = 'mx2'", "DELETE FROM fleet.decree",
            "UPDATE fleet.fleet_schema SET version = 9", "SELECT nextval('fleet.change')", "SELECT setval('fleet.change', 1)",
            "CREATE TABLE fleet.x (y int)", "CREATE TABLE public.x (y int)", "CREATE TEMP TABLE x (y int)", "CREATE SCHEMA x",
            "SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')", "SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
            "SELECT pg_notify('smtp_sts_fleet', repeat('x', 7999))", "SET temp_file_limit = -1", "UPDATE fleet.quota SET octets = 0", "SELECT * FROM fleet.of_the_ruler",
            "SELECT fleet.lay_down(1, 'x', decode(repeat('00', 64), 'hex'), 'kept.test', 9999999999)",
            "SELECT fleet.forget('mx2')", "SELECT fleet.demand('mta-sts', '', '')", "SET ROLE fleet_owner",
            "DROP FUNCTION fleet.offer", "ALTER FUNCTION fleet.seen RESET ALL",
            "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"):
        went, told = server.as_role("mx1", PASSWORD, sql)
        assert not went and ("permission denied" in told or "must be owner" in told or "must be member" in told
                             or "cannot create" in told), f"{sql}: {told}"
    assert server.sql("SELECT count(*) FROM fleet.policy") == before
    for sql in ("SELECT count(*) FROM fleet.policy", "SELECT fleet.seen('x', '', 0, 0, 0)", offer("kept.test", row)):
        went, told = server.as_role("stranger", PASSWORD, sql)
        assert not went, f"a role without grants: {sql}: {told}"
    server.sql("DROP TABLE fleet.of_the_ruler")
    # Whose word it is, the server says.
    assert server.sql("SELECT DISTINCT host FROM fleet.history WHERE domain = 'kept.test'") == ["mx1"]
    assert server.sql("SELECT split_part(witness[1], ' ', 1) FROM fleet.policy WHERE domain = 'kept.test'") == ["mx1"]


def two_roles_are_two(server):
    """The same policy of two hosts has two words, and what changes nothing writes nothing."""
    now = int(server.sql("SELECT floor(extract(epoch FROM clock_timestamp()))")[0])
    row = columns("E1 webpki -10 604790 -", now)
    names = "SELECT string_agg(split_part(w, ' ', 1), ' ') FROM fleet.policy, unnest(witness) AS w WHERE domain = 'two.test'"
    change = "SELECT change FROM fleet.policy WHERE domain = 'two.test'"
    assert server.as_role("mx1", PASSWORD, offer("two.test", row))[1] == "stored"
    first = server.sql(change)
    for _ in range(3):
        assert server.as_role("mx1", PASSWORD, offer("two.test", row))[1] == "same"
    assert (server.sql(names), server.sql(change)) == (["mx1"], first)
    assert server.as_role("mx2", PASSWORD, offer("two.test", row))[1] == "same"
    assert server.sql(names) == ["mx1 mx2"] and server.sql(change) != first
    renewed = columns("E1 webpki -5 604795 -", now)
    assert server.as_role("mx1", PASSWORD, offer("two.test", renewed))[1] == "stored"
    assert server.sql(names) == ["mx2 mx1"]
    other = columns("E2 webpki -1 604799 -", now)
    assert server.as_role("mx2", PASSWORD, offer("two.test", other))[1] == "stored"
    assert server.sql(names) == ["mx2"], "another policy has been fetched by nobody else"
    assert server.sql("SELECT event FROM fleet.history WHERE domain = 'two.test' ORDER BY at") == ["learnt", "changed"]


def a_role_has_so_much_room(server):
    """What a host adds is bounded, ever; what it renews is not, and no other host is the worse for it."""
    now = int(server.sql("SELECT floor(extract(epoch FROM clock_timestamp()))")[0])
    row, later, other = (columns(f"{words} -", now) for words in ("E1 webpki -10 604790", "E1 webpki -5 604795", "E2 webpki -1 604799"))
    assert server.as_role("mx4", PASSWORD, offer("room.test", row))[1] == "stored"
    used = int(server.sql("SELECT octets FROM fleet.quota WHERE host = 'mx4'")[0])
    assert 500 < used < 1000, used
    server.sql("UPDATE fleet.quota SET octets = 2147483648 - 100 WHERE host = 'mx4'")
    assert server.as_role("mx4", PASSWORD, offer("more.test", row))[1] == "full"
    assert server.as_role("mx4", PASSWORD, offer("room.test", other))[1] == "full", "a change is a row of the history"
    assert server.as_role("mx4", PASSWORD, offer("room.test", later))[1] == "stored", "a renewal is none"
    assert server.as_role("mx5", PASSWORD, offer("more.test", row))[1] == "stored"
    assert server.as_role("alice", PASSWORD, "SELECT fleet.forget('mx4')")[0]
    assert server.as_role("mx4", PASSWORD, offer("more.test", later))[1] == "stored"


def a_word_is_one_of_four(server):
    """Whatever a host writes as a mode, history and statistics have a word of a closed list for it, and no room that is not counted."""
    now = int(server.sql("SELECT floor(extract(epoch FROM clock_timestamp()))")[0])
    row = columns("E1 webpki -10 604790 -", now)
    assert server.as_role("mx1", PASSWORD, offer("word.test", row))[1] == "stored"
    for number, mode in enumerate(("x" * 260_000, "enforced", "Enforce", "none of it")):
        other = columns("E1 webpki -10 604790 -", now)
        other[2], other[4] = f"version: STSv1\nmode: {mode}\nmax_age: 604800\n", now - 9 + number
        assert server.as_role("mx2", PASSWORD, offer("word.test", other))[1] == "stored", mode[:20]
    assert server.sql("SELECT DISTINCT demand FROM fleet.policy WHERE domain = 'word.test'") == ["unknown"]
    assert server.sql("SELECT before, after, event FROM fleet.history WHERE domain = 'word.test' AND event <> 'learnt' ORDER BY at") == [
        "enforce webpki\tunknown webpki\tweakened"] + ["unknown webpki\tunknown webpki\tchanged"] * 3


def a_role_that_hangs(server):
    """What a role has locked in a transaction that it leaves open is passed over, told as busy, and costs nobody else the time of a statement."""
    now = int(server.sql("SELECT floor(extract(epoch FROM clock_timestamp()))")[0])
    row, later = columns("E1 webpki -10 604790 -", now), columns("E1 webpki -5 604795 -", now)
    assert server.as_role("mx1", PASSWORD, offer("there.test", row))[1] == "stored"
    assert server.as_role("mx9", PASSWORD, offer("own.test", row))[1] == "stored"
    names = [f"held{number}.test" for number in range(99)]
    hung = server.hang("mx9", PASSWORD, offers(names, [row] * 99) + ";" + offer("there.test", later))
    try:
        timed = "\\timing on\n" + offers(names + ["free.test"], [row] * 100) + " WHERE outcome = 'busy';\n"
        went, told = server.as_role("mx1", PASSWORD, timed)
        assert went and told.splitlines()[0] == "99", told
        took = float(re.search(r"Time: ([0-9.]+) ms", told).group(1))
        assert took < 500, f"it took {took} ms"
        assert seen(server, "free.test") is not None
        assert server.as_role("mx1", PASSWORD, offer("there.test", later))[1] == "busy"
        # A purge is laid down, and the role itself goes on when its session ends.
        went, told = server.as_role("alice", PASSWORD, "SELECT fleet.lay_down(900, 'x', decode(repeat('00', 64), 'hex'), 'free.test', 9999999999)")
        assert went and seen(server, "free.test") is None, told
        went, told = server.as_role("alice", PASSWORD, "SELECT fleet.forget('mx9')")
        assert not went and "the role mx9 has a transaction open" in told, told
    finally:
        hung.kill()
        hung.wait(10)
    for _ in range(100):
        if server.as_role("mx1", PASSWORD, offer("there.test", later))[1] == "stored":
            break
        time.sleep(0.1)
    assert server.as_role("mx1", PASSWORD, offers(names, [row] * 99) + " WHERE outcome = 'stored'")[1] == "99"
    print(f"  99 rows that somebody holds took {took:.0f} ms")


def a_ruler_who_is_no_superuser(server, schema):
    """The owner of a database runs `fleet schema` without being a superuser, is told what he cannot take away, and the hosts have what they need."""
    server.sql("CREATE ROLE ruler CREATEROLE; CREATE ROLE of_another LOGIN PASSWORD 'x' IN ROLE fleet_host")
    server.sql("CREATE DATABASE another OWNER ruler")
    done = server._try("BEGIN; SET SESSION AUTHORIZATION ruler;" + schema + "COMMIT;", "another")
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert len(warnings) == 1 and "large objects" in warnings[0], done.stderr
    now = int(server.sql("SELECT floor(extract(epoch FROM clock_timestamp()))")[0])
    row = columns("E1 webpki -10 604790 -", now)
    for sql in (offer("kept.test", row), "SELECT fleet.report_seen(true)", "SELECT * FROM fleet.claim_reports(10)", "SELECT fleet.handed_all(1)"):
        done = server._try("SET SESSION AUTHORIZATION of_another; " + sql, "another")
        assert done.returncode == 0, f"{sql}: {done.stderr}"
    for sql in ("CREATE TABLE public.x (y int)", "CREATE TABLE fleet.x (y int)", "CREATE TEMP TABLE x (y int)", "DELETE FROM fleet.policy"):
        done = server._try("SET SESSION AUTHORIZATION of_another; " + sql, "another")
        assert "permission denied" in done.stderr, f"{sql}: {done.stderr}"
    assert server.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'fleet'::regnamespace AND proowner <> 'fleet_owner'::regrole",
                      "another") == ["0"]
    done = server._try("SET SESSION AUTHORIZATION ruler; SET ROLE fleet_owner; CREATE TABLE fleet.x (y int)", "another")
    assert "permission denied" in done.stderr, done.stderr
