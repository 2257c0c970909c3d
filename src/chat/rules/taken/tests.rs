//! Numbers behind names: the smallest that is free, found without looking at all.

use super::*;

fn name(shown: &str) -> Name {
    Name::new(shown, 32).unwrap_or_else(Name::guest)
}

fn claim(taken: &mut Taken, asked: &str) -> String {
    taken.claim(&name(asked), 32, 0).shown.to_string()
}

#[test]
fn the_smallest_number_that_is_free() {
    let mut taken = Taken::default();
    let given: Vec<String> = (0..12).map(|_| claim(&mut taken, "bob")).collect();
    assert_eq!(given[..3], ["bob", "bob1", "bob2"]);
    assert_eq!(given[9..], ["bob9", "bob10", "bob11"]);
    for free in ["bob3", "bob10"] {
        taken.release(&name(free));
    }
    assert_eq!([(); 3].map(|()| claim(&mut taken, "bob")), ["bob3", "bob10", "bob12"]);
    assert_eq!([(); 3].map(|()| claim(&mut taken, "bob1")), ["bob13", "bob14", "bob15"]);
}

#[test]
fn a_name_that_was_chosen_with_its_number_is_free_again_too() {
    let mut taken = Taken::default();
    for asked in ["bob", "bob1", "bob2"] {
        claim(&mut taken, asked);
    }
    assert_eq!(claim(&mut taken, "bob"), "bob3");
    taken.release(&name("bob1"));
    assert_eq!(claim(&mut taken, "bob"), "bob1");
}

#[test]
fn numbers_with_zeros_in_front_are_other_names() {
    let mut taken = Taken::default();
    for asked in ["bob", "bob01", "bob0", "bob"] {
        claim(&mut taken, asked);
    }
    taken.release(&name("bob01"));
    taken.release(&name("bob0"));
    assert_eq!(claim(&mut taken, "bob"), "bob2");
}

#[test]
fn ten_thousand_bobs_cost_one_look_each() {
    let mut taken = Taken::default();
    for _ in 0..10_000 {
        claim(&mut taken, "bob");
    }
    assert_eq!(taken.hints["bob"], [10, 100, 1000, 9999, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]);
}

#[test]
fn hints_do_not_pile_up() {
    let mut taken = Taken::default();
    for n in 0..1000 {
        let asked = format!("{}x", n);
        taken.claim(&name(&asked), 32, 0);
        let second = taken.claim(&name(&asked), 32, 0);
        taken.release(&name(&asked));
        taken.release(&second);
    }
    assert!(taken.hints.len() <= 70, "{}", taken.hints.len());
}

/// The number behind `bob` that a look at all names would find, shortest first.
fn smallest(held: &[String], asked: &str, max: usize) -> String {
    let is_free = |name: &String| !held.contains(name);
    let numbered = (1..).map(|n: u32| format!("{}{n}", &asked[..asked.len().min(max - n.to_string().len())]));
    std::iter::once(asked.to_owned()).chain(numbered).find(is_free).expect("endless")
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn hints_never_change_the_answer(steps in proptest::collection::vec((0..4_usize, 0..9_usize), 0..200)) {
        let (mut taken, mut held) = (Taken::default(), Vec::new());
        for (kind, which) in steps {
            if kind == 0 && !held.is_empty() {
                let name: String = held.swap_remove(which % held.len());
                taken.release(&Name::new(&name, 4).expect("allowed"));
            } else {
                let asked = ["b", "b1", "b2", "b01", "b10", "abcd", "abc", "abc1", "ab"][which];
                let name = taken.claim(&Name::new(asked, 4).expect("allowed"), 4, 0).shown.to_string();
                proptest::prop_assert_eq!(&name, &smallest(&held, asked, 4));
                held.push(name);
            }
        }
    }
}
