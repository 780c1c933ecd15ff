//! A mistake of ours must not end in silence, in a stack trace inside somebody's mail header, or in a delivery.

use super::config::Format;
use super::exit::ExitStatus;
use super::output;
use crate::reason::Reason;
use crate::render::exim::Asker;

/// From here on a panic prints one answer in the format asked for and ends the process as a failure of the program.
pub(super) fn install(format: Format, asker: Asker) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let what = panic.payload().downcast_ref::<&str>().map_or("", |text| text);
        output::failure(Reason::Internal, format!("panic at {place}: {what}"), format, asker);
        ExitStatus::Internal.leave()
    }));
}
