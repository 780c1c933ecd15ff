//! The clock, against two witnesses that sign what they say: the root, and a web server.

use super::{ago, fine, unchecked, warning, wrong};
use crate::doctor::observations::{Outside, Root};
use crate::doctor::{Check, Finding};
use crate::limits::{CLOCK_OFF_WARNING, CLOCK_OFF_WRONG};
use crate::time::UnixTime;

/// Judges the clock.
#[must_use]
pub fn judge(outside: &Outside) -> Vec<Finding> {
    vec![root_signature(outside), https_date(outside)]
}

fn root_signature(outside: &Outside) -> Finding {
    const CHECK: Check = Check::ClockRootSignature;
    let signed = match &outside.root {
        Ok(Root { signed, .. }) if !signed.is_empty() => signed,
        Ok(_) => return unchecked(CHECK, "no signature of the root by a trusted key was seen"),
        Err(why) => return unchecked(CHECK, why),
    };
    let now = outside.now;
    if let Some((_, ends)) = signed.iter().find(|(begins, ends)| (*begins..=*ends).contains(&now)) {
        let left = ago(ends.saturating_sub(now));
        return fine(CHECK, format!("the root's keys are signed until {}, for {left} more", UnixTime(*ends)));
    }
    let (begins, ends) =
        signed.iter().fold((u64::MAX, 0), |(first, last), (b, e)| (first.min(*b), last.max(*e)));
    let (begins, ends, clock) = (UnixTime(begins), UnixTime(ends), UnixTime(now));
    wrong(CHECK, format!("the root's keys are signed from {begins} until {ends}; here it is {clock}"))
}

fn https_date(outside: &Outside) -> Finding {
    const CHECK: Check = Check::ClockHttpsDate;
    let (theirs, ours) = match &outside.https_date {
        Ok(both) => *both,
        Err(why) => return unchecked(CHECK, why),
    };
    let off = theirs.abs_diff(ours);
    let words = format!(
        "{} {}; there it is {}",
        ago(off),
        if theirs > ours { "behind the web server" } else { "ahead of the web server" },
        UnixTime(theirs)
    );
    match off {
        _ if off > CLOCK_OFF_WRONG => wrong(CHECK, words),
        _ if off > CLOCK_OFF_WARNING => warning(CHECK, words),
        0..=1 => fine(CHECK, "as at the web server"),
        _ => fine(CHECK, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Health;
    use crate::doctor::judge::network::tests::outside;

    fn signed(now: u64, signed: &[(u64, u64)]) -> Health {
        let root = Ok(Root { signed: signed.to_vec(), ..Root::default() });
        root_signature(&Outside { now, root, ..outside() }).health
    }

    fn dated(theirs: u64, ours: u64) -> Health {
        https_date(&Outside { https_date: Ok((theirs, ours)), ..outside() }).health
    }

    #[test]
    fn the_clock_has_to_fit_one_of_the_roots_signatures() {
        assert_eq!(signed(150, &[(100, 200)]), Health::Fine);
        assert_eq!(signed(150, &[(10, 20), (100, 200)]), Health::Fine);
        for now in [99, 201] {
            assert_eq!(signed(now, &[(100, 200)]), Health::Wrong, "{now}");
        }
        assert_eq!(signed(150, &[]), Health::NotChecked);
    }

    #[test]
    fn a_minute_off_is_a_warning_and_an_hour_is_wrong() {
        for (off, expected) in [
            (0, Health::Fine),
            (60, Health::Fine),
            (61, Health::Warning),
            (3_600, Health::Warning),
            (3_601, Health::Wrong),
        ] {
            assert_eq!(dated(100_000 + off, 100_000), expected, "{off} behind");
            assert_eq!(dated(100_000, 100_000 + off), expected, "{off} ahead");
        }
        let unknown = Outside { https_date: Err("not asked (--offline)".into()), ..outside() };
        assert_eq!(https_date(&unknown).health, Health::NotChecked);
    }
}
