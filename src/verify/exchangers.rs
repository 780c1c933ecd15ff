//! Where the domain's mail goes, and what DANE asks of it there: what is remembered, and what has to be asked.

use super::context::Context;
use super::remembered::MxAnswer;
use super::{NextHop, dane, mx, remembered, words};
use crate::cache::{Memory, Topic};
use crate::dane::set::TlsaSet;
use crate::dns::{Answer, Class, Question, Resolve};
use crate::name::MxHost;
use crate::time::UnixTime;
use crate::verdict::{DaneFindings, DaneHost, LookupError, MxFindings, Requirement};
use hickory_proto::rr::RecordType;

/// What is known about the MX hosts.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchangers {
    mx: Option<Known>,
    dane: Option<DaneFindings>,
    /// The TLSA records behind that, for TLS reports; nothing is decided by them.
    tlsa_sets: Vec<(MxHost, TlsaSet)>,
    /// What was known when they were asked for the last time: it stands in for an answer that does not come.
    earlier: Option<Box<(Known, Option<DaneFindings>)>>,
}

/// The MX hosts, and until when they may be believed.
#[derive(Clone, Debug)]
struct Known {
    answer: MxAnswer,
    until: Option<UnixTime>,
}

impl Exchangers {
    /// What memory knows, and counts without being asked for again.
    pub(super) fn recall<M: Memory>(context: &Context<'_, M>) -> Self {
        let Some((line, until)) = context.recall(Topic::MxHosts) else { return Self::default() };
        let Some(answer) = MxAnswer::from_line(&line) else { return Self::default() };
        let (class, asked_at) = (answer.weakest, answer.asked_at);
        let counts_until = context.counts_until(class, asked_at, until);
        let is_forgotten = context.remembered_until(class, asked_at, until) <= context.now;
        if is_forgotten || asked_at > context.now {
            return Self::default();
        }
        let mx = Known { answer, until: Some(until) };
        let is_current = context.now < counts_until;
        if is_current {
            let question = format!("{}. MX", context.domain());
            context.evidence_log.recalled(question, mx.answer.class, counts_until);
        }
        let dane = match names_for_dane(context, &mx) {
            Err(why) => Some(DaneFindings::Inapplicable(why)),
            // Without the aliases it was written by a look that did not get to its end; the other line is an older one's.
            Ok(_) if matches!(mx.answer.findings, MxFindings::Hosts { aliases: None, .. }) => None,
            Ok(names) => recalled_dane(context, names),
        };
        let tlsa_sets = recalled_sets(context, dane.as_ref());
        if is_current {
            Self { mx: Some(mx), dane, tlsa_sets, earlier: None }
        } else {
            Self { tlsa_sets, earlier: Some(Box::new((mx, dane))), ..Self::default() }
        }
    }

    pub(super) fn mx(&self) -> Option<&MxFindings> {
        self.mx.as_ref().map(|known| &known.answer.findings)
    }

    pub(super) const fn dane(&self) -> Option<&DaneFindings> {
        self.dane.as_ref()
    }

    /// The TLSA records behind what is known.
    pub(super) fn into_tlsa_sets(self) -> Vec<(MxHost, TlsaSet)> {
        self.tlsa_sets
    }

    /// Asks for whatever is not known yet.
    pub(super) async fn look<M: Memory>(self, context: &Context<'_, M>, dns: &impl Resolve) -> Self {
        let asked = async {
            match context.request.next_hop {
                NextHop::Exchangers(_) => ask(context, dns).await,
                NextHop::Host(_) => Known::itself(context),
            }
        };
        let mut tlsa_sets = self.tlsa_sets;
        let (mut mx, known_dane) = match (self.mx, self.earlier) {
            (Some(mx), _) => (mx, self.dane),
            (None, earlier) => match (asked.await, earlier) {
                (
                    Known {
                        answer: MxAnswer { findings: MxFindings::Unknown(LookupError::Unreachable(..)), .. },
                        ..
                    },
                    Some(earlier),
                ) => {
                    let (mx, dane) = *earlier;
                    let asked_at = mx.answer.asked_at;
                    context.evidence_log.note(format!("the MX records of {asked_at} stand in for that"));
                    (mx, dane)
                }
                (mx, _) => (mx, None),
            },
        };
        let dane = match (known_dane, names_for_dane(context, &mx)) {
            (Some(dane), _) => dane,
            (None, Err(why)) => DaneFindings::Inapplicable(why),
            (None, Ok(names)) => {
                let names = names.to_vec();
                let port = context.request.next_hop.port();
                let looked = dane::look_at_port(dns, &names, &context.request.hosts, port).await;
                context.evidence_log.answers(&looked.answers);
                let dane = DaneFindings::Hosts(looked.hosts);
                let line = remembered::dane_to_line(&dane);
                let until = looked.valid_until.min(mx.until);
                context.remember(Topic::Dane, line.as_deref(), until);
                tlsa_sets = looked.tlsa_sets;
                if !tlsa_sets.is_empty() {
                    let sets = remembered::tlsa_sets_to_line(&tlsa_sets);
                    context.remember(Topic::TlsaSets, line.and(Some(sets)).as_deref(), until);
                }
                mx.add_aliases(MxFindings::Hosts { names, aliases: Some(looked.aliases) }, &looked.answers);
                mx.remember(context, looked.valid_until);
                dane
            }
        };
        Self { mx: Some(mx), dane: Some(dane), tlsa_sets, earlier: None }
    }

    /// Whether everything is known about the hosts asked for.
    pub(super) fn knows_hosts(&self, hosts: &[MxHost]) -> bool {
        self.mx().is_some_and(|mx| mx::names_to_look_at(mx, hosts).is_empty())
    }

    /// Finds out whether hosts that are no MX names are the targets of their aliases.
    pub(super) async fn follow_aliases<M: Memory>(&mut self, context: &Context<'_, M>, dns: &impl Resolve) {
        let Some(known) = &mut self.mx else { return };
        let looked_at = mx::names_to_look_at(&known.answer.findings, &context.request.hosts).to_vec();
        let MxFindings::Hosts { names, .. } = &known.answer.findings else { return };
        if looked_at.is_empty() {
            return;
        }
        dns.allow_mx_hosts(looked_at.len());
        let questions: Vec<Question> =
            looked_at.iter().map(|name| Question::new(&name.to_dns(), RecordType::A)).collect();
        let answers = dns.resolve(&questions).await;
        context.evidence_log.answers(&answers);
        let until = answers.iter().map(|answer| answer.valid_until).min().flatten();
        known.add_aliases(mx::with_aliases(names.clone(), &answers), &answers);
        known.remember(context, until);
    }
}

impl Known {
    /// The host that the configuration of the mail server names: no MX record has a say, so there is none to be forged.
    fn itself<M: Memory>(context: &Context<'_, M>) -> Self {
        let findings = MxFindings::Hosts { names: vec![MxHost::from(context.domain())], aliases: None };
        let class = Class::Secure;
        Self { answer: MxAnswer { findings, class, weakest: class, asked_at: context.now }, until: None }
    }

    /// The MX hosts with what their names are aliases for, as these answers say.
    fn add_aliases(&mut self, findings: MxFindings, answers: &[Answer]) {
        let is_secure = |answer: &Answer| answer.outcome.class() == Class::Secure;
        if !answers.iter().all(is_secure) {
            self.answer.weakest = Class::Insecure;
        }
        self.answer.findings = findings;
    }

    /// Remembers the MX hosts with what their names are aliases for, which may be believed until `aliases_until`.
    fn remember<M: Memory>(&self, context: &Context<'_, M>, aliases_until: Option<UnixTime>) {
        let MxAnswer { weakest, asked_at, .. } = self.answer;
        let until = self.until.min(aliases_until);
        let until = until.map(|until| context.remembered_until(weakest, asked_at, until));
        context.remember(Topic::MxHosts, self.answer.to_line().as_deref(), until);
    }
}

async fn ask<M: Memory>(context: &Context<'_, M>, dns: &impl Resolve) -> Known {
    let answer = dns.ask(Question::new(&context.domain().to_dns(), RecordType::MX)).await;
    let findings = mx::mx_findings(context.domain(), &answer);
    let (class, until) = (answer.outcome.class(), answer.valid_until);
    if let MxFindings::Unknown(trouble) = &findings {
        context.evidence_log.note(words(trouble));
    }
    let known = Known { answer: MxAnswer { findings, class, weakest: class, asked_at: context.now }, until };
    known.remember(context, until);
    context.evidence_log.answers(&[answer]);
    known
}

/// The MX hosts, if DANE can say something about the routing (RFC 7672 section 2.2.1); else why not.
fn names_for_dane<'a, M>(context: &Context<'_, M>, mx: &'a Known) -> Result<&'a [MxHost], String> {
    if matches!(context.request.requirement, Some(Requirement::None | Requirement::WebPki)) {
        return Err("the configuration overrides DANE for this domain".to_owned());
    }
    if !context.asks_for_dane {
        return Err("the configuration leaves DANE out (mechanisms)".to_owned());
    }
    match (&mx.answer.findings, mx.answer.class) {
        (MxFindings::Hosts { names, .. }, Class::Secure) => Ok(names),
        (MxFindings::Hosts { .. }, _) => Err(
            "the MX records are not signed: whoever forges them chooses the host, so DANE protects no routing here \
             (RFC 7672 section 2.2.1); a host with TLSA records may still be met with opportunistic DANE"
                .to_owned(),
        ),
        (MxFindings::Null | MxFindings::TooMany(..) | MxFindings::Unknown(_), _) => {
            Err("there are no MX hosts to look at".to_owned())
        }
    }
}

/// The TLSA records that were remembered, if there is a host that has some.
fn recalled_sets<M: Memory>(context: &Context<'_, M>, dane: Option<&DaneFindings>) -> Vec<(MxHost, TlsaSet)> {
    let Some(DaneFindings::Hosts(hosts)) = dane else { return Vec::new() };
    if !hosts.iter().any(|(_, found)| matches!(found, DaneHost::Usable | DaneHost::Unusable)) {
        return Vec::new();
    }
    let line = context.recall(Topic::TlsaSets).map(|(line, _)| line);
    line.and_then(|line| remembered::tlsa_sets_from_line(&line)).unwrap_or_default()
}

fn recalled_dane<M: Memory>(context: &Context<'_, M>, names: &[MxHost]) -> Option<DaneFindings> {
    let (line, until) = context.recall(Topic::Dane)?;
    let dane = remembered::dane_from_line(&line)?;
    let DaneFindings::Hosts(hosts) = &dane else { return None };
    if !names.iter().all(|name| hosts.iter().any(|(known, _)| known == name)) {
        return None;
    }
    context.evidence_log.recalled(
        format!("TLSA of the MX hosts of {}.", context.domain()),
        Class::Secure,
        until,
    );
    Some(dane)
}
