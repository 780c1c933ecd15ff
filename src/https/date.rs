//! The `Date` field of a reply (RFC 9110 section 5.6.7).

use crate::time::UnixTime;

/// Reads an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that may be written today. The day of the
/// week has to be one, and is not compared with the date.
pub(super) fn parse(text: &str) -> Option<UnixTime> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split(' ').collect();
    let [weekday, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    DAYS.iter().find(|name| weekday.strip_suffix(',') == Some(name))?;
    let month = (1..).zip(MONTHS).find_map(|(number, name)| (name == *month).then_some(number))?;
    let midnight = UnixTime::midnight(digits(year, 4)?, month, digits(day, 2)?)?;
    let parts: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return None };
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    // 60 is a leap second.
    (hour < 24 && minute < 60 && second <= 60)
        .then(|| midnight.plus(hour * 3_600 + minute * 60 + second.min(59)))
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<u64> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_rfc_is_read() {
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(UnixTime(784_111_777)));
        assert_eq!(parse("Sat, 31 Dec 2016 23:59:60 GMT"), Some(UnixTime(1_483_228_799)));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Xxx, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov +994 08:49:37 GMT",
            "Sun,  06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
