//! The deliveries of `fixtures/laboratory/deliveries`, with the answers that they must get.

/// All lines of the fixture.
const DELIVERIES: &str = include_str!("../../../fixtures/laboratory/deliveries");

/// One line: a question, its answer, and what is to be seen there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    pub(crate) domain: &'static str,
    /// `None` asks for the domain as a whole, as a router does.
    pub(crate) host: Option<&'static str>,
    /// `verdict`, `policy`, `tls` and `reason`.
    pub(crate) answer: [&'static str; 4],
    pub(crate) story: &'static str,
}

/// All deliveries, in their order.
pub(crate) fn all() -> Vec<Delivery> {
    DELIVERIES.lines().filter_map(read).collect()
}

fn read(line: &'static str) -> Option<Delivery> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest.split_once(' ')?;
        rest = after.trim_start();
        Some(word)
    };
    let (domain, host) = (word()?, word()?);
    let answer = [word()?, word()?, word()?, word()?];
    Some(Delivery { domain, host: (host != "-").then_some(host), answer, story: rest })
}
