//! What somebody on the path said once holds mail back no longer than he is there: under a policy in force nothing that is not
//! signed is believed for long, through both protocols.

use super::scene::{Network, about, about_host, directory, with, world};
use smtp_sts_verify::serve::answer::MtaAnswer;
use std::time::{Duration, Instant};

/// The most that it may take, from when he has left.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// Exim's line without what became of the cache, and Postfix's reply.
fn said(answer: &MtaAnswer) -> (String, String) {
    let words = answer.exim.split(' ').filter(|word| !word.starts_with("cache="));
    (words.collect::<Vec<_>>().join(" "), answer.socketmap.policy.to_string())
}

#[test]
fn a_forged_answer_about_mx_hosts_ends_with_the_attack() {
    let (directory, network) = (directory(), Network::default());
    with(world(directory.path()), &network, async |daemon| {
        let attacks = ["null", "strange", "nowhere", "fewer"];
        let mut genuine = Vec::new();
        for attack in attacks {
            let domain = format!("{attack}.test");
            network.at(&domain, |site| site.mx = vec!["mx1.test", "mx2.test"]);
            daemon.says(about(&domain)).await;
            let questions =
                [about(&domain), about_host(&domain, "mx1.test"), about_host(&domain, "mx2.test")];
            for question in questions {
                genuine.push((question.clone(), said(&daemon.ask(question).await.0)));
            }
        }
        let was_genuine = |answers: &[(_, (String, String))]| {
            answers.iter().all(|(_, said)| said.0.contains("verdict=deliver"))
        };
        assert!(was_genuine(&genuine), "{genuine:?}");
        for attack in attacks {
            network.at(&format!("{attack}.test"), |site| match attack {
                "null" => site.has_a_null_mx = true,
                "strange" => site.mx = vec!["strange.example"],
                "nowhere" => site.mx = vec![],
                _ => site.mx = vec!["mx1.test"],
            });
        }
        // Nobody is deceived as long as the genuine answer counts; then everybody is.
        for (question, _) in &genuine {
            daemon.forgets(question).await;
        }
        let mut deceived = 0;
        for (question, was) in &genuine {
            deceived += usize::from(said(&daemon.ask(question.clone()).await.0) != *was);
        }
        assert!(deceived >= attacks.len(), "the attack is one: {deceived}");
        for attack in attacks {
            network.at(&format!("{attack}.test"), |site| {
                (site.has_a_null_mx, site.mx) = (false, vec!["mx1.test", "mx2.test"]);
            });
        }
        let left = Instant::now();
        for (question, was) in &genuine {
            while said(&daemon.ask(question.clone()).await.0) != *was {
                assert!(left.elapsed() < BACK_WITHIN, "{question:?} is still not {was:?}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
}

#[test]
fn what_was_genuine_stands_in_for_an_answer_that_does_not_come() {
    let (directory, network) = (directory(), Network::default());
    with(world(directory.path()), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        daemon.forgets(&about("a.test")).await;
        network.at("a.test", |site| site.is_silent = true);
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met hit");
        assert_eq!(daemon.says(about_host("a.test", "strange.test")).await, "refuse mx-not-in-policy hit");
    });
}
