-- The memory of a fleet of mail hosts (smtp-sts-verify), version 2, for PostgreSQL 13 and later. Whoever rules the database runs this once, in a
-- database that is for this alone:
--
--     smtp-sts-verify fleet schema | psql -v ON_ERROR_STOP=1 -1 fleet
--
-- The daemon never creates or alters anything. Each mail host has a login role of its own that is a member of fleet_host:
--
--     CREATE ROLE mx1 LOGIN PASSWORD '...' IN ROLE fleet_host CONNECTION LIMIT 3;
--
-- Such a role reads the tables, and writes through a few functions; it can do nothing else. Whose word a row is, is the name of
-- the session's role, never an argument. Decrees are laid down by members of fleet_operator; the hosts believe their signature alone.
-- Nobody's word is believed for the sake of these tables: each host applies at once only what makes it stricter, and looks for itself
-- before the rest. Once a version is released, columns and functions are only ever added to it; a database of an older version than the program's, or of this
-- version as a build before its release wrote it, is refused in words.

SET client_min_messages = warning;

DO $$
BEGIN
  IF current_setting('server_version_num')::int < 130000 THEN
    RAISE EXCEPTION 'PostgreSQL 13 or later is needed';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'fleet_owner') THEN CREATE ROLE fleet_owner NOLOGIN; END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'fleet_host') THEN CREATE ROLE fleet_host NOLOGIN; END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'fleet_operator') THEN CREATE ROLE fleet_operator NOLOGIN; END IF;
  -- Whoever is no superuser gives things to fleet_owner as a member of it.
  IF NOT pg_has_role(current_user, 'fleet_owner', 'MEMBER') THEN EXECUTE format('GRANT fleet_owner TO %I', current_user); END IF;
  -- What PostgreSQL gives to everybody: temporary tables, which fill the disk.
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO fleet_host, fleet_operator', current_database());
END $$;

-- And what else fills a disk or the memory that all share: tables in the schema `public`, large objects, advisory locks, pg_notify, and files of sorts
-- without a bound. Some of it only a superuser may take away; where none runs this, it is said.
DO $$
DECLARE one regprocedure;
BEGIN
  IF current_setting('is_superuser') = 'on' THEN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    FOR one IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
      AND (proname LIKE 'lo\_%' OR proname IN ('loread', 'lowrite', 'pg_notify') OR proname LIKE 'pg\_%advisory%')
    LOOP
      EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET temp_file_limit = %L', current_database(), '256MB');
  ELSE
    IF pg_has_role(current_user, (SELECT nspowner FROM pg_namespace WHERE nspname = 'public'), 'MEMBER') THEN
      REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    END IF;
    IF has_schema_privilege('fleet_host', 'public', 'CREATE') THEN
      RAISE WARNING 'the hosts may create tables in the schema public: have a superuser run REVOKE CREATE ON SCHEMA public FROM PUBLIC';
    END IF;
    IF has_function_privilege('fleet_host', 'lo_create(oid)', 'EXECUTE') THEN
      RAISE WARNING 'the functions of large objects and advisory locks stay open to everybody, and temp_file_limit is not set: have a superuser do it (exim/fleet.md)';
    END IF;
  END IF;
END $$;

CREATE SCHEMA fleet;
REVOKE ALL ON SCHEMA fleet FROM PUBLIC;
-- Until the end of this: who is to own things has to be able to make them.
GRANT CREATE ON SCHEMA fleet TO fleet_owner;
GRANT USAGE ON SCHEMA fleet TO fleet_host, fleet_operator;

-- A program reads and writes if it knows version oldest_reader or a later one. The id tells one store from another, and each decree names it.
CREATE TABLE fleet.fleet_schema (
  version int NOT NULL,
  oldest_reader int NOT NULL,
  id uuid NOT NULL
);
INSERT INTO fleet.fleet_schema VALUES (2, 2, gen_random_uuid());

-- What a policy demands, in one of four words for the history and the statistics, whatever a host writes; the higher the number, the more.
CREATE FUNCTION fleet.demand(mechanism text, record text, body text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE mechanism WHEN 'mta-sts' THEN coalesce(substring(body FROM '(?n)^mode: (enforce|testing|none)$'), 'unknown')
    ELSE CASE WHEN record ~ 'to *= *true' THEN 'enforce' ELSE 'testing' END END
$$;
CREATE FUNCTION fleet.rank(demand text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE demand WHEN 'enforce' THEN 2 WHEN 'testing' THEN 1 ELSE 0 END $$;

-- One row a domain, circumstances (trust anchors, authorities) and dialect. `witness` has up to three words of those who have fetched this very
-- policy: `role fetched_at expires_at signature`. Moments are seconds since 1970. `strength` and `demand` follow from the columns before them. They are stored
-- because PostgreSQL keeps statistics of stored columns (pg_stats): from those a page tells about how many policies there are of each kind, and nobody counts rows.
CREATE SEQUENCE fleet.change;
CREATE TABLE fleet.policy (
  domain text NOT NULL CHECK (octet_length(domain) BETWEEN 1 AND 255),
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 16),
  mechanism text NOT NULL CHECK (mechanism IN ('mta-sts', 'smtp-sts')),
  record text NOT NULL CHECK (octet_length(record) <= 4096),
  body text CHECK (octet_length(body) <= 262144),
  authentication text NOT NULL CHECK (authentication IN ('first-use', 'webpki', 'dnssec')),
  strength smallint NOT NULL GENERATED ALWAYS AS
    (CASE authentication WHEN 'first-use' THEN 0 WHEN 'webpki' THEN 1 ELSE 2 END) STORED,
  demand text NOT NULL GENERATED ALWAYS AS (fleet.demand(mechanism, record, body)) STORED,
  fetched_at bigint NOT NULL CHECK (fetched_at >= 0),
  expires_at bigint NOT NULL,
  applied_at bigint CHECK (applied_at >= 0),
  witness text[] NOT NULL CHECK (cardinality(witness) BETWEEN 1 AND 3),
  change bigint NOT NULL,
  CHECK (expires_at BETWEEN fetched_at AND fetched_at + 31557600),
  CHECK ((body IS NOT NULL) = (mechanism = 'mta-sts')),
  PRIMARY KEY (domain, fingerprint, mechanism)
);
CREATE INDEX policy_by_change ON fleet.policy (change);

-- What changed, appended only; a mere renewal is no change. It has no partitions: somebody would have to make one each month, and the roles of the hosts
-- may not. Its index is a few pages, and `DELETE FROM fleet.history WHERE at < ...` is the ruler's.
CREATE TABLE fleet.history (
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  domain text NOT NULL,
  fingerprint bytea NOT NULL,
  mechanism text NOT NULL,
  host name NOT NULL DEFAULT session_user,
  address inet DEFAULT inet_client_addr(),
  before text,
  after text,
  event text NOT NULL
);
CREATE INDEX history_by_time ON fleet.history USING brin (at);
CREATE INDEX history_by_domain ON fleet.history (domain);
CREATE INDEX history_weakened ON fleet.history (at) WHERE event = 'weakened';

-- Who is there, how it is, and what was the matter with this database last, in the host's own words.
CREATE TABLE fleet.host (
  name name PRIMARY KEY,
  version text NOT NULL,
  fingerprint bytea NOT NULL,
  seen_at timestamptz NOT NULL,
  clock_offset bigint NOT NULL,
  outbox bigint NOT NULL,
  applied_change bigint NOT NULL,
  outbox_since bigint,
  overdue bigint NOT NULL DEFAULT 0,
  trouble text CHECK (octet_length(trouble) <= 1600),
  trouble_at bigint
);

-- How many octets each host has added: 2 GiB are ten times a million policies, and no more is taken until `fleet forget` sets that to nothing. And how often
-- it has fetched what another host had fetched within the same minute, since this store was made: that stays.
CREATE TABLE fleet.quota (
  host name PRIMARY KEY,
  octets bigint NOT NULL DEFAULT 0,
  twice bigint NOT NULL DEFAULT 0
);

-- What an operator orders, in words that carry a signature: src/fleet/decree.rs has them.
CREATE TABLE fleet.decree (
  number bigint PRIMARY KEY CHECK (number > 0),
  statement text NOT NULL CHECK (octet_length(statement) <= 4096),
  signature bytea NOT NULL CHECK (octet_length(signature) = 64),
  who name NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Whether a host of this program could have such a policy.
CREATE FUNCTION fleet.is_possible(
  domain text, fingerprint bytea, mechanism text, record text, body text, authentication text, fetched_at bigint, expires_at bigint,
  applied_at bigint, signature text
) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(octet_length(domain) BETWEEN 1 AND 255 AND octet_length(fingerprint) = 16
    AND mechanism IN ('mta-sts', 'smtp-sts') AND octet_length(record) <= 4096
    AND (body IS NOT NULL) = (mechanism = 'mta-sts') AND coalesce(octet_length(body), 0) <= 262144
    AND authentication IN ('first-use', 'webpki', 'dnssec')
    AND NOT (authentication = 'first-use' AND mechanism = 'mta-sts')
    AND fetched_at >= 0 AND coalesce(applied_at, 0) >= 0
    AND expires_at BETWEEN fetched_at AND fetched_at + CASE authentication WHEN 'first-use' THEN 999999 ELSE 31557600 END
    AND signature ~ '^[A-Za-z0-9+/=-]{1,88}$', false)
$$;

-- What became of each policy that a host offers: stored, same, late (a later fetch is there), weaker (a better authenticated one is there), future
-- (fetched more than 300 seconds after this server's now: a host with a wrong clock would win for ever), full (this host has added too much), busy (somebody
-- has its row locked: to be offered again later) or refused (no policy that a host could have). Nobody is woken here: a queue of NOTIFY that somebody has
-- filled would keep all hosts from offering. The rule is StoredPolicy::merge of src/policy/stored.rs, and one file of vectors, fixtures/fleet/merge.tsv, is
-- held against both.
--
-- A host that leaves a transaction open holds up nobody but itself: a row that is locked is passed over, and for a key that somebody has inserted and not
-- committed the first one waits 50 ms and each other one 1 ms. What is new is inserted by one statement, which is a third of the time; the rest is looked at
-- row by row, read before it is locked: what changes nothing costs a tenth of a millisecond. By keys in any case: no plan made for an empty table may outlive it.
CREATE FUNCTION fleet.offer(
  p_domain text[], p_fingerprint bytea[], p_mechanism text[], p_record text[], p_body text[],
  p_authentication text[], p_fetched bigint[], p_expires bigint[], p_applied bigint[], p_signature text[]
) RETURNS TABLE (place int, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_begun timestamptz := clock_timestamp();
  v_now bigint := floor(extract(epoch FROM v_begun))::bigint;
  v_new record;
  v_old fleet.policy;
  v_row fleet.policy;
  v_is_there boolean;
  v_lives boolean;
  v_late boolean;
  v_weaker boolean;
  v_is_locked boolean;
  v_word text;
  v_words text[];
  v_is_witness boolean;
  v_is_twice boolean;
  v_twice bigint := 0;
  v_room bigint;
  v_grown bigint := 0;
  v_cost bigint;
  v_is_told boolean;
  v_stored bigint[];
  v_is_held_up boolean := false;
BEGIN
  IF cardinality(p_domain) > 1000 OR cardinality(p_domain) IS DISTINCT FROM cardinality(p_signature) THEN
    RAISE EXCEPTION 'at most 1000 policies, each with all its fields';
  END IF;
  INSERT INTO fleet.quota (host) VALUES (session_user) ON CONFLICT DO NOTHING;
  SELECT 2147483648 - q.octets INTO v_room FROM fleet.quota AS q WHERE q.host = session_user;
  BEGIN
    -- A row of the history and the indexes are some 500 octets.
    WITH fresh AS (
      SELECT DISTINCT ON (one.domain COLLATE "C", one.fingerprint, one.mechanism COLLATE "C") one.*,
          octet_length(one.record) + coalesce(octet_length(one.body), 0) + 500 AS cost
        FROM unnest(p_domain, p_fingerprint, p_mechanism, p_record, p_body, p_authentication, p_fetched, p_expires, p_applied, p_signature)
          WITH ORDINALITY AS one (domain, fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, applied_at, signature, number)
        WHERE fleet.is_possible(one.domain, one.fingerprint, one.mechanism, one.record, one.body, one.authentication, one.fetched_at,
            one.expires_at, one.applied_at, one.signature)
          AND one.fetched_at <= v_now + 300 AND coalesce(one.applied_at, 0) <= v_now + 300 AND one.expires_at > v_now
          AND NOT EXISTS (SELECT 1 FROM fleet.policy AS p WHERE (p.domain, p.fingerprint, p.mechanism) = (one.domain, one.fingerprint, one.mechanism))
        ORDER BY one.domain COLLATE "C", one.fingerprint, one.mechanism COLLATE "C", one.number
    ), paid AS (
      SELECT * FROM (SELECT f.*, sum(f.cost) OVER (ORDER BY f.domain COLLATE "C", f.fingerprint, f.mechanism COLLATE "C") AS so_far FROM fresh AS f) AS one
        WHERE one.so_far <= v_room
    ), stored AS (
      INSERT INTO fleet.policy AS p (domain, fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, applied_at, witness, change)
        SELECT one.domain, one.fingerprint, one.mechanism, one.record, one.body, one.authentication, one.fetched_at, one.expires_at, one.applied_at,
            ARRAY[session_user || ' ' || one.fetched_at || ' ' || one.expires_at || ' ' || one.signature], nextval('fleet.change')
          FROM paid AS one
        ON CONFLICT DO NOTHING
        RETURNING p.domain, p.fingerprint, p.mechanism, fleet.demand(p.mechanism, p.record, p.body) || ' ' || p.authentication AS after
    ), told AS (
      INSERT INTO fleet.history (domain, fingerprint, mechanism, after, event)
        SELECT s.domain, s.fingerprint, s.mechanism, s.after, 'learnt' FROM stored AS s
    )
    SELECT array_agg(f.number), coalesce(sum(f.cost), 0) INTO v_stored, v_grown
      FROM paid AS f JOIN stored AS s USING (domain, fingerprint, mechanism);
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    v_is_held_up := true;
    PERFORM set_config('lock_timeout', '1ms', true);
  END;
  FOR v_new IN
    SELECT * FROM unnest(p_domain, p_fingerprint, p_mechanism, p_record, p_body, p_authentication, p_fetched,
        p_expires, p_applied, p_signature) WITH ORDINALITY
      AS one (domain, fingerprint, mechanism, record, body, authentication, fetched_at, expires_at, applied_at, signature, number)
    ORDER BY domain COLLATE "C", fingerprint, mechanism COLLATE "C", number
  LOOP
    place := v_new.number::int;
    outcome := CASE
      WHEN v_new.number = ANY (v_stored) THEN 'stored'
      WHEN v_new.fetched_at > v_now + 300 OR v_new.applied_at > v_now + 300 THEN 'future'
      WHEN NOT fleet.is_possible(v_new.domain, v_new.fingerprint, v_new.mechanism, v_new.record, v_new.body, v_new.authentication, v_new.fetched_at,
        v_new.expires_at, v_new.applied_at, v_new.signature) THEN 'refused'
    END;
    IF outcome IS NOT NULL THEN
      RETURN NEXT;
      CONTINUE;
    END IF;
    v_word := session_user || ' ' || v_new.fetched_at || ' ' || v_new.expires_at || ' ' || v_new.signature;
    v_is_locked := false;
    LOOP
      outcome := NULL;
      v_is_twice := false;
      IF v_is_locked THEN
        SELECT * INTO v_old FROM fleet.policy AS p WHERE (p.domain, p.fingerprint, p.mechanism)
          = (v_new.domain, v_new.fingerprint, v_new.mechanism) FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
          outcome := 'busy';
          EXIT;
        END IF;
      ELSE
        SELECT * INTO v_old FROM fleet.policy AS p WHERE (p.domain, p.fingerprint, p.mechanism)
          = (v_new.domain, v_new.fingerprint, v_new.mechanism);
      END IF;
      v_is_there := FOUND;
      v_row.domain := v_new.domain;
      v_row.fingerprint := v_new.fingerprint;
      v_row.mechanism := v_new.mechanism;
      v_row.record := v_new.record;
      v_row.body := v_new.body;
      v_row.authentication := v_new.authentication;
      v_row.strength := CASE v_new.authentication WHEN 'first-use' THEN 0 WHEN 'webpki' THEN 1 ELSE 2 END;
      v_row.fetched_at := v_new.fetched_at;
      v_row.expires_at := v_new.expires_at;
      v_row.applied_at := v_new.applied_at;
      v_row.witness := ARRAY[v_word];
      IF NOT v_is_there THEN
        IF v_now >= v_new.expires_at THEN
          outcome := 'late';
          EXIT;
        END IF;
        v_cost := octet_length(v_row.record) + coalesce(octet_length(v_row.body), 0) + 500;
        IF v_grown + v_cost > v_room THEN
          outcome := 'full';
          EXIT;
        END IF;
        IF v_is_held_up AND clock_timestamp() > v_begun + interval '250 milliseconds' THEN
          outcome := 'busy';
          EXIT;
        END IF;
        BEGIN
          INSERT INTO fleet.policy (domain, fingerprint, mechanism, record, body, authentication, fetched_at, expires_at,
              applied_at, witness, change)
            VALUES (v_row.domain, v_row.fingerprint, v_row.mechanism, v_row.record, v_row.body, v_row.authentication,
              v_row.fetched_at, v_row.expires_at, v_row.applied_at, v_row.witness, nextval('fleet.change'))
            ON CONFLICT DO NOTHING;
          IF FOUND THEN
            INSERT INTO fleet.history (domain, fingerprint, mechanism, after, event) VALUES (v_row.domain, v_row.fingerprint,
              v_row.mechanism, fleet.demand(v_row.mechanism, v_row.record, v_row.body) || ' ' || v_row.authentication, 'learnt');
            outcome := 'stored';
            v_grown := v_grown + v_cost;
          END IF;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
          outcome := 'busy';
        END;
        IF outcome IS NOT NULL THEN
          EXIT;
        END IF;
        -- Somebody was faster.
        v_is_locked := true;
        CONTINUE;
      END IF;
      v_lives := v_now < v_old.expires_at;
      -- A row from the future tells nothing about the order.
      v_late := v_old.fetched_at > v_row.fetched_at AND v_old.strength >= v_row.strength AND v_old.fetched_at - v_now <= 86400;
      v_weaker := v_row.strength < v_old.strength;
      v_is_witness := false;
      IF NOT v_lives THEN
        IF v_late OR v_now >= v_row.expires_at THEN
          outcome := 'late';
          EXIT;
        END IF;
      ELSIF (v_old.record, v_old.body) IS NOT DISTINCT FROM (v_row.record, v_row.body) THEN
        -- Whoever has fetched the very same is one who says so, whatever becomes of the rest.
        v_is_witness := true;
        v_words := ARRAY(SELECT w FROM unnest(v_old.witness) AS w WHERE split_part(w, ' ', 1) <> session_user);
        -- Another one had it within the same minute. It is counted when this host's word is written, and what is offered once more is counted no more.
        v_is_twice := EXISTS (SELECT 1 FROM unnest(v_words) AS w
            WHERE split_part(w, ' ', 2)::bigint BETWEEN v_new.fetched_at - 60 AND v_new.fetched_at + 60)
          AND NOT starts_with(coalesce((SELECT w FROM unnest(v_old.witness) AS w WHERE split_part(w, ' ', 1) = session_user LIMIT 1), ''),
            session_user || ' ' || v_new.fetched_at || ' ');
        IF v_weaker OR v_late OR v_row.authentication = 'first-use' THEN
          v_row.authentication := v_old.authentication;
          v_row.fetched_at := v_old.fetched_at;
          v_row.expires_at := v_old.expires_at;
        END IF;
        -- least() leaves out what is null.
        v_row.applied_at := least(v_old.applied_at, v_new.applied_at);
        IF (v_row.authentication, v_row.fetched_at, v_row.expires_at, v_row.applied_at)
          IS NOT DISTINCT FROM (v_old.authentication, v_old.fetched_at, v_old.expires_at, v_old.applied_at)
        THEN
          outcome := CASE WHEN v_late THEN 'late' WHEN v_weaker THEN 'weaker' ELSE 'same' END;
          IF v_now >= v_new.expires_at OR cardinality(v_words) <> cardinality(v_old.witness) OR NOT (cardinality(v_words) < 3
            OR EXISTS (SELECT 1 FROM unnest(v_words) AS w WHERE split_part(w, ' ', 3)::bigint <= v_now))
          THEN
            EXIT;
          END IF;
        END IF;
        -- The word that ends first makes room.
        v_row.witness := ARRAY(SELECT w FROM unnest(v_words) AS w ORDER BY split_part(w, ' ', 3)::bigint DESC, w LIMIT 2) || v_word;
      ELSIF v_late THEN
        outcome := 'late';
        EXIT;
      ELSIF v_weaker AND (v_row.authentication = 'first-use' OR v_old.applied_at IS NOT NULL)
        OR v_row.authentication = 'first-use' AND v_old.applied_at IS NOT NULL
      THEN
        outcome := 'weaker';
        EXIT;
      ELSIF (v_row.authentication, v_row.fetched_at, v_row.expires_at, v_row.applied_at, v_row.record, v_row.body)
        IS NOT DISTINCT FROM (v_old.authentication, v_old.fetched_at, v_old.expires_at, v_old.applied_at, v_old.record, v_old.body)
      THEN
        outcome := 'same';
        EXIT;
      END IF;
      IF NOT v_is_locked THEN
        v_is_locked := true;
        CONTINUE;
      END IF;
      v_is_told := NOT (v_is_witness AND v_row.authentication = v_old.authentication AND v_row.applied_at IS NOT DISTINCT FROM v_old.applied_at);
      v_cost := greatest(octet_length(v_row.record) + coalesce(octet_length(v_row.body), 0)
        - octet_length(v_old.record) - coalesce(octet_length(v_old.body), 0), 0) + CASE WHEN v_is_told THEN 200 ELSE 0 END;
      IF v_cost > 0 AND v_grown + v_cost > v_room THEN
        outcome := 'full';
        EXIT;
      END IF;
      v_grown := v_grown + v_cost;
      UPDATE fleet.policy AS p SET record = v_row.record, body = v_row.body, authentication = v_row.authentication,
          fetched_at = v_row.fetched_at, expires_at = v_row.expires_at, applied_at = v_row.applied_at, witness = v_row.witness,
          change = nextval('fleet.change')
        WHERE (p.domain, p.fingerprint, p.mechanism) = (v_row.domain, v_row.fingerprint, v_row.mechanism);
      outcome := coalesce(outcome, 'stored');
      v_twice := v_twice + v_is_twice::int;
      IF v_is_told THEN
        INSERT INTO fleet.history (domain, fingerprint, mechanism, before, after, event)
          SELECT v_row.domain, v_row.fingerprint, v_row.mechanism,
            CASE WHEN v_lives THEN before || ' ' || v_old.authentication END,
            CASE WHEN v_now < v_row.expires_at THEN after || ' ' || v_row.authentication END,
            CASE
              WHEN NOT v_lives THEN 'learnt'
              WHEN v_now >= v_row.expires_at THEN 'ended'
              WHEN fleet.rank(after) < fleet.rank(before) OR v_weaker AND NOT v_is_witness THEN 'weakened'
              WHEN v_is_witness AND v_row.authentication <> v_old.authentication THEN 'authenticated'
              WHEN v_is_witness THEN 'applied'
              ELSE 'changed'
            END
          FROM (SELECT fleet.demand(v_old.mechanism, v_old.record, v_old.body) AS before,
            fleet.demand(v_row.mechanism, v_row.record, v_row.body) AS after) AS demands;
      END IF;
      EXIT;
    END LOOP;
    RETURN NEXT;
  END LOOP;
  IF v_grown + v_twice > 0 THEN
    UPDATE fleet.quota AS q SET octets = q.octets + v_grown, twice = q.twice + v_twice WHERE q.host = session_user;
  END IF;
END $$;

-- A host shows that it is there, and gets this server's time.
CREATE FUNCTION fleet.seen(
  p_version text, p_fingerprint bytea, p_now bigint, p_outbox bigint, p_change bigint,
  p_outbox_since bigint DEFAULT NULL, p_overdue bigint DEFAULT 0, p_trouble text DEFAULT NULL, p_trouble_at bigint DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_now bigint := floor(extract(epoch FROM clock_timestamp()))::bigint;
BEGIN
  INSERT INTO fleet.host AS h VALUES (session_user, left(p_version, 80), substring(p_fingerprint FOR 16), clock_timestamp(),
      p_now - v_now, greatest(p_outbox, 0), greatest(p_change, 0), p_outbox_since, greatest(p_overdue, 0), left(p_trouble, 400), p_trouble_at)
    ON CONFLICT (name) DO UPDATE SET version = excluded.version, fingerprint = excluded.fingerprint, seen_at = excluded.seen_at,
      clock_offset = excluded.clock_offset, outbox = excluded.outbox, applied_change = excluded.applied_change,
      outbox_since = excluded.outbox_since, overdue = excluded.overdue, trouble = excluded.trouble, trouble_at = excluded.trouble_at;
  RETURN v_now;
END $$;

-- An operator's decree, which each host checks for itself. A purge takes away what was learnt before, so that no host learns it again.
CREATE FUNCTION fleet.lay_down(p_number bigint, p_statement text, p_signature bytea, p_purged text, p_until bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
BEGIN
  INSERT INTO fleet.decree (number, statement, signature) VALUES (p_number, p_statement, p_signature);
  -- A host that keeps a row locked keeps no purge from being laid down; what it keeps it can say again at any time.
  DELETE FROM fleet.policy WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM fleet.policy AS p WHERE p.domain = p_purged AND p.fetched_at <= p_until FOR UPDATE SKIP LOCKED));
END $$;

-- Takes a host off the list of those that are there, and off the list of those whose counts are waited for. What it has learnt stays.
CREATE FUNCTION fleet.forget(p_host name) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE v_was_there boolean;
BEGIN
  DELETE FROM fleet.host AS h WHERE h.name = p_host;
  v_was_there := FOUND;
  DELETE FROM fleet.reporter AS r WHERE r.host = p_host;
  v_was_there := v_was_there OR FOUND;
  UPDATE fleet.quota AS q SET octets = 0 WHERE q.host = p_host;
  RETURN v_was_there;
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'the role % has a transaction open: end its sessions first', p_host USING ERRCODE = 'object_in_use';
END $$;

-- PostgreSQL lets everybody execute a new function. Here nobody may, but those who are named.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fleet FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE fleet_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA fleet FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA fleet FROM PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA fleet TO fleet_host, fleet_operator;
-- To be looked at, not to be moved.
GRANT SELECT ON SEQUENCE fleet.change TO fleet_host, fleet_operator;
GRANT EXECUTE ON FUNCTION fleet.offer, fleet.seen TO fleet_host;
GRANT EXECUTE ON FUNCTION fleet.lay_down, fleet.forget TO fleet_operator;

-- The functions act as their owner, who owns these tables and nothing else.
ALTER TABLE fleet.fleet_schema OWNER TO fleet_owner;
ALTER TABLE fleet.policy OWNER TO fleet_owner;
ALTER TABLE fleet.history OWNER TO fleet_owner;
ALTER TABLE fleet.host OWNER TO fleet_owner;
ALTER TABLE fleet.quota OWNER TO fleet_owner;
ALTER TABLE fleet.decree OWNER TO fleet_owner;
ALTER SEQUENCE fleet.change OWNER TO fleet_owner;
GRANT USAGE ON SCHEMA fleet TO fleet_owner;
ALTER FUNCTION fleet.demand OWNER TO fleet_owner;
ALTER FUNCTION fleet.rank OWNER TO fleet_owner;
ALTER FUNCTION fleet.is_possible OWNER TO fleet_owner;
ALTER FUNCTION fleet.offer OWNER TO fleet_owner;
ALTER FUNCTION fleet.seen OWNER TO fleet_owner;
ALTER FUNCTION fleet.lay_down OWNER TO fleet_owner;
ALTER FUNCTION fleet.forget OWNER TO fleet_owner;
