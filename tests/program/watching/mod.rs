//! `probe` for many domains and for those who watch machines, by the real path: the program, its files, the DNS and the
//! mail hosts of a laboratory.

mod batch;
mod crowd;
mod fixture;
mod plugin;
mod textfile;
