//! The same as others, who have it from elsewhere: `unicode-normalization`, and `precis-profiles` with its tables of Unicode 6.3.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use precis_profiles::Nickname;
use precis_profiles::precis_core::profile::{Profile, Rules, stabilize};
use precis_profiles::precis_core::{DerivedPropertyValue, Error, FreeformClass, StringClass};
use proptest::prelude::*;
use unicode_normalization::{UNICODE_VERSION, UnicodeNormalization, char::canonical_combining_class, char::compose};

use super::{class, data, key, normal, tables};

/// What the crate is told to do: one round of the rules.
fn their_round(name: &str) -> Result<Cow<'_, str>, Error> {
    let profile = Nickname::new();
    let name = profile.prepare(name)?;
    let name = profile.additional_mapping_rule(name)?;
    let name = profile.case_mapping_rule(name)?;
    profile.normalization_rule(name)
}

fn their_key(name: &str) -> Option<String> {
    stabilize(name, their_round).ok().map(Cow::into_owned).filter(|key| !key.is_empty())
}

/// Whether they know the character, which is to say that Unicode 6.3 did. Private ones are many, and refused.
fn they_know(c: char) -> bool {
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    !is_private && FreeformClass::default().get_value_from_char(c) != DerivedPropertyValue::Unassigned
}

fn they_allow(c: char) -> bool {
    use DerivedPropertyValue::{ContextJ, ContextO, PValid, SpecClassPval};
    matches!(FreeformClass::default().get_value_from_char(c), PValid | SpecClassPval | ContextJ | ContextO)
}

/// The rules to which the crate does not keep:
/// - Lower case: what is in title case stays if there is nothing in upper case before it. Rule: RFC 8266 2.1 (toLowerCase).
/// - Small Cherokee letters, to which the large ones are mapped, came with Unicode 8: names with a large one are refused.
/// - The rules are applied three times at most, instead of four: RFC 8266 4.
fn is_explained(name: &str, ours: Option<&String>, theirs: Option<&String>) -> bool {
    let has_title_case = name
        .nfkc()
        .any(|c| matches!(c, '\u{1f88}'..='\u{1ffc}') && !c.is_uppercase() && c.to_lowercase().next() != Some(c));
    match (ours, theirs) {
        (Some(_), Some(_)) => has_title_case,
        (Some(ours), None) => ours.contains(|c| !they_know(c)) || comes_late(name),
        (None, Some(_)) => false,
        (None, None) => true,
    }
}

/// Whether the third round still changed something.
fn comes_late(name: &str) -> bool {
    let twice = their_round(name).and_then(|name| their_round(&name).map(Cow::into_owned));
    twice.is_ok_and(|twice| their_round(&twice).is_ok_and(|third| third != twice))
}

fn agrees_on(name: &str) {
    let (ours, theirs) = (key(name), their_key(name));
    assert!(
        ours == theirs || is_explained(name, ours.as_ref(), theirs.as_ref()),
        "{name} {name:?}: ours {ours:?}, theirs {theirs:?}"
    );
}

/// All of Unicode; where there is none of it, and is not going to be any soon, every 251st.
fn all() -> impl Iterator<Item = char> {
    let planes = ('\0'..='\u{3ffff}').chain('\u{e0000}'..='\u{e0fff}');
    planes.chain(('\u{40000}'..='\u{dffff}').chain('\u{e1000}'..=char::MAX).step_by(251))
}

static KNOWN: LazyLock<Vec<char>> = LazyLock::new(|| all().filter(|&c| they_know(c)).collect());

#[test]
fn every_character_of_unicode_6_3_is_what_it_is_to_precis_profiles() {
    assert!(KNOWN.len() > 110_000, "{}", KNOWN.len());
    let mut differences = 0;
    for &c in KNOWN.iter() {
        assert_eq!(tables::property(c).has(tables::ALLOWED), they_allow(c), "{c} {:x}", u32::from(c));
        let name = c.to_string();
        agrees_on(&name);
        differences += usize::from(key(&name) != their_key(&name));
    }
    assert_eq!(differences, 27 + 85, "Greek letters in title case, and Cherokee");
}

/// Some Mandaic letters are said to join otherwise since Unicode 6.3, and two Mongolian ones to be marks.
fn joins_otherwise(c: char) -> bool {
    matches!(c, '\u{847}' | '\u{84f}' | '\u{856}'..='\u{858}' | '\u{1885}' | '\u{1886}')
}

/// Each as a neighbour of those that ask what their neighbours are.
#[test]
fn every_character_of_unicode_6_3_joins_as_it_does_to_precis_profiles() {
    let is_one_of_many = |c| matches!(c, '\u{3500}'..='\u{9f00}' | '\u{ad00}'..='\u{d700}' | '\u{20100}'..='\u{2b700}');
    for &c in KNOWN.iter().filter(|&&c| they_allow(c) && !is_one_of_many(c)) {
        let after =
            ["م\u{200c}", "م\u{64e}\u{200c}\u{64e}", "͵", "・", "l·", "٠", "۰"].map(|before| format!("{before}{c}"));
        let before = ["\u{200c}م", "\u{200c}", "\u{200d}", "׳", "״", "·l"].map(|after| format!("{c}{after}"));
        for name in after.iter().chain(&before) {
            let theirs = FreeformClass::default().allows(name).is_ok();
            assert!(class::is_freeform(name) == theirs || joins_otherwise(c), "{name:?} {theirs}");
        }
    }
}

/// What matters for a rule, or is mapped: where there is most to be wrong about.
static PECULIAR: LazyLock<Vec<char>> = LazyLock::new(|| {
    let neighbours = "\u{200c}\u{200d}··ll͵׳״・٠١۰۱ \u{a0}\u{3000}aZ한ᄒ".chars();
    let decomposing = all().filter(|&c| tables::decomposition(c).is_some());
    let classed = all().filter(|&c| tables::property(c).class != 0);
    let parts = tables::compositions().into_iter().flat_map(|((first, second), _)| [first, second]);
    let jamo =
        ('\u{1100}'..='\u{1112}').chain('\u{1161}'..='\u{1175}').chain('\u{11a7}'..='\u{11c3}').chain('가'..='갸');
    neighbours
        .cycle()
        .take(600)
        .chain(decomposing)
        .chain(classed)
        .chain(parts.clone())
        .chain(parts)
        .chain(jamo)
        .collect()
});

/// Letters that are joined, marks on them, viramas, and what has a script that matters.
static CONTEXTUAL: LazyLock<Vec<char>> = LazyLock::new(|| {
    let scripts = ('\u{370}'..='\u{3ff}')
        .chain('\u{590}'..='\u{6ff}')
        .chain('\u{900}'..='\u{97f}')
        .chain('\u{3041}'..='\u{30ff}');
    let joined = ('\u{700}'..='\u{74f}').chain('\u{1800}'..='\u{18af}').chain('\u{a840}'..='\u{a877}');
    let neighbours = "\u{200c}\u{200d}\u{200c}\u{200d}·l͵׳״・٠١۰۱\u{64e}\u{94d}".chars();
    scripts.chain(joined).chain(neighbours.cycle().take(300)).filter(|&c| they_know(c) && they_allow(c)).collect()
});

fn text(of: &'static LazyLock<Vec<char>>) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&of[..]), 1..8).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn names_have_the_keys_that_precis_profiles_gives_them(known in text(&KNOWN), peculiar in text(&PECULIAR), contextual in text(&CONTEXTUAL)) {
        for name in [known, peculiar, contextual] {
            if name.chars().all(|c| they_know(c) && !joins_otherwise(c)) {
                agrees_on(&name);
            }
        }
    }

    #[test]
    fn texts_have_the_normal_form_that_unicode_normalization_gives_them(text in text(&PECULIAR)) {
        prop_assert_eq!(normal::nfkc(&text), text.nfkc().collect::<String>());
    }

    #[test]
    fn a_key_is_its_own(name in text(&PECULIAR), other in text(&CONTEXTUAL)) {
        for key in [name, other].into_iter().filter_map(|name| key(&name)) {
            prop_assert_eq!(super::key(&key), Some(key));
        }
    }
}

/// What came with a newer Unicode than ours is not in our tables, and not allowed in names.
fn is_newer(c: char) -> bool {
    UNICODE_VERSION > data::VERSION && !tables::property(c).has(tables::ALLOWED)
}

#[test]
fn every_character_has_the_normal_form_that_unicode_normalization_gives_it() {
    for c in all() {
        let (ours, theirs) = (normal::nfkc(&c.to_string()), c.nfkc().collect::<String>());
        assert!(ours == theirs || is_newer(c), "{c} {:x} {ours} {theirs}", u32::from(c));
        let class = canonical_combining_class(c);
        assert!(tables::property(c).class == class || is_newer(c), "{c} {:x} {class}", u32::from(c));
    }
}

/// Not one pair more than those that compose, and not one less.
#[test]
fn every_pair_composes_to_what_unicode_normalization_makes_of_it() {
    let pairs = tables::compositions().into_iter().map(|(pair, _)| pair);
    let (mut firsts, mut seconds): (BTreeSet<char>, BTreeSet<char>) = pairs.unzip();
    firsts.extend(['ᄀ', 'ᄒ', 'ᄓ', '가', '각', '히', 'a', '\u{300}']);
    seconds.extend(['ᅡ', 'ᅵ', 'ᅶ', 'ᆧ', 'ᆨ', 'ᇂ', 'ᇃ', 'a']);
    for &first in &firsts {
        for &second in &seconds {
            assert_eq!(normal::composition(first, second), compose(first, second), "{first:?} {second:?}");
        }
    }
}
