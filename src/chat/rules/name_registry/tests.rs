//! Numbers after taken names: the smallest free one, found with hints instead of a search.

use super::*;

fn name(shown: &str) -> Name {
    Name::new(shown, 32).unwrap_or_else(Name::guest)
}

fn claim(names: &mut NameRegistry, asked: &str) -> String {
    names.claim(&name(asked), 32, 0).shown.to_string()
}

#[test]
fn smallest_free_number_is_given() {
    let mut names = NameRegistry::default();
    let given: Vec<String> = (0..12).map(|_| claim(&mut names, "bob")).collect();
    assert_eq!(given[..3], ["bob", "bob1", "bob2"]);
    assert_eq!(given[9..], ["bob9", "bob10", "bob11"]);
    for free in ["bob3", "bob10"] {
        names.release(&name(free));
    }
    assert_eq!([(); 3].map(|()| claim(&mut names, "bob")), ["bob3", "bob10", "bob12"]);
    // "bob1" and one digit: bob10 to bob12 are taken.
    assert_eq!([(); 3].map(|()| claim(&mut names, "bob1")), ["bob13", "bob14", "bob15"]);
}

#[test]
fn released_number_is_given_again() {
    let mut names = NameRegistry::default();
    for asked in ["bob", "bob1", "bob2"] {
        claim(&mut names, asked);
    }
    assert_eq!(claim(&mut names, "bob"), "bob3");
    names.release(&name("bob1"));
    assert_eq!(claim(&mut names, "bob"), "bob1");
}

#[test]
fn leading_zero_is_a_different_name() {
    let mut names = NameRegistry::default();
    for asked in ["bob", "bob01", "bob0", "bob"] {
        claim(&mut names, asked);
    }
    names.release(&name("bob01"));
    names.release(&name("bob0"));
    assert_eq!(claim(&mut names, "bob"), "bob2");
}

#[test]
fn hints_point_to_the_next_free_number() {
    let mut names = NameRegistry::default();
    for _ in 0..10_000 {
        claim(&mut names, "bob");
    }
    // All numbers of one to three digits are taken, and those of four digits below 9999.
    assert_eq!(names.hints["bob"], [10, 100, 1000, 9999, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]);
}

#[test]
fn number_of_hints_is_bounded() {
    let mut names = NameRegistry::default();
    for n in 0..1000 {
        let asked = format!("{}x", n);
        names.claim(&name(&asked), 32, 0);
        let second = names.claim(&name(&asked), 32, 0);
        names.release(&name(&asked));
        names.release(&second);
    }
    assert!(names.hints.len() <= 70, "{}", names.hints.len());
}

#[test]
fn hints_of_a_crowd_that_left_are_forgotten() {
    let mut names = NameRegistry::default();
    claim(&mut names, "bob");
    let given: Vec<String> =
        (0..100).map(|n| format!("{n}x")).flat_map(|asked| [(); 2].map(|()| claim(&mut names, &asked))).collect();
    assert_eq!(names.hints.len(), 100);
    let (first, last) = given.split_at(160);
    first.iter().for_each(|given| names.release(&name(given)));
    assert_eq!((claim(&mut names, "bob").as_str(), names.hints.len()), ("bob1", 101), "as many as are of use");
    last.iter().for_each(|given| names.release(&name(given)));
    assert_eq!((claim(&mut names, "bob").as_str(), names.hints.len()), ("bob2", 1));
}

#[test]
fn reserved_names_are_taken_and_not_counted() {
    let mut names = NameRegistry::default();
    for asked in ["ann", "bob"] {
        claim(&mut names, asked);
    }
    assert!(names.reserve());
    assert_eq!((names.len(), names.has_reserved(), claim(&mut names, "bob").as_str()), (1, true, "bob1"));
    names.release_reserved(&name("bob"));
    assert_eq!((names.len(), names.has_reserved(), claim(&mut names, "bob").as_str()), (2, false, "bob"));
}

/// The name that a search over all names would find, the shortest number first.
fn smallest(held: &[String], asked: &str, max: usize) -> String {
    let is_free = |name: &String| !held.contains(name);
    let numbered = (1..).map(|n: u32| format!("{}{n}", &asked[..asked.len().min(max - n.to_string().len())]));
    std::iter::once(asked.to_owned()).chain(numbered).find(is_free).expect("endless")
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn hints_do_not_change_the_result(steps in proptest::collection::vec((0..4_usize, 0..9_usize), 0..200)) {
        let (mut names, mut held) = (NameRegistry::default(), Vec::new());
        for (action, index) in steps {
            if action == 0 && !held.is_empty() {
                let name: String = held.swap_remove(index % held.len());
                names.release(&Name::new(&name, 4).expect("allowed"));
            } else {
                let asked = ["b", "b1", "b2", "b01", "b10", "abcd", "abc", "abc1", "ab"][index];
                let name = names.claim(&Name::new(asked, 4).expect("allowed"), 4, 0).shown.to_string();
                proptest::prop_assert_eq!(&name, &smallest(&held, asked, 4));
                held.push(name);
            }
        }
    }
}
