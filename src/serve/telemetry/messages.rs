//! The ids of messages that systemd's catalogue explains (`journalctl -x`); `exim/daemon/smtp-sts-verify.catalog` has their texts.
//! An id never changes its meaning.

/// The target of lines about domains that are debugged: the log tells them whatever its level.
pub const DEBUGGED: &str = "smtp_sts_verify::serve::debugged";

/// An answer let mail wait.
pub const MAIL_WAITS: &str = "5b0c1f4e8d6a4c0f9a3d7e21b46f8c01";
/// An answer refused a host.
pub const MAIL_IS_REFUSED: &str = "5b0c1f4e8d6a4c0f9a3d7e21b46f8c02";
/// A configuration cannot be used; an older one is in force.
pub const CONFIGURATION_IS_OLDER: &str = "5b0c1f4e8d6a4c0f9a3d7e21b46f8c03";
/// The cache cannot be used, or not be written to.
pub const CACHE_UNUSABLE: &str = "5b0c1f4e8d6a4c0f9a3d7e21b46f8c04";
/// A thread does not answer.
pub const THREAD_IS_STUCK: &str = "5b0c1f4e8d6a4c0f9a3d7e21b46f8c05";
/// A mistake of ours was caught, or ended the daemon.
pub const MISTAKE_OF_OURS: &str = "5b0c1f4e8d6a4c0f9a3d7e21b46f8c06";
