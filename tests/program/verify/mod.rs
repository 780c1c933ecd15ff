//! The whole path, in sentences: given this world, for this delivery, this verdict.
//!
//! The real program is run, against real servers over real sockets, with a real cache file.

mod absolute_names;
mod authorities;
mod critical_path;
mod dane;
mod dns_trouble;
mod domains;
mod first_use;
mod in_force;
mod lookup;
mod mail_exchangers;
mod mechanisms;
mod mta_sts;
mod next_hop;
mod private_names;
mod trouble;
mod warm;
