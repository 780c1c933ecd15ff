//! What an administrator chooses, and what it comes down to before anything is asked.
//!
//! [`Choices`] are the words of the command line and of the file; what several commands share is in [`SharedArgs`] and
//! [`ConditionArgs`]. [`Setup`] opens what they name, as whoever may ([`Access`]):
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
mod shared;

pub use choices::{BadConfiguration, Choices, DEFAULT_FILE, Format, LogFormat};
pub use places::{AnswerWithin, Places};
pub use rules::{Asked, Rules};
pub use setup::{Access, Dns, Setup, Storage};
pub use shared::{ConditionArgs, Deadline, NameServer, SharedArgs, TlsVerified, WhenUnreachable};
