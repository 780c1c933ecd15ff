//! `fleet`: the memory that many hosts share.

use super::args::OutsideArguments;
use super::exit::ExitStatus;
use super::failure::Failure;
use super::lookup::Format;
use super::output;
use clap::{Arg, Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// What is asked of `fleet`.
#[derive(Args, Debug)]
pub struct FleetArguments {
    /// What is to be done.
    #[command(subcommand)]
    pub command: FleetCommand,
}

/// The commands about the fleet.
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    /// Prints the SQL that makes a PostgreSQL database a fleet's memory
    ///
    /// Whoever rules the database runs it once. The daemon never creates or alters anything there.
    Schema,
    /// Can this host use the fleet's database?
    ///
    /// It connects as the daemon does, with all that [fleet] names, and looks at role, schema and clock. Nothing is changed.
    Check(CheckArguments),
    /// Which hosts are there, and how far is each?
    Status(CheckArguments),
    /// Orders all hosts to forget what is known about a domain
    ///
    /// The decree is signed with the operator's key, obeyed once by each host that hears of it within its time, and by none later than seven days from
    /// now. The next delivery of each host meets the domain for the first time. What all hosts counted of it for TLS reports is forgotten, too.
    Purge(PurgeArguments),
    /// Orders all hosts to hold a domain to something else than it publishes, for a time
    ///
    /// The decree is signed with the operator's key, and obeyed once by each host that hears of it before its end, which is at most seven days away. It does
    /// what [override] of the configuration does, and may let mail go that a policy in force would hold back: the log, each answer and `explain` tell it.
    /// --lift takes back what was decreed for the very same domains.
    Override(OverrideArguments),
    /// Takes a host off the list of those that are there
    ///
    /// What it has learnt stays. Whoever rules the database takes its role away: DROP ROLE.
    Forget(ForgetArguments),
}

/// Which configuration.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Which configuration, and whom to ask.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// As whom an operator connects.
#[derive(Args, Debug)]
pub struct OperatorArguments {
    /// The role to connect as, a member of fleet_operator
    #[arg(long, value_name = "ROLE")]
    pub role: String,
    /// Its password, on one line of a file that others cannot read
    #[arg(long, value_name = "FILE")]
    pub password_file: PathBuf,
    /// Which configuration, and whom to ask.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// What every decree has: who signs it, why, and for how long it is obeyed.
#[derive(Args, Debug)]
pub struct DecreeArguments {
    /// The private key of the operator, whose public half operator_key names on each host
    #[arg(long, value_name = "FILE")]
    pub signing_key: PathBuf,
    /// Why; the log of each host tells it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Hours within which a host that hears of it obeys, at most 168
    #[arg(long, value_name = "N", default_value = "24", value_parser = clap::value_parser!(u64).range(1..=168))]
    pub hours: u64,
    /// As whom.
    #[command(flatten)]
    pub operator: OperatorArguments,
}

/// What is to be forgotten.
#[derive(Args, Debug)]
#[command(override_usage = "smtp-sts-verify fleet purge DOMAIN --reason TEXT --signing-key FILE\n       \
                            --role ROLE --password-file FILE [OPTIONS]")]
pub struct PurgeArguments {
    /// The domain
    #[arg(allow_hyphen_values = true)]
    pub domain: OsString,
    /// What every decree has.
    #[command(flatten)]
    pub decree: DecreeArguments,
}

/// What is to count instead.
#[derive(Args, Debug)]
#[command(override_usage = "smtp-sts-verify fleet override DOMAIN --require WORD|--ignore|--lift\n       \
                            --reason TEXT --signing-key FILE --role ROLE\n       \
                            --password-file FILE [OPTIONS]")]
#[command(mut_args(of_an_override))]
pub struct OverrideArguments {
    /// The domain; or `*.` and one, for all below it
    pub domain: OsString,
    /// What its hosts are held to: a usable TLSA record, no policy, or a certificate of the host
    #[arg(long, value_name = "dane|none|webpki")]
    pub require: Option<Required>,
    /// Nothing is asked, and the mail is delivered as if this program were not there
    #[arg(long, conflicts_with = "require")]
    pub ignore: bool,
    /// Takes back what was decreed for these domains
    #[arg(long, conflicts_with_all = ["require", "ignore", "hours"], required_unless_present_any = ["require", "ignore"])]
    pub lift: bool,
    /// What every decree has.
    #[command(flatten)]
    pub decree: DecreeArguments,
}

/// What the flags of a decree mean to an override.
fn of_an_override(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "reason" => arg.help("Why; the log of each host and each answer tell it"),
        "hours" => arg.help("Hours for which it counts, at most 168"),
        _ => arg,
    }
}

/// `--require`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Required {
    Dane,
    None,
    Webpki,
}

/// Who is to be forgotten.
#[derive(Args, Debug)]
#[command(override_usage = "smtp-sts-verify fleet forget HOST --role ROLE --password-file FILE\n       \
                            [OPTIONS]")]
pub struct ForgetArguments {
    /// Its role
    pub host: String,
    /// As whom.
    #[command(flatten)]
    pub operator: OperatorArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &FleetArguments) -> ExitStatus {
    match done(&arguments.command) {
        Ok((text, status)) => output::write(&text, status),
        Err(failure) => failure.tell("fleet"),
    }
}

#[cfg(not(feature = "fleet"))]
fn done(_command: &FleetCommand) -> Result<(String, ExitStatus), Failure> {
    Err(Failure::misconfigured("this program was built without the feature `fleet`"))
}

#[cfg(feature = "fleet")]
mod page;

#[cfg(feature = "fleet")]
use with_a_fleet::done;

#[cfg(feature = "fleet")]
mod with_a_fleet {
    use super::page::Page;
    use super::*;
    use crate::cli::runtime;
    use crate::config::{Access, Fleet, Proof, Setup};
    use crate::fleet::decree::{self, Decree, MAX_SKEW, Order, told};
    use crate::fleet::{self, Connection, StoreState, Trouble};
    use crate::limits::{DECREE_OLDEST, FLEET_CONNECT_DEADLINE, MAX_DECREES_KEPT};
    use crate::name::{Destination, PolicyDomain};
    use crate::overrides::{self, Effect, Scope};
    use crate::reports::tally::Day;
    use crate::text::{Json, Printable};
    use crate::time::clock::SystemClock;
    use crate::time::{Clock as _, UnixTime};
    use crate::verdict::Requirement;
    use serde_json::json;
    use std::time::{Duration, Instant};
    use tokio::time::sleep;

    /// Decrees that others lay down meanwhile; and tries at rows that somebody has locked.
    const TRIES: u32 = 5;

    /// From one such try to the next.
    const PAUSE: Duration = Duration::from_millis(500);

    impl From<Trouble> for Failure {
        fn from(trouble: Trouble) -> Self {
            let status = match trouble {
                Trouble::Configuration(_) => ExitStatus::Configuration,
                Trouble::Away(_) | Trouble::ReadOnly | Trouble::Slow | Trouble::Newer(_) => ExitStatus::Defer,
            };
            Self(status, trouble.to_string())
        }
    }

    pub(super) fn done(command: &FleetCommand) -> Result<(String, ExitStatus), Failure> {
        if matches!(command, FleetCommand::Schema) {
            return Ok((fleet::SCHEMA.to_owned(), ExitStatus::Deliver));
        }
        let runtime = runtime::build().map_err(Failure::internal)?;
        runtime.block_on(async {
            match command {
                FleetCommand::Schema => Ok((String::new(), ExitStatus::Deliver)),
                FleetCommand::Check(arguments) => check(arguments).await,
                FleetCommand::Status(arguments) => status(arguments).await,
                FleetCommand::Purge(arguments) => purge(arguments).await,
                FleetCommand::Override(arguments) => overridden(arguments).await,
                FleetCommand::Forget(arguments) => forget(arguments).await,
            }
        })
    }

    /// The set-up, and its fleet.
    fn opened(outside: &OutsideArguments) -> Result<(Setup, Fleet), Failure> {
        let setup = Setup::open(outside.choices()?, Access::Starter)?;
        let none =
            || Failure::misconfigured("the configuration has no section [fleet]: this host shares nothing");
        let fleet = setup.choices().fleet.clone().ok_or_else(none)?;
        Ok((setup, fleet))
    }

    async fn connected(setup: &Setup, fleet: &Fleet) -> Result<(Connection, StoreState), Failure> {
        let dns = setup.dns()?.resolver(SystemClock.now(), Instant::now() + FLEET_CONNECT_DEADLINE);
        let connection = Connection::open(fleet, &dns).await?;
        let standing = connection.standing().await?;
        connection.bound().await;
        Ok((connection, standing))
    }

    async fn check(arguments: &CheckArguments) -> Result<(String, ExitStatus), Failure> {
        let (setup, fleet) = opened(&arguments.outside)?;
        fleet::check(&fleet)?;
        let (_connection, standing) = connected(&setup, &fleet).await?;
        let ahead = offset(standing.now);
        let StoreState { id, version, change, .. } = standing;
        let text = match arguments.format {
            Format::Json => {
                let object = json!({
                    "store": id, "schema": version, "role": fleet.role, "changes": change, "clock_offset": ahead,
                });
                format!("{}\n", Json(&object))
            }
            Format::Human => format!(
                "the fleet's memory {} can be used by the role {}: schema {version}, {change} changes so far\n{}\n",
                Printable(&id),
                Printable(&fleet.role),
                clock(ahead)
            ),
        };
        Ok((text, ExitStatus::Deliver))
    }

    async fn status(arguments: &CheckArguments) -> Result<(String, ExitStatus), Failure> {
        let (setup, fleet) = opened(&arguments.outside)?;
        let (connection, standing) = connected(&setup, &fleet).await?;
        // What one statement does not tell leaves the rest as it is.
        let page = Page {
            server: known(connection.server().await),
            hosts: known(connection.hosts().await),
            estimates: known(connection.estimates().await),
            kinds: known(connection.kinds().await),
            fetched_twice: known(connection.fetched_twice().await),
            weakened: known(connection.weakened().await),
            reports: known(connection.day_of_reports().await),
            overrides: overrides(&connection, &standing.id, &fleet).await.map_err(|Failure(_, why)| why),
            standing,
        };
        let status = if page.unknown().is_empty() { ExitStatus::Deliver } else { ExitStatus::Defer };
        let text = match arguments.format {
            Format::Json => format!("{}\n", Json(&page.json())),
            Format::Human => page.text(SystemClock.now()),
        };
        Ok((text, status))
    }

    /// What the database tells; or why it does not, in words.
    fn known<T>(told: Result<T, Trouble>) -> Result<T, String> {
        told.map_err(|trouble| trouble.to_string())
    }

    /// What the operator's own role may do beside the host's.
    fn as_operator(operator: &OperatorArguments) -> Result<(Setup, Fleet), Failure> {
        let (setup, fleet) = opened(&operator.outside)?;
        let proof = Proof::Password(operator.password_file.clone());
        Ok((setup, Fleet { role: operator.role.clone(), proof, ..fleet }))
    }

    async fn purge(arguments: &PurgeArguments) -> Result<(String, ExitStatus), Failure> {
        let domain = read_domain(arguments)?;
        let scope = Scope::Domain(domain.clone());
        let (Decree { number, ends, .. }, stay) =
            laid_down(Order::Purge, scope, arguments.decree.hours, &arguments.decree).await?;
        let text =
            format!("decree {number}: each host forgets {domain} as soon as it hears of it, until {ends}\n");
        if stay > 0 {
            let why = format!(
                "{text}but a role has a transaction open that holds {stay} rows of what was counted of it for reports: end its sessions, and purge again"
            );
            return Err(Failure(ExitStatus::Defer, why));
        }
        Ok((text, ExitStatus::Deliver))
    }

    async fn overridden(arguments: &OverrideArguments) -> Result<(String, ExitStatus), Failure> {
        let domain = arguments.domain.to_str().unwrap_or_default();
        let scope = Scope::try_from(domain.to_owned()).map_err(Failure::usage)?;
        let order = match (arguments.require, arguments.ignore) {
            (Some(Required::Dane), _) => Order::Override(Effect::Require(Requirement::Dane)),
            (Some(Required::None), _) => Order::Override(Effect::Require(Requirement::None)),
            (Some(Required::Webpki), _) => Order::Override(Effect::Require(Requirement::WebPki)),
            (None, true) => Order::Override(Effect::Ignore),
            (None, false) => Order::Lift,
        };
        if told(&arguments.decree.reason).trim().is_empty() {
            return Err(Failure::usage("an override needs a reason, for whoever finds it later".to_owned()));
        }
        // Whoever has heard of an override hears that it is lifted, as long as that could count.
        let hours = if order == Order::Lift { DECREE_OLDEST / 3_600 } else { arguments.decree.hours };
        let (Decree { number, ends, .. }, _) =
            laid_down(order, scope.clone(), hours, &arguments.decree).await?;
        let text = match order {
            Order::Override(effect) => format!(
                "decree {number}: the override for {scope} ({}) counts on each host that hears of it, until {ends}\n",
                effect.word()
            ),
            Order::Lift | Order::Purge => {
                format!(
                    "decree {number}: what was decreed for {scope} before counts no more on each host that hears of it\n"
                )
            }
        };
        Ok((text, ExitStatus::Deliver))
    }

    /// Signs a decree that counts for so many hours, and lays it down under the next number.
    async fn laid_down(
        order: Order,
        scope: Scope,
        hours: u64,
        arguments: &DecreeArguments,
    ) -> Result<(Decree, u64), Failure> {
        let (setup, fleet) = as_operator(&arguments.operator)?;
        let key = fleet::operators_key(&arguments.signing_key)?;
        let (connection, standing) = connected(&setup, &fleet).await?;
        let ahead = offset(standing.now);
        if ahead.unsigned_abs() > MAX_SKEW {
            let why = format!("{}: nothing was signed, for hosts would not obey it in time", clock(ahead));
            return Err(Failure(ExitStatus::Defer, why));
        }
        let (mut tries, mut taken) = (0, 0);
        loop {
            let number = connection.last_decree().await?.max(taken).saturating_add(1);
            let issued = SystemClock.now();
            let decree = Decree {
                fleet: standing.id.clone(),
                number,
                order,
                scope: scope.clone(),
                issued,
                ends: issued.plus(hours * 3_600),
                reason: told(&arguments.reason),
            };
            let (statement, signature) = decree.signed(&key);
            tries += 1;
            let purged = decree.scope.domain().filter(|_| order == Order::Purge);
            match connection.lay_down(number, &statement, &signature, purged, issued).await {
                // Another operator's, who has not ended.
                Err(Trouble::Slow) if tries < TRIES => taken = number,
                Err(_) if tries < TRIES && connection.last_decree().await? >= number => {}
                laid_down => {
                    laid_down?;
                    let Some(domain) = purged else { return Ok((decree, 0)) };
                    let stay = purge_counts(&connection, domain, issued).await?;
                    return Ok((decree, stay));
                }
            }
        }
    }

    /// Forgets what was counted, as far as nobody has it locked for long.
    async fn purge_counts(
        connection: &Connection,
        domain: &PolicyDomain,
        issued: UnixTime,
    ) -> Result<u64, Failure> {
        let mut tries = 1;
        loop {
            let stay = connection.purge_counts(domain, Day::of(issued)).await?;
            if stay == 0 || tries >= TRIES {
                return Ok(stay);
            }
            tries += 1;
            sleep(PAUSE).await;
        }
    }

    /// The overrides that count by the decrees of the database, as this host judges them.
    async fn overrides(
        connection: &Connection,
        store: &str,
        fleet: &Fleet,
    ) -> Result<Vec<overrides::Decree>, Failure> {
        let (now, operators) = (SystemClock.now(), fleet::Keys::of(fleet)?.operators);
        let before = u64::try_from(MAX_DECREES_KEPT).unwrap_or(u64::MAX);
        let from = connection.last_decree().await?.saturating_sub(before);
        let decrees = connection.decrees(from).await?;
        let admitted = decrees.iter().filter(|(number, statement, signature)| {
            Decree::admitted((*number, statement, signature), store, &operators, now).is_ok()
        });
        let texts: Vec<String> =
            admitted.map(|(_, statement, signature)| decree::kept(statement, signature)).collect();
        Ok(decree::overrides(&texts, &operators, now).in_force(now).collect())
    }

    fn read_domain(arguments: &PurgeArguments) -> Result<PolicyDomain, Failure> {
        match Destination::parse(&arguments.domain) {
            Ok(Destination::Domain(domain)) => Ok(domain),
            Ok(Destination::AddressLiteral) => {
                Err(Failure::usage("an address has no policy; give a domain".to_owned()))
            }
            Ok(Destination::Unpublishable(bad)) | Err(bad) => {
                Err(Failure::usage(format!("the domain {bad}")))
            }
        }
    }

    async fn forget(arguments: &ForgetArguments) -> Result<(String, ExitStatus), Failure> {
        let (setup, fleet) = as_operator(&arguments.operator)?;
        let (connection, _) = connected(&setup, &fleet).await?;
        let host = &arguments.host;
        Ok(if connection.forget(host).await? {
            (format!("{} is off the list\n", Printable(host)), ExitStatus::Deliver)
        } else {
            (format!("{} was not on the list\n", Printable(host)), ExitStatus::Refuse)
        })
    }

    /// Seconds by which the clock here is ahead of that there.
    fn offset(there: UnixTime) -> i64 {
        let now = SystemClock.now();
        now.0.cast_signed().saturating_sub(there.0.cast_signed())
    }

    fn clock(ahead: i64) -> String {
        match ahead {
            -60..=60 => format!("the clocks agree ({ahead:+} s)"),
            _ => format!(
                "the clock here is {ahead:+} s off that of the database: what is fetched ahead of it by 300 s is refused there"
            ),
        }
    }
}
