//! The daemon, as Exim's files ask it: whether it answers, who could stand in its place, whether it says what the program
//! says.

use super::exim::{line, word};
use super::{fine, unchecked, warning, wrong};
use crate::doctor::observations::{Daemon, Door, Exim, Holder, Verifiers};
use crate::doctor::{Check, Finding};
use crate::text::excerpt;

/// The words of an answer that do not depend on what was asked before.
const LASTING: [&str; 6] = ["verdict", "tls", "policy", "mode", "auth", "mxre"];

/// Judges it.
#[must_use]
pub fn judge(exim: &Exim) -> [Finding; 3] {
    match &exim.daemon {
        Ok(daemon) => [answers(exim, daemon), socket(daemon), agrees(exim, daemon)],
        Err(why) => [Check::EximDaemon, Check::EximDaemonSocket, Check::EximDaemonAnswer]
            .map(|check| unchecked(check, why)),
    }
}

fn answers(exim: &Exim, daemon: &Daemon) -> Finding {
    const CHECK: Check = Check::EximDaemon;
    let fails = match daemon.verifiers {
        Verifiers::Program => return fine(CHECK, "not asked, which is a choice"),
        Verifiers::Nobody => {
            return wrong(CHECK, "SMTP_STS_VERIFIERS names neither daemon nor program: nobody is asked");
        }
        Verifiers::DaemonThenProgram => warning,
        Verifiers::Daemon => wrong,
    };
    let told = [("root", &exim.as_root), ("Exim's user", &exim.as_user)];
    let told = told.map(|(who, seen)| seen.as_ref().ok().map(|text| (who, is_the_daemons(text))));
    let place = excerpt(&daemon.place, 80);
    let of = |by_daemon: bool| {
        told.iter()
            .flatten()
            .filter(|(_, is)| *is == by_daemon)
            .map(|(who, _)| *who)
            .collect::<Vec<_>>()
            .join(" and ")
    };
    match (of(true).as_str(), of(false).as_str()) {
        ("", "") => unchecked(CHECK, "only root and Exim's user can ask as Exim does"),
        (who, "") => fine(CHECK, format!("{place} answers {who}")),
        _ if daemon.door == Door::Absent && daemon.verifiers == Verifiers::DaemonThenProgram => {
            fine(CHECK, format!("nothing is at {place}: Exim starts the program for each question"))
        }
        (_, who) => fails(CHECK, format!("{place} does not answer {who}")),
    }
}

/// The files add `asked=daemon` to what the daemon said.
fn is_the_daemons(text: &str) -> bool {
    word(line(text), "asked") == Some("daemon")
}

fn socket(daemon: &Daemon) -> Finding {
    const CHECK: Check = Check::EximDaemonSocket;
    const TYPE: u32 = 0o170_000; // S_IFMT
    const SOCKET: u32 = 0o140_000; // S_IFSOCK
    let place = excerpt(&daemon.place, 80);
    match &daemon.door {
        Door::Port => {
            fine(CHECK, format!("{place} is a port: while the daemon is away, anybody here may listen there"))
        }
        Door::Absent => unchecked(CHECK, format!("nothing is at {place}")),
        Door::File { words, mode, .. } if mode & TYPE != SOCKET => {
            wrong(CHECK, format!("no socket: {words}"))
        }
        Door::File { words, holder, directory_mode, .. }
            if *holder == Holder::Other || directory_mode & 0o022 != 0 =>
        {
            wrong(CHECK, format!("others can put a socket there: {words}"))
        }
        Door::File { words, mode, .. } if mode & 0o002 != 0 => {
            warning(CHECK, format!("open to everybody: {words}"))
        }
        Door::File { words, .. } => fine(CHECK, words),
    }
}

fn agrees(exim: &Exim, daemon: &Daemon) -> Finding {
    const CHECK: Check = Check::EximDaemonAnswer;
    let said = [&exim.as_root, &exim.as_user].into_iter().flatten().find(|text| is_the_daemons(text));
    let Some(said) = said.map(|text| line(text)) else {
        return unchecked(CHECK, "the daemon did not answer");
    };
    let program = match &daemon.program_says {
        Ok(text) => line(text),
        Err(why) => return unchecked(CHECK, why),
    };
    if word(program, "verdict").is_none() {
        return unchecked(CHECK, "Exim does not ask the program, or it did not answer");
    }
    let shown = |line, name| excerpt(word(line, name).unwrap_or("nothing"), 60);
    match LASTING.into_iter().find(|name| word(said, name) != word(program, name)) {
        None => fine(CHECK, "it says the same"),
        Some(name) => {
            let (daemons, programs) = (shown(said, name), shown(program, name));
            warning(CHECK, format!("{name} is {daemons} by the daemon and {programs} by the program"))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::exim::tests::good as exim;
    use super::*;
    use crate::doctor::Health;

    const PROGRAMS: &str =
        "verdict=deliver tls=opportunistic policy=none cache=hit reason=no-policy mxre=^(.+)$\n";

    /// A daemon at its socket.
    pub(crate) fn good() -> Daemon {
        Daemon {
            verifiers: Verifiers::DaemonThenProgram,
            place: "/run/smtp-sts-verify/exim.sock".into(),
            door: Door::File {
                words: "root:Debian-exim, mode 0660, in a directory of root:root, mode 0755".into(),
                mode: 0o140_660,
                holder: Holder::Root,
                directory_mode: 0o040_755,
            },
            program_says: Ok(PROGRAMS.to_owned()),
        }
    }

    fn healths(exim: &Exim) -> [Health; 3] {
        judge(exim).map(|finding| finding.health)
    }

    fn with(daemon: Daemon) -> Exim {
        Exim { daemon: Ok(daemon), ..exim() }
    }

    #[test]
    fn a_daemon_that_answers_is_fine_and_one_that_is_not_asked_a_choice() {
        assert_eq!(healths(&exim()), [Health::Fine; 3]);
        let program = Exim { as_root: Ok(PROGRAMS.into()), as_user: Ok(PROGRAMS.into()), ..exim() };
        let not_asked = Exim {
            daemon: Ok(Daemon { verifiers: Verifiers::Program, door: Door::Absent, ..good() }),
            ..program.clone()
        };
        assert_eq!(healths(&not_asked), [Health::Fine, Health::NotChecked, Health::NotChecked]);
        let absent = Exim { daemon: Ok(Daemon { door: Door::Absent, ..good() }), ..program };
        assert_eq!(healths(&absent), [Health::Fine, Health::NotChecked, Health::NotChecked]);
        let old = Exim { daemon: Err("knows no daemon".into()), ..exim() };
        assert_eq!(healths(&old), [Health::NotChecked; 3]);
    }

    #[test]
    fn a_daemon_that_does_not_answer_is_a_warning_and_without_the_program_wrong() {
        let silent = |verifiers| {
            let daemon = Daemon { verifiers, ..good() };
            Exim { as_user: Ok("verdict=defer reason=no-answer-from-daemon".into()), ..with(daemon) }
        };
        assert_eq!(healths(&silent(Verifiers::DaemonThenProgram))[0], Health::Warning);
        assert_eq!(healths(&silent(Verifiers::Daemon))[0], Health::Wrong);
        let nobody = with(Daemon { verifiers: Verifiers::Nobody, ..good() });
        assert_eq!(healths(&nobody)[0], Health::Wrong);
        let not_root = Exim { as_root: Err("x".into()), as_user: Err("x".into()), ..exim() };
        assert_eq!(healths(&not_root)[0], Health::NotChecked);
    }

    #[test]
    fn a_place_that_others_can_take_is_wrong() {
        let door = |mode, holder, directory_mode| {
            let door = Door::File { words: "x".into(), mode, holder, directory_mode };
            healths(&with(Daemon { door, ..good() }))[1]
        };
        assert_eq!(door(0o140_660, Holder::EximUser, 0o040_755), Health::Fine);
        assert_eq!(door(0o140_660, Holder::Other, 0o040_755), Health::Wrong);
        assert_eq!(door(0o140_660, Holder::Root, 0o041_777), Health::Wrong);
        assert_eq!(door(0o140_666, Holder::Root, 0o040_755), Health::Warning);
        assert_eq!(door(0o100_660, Holder::Root, 0o040_755), Health::Wrong);
        assert_eq!(healths(&with(Daemon { door: Door::Port, ..good() }))[1], Health::Fine);
    }

    #[test]
    fn another_answer_than_the_programs_is_a_warning() {
        let says = |text: &str| healths(&with(Daemon { program_says: Ok(text.into()), ..good() }))[2];
        assert_eq!(says(&PROGRAMS.replace("cache=hit", "cache=none")), Health::Fine);
        assert_eq!(says(&PROGRAMS.replace("tls=opportunistic", "tls=dane")), Health::Warning);
        assert_eq!(says(""), Health::NotChecked);
    }
}
