//! What is wrong with what a domain publishes.

mod survey;
