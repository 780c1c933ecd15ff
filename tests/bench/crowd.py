"""A cache with very many domains, made from one that has a few."""
import sqlite3


def fill(cache, count, like):
    """Copies the rows of the domain `like` under other names, in both files, until each holds `count` domains."""
    for path, table, columns in (
        (cache, "policy", "fingerprint, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only,"
                          " checksum"),
        (cache.replace(".db", ".dns.db"), "answer", "fingerprint, topic, text, valid_until, checksum"),
    ):
        with sqlite3.connect(path) as database:
            there = database.execute(f"SELECT count(DISTINCT domain) FROM {table}").fetchone()[0]
            database.execute(f"""WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
                INSERT INTO {table} (domain, {columns})
                SELECT printf('%08x.filler%d.test', i * 2654435761 % 4294967296, i), {columns}
                FROM n, (SELECT * FROM {table} WHERE domain = ?3)""", (there + 1, count, like))
        database.close()
        with sqlite3.connect(path) as database:
            there = database.execute(f"SELECT count(DISTINCT domain) FROM {table}").fetchone()[0]
            assert there == count, (path, there)
        database.close()
