
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

-- How much of a day (counted from 1970-01-01, UTC) a host has handed in, and whether that is all.
CREATE TABLE fleet.handed (
  day int NOT NULL,
  host name NOT NULL,
  sheets int NOT NULL DEFAULT 0,
  octets bigint NOT NULL DEFAULT 0,
  is_all boolean NOT NULL DEFAULT false,
  PRIMARY KEY (day, host)
);

-- What a host counted of a domain on a day: src/reports/sheet.rs has the words. `part` says in which report it is told: 0, or a supplement.
CREATE TABLE fleet.sheet (
  day int NOT NULL,
  domain text NOT NULL,
  host name NOT NULL,
  part smallint NOT NULL,
  sheet text NOT NULL CHECK (octet_length(sheet) <= 262144),
  PRIMARY KEY (day, domain, host)
);

-- The reports. One that is due was claimed by nobody yet; once it is claimed, what it tells is fixed, so that whoever sends it sends the same.
CREATE TABLE fleet.report (
  day int NOT NULL,
  domain text NOT NULL CHECK (domain ~ '^[a-z0-9_.-]{1,255}$'),
  part smallint NOT NULL CHECK (part BETWEEN 0 AND 3),
  bucket smallint NOT NULL,
  moment timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'claimed', 'sent', 'gave-up', 'unwanted')),
  owner name,
  lease timestamptz,
  words text NOT NULL DEFAULT '' CHECK (octet_length(words) <= 1024),
  PRIMARY KEY (day, domain, part)
);
CREATE INDEX report_open ON fleet.report (day, bucket, moment) WHERE state IN ('due', 'claimed');

-- Since when nobody is waited for any more: all hosts that were there within a day have handed in theirs, or it is 03:00.
CREATE TABLE fleet.complete (
  day int PRIMARY KEY,
  at timestamptz NOT NULL
);

-- A host that takes part is there.
CREATE FUNCTION fleet.report_seen(p_sends boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO fleet.reporter AS r VALUES (session_user, clock_timestamp(), coalesce(p_sends, false))
    ON CONFLICT (host) DO UPDATE SET seen_at = excluded.seen_at, sends = excluded.sends
$$;

-- Takes what a host counted. What becomes of each sheet: stored, same (it was there), early (its day is not over), late (its day is too long ago, or
-- has had all its reports), full (a host has 50,000 sheets and 64 MiB a day) or refused. Rows are locked in the order of their keys.
CREATE FUNCTION fleet.hand_in(p_day int, p_domain text[], p_sheet text[]) RETURNS TABLE (place int, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_today int := floor(extract(epoch FROM v_now) / 86400)::int;
  v_end timestamptz := to_timestamp((p_day::bigint + 1) * 86400);
  v_handed fleet.handed;
  v_one record;
  v_part int;
  v_hash bytea;
  v_moment timestamptz;
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
      WHEN NOT coalesce(v_one.domain ~ '^[a-z0-9_.-]{1,255}$' AND octet_length(v_one.sheet) BETWEEN 2 AND 262144, false) THEN 'refused'
      WHEN EXISTS (SELECT 1 FROM fleet.sheet AS s WHERE (s.day, s.domain, s.host) = (p_day, v_one.domain, session_user)) THEN 'same'
      WHEN v_handed.sheets >= 50000 OR v_handed.octets + octet_length(v_one.sheet) > 67108864 THEN 'full'
    END;
    WHILE outcome IS NULL LOOP
      -- Whoever claims it meanwhile passes over it; whoever has claimed it leaves the next part.
      SELECT r.part INTO v_part FROM fleet.report AS r
        WHERE (r.day, r.domain, r.state) = (p_day, v_one.domain, 'due') FOR SHARE;
      IF FOUND THEN
        INSERT INTO fleet.sheet VALUES (p_day, v_one.domain, session_user, v_part, v_one.sheet);
        v_handed.sheets := v_handed.sheets + 1;
        v_handed.octets := v_handed.octets + octet_length(v_one.sheet);
        outcome := 'stored';
        EXIT;
      END IF;
      SELECT coalesce(max(r.part) + 1, 0) INTO v_part FROM fleet.report AS r WHERE (r.day, r.domain) = (p_day, v_one.domain);
      IF v_part > 3 THEN
        outcome := 'late';
        EXIT;
      END IF;
      -- A supplement every twelve hours at most: a host that hands in piece by piece causes three. Others have a quarter of an hour to join.
      v_hash := sha256(convert_to(v_one.domain, 'UTF8'));
      v_moment := CASE v_part
        WHEN 0 THEN v_end + interval '5 minutes'
          + ((get_byte(v_hash, 1) * 65536 + get_byte(v_hash, 2) * 256 + get_byte(v_hash, 3)) % 14100) * interval '1 second'
        ELSE v_end + v_part * interval '12 hours' END;
      INSERT INTO fleet.report (day, domain, part, bucket, moment)
        VALUES (p_day, v_one.domain, v_part, get_byte(v_hash, 0) % 64, greatest(v_moment, v_now + interval '15 minutes'))
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN NEXT;
  END LOOP;
  UPDATE fleet.handed AS h SET sheets = v_handed.sheets, octets = v_handed.octets
    WHERE (h.day, h.host) = (p_day, session_user) AND h.sheets <> v_handed.sheets;
END $$;

-- A host has handed in all of a day. What is four days old goes, some of it at each call.
CREATE FUNCTION fleet.handed_all(p_day int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_today int := floor(extract(epoch FROM clock_timestamp()) / 86400)::int;
BEGIN
  IF p_day BETWEEN v_today - 2 AND v_today - 1 THEN
    INSERT INTO fleet.handed AS h (day, host, is_all) VALUES (p_day, session_user, true)
      ON CONFLICT (day, host) DO UPDATE SET is_all = true WHERE NOT h.is_all;
  END IF;
  DELETE FROM fleet.sheet WHERE ctid = ANY (ARRAY(SELECT s.ctid FROM fleet.sheet AS s WHERE s.day < v_today - 3 LIMIT 2000 FOR UPDATE SKIP LOCKED));
  DELETE FROM fleet.report WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM fleet.report AS r WHERE r.day < v_today - 3 LIMIT 2000 FOR UPDATE SKIP LOCKED));
  DELETE FROM fleet.handed AS h WHERE h.day < v_today - 3;
  DELETE FROM fleet.complete AS c WHERE c.day < v_today - 3;
END $$;

-- The reports that the caller has to send: those that are its own, whose lease goes on for an hour, and so many more. Which host sends which is told by
-- the highest hash among those that were there within half an hour; the next one may after a quarter of an hour. So a host that an attacker has claims its
-- share of a day and no more, another one each day.
CREATE FUNCTION fleet.claim_reports(p_most int) RETURNS TABLE (report_day int, report_domain text, report_part int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_today int := floor(extract(epoch FROM v_now) / 86400)::int;
BEGIN
  INSERT INTO fleet.complete (day, at)
    SELECT d, v_now FROM generate_series(v_today - 2, v_today - 1) AS d
    WHERE NOT EXISTS (SELECT 1 FROM fleet.complete AS c WHERE c.day = d)
      AND (v_now >= to_timestamp((d::bigint + 1) * 86400) + interval '3 hours'
        OR NOT EXISTS (SELECT 1 FROM fleet.reporter AS r WHERE r.seen_at > v_now - interval '24 hours'
          AND NOT EXISTS (SELECT 1 FROM fleet.handed AS h WHERE h.day = d AND h.host = r.host AND h.is_all)))
    ON CONFLICT DO NOTHING;
  RETURN QUERY UPDATE fleet.report AS r SET lease = v_now + interval '1 hour'
    WHERE r.state = 'claimed' AND r.owner = session_user AND r.day >= v_today - 2
    RETURNING r.day, r.domain, r.part::int;
  RETURN QUERY
    WITH place AS MATERIALIZED (
      SELECT d AS day, b AS bucket, (SELECT count(*) FROM fleet.reporter AS other
          WHERE other.sends AND other.seen_at > v_now - interval '30 minutes' AND other.host <> session_user
            AND sha256(convert_to(d || ' ' || b || ' ' || other.host, 'UTF8')) > sha256(convert_to(d || ' ' || b || ' ' || session_user, 'UTF8')))
        * interval '15 minutes' AS patience
      FROM generate_series(v_today - 2, v_today - 1) AS d, generate_series(0, 63) AS b
      WHERE EXISTS (SELECT 1 FROM fleet.reporter AS me WHERE me.host = session_user AND me.sends)
    ), free AS (
      SELECT r.day, r.domain, r.part FROM place
      JOIN fleet.complete AS c ON c.day = place.day
      JOIN fleet.report AS r ON r.day = place.day AND r.bucket = place.bucket
      WHERE r.state IN ('due', 'claimed') AND r.owner IS DISTINCT FROM session_user
        AND greatest(r.moment, c.at, r.lease) + place.patience <= v_now
      ORDER BY r.moment LIMIT least(greatest(p_most, 0), 1000)
      FOR UPDATE OF r SKIP LOCKED
    )
    UPDATE fleet.report AS r SET state = 'claimed', owner = session_user, lease = v_now + interval '1 hour'
    FROM free WHERE (r.day, r.domain, r.part) = (free.day, free.domain, free.part)
    RETURNING r.day, r.domain, r.part::int;
END $$;

-- What became of reports, from whoever owns them. What was counted is not needed any more.
CREATE FUNCTION fleet.settle_reports(p_day int[], p_domain text[], p_part int[], p_state text[], p_words text[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_number int;
BEGIN
  WITH told AS (
    SELECT * FROM unnest(p_day, p_domain, p_part, p_state, p_words) AS one (day, domain, part, state, words)
      WHERE state IN ('sent', 'gave-up', 'unwanted') LIMIT 1000
  ), settled AS (
    UPDATE fleet.report AS r SET state = told.state, words = left(told.words, 240), lease = NULL
    FROM told WHERE (r.day, r.domain, r.part) = (told.day, told.domain, told.part) AND r.owner = session_user AND r.state = 'claimed'
    RETURNING r.day, r.domain, r.part
  ), emptied AS (
    UPDATE fleet.sheet AS s SET sheet = '' FROM settled
    WHERE (s.day, s.domain, s.part) = (settled.day, settled.domain, settled.part)
  )
  SELECT count(*) INTO v_number FROM settled;
  RETURN v_number;
END $$;

-- Forgets what was counted of a domain up to a day: a part of a purge.
CREATE FUNCTION fleet.purge_counts(p_domain text, p_last int) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE fleet.sheet AS s SET sheet = '' WHERE s.domain = p_domain AND s.day <= p_last;
  UPDATE fleet.report AS r SET state = 'unwanted', words = 'purged', lease = NULL
    WHERE r.domain = p_domain AND r.day <= p_last AND r.state IN ('due', 'claimed')
$$;

REVOKE ALL ON FUNCTION fleet.report_seen, fleet.hand_in, fleet.handed_all, fleet.claim_reports, fleet.settle_reports, fleet.purge_counts FROM PUBLIC;
REVOKE ALL ON fleet.reporter, fleet.handed, fleet.sheet, fleet.report, fleet.complete FROM PUBLIC;
GRANT SELECT ON fleet.reporter, fleet.handed, fleet.sheet, fleet.report, fleet.complete TO fleet_host, fleet_operator;
GRANT EXECUTE ON FUNCTION fleet.report_seen, fleet.hand_in, fleet.handed_all, fleet.claim_reports, fleet.settle_reports TO fleet_host;
GRANT EXECUTE ON FUNCTION fleet.purge_counts TO fleet_operator;
ALTER TABLE fleet.reporter OWNER TO fleet_owner;
ALTER TABLE fleet.handed OWNER TO fleet_owner;
ALTER TABLE fleet.sheet OWNER TO fleet_owner;
ALTER TABLE fleet.report OWNER TO fleet_owner;
ALTER TABLE fleet.complete OWNER TO fleet_owner;
ALTER FUNCTION fleet.report_seen OWNER TO fleet_owner;
ALTER FUNCTION fleet.hand_in OWNER TO fleet_owner;
ALTER FUNCTION fleet.handed_all OWNER TO fleet_owner;
ALTER FUNCTION fleet.claim_reports OWNER TO fleet_owner;
ALTER FUNCTION fleet.settle_reports OWNER TO fleet_owner;
ALTER FUNCTION fleet.purge_counts OWNER TO fleet_owner;

-- The end of what `fleet schema` prints: who owns these things makes no more of them.
REVOKE CREATE ON SCHEMA fleet FROM fleet_owner;
