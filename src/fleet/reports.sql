
-- One TLS report a domain and day for the whole fleet (RFC 8460): each host hands in what it counted on a day that is over, and one of them claims the
-- report, adds the counts up and sends it. The clock is this server's. All that is written is written by the functions below.
--
-- What stands here of people: names and addresses of mail hosts with which there was a session, no senders and no recipients. It is emptied when the report
-- is over, and gone four days after its day.

-- Who takes part, since when it was last there, and whether it sends or only hands in.
CREATE TABLE fleet.reporter (
  host name PRIMARY KEY,
  seen_at timestamptz NOT NULL,
  sends boolean NOT NULL
);

-- How much of a day (counted from 1970-01-01, UTC) a host has handed in, and since when that is all.
CREATE TABLE fleet.handed (
  day int NOT NULL,
  host name NOT NULL,
  sheets int NOT NULL DEFAULT 0,
  octets bigint NOT NULL DEFAULT 0,
  all_at timestamptz,
  PRIMARY KEY (day, host)
);

-- A domain as a host of this program writes it; no address in any spelling.
CREATE FUNCTION fleet.is_a_domain(domain text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(octet_length(domain) BETWEEN 1 AND 253 AND domain ~ '^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$'
    AND domain !~ '^-' AND domain !~ '^((0x[0-9a-f]*|[0-9]+)(\.|$))+$', false)
$$;

-- What a host counted of a domain on a day: src/reports/sheet.rs has the words. `part` says in which report it is told: 0, or a supplement; nothing
-- as long as nobody has claimed that. So who hands in locks nothing that whoever claims needs, and the other way round.
CREATE TABLE fleet.sheet (
  day int NOT NULL,
  domain text NOT NULL CHECK (fleet.is_a_domain(domain)),
  host name NOT NULL,
  bucket smallint NOT NULL,
  part smallint,
  sheet text NOT NULL CHECK (octet_length(sheet) <= 262144),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (day, domain, host)
);
CREATE INDEX sheet_untold ON fleet.sheet (day, bucket, domain) WHERE part IS NULL;

-- The reports that somebody has claimed: what each tells is fixed, so that whoever sends it sends the same.
CREATE TABLE fleet.report (
  day int NOT NULL,
  domain text NOT NULL CHECK (fleet.is_a_domain(domain)),
  part smallint NOT NULL CHECK (part BETWEEN 0 AND 3),
  bucket smallint NOT NULL,
  moment timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'claimed' CHECK (state IN ('claimed', 'sent', 'gave-up', 'unwanted')),
  owner name NOT NULL,
  lease timestamptz,
  words text NOT NULL DEFAULT '' CHECK (octet_length(words) <= 1024),
  PRIMARY KEY (day, domain, part)
);
CREATE INDEX report_open ON fleet.report (day, bucket, moment) WHERE state = 'claimed';
CREATE INDEX report_mine ON fleet.report (owner, day) WHERE state = 'claimed';

-- The reports that nobody has claimed, and the moment of each. A supplement every twelve hours at most: a host that hands in piece by piece causes three.
-- Others have a quarter of an hour to join.
CREATE VIEW fleet.due AS
  SELECT n.day, n.bucket, n.domain, n.part, greatest(to_timestamp((n.day::bigint + 1) * 86400) + CASE n.part
      WHEN 0 THEN interval '5 minutes' + ((get_byte(n.hash, 1) * 65536 + get_byte(n.hash, 2) * 256 + get_byte(n.hash, 3)) % 14100) * interval '1 second'
      ELSE n.part * interval '12 hours' END, n.first + interval '15 minutes') AS moment
  FROM (
    SELECT u.*, sha256(convert_to(u.domain, 'UTF8')) AS hash,
        (SELECT coalesce(max(r.part) + 1, 0) FROM fleet.report AS r WHERE (r.day, r.domain) = (u.day, u.domain)) AS part
      FROM (SELECT s.day, s.bucket, s.domain, min(s.at) AS first FROM fleet.sheet AS s
          WHERE s.part IS NULL AND s.sheet <> '' GROUP BY s.day, s.bucket, s.domain) AS u
  ) AS n
  WHERE n.part <= 3;

-- A host that takes part is there.
CREATE FUNCTION fleet.report_seen(p_sends boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO fleet.reporter AS r VALUES (session_user, clock_timestamp(), coalesce(p_sends, false))
    ON CONFLICT (host) DO UPDATE SET seen_at = excluded.seen_at, sends = excluded.sends
$$;

-- Takes what a host counted. What becomes of each sheet: stored, same (it was there), early (its day is not over), late (its day is too long ago, or
-- has had all its reports), full (a host has 50,000 sheets and 64 MiB a day) or refused. A host locks rows of its own, and no others.
CREATE FUNCTION fleet.hand_in(p_day int, p_domain text[], p_sheet text[]) RETURNS TABLE (place int, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_today int := floor(extract(epoch FROM v_now) / 86400)::int;
  v_handed fleet.handed;
  v_one record;
BEGIN
  IF cardinality(p_domain) > 1000 OR cardinality(p_domain) IS DISTINCT FROM cardinality(p_sheet) OR p_day IS NULL THEN
    RAISE EXCEPTION 'at most 1000 sheets, each of a domain, and a day';
  END IF;
  IF p_day BETWEEN v_today - 2 AND v_today - 1 THEN
    INSERT INTO fleet.handed (day, host) VALUES (p_day, session_user) ON CONFLICT DO NOTHING;
    SELECT * INTO v_handed FROM fleet.handed AS h WHERE h.day = p_day AND h.host = session_user FOR UPDATE;
  END IF;
  FOR v_one IN
    SELECT * FROM unnest(p_domain, p_sheet) WITH ORDINALITY AS one (domain, sheet, number) ORDER BY domain COLLATE "C", number
  LOOP
    place := v_one.number::int;
    outcome := CASE
      WHEN p_day >= v_today THEN 'early'
      WHEN p_day < v_today - 2 THEN 'late'
      WHEN NOT (fleet.is_a_domain(v_one.domain) AND coalesce(octet_length(v_one.sheet) BETWEEN 2 AND 262144, false)) THEN 'refused'
      WHEN EXISTS (SELECT 1 FROM fleet.sheet AS s WHERE (s.day, s.domain, s.host) = (p_day, v_one.domain, session_user)) THEN 'same'
      WHEN EXISTS (SELECT 1 FROM fleet.report AS r WHERE (r.day, r.domain, r.part) = (p_day, v_one.domain, 3::smallint)) THEN 'late'
      WHEN v_handed.sheets >= 50000 OR v_handed.octets + octet_length(v_one.sheet) > 67108864 THEN 'full'
    END;
    IF outcome IS NULL THEN
      INSERT INTO fleet.sheet (day, domain, host, bucket, sheet)
        VALUES (p_day, v_one.domain, session_user, get_byte(sha256(convert_to(v_one.domain, 'UTF8')), 0) % 64, v_one.sheet);
      v_handed.sheets := v_handed.sheets + 1;
      v_handed.octets := v_handed.octets + octet_length(v_one.sheet);
      outcome := 'stored';
    END IF;
    RETURN NEXT;
  END LOOP;
  UPDATE fleet.handed AS h SET sheets = v_handed.sheets, octets = v_handed.octets
    WHERE (h.day, h.host) = (p_day, session_user) AND h.sheets <> v_handed.sheets;
END $$;

-- A host has handed in all of a day. What is four days old goes, some of it at each call, and what somebody has locked at a later one.
CREATE FUNCTION fleet.handed_all(p_day int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_today int := floor(extract(epoch FROM clock_timestamp()) / 86400)::int;
BEGIN
  IF p_day BETWEEN v_today - 2 AND v_today - 1 THEN
    INSERT INTO fleet.handed AS h (day, host, all_at) VALUES (p_day, session_user, clock_timestamp())
      ON CONFLICT (day, host) DO UPDATE SET all_at = clock_timestamp() WHERE h.all_at IS NULL;
  END IF;
  DELETE FROM fleet.sheet WHERE ctid = ANY (ARRAY(SELECT s.ctid FROM fleet.sheet AS s WHERE s.day < v_today - 3 LIMIT 2000 FOR UPDATE SKIP LOCKED));
  DELETE FROM fleet.report WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM fleet.report AS r WHERE r.day < v_today - 3 LIMIT 2000 FOR UPDATE SKIP LOCKED));
  DELETE FROM fleet.handed WHERE ctid = ANY (ARRAY(SELECT h.ctid FROM fleet.handed AS h WHERE h.day < v_today - 3 LIMIT 2000 FOR UPDATE SKIP LOCKED));
END $$;

-- Claims the reports about these domains for the caller, all or none; none if somebody claims one of them and has not ended. What is returned is what
-- has been written: a row that a function has returned stays returned, also where what it tells of is rolled back.
CREATE FUNCTION fleet.claim_these(p_day int, p_bucket int, p_domain text[]) RETURNS TABLE (report_domain text, report_part int)
LANGUAGE plpgsql AS $$
DECLARE
  v_domains text[];
  v_parts int[];
BEGIN
  BEGIN
    WITH claimed AS (
      INSERT INTO fleet.report AS r (day, domain, part, bucket, moment, owner, lease)
        SELECT d.day, d.domain, d.part, d.bucket, d.moment, session_user, clock_timestamp() + interval '1 hour' FROM fleet.due AS d
          WHERE d.day = p_day AND d.bucket = p_bucket AND d.domain = ANY (p_domain) ORDER BY d.domain COLLATE "C"
        ON CONFLICT DO NOTHING
        RETURNING r.day, r.domain, r.part
    ), told AS (
      UPDATE fleet.sheet AS s SET part = claimed.part FROM claimed
        WHERE (s.day, s.domain) = (claimed.day, claimed.domain) AND s.part IS NULL
    )
    SELECT array_agg(claimed.domain), array_agg(claimed.part::int) INTO v_domains, v_parts FROM claimed;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM set_config('lock_timeout', '1ms', true);
    RETURN;
  END;
  RETURN QUERY SELECT * FROM unnest(v_domains, v_parts);
END $$;

-- The reports that the caller has to send: those that are its own, whose lease goes on for an hour, and so many more. Which host sends which is told by
-- the highest hash among those that were there within half an hour; the next one may after a quarter of an hour. So a host that an attacker has claims its
-- share of a day and no more, another one each day; and if it leaves a transaction open in which it has, others pass over what it holds.
-- Nobody is waited for once all hosts that were there within a day have handed in theirs, or from 03:00 on.
CREATE FUNCTION fleet.claim_reports(p_most int) RETURNS TABLE (report_day int, report_domain text, report_part int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10ms' AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_today int := floor(extract(epoch FROM v_now) / 86400)::int;
  v_most int := least(greatest(p_most, 0), 1000);
  v_place record;
  v_given int;
  v_misses int := 0;
  v_due text[];
  v_free text[];
  v_domains text[];
  v_parts int[];
  v_one text;
  v_part int;
BEGIN
  UPDATE fleet.report AS r SET lease = v_now + interval '1 hour' WHERE r.ctid = ANY (ARRAY(
    SELECT mine.ctid FROM fleet.report AS mine WHERE mine.state = 'claimed' AND mine.owner = session_user AND mine.day >= v_today - 2 FOR UPDATE SKIP LOCKED));
  -- One that is locked stays the caller's for as long as its lease lasts.
  RETURN QUERY SELECT r.day, r.domain, r.part::int FROM fleet.report AS r
    WHERE r.state = 'claimed' AND r.owner = session_user AND r.day >= v_today - 2 AND r.lease > v_now;
  IF NOT EXISTS (SELECT 1 FROM fleet.reporter AS me WHERE me.host = session_user AND me.sends) THEN
    RETURN;
  END IF;
  FOR v_place IN
    WITH complete AS MATERIALIZED (
      SELECT d AS day, CASE
          WHEN NOT EXISTS (SELECT 1 FROM fleet.reporter AS r LEFT JOIN fleet.handed AS h ON h.day = d AND h.host = r.host
            WHERE r.seen_at > v_now - interval '24 hours' AND h.all_at IS NULL)
          THEN least(to_timestamp((d::bigint + 1) * 86400) + interval '3 hours', (SELECT max(h.all_at) FROM fleet.handed AS h WHERE h.day = d))
          ELSE to_timestamp((d::bigint + 1) * 86400) + interval '3 hours' END AS at
      FROM generate_series(v_today - 2, v_today - 1) AS d
    )
    SELECT c.day, b AS bucket, c.at AS complete_at, (SELECT count(*) FROM fleet.reporter AS other
          WHERE other.sends AND other.seen_at > v_now - interval '30 minutes' AND other.host <> session_user
            AND sha256(convert_to(c.day || ' ' || b || ' ' || other.host, 'UTF8')) > sha256(convert_to(c.day || ' ' || b || ' ' || session_user, 'UTF8')))
        * interval '15 minutes' AS patience
      FROM complete AS c, generate_series(0, 63) AS b
      WHERE c.at <= v_now
      ORDER BY random()
  LOOP
    EXIT WHEN v_most <= 0;
    -- Whose lease has ended.
    RETURN QUERY
      UPDATE fleet.report AS r SET owner = session_user, lease = v_now + interval '1 hour' WHERE r.ctid = ANY (ARRAY(
        SELECT one.ctid FROM fleet.report AS one
          WHERE one.day = v_place.day AND one.bucket = v_place.bucket AND one.state = 'claimed' AND one.owner <> session_user
            AND greatest(one.moment, v_place.complete_at, one.lease) + v_place.patience <= v_now
          ORDER BY one.moment LIMIT v_most FOR UPDATE SKIP LOCKED))
        RETURNING r.day, r.domain, r.part::int;
    GET DIAGNOSTICS v_given = ROW_COUNT;
    v_most := v_most - v_given;
    -- What nobody has claimed, as far as nobody holds it: whoever claims has locked the sheets.
    SELECT array_agg(due.domain) INTO v_due FROM (
      SELECT d.domain FROM fleet.due AS d WHERE d.day = v_place.day AND d.bucket = v_place.bucket
        AND greatest(d.moment, v_place.complete_at) + v_place.patience <= v_now ORDER BY d.moment LIMIT v_most
    ) AS due;
    WITH locked AS MATERIALIZED (
      SELECT s.domain FROM fleet.sheet AS s WHERE s.day = v_place.day AND s.bucket = v_place.bucket AND s.domain = ANY (v_due) AND s.part IS NULL
        ORDER BY s.domain, s.host FOR UPDATE SKIP LOCKED
    )
    SELECT array_agg(whole.domain ORDER BY whole.domain COLLATE "C") INTO v_free FROM (
      SELECT s.domain, count(*) FROM fleet.sheet AS s
        WHERE s.day = v_place.day AND s.bucket = v_place.bucket AND s.domain = ANY (v_due) AND s.part IS NULL GROUP BY s.domain
      INTERSECT SELECT l.domain, count(*) FROM locked AS l GROUP BY l.domain
    ) AS whole;
    CONTINUE WHEN v_free IS NULL;
    SELECT array_agg(c.report_domain), array_agg(c.report_part) INTO v_domains, v_parts FROM fleet.claim_these(v_place.day, v_place.bucket, v_free) AS c;
    -- One that somebody holds all the same costs no other its turn: they are claimed one by one, as long as few of them wait.
    IF v_domains IS NULL THEN
      FOREACH v_one IN ARRAY v_free LOOP
        EXIT WHEN v_misses >= 50;
        SELECT c.report_part INTO v_part FROM fleet.claim_these(v_place.day, v_place.bucket, ARRAY[v_one]) AS c;
        IF FOUND THEN
          v_domains := v_domains || v_one;
          v_parts := v_parts || v_part;
        ELSE
          v_misses := v_misses + 1;
        END IF;
      END LOOP;
    END IF;
    RETURN QUERY SELECT v_place.day, c.domain, c.part FROM unnest(v_domains, v_parts) AS c (domain, part);
    v_most := v_most - coalesce(cardinality(v_domains), 0);
  END LOOP;
END $$;

-- What became of reports, from whoever owns them. What was counted is not needed any more. What somebody has locked is passed over, and told once more:
-- whoever takes over a report whose lease has ended, and leaves that open, holds that one alone.
CREATE FUNCTION fleet.settle_reports(p_day int[], p_domain text[], p_part int[], p_state text[], p_words text[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10ms' AS $$
DECLARE v_number int;
BEGIN
  WITH told AS MATERIALIZED (
    SELECT * FROM unnest(p_day, p_domain, p_part, p_state, p_words) AS one (day, domain, part, state, words)
      WHERE state IN ('sent', 'gave-up', 'unwanted') LIMIT 1000
  ), settled AS (
    UPDATE fleet.report AS r SET state = told.state, words = left(told.words, 240), lease = NULL
    FROM told WHERE (r.day, r.domain, r.part) = (told.day, told.domain, told.part) AND r.ctid = ANY (ARRAY(
      SELECT mine.ctid FROM told AS one JOIN fleet.report AS mine ON (mine.day, mine.domain, mine.part) = (one.day, one.domain, one.part)
        WHERE mine.owner = session_user AND mine.state = 'claimed' FOR UPDATE OF mine SKIP LOCKED))
    RETURNING r.day, r.domain, r.part
  ), emptied AS (
    UPDATE fleet.sheet AS s SET sheet = '' WHERE s.ctid = ANY (ARRAY(
      SELECT one.ctid FROM settled JOIN fleet.sheet AS one ON (one.day, one.domain, one.part) = (settled.day, settled.domain, settled.part)
        FOR UPDATE OF one SKIP LOCKED))
  )
  SELECT count(*) INTO v_number FROM settled;
  RETURN v_number;
END $$;

-- Forgets what was counted of a domain up to a day: a part of a purge. How much of it somebody has locked, so that it is to be done again.
CREATE FUNCTION fleet.purge_counts(p_domain text, p_last int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE fleet.sheet AS s SET sheet = '' WHERE s.ctid = ANY (ARRAY(
    SELECT one.ctid FROM fleet.sheet AS one WHERE one.domain = p_domain AND one.day <= p_last AND one.sheet <> '' FOR UPDATE SKIP LOCKED));
  UPDATE fleet.report AS r SET state = 'unwanted', words = 'purged', lease = NULL WHERE r.ctid = ANY (ARRAY(
    SELECT one.ctid FROM fleet.report AS one WHERE one.domain = p_domain AND one.day <= p_last AND one.state = 'claimed' FOR UPDATE SKIP LOCKED));
  RETURN (SELECT count(*) FROM fleet.sheet AS s WHERE s.domain = p_domain AND s.day <= p_last AND s.sheet <> '')
    + (SELECT count(*) FROM fleet.report AS r WHERE r.domain = p_domain AND r.day <= p_last AND r.state = 'claimed');
END $$;

REVOKE ALL ON FUNCTION fleet.is_a_domain, fleet.report_seen, fleet.hand_in, fleet.handed_all, fleet.claim_these, fleet.claim_reports, fleet.settle_reports, fleet.purge_counts FROM PUBLIC;
REVOKE ALL ON fleet.reporter, fleet.handed, fleet.sheet, fleet.report, fleet.due FROM PUBLIC;
GRANT SELECT ON fleet.reporter, fleet.handed, fleet.sheet, fleet.report, fleet.due TO fleet_host, fleet_operator;
GRANT EXECUTE ON FUNCTION fleet.report_seen, fleet.hand_in, fleet.handed_all, fleet.claim_reports, fleet.settle_reports TO fleet_host;
GRANT EXECUTE ON FUNCTION fleet.purge_counts TO fleet_operator;
ALTER TABLE fleet.reporter OWNER TO fleet_owner;
ALTER TABLE fleet.handed OWNER TO fleet_owner;
ALTER TABLE fleet.sheet OWNER TO fleet_owner;
ALTER TABLE fleet.report OWNER TO fleet_owner;
ALTER VIEW fleet.due OWNER TO fleet_owner;
ALTER FUNCTION fleet.is_a_domain OWNER TO fleet_owner;
ALTER FUNCTION fleet.report_seen OWNER TO fleet_owner;
ALTER FUNCTION fleet.hand_in OWNER TO fleet_owner;
ALTER FUNCTION fleet.handed_all OWNER TO fleet_owner;
ALTER FUNCTION fleet.claim_these OWNER TO fleet_owner;
ALTER FUNCTION fleet.claim_reports OWNER TO fleet_owner;
ALTER FUNCTION fleet.settle_reports OWNER TO fleet_owner;
ALTER FUNCTION fleet.purge_counts OWNER TO fleet_owner;

-- The end of what `fleet schema` prints: who owns these things makes no more of them.
REVOKE CREATE ON SCHEMA fleet FROM fleet_owner;
