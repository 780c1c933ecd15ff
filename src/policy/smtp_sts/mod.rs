//! The record of draft-margolis-smtp-sts-00 (March 2016), the dialect of the program that this one grew from.
//!
//! Published as TXT at `_smtp_sts.DOMAIN` (the draft's text) or `_smtp-sts.DOMAIN` (its authors' own zones). This
//! module reads the record; whether it is authentic, and what follows for a delivery, is decided elsewhere.

mod location;
mod record;
mod terms;

pub use location::Location;
pub use record::{LABELS, Published, Record, published};
pub use terms::{Mechanism, Terms, with_asterisk};
