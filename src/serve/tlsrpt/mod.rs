//! Sessions for TLS reports (RFC 8460): [`recorder`] counts what mail servers tell, Exim by its socket and Postfix in [`datagrams`], and
//! what a look-up has [`noticed`].

pub mod datagrams;
pub mod noticed;
pub mod recorder;
