//! What there is to say about the memory that a fleet shares. No verdict depends on it: without it a host answers as one without a fleet.

use super::CheckExplanation;
use crate::doctor::{Health, Topic};

const fn say(
    word: &'static str,
    about: &'static str,
    meaning: &'static str,
    fix: &'static str,
) -> CheckExplanation {
    CheckExplanation { word, topic: Topic::Fleet, worst: Health::Warning, about, meaning, fix }
}

pub(super) const CONNECTION: CheckExplanation = say(
    "fleet.connection",
    "the fleet's database can be written to from here",
    "This host answers as one without a fleet: it does not learn what others have met, nor they what it has.",
    "exim/fleet.md has a line for each of these; `smtp-sts-verify fleet check` tries again.",
);

pub(super) const SCHEMA: CheckExplanation = say(
    "fleet.schema",
    "the database has the schema that this program knows",
    "Nothing of it is read or written, so that no row is misunderstood.",
    "Has `smtp-sts-verify fleet schema` been run there? Where a later version of it was, upgrade this host; where an earlier one was, run this one in an empty database (exim/fleet.md).",
);

pub(super) const ROLE: CheckExplanation = say(
    "fleet.role",
    "the role of this host may do what a host has to, and nothing else",
    "Whoever gets hold of this host could change what others have said, fill the database's disk, or order what only an operator may; or this host cannot offer what it learns.",
    "CREATE ROLE ... IN ROLE fleet_host, as exim/fleet.md has it, one for each host; a superuser runs `fleet schema`, in a database that is for this alone.",
);

pub(super) const CLOCK: CheckExplanation = say(
    "fleet.clock",
    "the clock agrees with that of the database",
    "What is fetched 300 seconds ahead of the database is refused there: the others do not learn what this host learns.",
    "Have both machines keep time (chrony, systemd-timesyncd).",
);

pub(super) const GROUPS: CheckExplanation = say(
    "fleet.groups",
    "all hosts learn under the same trust anchors and authorities",
    "Hosts of different groups share nothing: what one of them proved is not proven to the other.",
    "Configure trust_anchor, ca_file, https_port and allow_private_addresses alike on all hosts; `smtp-sts-verify config show` tells them.",
);
