//! Numbers after taken names: the smallest free one.

use super::*;

fn name(shown: &str) -> Name {
    Name::new(shown, 32).unwrap_or_else(Name::guest)
}

struct Names {
    room: Room,
    next: UserId,
}

impl Names {
    fn new() -> Self {
        Self { room: Room::new(RoomName::lobby(), "".into()), next: 1 }
    }

    /// A user enters and asks for this name.
    fn claim(&mut self, asked: &str) -> String {
        let id = self.next;
        self.next += 1;
        self.room.members.insert(id, None);
        self.room.rename(id, Some(name(asked)), None).expect("a member").to_string()
    }

    fn release(&mut self, shown: &str) {
        let id = self.room.find(shown).expect("a user");
        self.room.leave(id).expect("a name");
    }
}

#[test]
fn smallest_free_number_is_given() {
    let mut names = Names::new();
    let given: Vec<String> = (0..12).map(|_| names.claim("bob")).collect();
    assert_eq!(given[..3], ["bob", "bob1", "bob2"]);
    assert_eq!(given[9..], ["bob9", "bob10", "bob11"]);
    for free in ["bob3", "bob10"] {
        names.release(free);
    }
    assert_eq!([(); 3].map(|()| names.claim("bob")), ["bob3", "bob10", "bob12"]);
    // "bob1" and one digit: bob10 to bob12 are taken.
    assert_eq!([(); 3].map(|()| names.claim("bob1")), ["bob13", "bob14", "bob15"]);
}

#[test]
fn released_number_is_given_again() {
    let mut names = Names::new();
    for asked in ["bob", "bob1", "bob2"] {
        names.claim(asked);
    }
    assert_eq!(names.claim("bob"), "bob3");
    names.release("bob1");
    assert_eq!(names.claim("bob"), "bob1");
}

#[test]
fn leading_zero_is_a_different_name() {
    let mut names = Names::new();
    for asked in ["bob", "bob01", "bob0", "bob"] {
        names.claim(asked);
    }
    names.release("bob01");
    names.release("bob0");
    assert_eq!(names.claim("bob"), "bob2");
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
    fn numbers_are_the_smallest_that_are_free(steps in proptest::collection::vec((0..4_usize, 0..9_usize), 0..200)) {
        let (mut names, mut held) = (Names::new(), Vec::new());
        for (action, index) in steps {
            if action == 0 && !held.is_empty() {
                let name: String = held.swap_remove(index % held.len());
                names.release(&name);
            } else {
                let last = ["b", "b1", "b2", "b01", "b10", "abcd", "abc", "abc1", "ab"][index];
                let asked = format!("{}{last}", "x".repeat(MAX_CHARS - 4));
                let name = names.claim(&asked);
                proptest::prop_assert_eq!(&name, &smallest(&held, &asked, MAX_CHARS));
                held.push(name);
            }
        }
    }
}
