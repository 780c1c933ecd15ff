use super::super::connection::{Access, connect};
use super::super::file::CachePath;
use super::super::turn::Patience;
use super::super::{answers, history_table, offers, policies, room, row};
use super::*;
use rusqlite::StatementStatus;

/// What SQLite means to do for a statement, step by step.
fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let number = explained.parameter_count();
    let key = rusqlite::params_from_iter((0..number).map(|_| None::<i64>));
    explained.query_map(key, |row| row.get(3)).unwrap().map(Result::unwrap).collect()
}

/// Each statement that a look-up may need, on a connection like those that run it.
fn each_statement_of_a_look_up(look: impl Fn(&Connection, &str)) {
    let of_policies = [
        row::STATEMENTS,
        history_table::STATEMENTS,
        room::STATEMENTS,
        policies::STATEMENTS,
        offers::STATEMENTS,
    ];
    for (schema, statements) in [(&POLICIES, of_policies.concat()), (&ANSWERS, answers::STATEMENTS.to_vec())]
    {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = CachePath::parse(file.path()).unwrap();
        let connection = connect(&path, Access::Use, &Patience::new(schema.patience)).unwrap();
        schema.create(&connection).unwrap();
        statements.into_iter().for_each(|statement| look(&connection, statement));
    }
}

#[test]
fn no_statement_of_a_look_up_walks_through_a_table() {
    each_statement_of_a_look_up(|connection, statement| {
        let plan = plan(connection, statement);
        let is_walk = |step: &String| step.contains("SCAN") && !step.contains("CONSTANT ROW");
        assert!(!plan.iter().any(is_walk), "{statement}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{statement}: {plan:?}");
    });
}

#[test]
fn none_is_compiled_anew_because_of_what_is_bound_to_it() {
    each_statement_of_a_look_up(|connection, statement| {
        let mut prepared = connection.prepare(statement).unwrap();
        for _ in 0..2 {
            (1..=prepared.parameter_count()).for_each(|at| prepared.raw_bind_parameter(at, 2).unwrap());
            // Not every statement takes such numbers.
            let _ = prepared.raw_query().next();
            prepared.clear_bindings();
        }
        assert_eq!(prepared.get_status(StatementStatus::RePrepare), 0, "{statement}");
    });
}

#[test]
fn a_walk_would_be_seen() {
    let connection = Connection::open_in_memory().unwrap();
    POLICIES.create(&connection).unwrap();
    assert!(plan(&connection, "SELECT count(*) FROM policy")[0].contains("SCAN"));
}

#[test]
fn definitions_are_sorted_as_they_are_compared() {
    for schema in [&POLICIES, &ANSWERS, &REPORTS, &OUTBOX, &INBOX] {
        assert!(schema.definitions.is_sorted(), "{:#?}", schema.definitions);
    }
}
