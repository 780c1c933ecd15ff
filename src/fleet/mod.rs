//! One memory for many mail hosts, on PostgreSQL: what one host learns, the others know within seconds.
//!
//! ```text
//! question ─► memory ─► SQLite ─► answer          (as without a fleet; never further)
//!                 ↓ outbox        ↑ inbox
//!            one task, one connection ─► PostgreSQL
//! ```
//!
//! SQLite stays the memory that decides, and no answer ever waits for the database. What comes from there may make this host stricter at once, and
//! laxer only after it has looked for itself ([`crate::cache::decide`]): whoever rules the database, or one host, can neither weaken what another
//! host enforces nor hold up its mail. [`SCHEMA`] is what a DBA runs; the merge rule in it is that of a row here.

mod connection;
pub mod decree;
mod keys;
mod overview;
mod reports;
mod tls;
mod trouble;
mod witness;

use crate::cache::Cache;
use crate::config::Fleet;
use crate::overrides::Decreed;
use crate::time::UnixTime;
use tracing::warn;

pub use connection::{Connection, Page, SignOfLife, StoreState};
pub use keys::{Keys, check, private_key as operators_key};
pub use overview::{DayOfReports, Host, Kinds, Rights, Weakened};
pub use reports::{Claim, Claims};
pub use trouble::{Failed, Trouble};
pub use witness::{Signer, Witnesses};

/// The overrides that the operator of the fleet has decreed and this host has obeyed, as far as they count. They stand in a file of their own
/// (`src/cache/decrees.rs` says why): what becomes of the file of others' words concerns none of them, and where nothing was ever decreed no mail waits.
///
/// # Errors
/// Why they cannot be read, in words; and what is known without them.
pub fn read_decreed(fleet: &Fleet, cache: &Cache, now: UnixTime) -> Result<Decreed, (String, Decreed)> {
    let kept = cache.decrees().map_err(|trouble| {
        let why = trouble.to_string();
        (why.clone(), Decreed::unread(None, why))
    })?;
    if !decree::may_override(&kept) {
        return Ok(Decreed::default());
    }
    let operators = keys::operators(fleet).map_err(|trouble| {
        let (why, scopes) = (trouble.to_string(), decree::stricter(&kept, now));
        (why.clone(), Decreed::unread(Some(scopes), why))
    })?;
    Ok(decree::overrides(&kept, &operators, now))
}

/// The same at a start: where they cannot be read, mail that they may be about waits, and that is logged.
#[must_use]
pub fn decreed(fleet: &Fleet, cache: &Cache, now: UnixTime) -> Decreed {
    read_decreed(fleet, cache, now).unwrap_or_else(|(why, unread)| {
        warn!(why, "overrides that the fleet's operator has decreed cannot be read: mail that they may hold to more waits");
        unread
    })
}

/// What makes a database a fleet's memory, version [`VERSION`].
pub const SCHEMA: &str = concat!(include_str!("schema.sql"), include_str!("reports.sql"));

/// The version of the schema that this program reads and writes.
pub const VERSION: i32 = 2;
