//! What an explanation says of others.

mod exim;
