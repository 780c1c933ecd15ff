//! What can be looked at alone: a text in, what it says and what is wrong with it out. Pure.

use super::{Part, tlsa};
use crate::policy::lint::{Finding, Inspected};
use crate::policy::{mta_sts, smtp_sts, tls_rpt};
use crate::words::words;
use serde_json::{Value, json};

words! {
    /// What a text is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
    pub enum Kind {
        /// The TXT record at _mta-sts.DOMAIN
        MtaStsTxt = "mta-sts-txt",
        /// The file /.well-known/mta-sts.txt of the host mta-sts.DOMAIN
        MtaStsPolicy = "mta-sts-policy",
        /// The TXT record at _smtp_sts.DOMAIN
        SmtpStsTxt = "smtp-sts-txt",
        /// The TXT record at _smtp._tls.DOMAIN
        TlsrptTxt = "tlsrpt-txt",
        /// The data of a TLSA record, such as `3 1 1 0123...`
        Tlsa = "tlsa",
    }
}

impl Kind {
    /// What there is to say about a text of this kind; `title` is safe to show.
    #[must_use]
    pub fn inspect(self, title: String, text: Vec<u8>) -> Part {
        let (value, findings) = match self {
            Self::MtaStsTxt => seen(mta_sts::Record::inspect(&text), |record| json!({"id": record.id()})),
            Self::MtaStsPolicy => seen(
                mta_sts::Body::inspect(&text),
                |body| json!({"mode": body.mode.word(), "mx": strings(&body.mx), "max_age": body.max_age}),
            ),
            Self::SmtpStsTxt => seen(smtp_sts::Record::inspect(&text), smtp_sts),
            Self::TlsrptTxt => {
                seen(tls_rpt::Record::inspect(&text), |record| json!({"rua": strings(record.rua())}))
            }
            Self::Tlsa => seen(tlsa::inspect(&text), |fields| {
                let data: String = fields.data.iter().map(|octet| format!("{octet:02x}")).collect();
                json!({"usage": fields.usage, "selector": fields.selector, "matching_type": fields.matching, "data": data})
            }),
        };
        Part { title, value, findings, text: Some(text), ..Part::default() }
    }
}

fn seen<T>(inspected: Inspected<T>, show: impl Fn(&T) -> Value) -> (Option<Value>, Vec<Finding>) {
    (inspected.value.ok().as_ref().map(show), inspected.findings)
}

fn smtp_sts(record: &smtp_sts::Record) -> Value {
    let terms = record.terms();
    json!({
        "mode": terms.mode.word(),
        "mx": strings(&terms.mx),
        "mechanism": terms.mechanism.as_ref().map(ToString::to_string),
        "constraint": terms.constraint.word(),
        "life": terms.life,
        "rua": strings(&terms.reports),
    })
}

fn strings(items: &[impl ToString]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
