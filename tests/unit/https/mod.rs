//! The policy fetch against servers that are anything: right, wrong, slow, endless, hostile. All on loopback.

mod addresses;
mod certificates;
mod limits;
mod openssl;
mod replies;
mod requests;
mod roots;
mod site;
