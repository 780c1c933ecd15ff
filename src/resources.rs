//! What the system gives a process until there is none left: descriptors, memory, ports, threads. Whoever finds none is told so, in words
//! that say what helps; nothing panics, and nothing follows of it for somebody else.

use crate::limits::{RESOURCES_AWAITED, RESOURCES_TRIED_AGAIN};
use nix::errno::Errno;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::thread::{Builder, JoinHandle};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// What a thread that panicked has to say.
pub(crate) const FAILED: &str = "this program failed";

/// Whether a system call failed because this machine has no descriptor, memory, buffer or port left: whoever else was to be asked had
/// no part in it, so nothing follows of it for him. (Of threads the system says EAGAIN; that is read where they are made.)
pub(crate) fn is_want_of_resources(error: &io::Error) -> bool {
    let errors = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM, Errno::EADDRINUSE];
    error.raw_os_error().is_some_and(|code| errors.contains(&Errno::from_raw(code)))
}

/// Does something that takes a descriptor, and waits a moment where there is none left: what is under way gives its own back.
///
/// # Errors
/// Those of the attempt, the last one.
pub(crate) async fn awaited<T, F: Future<Output = io::Result<T>>>(attempt: impl Fn() -> F) -> io::Result<T> {
    let end = Instant::now() + RESOURCES_AWAITED;
    loop {
        match attempt().await {
            Err(error) if is_want_of_resources(&error) && Instant::now() < end => {
                sleep(RESOURCES_TRIED_AGAIN).await;
            }
            done => return done,
        }
    }
}

/// Waits a moment for what others give back: until it is there, or patience ends.
pub(crate) async fn until(is_there: impl Fn() -> bool) {
    let end = Instant::now() + RESOURCES_AWAITED;
    while !is_there() && Instant::now() < end {
        sleep(RESOURCES_TRIED_AGAIN).await;
    }
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

/// Does something that blocks on a thread of its own, for as long as that takes.
///
/// # Errors
/// If the system has no thread left for it, or what is done there panics.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (tell, told) = oneshot::channel();
    // Whoever asked may have left.
    Builder::new().name("aside".into()).spawn(move || drop(tell.send(work())))?;
    told.await.map_err(|_| io::Error::other(FAILED))
}

/// Whether so many threads more can be begun. For what begins them by itself and panics where there is none: a run-time system of
/// many threads, and whatever has several at work in one scope.
///
/// # Errors
/// If they cannot.
pub(crate) fn are_there(number: usize) -> io::Result<()> {
    let gate = std::sync::Mutex::new(());
    std::thread::scope(|scope| {
        // None ends before the last one has begun.
        let closed = gate.lock();
        let begin = |_| Builder::new().spawn_scoped(scope, || drop(gate.lock()));
        let begun: io::Result<Vec<_>> = (0..number).map(begin).collect();
        drop(closed);
        // The system counts them until they are gone, which is a moment after they have nothing more to do.
        begun?.into_iter().for_each(|thread| drop(thread.join()));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_descriptor_is_waited_for_for_a_moment_and_nothing_else_is() {
        for (error, given_after, expected) in [
            (Errno::EMFILE, Duration::from_millis(290), Ok(())),
            (Errno::ENOBUFS, Duration::from_millis(310), Err(Errno::ENOBUFS)),
            (Errno::ECONNREFUSED, Duration::from_millis(10), Err(Errno::ECONNREFUSED)),
        ] {
            let (began, attempts) = (Instant::now(), Cell::new(0));
            let done = awaited(async || {
                attempts.set(attempts.get() + 1);
                if began.elapsed() < given_after { Err(io::Error::from(error)) } else { Ok(()) }
            });
            let done = done.await.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap()));
            assert_eq!(done, expected);
            assert_eq!(attempts.get() == 1, error == Errno::ECONNREFUSED);
        }
    }
}
