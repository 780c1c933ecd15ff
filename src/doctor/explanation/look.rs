//! What there is to say where the doctor's own look failed, whichever check it was for.

/// What it means, instead of what a bad finding means.
pub(in crate::doctor) const MEANING: &str = "This was not looked at: it may be in order or not.";

/// What to do about it, by what has become of the look.
pub(in crate::doctor) const FIX: &str = "If the look did not end in time, run `doctor` again with a longer --deadline. If a signal ended it, the kernel's log (dmesg) may say why, such as want of memory. If there was nothing left to ask with, give `doctor` more descriptors (ulimit -n), and look at the machine's memory. If it cannot be started, see why that user may not run this program. If it says too much or what cannot be read, look at what is loaded into each process (/etc/ld.so.preload), and else tell the authors.";
