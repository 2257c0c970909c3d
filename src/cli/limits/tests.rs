//! The limits, and their help.

use super::*;

/// The names and defaults in the help.
fn limits() -> impl Iterator<Item = (&'static str, usize)> {
    lines().into_iter().map(|(name, line)| {
        let default = line.rsplit_once(" [").and_then(|(_, default)| default.strip_suffix(']')?.parse().ok());
        (name, default.expect("a default"))
    })
}

fn defaults(texts: &[&str]) -> Result<(Config, Rules), String> {
    let (mut config, mut rules) = (Config::default(), Rules::default());
    apply(texts, &mut config, &mut rules)?;
    Ok((config, rules))
}

#[test]
fn defaults_in_the_help_are_the_defaults() {
    assert_eq!(limits().count(), 31);
    for (name, default) in limits() {
        let (config, rules) = defaults(&[&format!("{name}={default}")]).expect("a limit");
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()), "{name}");
        assert_eq!(rules, Rules::default(), "{name}");
    }
}

#[test]
fn every_limit_changes_something() {
    for (name, default) in limits() {
        let (config, rules) = defaults(&[&format!("{name}={}", default - 1)]).expect("a limit");
        let defaults = (format!("{:?}", Config::default()), Rules::default());
        assert_ne!((format!("{config:?}"), rules), defaults, "{name}");
    }
}

#[test]
fn mistakes_are_named() {
    for (text, part) in
        [("outbox", "NAME=VALUE"), ("outbux=1", "(did you mean outbox?)"), ("outbox=big", "big"), ("outbox=-1", "-1")]
    {
        let error = defaults(&[text]).expect_err(text);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn impossible_values_are_refused_with_a_possible_one() {
    for (limit, advice) in [
        ("message=0", "at least 256"),
        ("message=255", "at least 256"),
        ("head=1", "at least 1024"),
        ("fields=0", "at least 20"),
        ("outbox=0", "at least 1024"),
        ("close-seconds=0", "at least 1"),
        ("close-seconds=61", "at most 60"),
        ("ping-seconds=31536001", "at most 31536000"),
        ("events=1000001", "at most 1000000"),
    ] {
        for (mut config, mut rules) in
            [(Config::default(), Rules::default()), (Config::unlimited(), Rules::unlimited())]
        {
            let error = apply(&[limit], &mut config, &mut rules).expect_err(limit);
            assert_eq!(error, format!("--limit {limit}: give {advice}"));
        }
    }
}

fn range(name: &str) -> RangeInclusive<usize> {
    unit_and_range(name).expect("a limit").1
}

#[test]
fn suffixes_fit_the_limit() {
    for (limit, number) in [("outbox=64k", 65_536), ("message=1MiB", 1 << 20), ("ping-seconds=2m", 120)] {
        assert_eq!(parse(limit).map(|(_, found)| found), Ok(number), "{limit}");
    }
    for (limit, example) in [("connections=1k", "100"), ("outbox=1h", "64k"), ("ping-seconds=1k", "5m")] {
        assert!(parse(limit).is_err_and(|error| error.contains(example)), "{limit}");
    }
}

#[test]
fn both_ends_of_a_range_are_accepted() {
    for (name, _) in limits() {
        let (least, most) = range(name).into_inner();
        let accepts = |n: usize| parse(&format!("{name}={n}")).is_ok();
        assert!(accepts(least) && accepts(most), "{name}");
        assert!(most.checked_add(1).is_none_or(|more| !accepts(more)), "{name}");
        assert!(least.checked_sub(1).is_none_or(|less| !accepts(less)), "{name}");
    }
}

#[test]
fn history_fits_into_the_send_buffer() {
    for (limit, bytes) in [("outbox=2000", 1000), ("replay=1000", 1000), ("replay=1000000", 131_072)] {
        let flags = Flags::of("", &["--limit", limit]);
        assert_eq!(configure(&flags).map(|(_, rules)| rules.replay_bytes), Ok(bytes), "{limit}");
    }
}

/// The rate and burst that these limits make.
fn rate(limits: &str, mut rules: Rules) -> Result<Option<(u32, u32)>, String> {
    let limits: Vec<_> = limits.split_whitespace().collect();
    apply(&limits, &mut Config::default(), &mut rules)?;
    Ok(rules.rate.map(|rate| (rate.per_second, rate.burst)))
}

/// A connection alone may use its own rate, unless the rate of its address or its room is given.
#[test]
fn rates_of_addresses_and_rooms_are_at_least_the_rate_of_a_connection() {
    let rates = |limits: &str| {
        let limits: Vec<_> = limits.split_whitespace().collect();
        let rules = defaults(&limits).expect("limits").1;
        [rules.address_rate, rules.room_rate].map(|rate| rate.map(|rate| (rate.per_second, rate.burst)))
    };
    for (limits, expected) in [
        ("rate=99 burst=999", [Some((100, 1000)), Some((500, 2000))]),
        ("rate=200", [Some((200, 1000)), Some((500, 2000))]),
        ("burst=3000 rate=600", [Some((600, 3000)), Some((600, 3000))]),
        ("rate=0", [None, None]),
        ("rate=0 address-rate=7", [Some((7, 1000)), None]),
        ("room-burst=7 rate=0", [None, Some((500, 7))]),
        ("rate=900 room-rate=8 address-burst=9", [Some((100, 9)), Some((8, 2000))]),
        ("address-rate=0 room-rate=0", [None, None]),
    ] {
        assert_eq!(rates(limits), expected, "{limits}");
    }
    let error = defaults(&["address-rate=0", "address-burst=5"]).expect_err("a burst without a rate");
    assert_eq!(error, "--limit address-burst works only with a rate: add --limit address-rate");
}

#[test]
fn rate_and_burst_come_in_any_order() {
    for (limits, expected) in [
        ("rate=3", Some((3, 100))),
        ("burst=5", Some((10, 5))),
        ("rate=3 burst=5", Some((3, 5))),
        ("burst=5 rate=3", Some((3, 5))),
        ("rate=0 burst=5 rate=3", Some((3, 5))),
        ("burst=5 rate=0 rate=3 burst=6", Some((3, 6))),
        ("rate=0", None),
    ] {
        assert_eq!(rate(limits, Rules::default()), Ok(expected), "{limits}");
    }
    assert_eq!(rate("burst=5 rate=3", Rules::unlimited()), Ok(Some((3, 5))));
    for (limits, rules) in [("burst=5", Rules::unlimited()), ("rate=0 burst=5", Rules::default())] {
        let error = rate(limits, rules).expect_err("a burst without a rate");
        assert!(error.contains("burst"), "{error}");
    }
}

#[test]
fn texts_that_may_not_fit_are_shortened() {
    for (limits, expected) in [
        ("", None),
        ("message=32128", None),
        ("message=32127", Some(7999)),
        ("message=256 text=33", Some(32)),
        ("message=256 text=32", None),
        ("outbox=20000", Some(3312)),
        ("outbox=48128", None),
        ("message=256", Some(32)),
    ] {
        let (mut config, mut rules) = (Config::default(), Rules::default());
        let limits: Vec<_> = limits.split_whitespace().collect();
        apply(&limits, &mut config, &mut rules).expect("limits");
        assert_eq!(fitting_text(&config, &rules), expected, "{limits:?}");
    }
    assert_eq!(fitting_text(&Config::unlimited(), &Rules::unlimited()), None);
}
