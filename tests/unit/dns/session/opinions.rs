//! Which of two servers is asked, where they differ in single answers; without a network.

use super::question;
use crate::dns::walk::scene::{Scene, address, data, txt};
use hickory_proto::rr::RecordType;
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::delivery::{Delivery, Opinion, QueryFailure};
use smtp_sts_verify::dns::quota::Quota;
use smtp_sts_verify::dns::session::Resolver;
use smtp_sts_verify::dns::upstream::Carrier;
use smtp_sts_verify::dns::walk::Reply;
use smtp_sts_verify::dns::{Class, Question, Resolve};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const POLICY: &str = "_smtp-sts.mail.test.";

/// Two servers of one world.
struct Two {
    scene: Scene,
    /// Whether signatures are missing in what is said to this question by the server of that opinion.
    strips: fn(&str, Opinion) -> bool,
    asked: Asked,
}

/// What was asked, and whom.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(String, Opinion)>>>);

impl Asked {
    fn all(&self) -> Vec<(String, Opinion)> {
        self.0.lock().unwrap().clone()
    }

    /// Who was asked this, in order.
    fn whom(&self, question: &str) -> Vec<Opinion> {
        self.all().into_iter().filter(|(asked, _)| asked == question).map(|(_, opinion)| opinion).collect()
    }
}

impl fmt::Debug for Two {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("two servers")
    }
}

impl Carrier for Two {
    fn count(&self) -> usize {
        2
    }

    fn second_opinion(&self) -> Opinion {
        Opinion::Second(1)
    }

    fn has_checked_opinion(&self) -> bool {
        false
    }

    async fn ask(
        &self,
        question: &Question,
        opinion: Opinion,
        _: &Quota,
        _: Instant,
    ) -> Result<Delivery, QueryFailure> {
        let asked = question.to_string();
        let is_stripped = (self.strips)(&asked, opinion);
        self.asked.0.lock().unwrap().push((asked, opinion));
        match self.scene.reply_to(question) {
            Reply::Message(message) => {
                let (server, mut message) = (SocketAddr::from((Ipv4Addr::LOCALHOST, 53)), *message);
                if is_stripped {
                    message.answers.retain(|record| record.record_type() != RecordType::RRSIG);
                }
                Ok(Delivery { server, message, octets: Vec::new() })
            }
            Reply::Failed(outage, text) => Err(QueryFailure { outage, text }),
        }
    }
}

/// A resolver before two servers that know a policy and some addresses.
fn resolver(strips: fn(&str, Opinion) -> bool) -> (Resolver<Two>, Asked) {
    let mut scene = Scene::new();
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    for host in ["mx1.mail.test.", "mx2.mail.test.", "mx3.mail.test."] {
        let addresses = scene.mail.signed(vec![address(host)]);
        scene.put(host, "A", data(vec![addresses]));
    }
    let anchors = TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap();
    let (now, asked) = (scene.now, Asked::default());
    let servers = Two { scene, strips, asked: asked.clone() };
    (Resolver::over(servers, Arc::new(anchors), now, Instant::now() + Duration::from_secs(60)), asked)
}

async fn class(resolver: &Resolver<Two>, name: &str, rtype: RecordType) -> Class {
    resolver.ask(question(name, rtype)).await.outcome.class()
}

#[tokio::test]
async fn later_questions_begin_at_the_server_whose_answer_was_proven() {
    const FIRST: Opinion = Opinion::First;
    const SECOND: Opinion = Opinion::Second(1);
    let (resolver, asked) = resolver(|question, opinion| match opinion {
        FIRST => question == "_smtp-sts.mail.test. TXT",
        _ => question == "mx2.mail.test. A",
    });
    assert_eq!(class(&resolver, POLICY, RecordType::TXT).await, Class::Secure);
    assert_eq!(asked.whom("_smtp-sts.mail.test. TXT"), [FIRST, SECOND]);
    assert_eq!(class(&resolver, "mx1.mail.test.", RecordType::A).await, Class::Secure);
    assert_eq!(asked.whom("mx1.mail.test. A"), [SECOND]);
    // And back, when it is the other one that lies.
    assert_eq!(class(&resolver, "mx2.mail.test.", RecordType::A).await, Class::Secure);
    assert_eq!(asked.whom("mx2.mail.test. A"), [SECOND, FIRST]);
    assert_eq!(class(&resolver, "mx3.mail.test.", RecordType::A).await, Class::Secure);
    assert_eq!(asked.whom("mx3.mail.test. A"), [FIRST]);
}

#[tokio::test]
async fn a_second_server_that_proves_no_more_is_no_better() {
    let (resolver, asked) = resolver(|question, _| question == "_smtp-sts.mail.test. TXT");
    assert_eq!(class(&resolver, POLICY, RecordType::TXT).await, Class::Bogus);
    assert_eq!(asked.whom("_smtp-sts.mail.test. TXT"), [Opinion::First, Opinion::Second(1)]);
    assert_eq!(class(&resolver, "mx1.mail.test.", RecordType::A).await, Class::Secure);
    assert_eq!(asked.whom("mx1.mail.test. A"), [Opinion::First]);
}

#[tokio::test]
async fn an_answer_counts_the_questions_to_both_servers() {
    let (resolver, asked) =
        resolver(|question, opinion| opinion == Opinion::First && question == "_smtp-sts.mail.test. TXT");
    let answer = resolver.ask(question(POLICY, RecordType::TXT)).await;
    // Nobody waits for those that no walk needs: they leave as soon as they may.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(answer.queries, asked.all().len());
}
