//! What the system gives a process until there is none left: descriptors, memory, ports, threads. Whoever finds none is told so, in words
//! that say what helps; nothing panics, and nothing follows of it for somebody else.

use nix::errno::Errno;
use std::io::{self, ErrorKind};
use std::thread::{Builder, JoinHandle};
use tokio::runtime::{self, Runtime};
use tokio::task::spawn_blocking;

/// Whether a system call failed because this machine has no descriptor, memory, buffer or port left: whoever else was to be asked had
/// no part in it, so nothing follows of it for him. (Of threads the system says EAGAIN; that is read where they are made.)
pub(crate) fn is_want_of_resources(error: &io::Error) -> bool {
    let errors = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM, Errno::EADDRINUSE];
    error.raw_os_error().is_some_and(|code| errors.contains(&Errno::from_raw(code)))
}

/// What helps where the system gives a process no thread or no descriptor, behind its own words.
pub(crate) fn of_a_start(error: &io::Error) -> String {
    let what_helps = match error.kind() {
        ErrorKind::WouldBlock => {
            ": no thread can be begun; raise TasksMax= of the service, or the user's limit (ulimit -u)"
        }
        _ if is_want_of_resources(error) => {
            ": nothing more can be opened; raise LimitNOFILE= of the service (ulimit -n)"
        }
        _ => "",
    };
    format!("{error}{what_helps}")
}

/// Begins a thread with a run-time system of its own, which is made there: one that is dropped where something waits panics.
///
/// # Errors
/// If the system has no thread or descriptor left.
pub(crate) fn begin(name: &str, run: impl FnOnce(Runtime) + Send + 'static) -> io::Result<JoinHandle<()>> {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = Builder::new().name(name.to_owned()).spawn(move || {
        let made = runtime::Builder::new_current_thread().enable_all().build();
        let (is_made, runtime) = match made {
            Ok(runtime) => (Ok(()), Some(runtime)),
            Err(error) => (Err(error), None),
        };
        // Whoever began it waits for this.
        let _ = tell.send(is_made);
        if let Some(runtime) = runtime {
            run(runtime);
        }
    })?;
    told.recv().map_err(io::Error::other)??;
    Ok(thread)
}

/// Does something that blocks on a thread that is there for such things.
///
/// # Errors
/// If the system has no thread left for it, or what is done there panics.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    are_there(1)?;
    Ok(spawn_blocking(work).await?)
}

/// Whether so many threads more can be begun: the run-time system panics where it finds none.
///
/// # Errors
/// If they cannot.
pub(crate) fn are_there(number: usize) -> io::Result<()> {
    let gate = std::sync::Mutex::new(());
    std::thread::scope(|scope| {
        // None ends before the last one has begun.
        let closed = gate.lock();
        let begun =
            (0..number).try_for_each(|_| Builder::new().spawn_scoped(scope, || drop(gate.lock())).map(drop));
        drop(closed);
        begun
    })
}
