//! The command line as a contract: what Exim and an operator may rely on, whatever they or a stranger bring.

mod bad_input;
mod configuration;
mod formats;
mod generated;
mod lint;
mod lint_domain;
mod logs;
mod matching;
mod mistakes;
mod outputs;
mod reasons;
mod strangers;
