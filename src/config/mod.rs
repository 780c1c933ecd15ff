//! What an administrator chooses, and what it comes down to before anything is asked.
//!
//! [`Choices`] are the words of the command line and of the file. [`Setup`] opens what they name, as whoever may ([`Access`]):
//! the files of the cache, whom to ask, what to trust. Whatever is read, is read when it is needed: a warm answer needs nothing
//! but the cache, and the files that were named. [`Rules`] are the one place that applies overrides to a question.
//!
//! Every command opens its set-up here, and so does the daemon when it begins and each time that it reads its files again.

pub mod address;
mod choices;
mod places;
pub mod privileges;
mod rules;
mod setup;

pub use choices::{
    BadConfiguration, Choices, DEFAULT_FILE, Deadline, Format, LogFormat, NameServer, TlsVerified,
    WhenUnreachable,
};
pub use places::{AnswerWithin, Places};
pub use rules::{Asked, Rules};
pub use setup::{Access, Dns, Setup, Storage};
