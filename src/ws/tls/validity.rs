//! The period in which a certificate is valid (RFC 5280 4.1.2.5), with the part of DER that it takes to find it.

use time::{Date, Month, OffsetDateTime, Time};

/// Begin and end of the period. `None` if this is not a certificate.
pub(super) fn of(certificate: &[u8]) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let (_, validity, _) = element(behind_issuer(certificate)?.1)?;
    let (from_tag, from, rest) = element(validity)?;
    let (until_tag, until, _) = element(rest)?;
    Some((time(from_tag, from)?, time(until_tag, until)?))
}

/// Whether issuer and subject have the same name.
pub(super) fn is_self_signed(certificate: &[u8]) -> bool {
    behind_issuer(certificate).is_some_and(|(issuer, rest)| {
        let subject = element(rest).and_then(|(_, _, rest)| element(rest));
        subject.is_some_and(|(_, subject, _)| subject == issuer)
    })
}

/// The issuer, and what follows it: validity and subject.
fn behind_issuer(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    // The optional version has a tag of its own. Serial number and algorithm follow.
    let skipped = if rest.first() == Some(&0xa0) { 3 } else { 2 };
    for _ in 0..skipped {
        (_, _, rest) = element(rest)?;
    }
    let (_, issuer, rest) = element(rest)?;
    Some((issuer, rest))
}

/// Tag and content of the first DER element, and the bytes after it. rustls does not accept certificates of more than 64 KiB
/// either.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, length, rest) = match *bytes {
        [tag, length @ ..=0x7f, ref rest @ ..] => (tag, usize::from(length), rest),
        [tag, 0x81, length, ref rest @ ..] => (tag, usize::from(length), rest),
        [tag, 0x82, high, low, ref rest @ ..] => (tag, usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Parses `UTCTime`, whose years have two digits, or `GeneralizedTime`. Both are in UTC and have seconds.
fn time(tag: u8, content: &[u8]) -> Option<OffsetDateTime> {
    const UTC_TIME: u8 = 0x17;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let century = match tag {
        UTC_TIME if text < "50" => "20",
        UTC_TIME => "19",
        _ => "",
    };
    let text = format!("{century}{text}");
    let two_digits = |at: usize| text.get(at..at + 2)?.parse::<u8>().ok();
    let month = Month::try_from(two_digits(4)?).ok()?;
    let date = Date::from_calendar_date(text.get(..4)?.parse().ok()?, month, two_digits(6)?).ok()?;
    let time = Time::from_hms(two_digits(8)?, two_digits(10)?, two_digits(12)?).ok()?;
    Some(OffsetDateTime::new_utc(date, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_parsed_like_rfc_5280() {
        for (tag, text, seconds, shown) in [
            (0x17, "700101000000Z", 0, "1970-01-01"),
            (0x17, "491231235959Z", 2_524_607_999, "2049-12-31"),
            (0x17, "500101000000Z", -631_152_000, "1950-01-01"),
            (0x18, "20000229120000Z", 951_825_600, "2000-02-29"),
            (0x18, "99991231235959Z", 253_402_300_799, "9999-12-31"),
        ] {
            let time = time(tag, text.as_bytes()).expect(text);
            assert_eq!((time.unix_timestamp(), time.date().to_string().as_str()), (seconds, shown), "{text}");
        }
        for (tag, text) in [
            (0x17, "7001010000Z"),
            (0x18, "20000229120000"),
            (0x18, "2000022912x000Z"),
            (0x18, "Z"),
            (0x18, "20001301000000Z"),
        ] {
            assert_eq!(time(tag, text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn truncated_certificates_are_refused() {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let whole = pair.cert.der();
        let (from, until) = of(whole).expect("two dates");
        assert_eq!((from.date().to_string().as_str(), until.date().to_string().as_str()), ("1975-01-01", "4096-01-01"));
        for length in 0..100 {
            let _ = of(&whole[..length]);
            assert_eq!(element(&whole[..length]), None, "{length}");
        }
        assert_eq!(element(&[0x30, 0x85, 1, 1, 1, 1, 1]), None);
    }
}
