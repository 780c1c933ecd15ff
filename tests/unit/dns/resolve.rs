//! Who stands in for a resolver, and says no more than that.

use hickory_proto::rr::{Name, RecordType};
use smtp_sts_verify::dns::{Answer, Outage, Outcome, Question, Resolve, ZoneStatus};

/// One that answers nothing.
struct Silent;

impl Resolve for Silent {
    async fn resolve(&self, _questions: &[Question]) -> Vec<Answer> {
        Vec::new()
    }
}

#[tokio::test]
async fn nothing_is_absent_and_nothing_answered_by_who_does_not_say_so() {
    assert!(!Silent.count_others_denials(true) && !Silent.count_others_denials(false));
    let answer = Silent.ask(Question::new(&Name::root(), RecordType::NS)).await;
    assert!(
        matches!(answer.outcome, Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::Unknown, _)),
        "{answer:?}"
    );
}

#[test]
fn the_name_of_a_question_is_absolute_and_in_lower_case() {
    let question = Question::new(&Name::from_ascii("_SMTP-STS.Example.test").unwrap(), RecordType::TXT);
    assert_eq!(question.to_string(), "_smtp-sts.example.test. TXT");
    assert_eq!(question.into_name().to_ascii(), "_smtp-sts.example.test.");
}
