//! The services of this machine, as services(5) has them: by them Postfix finds the port of a next hop such as
//! `[relay.example]:our-port`. Pure.

use std::collections::HashMap;

/// The ports of TCP services by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services(HashMap<Box<str>, u16>);

impl Services {
    /// Reads a file of services: `NAME PORT/PROTOCOL ALIAS...` a line, and comments behind `#`. What is no such line is passed
    /// over; where a name stands twice the first counts, as for getservbyname(3).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut ports = HashMap::new();
        for line in text.lines() {
            let line = line.split_once('#').map_or(line, |(before, _)| before);
            let mut words = line.split_ascii_whitespace();
            let (Some(name), Some(at)) = (words.next(), words.next()) else { continue };
            let Some(port) =
                at.strip_suffix("/tcp").and_then(|port| port.parse().ok()).filter(|port| *port != 0)
            else {
                continue;
            };
            for name in std::iter::once(name).chain(words) {
                ports.entry(name.into()).or_insert(port);
            }
        }
        Self(ports)
    }

    /// The port of a service; names are told apart by case.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<u16> {
        self.0.get(name).copied()
    }
}

#[cfg(test)]
mod tests;
