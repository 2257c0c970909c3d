//! Machines that are fed the same log are equal, and each one sends to its connections what one machine alone would send.

mod machine;

use super::replica::{Entry, Logged, NodeId, Position, Replica, Snapshot, connections};
use crate::chat::protocol::{Dialect, Millis, Post, ServerMessage, Target, UserId};
use crate::chat::rules::{Chat, ClientInfo, Input, RoomName};
use machine::{Machine, rules};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    /// A node starts with a snapshot of another one, under one of a few names.
    Start(usize, usize),
    Kill(usize),
    Gone(usize),
    Join(usize, Dialect, usize, Option<u64>),
    Text(usize, String),
    Binary(usize),
    /// A message without a connection.
    Post(usize, usize, Post),
    Leave(usize, bool),
    Renumber(u64),
    /// A node does not know whether its entry arrived.
    Again(usize),
    /// A node reads so many entries.
    Read(usize, usize),
    Tick(usize),
    /// A connection has taken what was sent to it, or cannot take more.
    Ready(usize),
    Behind(usize),
}

struct World {
    log: Vec<Entry>,
    one: Machine,
    nodes: Vec<Machine>,
    /// The number of each node's next entry and of its next connection.
    next: BTreeMap<NodeId, (u64, u64)>,
    sinces: BTreeMap<UserId, u64>,
    time: Millis,
}

impl World {
    fn new() -> Self {
        let one = Machine::new(0, Snapshot::new(rules(), Replica::default(), Chat::new(rules(), 0)), 0);
        let (log, nodes, next, sinces) = Default::default();
        let mut world = Self { log, one, nodes, next, sinces, time: 1000 };
        world.run(&Step::Start(0, 0));
        world
    }

    fn append(&mut self, node: NodeId, input: Logged) {
        let seq = match self.next.get_mut(&node) {
            Some((seq, _)) => {
                *seq += 1;
                *seq
            }
            None => 0,
        };
        self.push(Entry { at: Position { id: String::new(), node, seq }, input });
    }

    fn push(&mut self, mut entry: Entry) {
        entry.at.id = format!("{}-{}", self.time, self.log.len());
        let input = serde_json::to_string(&entry.input).expect("JSON");
        entry.input = serde_json::from_str(&input).expect("the same");
        self.log.push(entry);
    }

    fn pick(&self, number: usize) -> Option<usize> {
        let alive: Vec<usize> = (0..self.nodes.len()).filter(|at| self.nodes[*at].is_alive).collect();
        (!alive.is_empty()).then(|| alive[number % alive.len()])
    }

    /// A connection of a node that lives.
    fn connection(&self, number: usize) -> Option<(NodeId, UserId)> {
        let node = self.nodes[self.pick(number)?].node;
        let count = self.next[&node].1;
        (count > 0).then(|| (node, connections(node).start + 1 + number as u64 % count))
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Start(from, name) => {
                let node = self.nodes.len() as NodeId + 1;
                let source = self.pick(*from).map_or(&self.one, |at| &self.nodes[at]);
                let copy = serde_json::from_str(&source.text()).expect("a snapshot");
                self.nodes.push(Machine::new(node, copy, source.read));
                self.next.insert(node, (0, 0));
                self.append(node, Logged::Hello(format!("name {name}")));
                let name = format!("name {name}");
                // Another node of this name ends when it reads that.
                let names: Vec<NodeId> = self
                    .log
                    .iter()
                    .filter(|entry| entry.input == Logged::Hello(name.clone()))
                    .map(|entry| entry.at.node)
                    .filter(|other| *other != node)
                    .collect();
                self.nodes
                    .iter_mut()
                    .filter(|machine| names.contains(&machine.node))
                    .for_each(|old| old.is_alive = false);
            }
            Step::Kill(number) => {
                let alive = self.nodes.iter().filter(|machine| machine.is_alive).count();
                if let Some(at) = self.pick(*number).filter(|_| alive > 1) {
                    self.nodes[at].is_alive = false;
                }
            }
            Step::Gone(number) => {
                let dead = self.nodes.iter().filter(|machine| !machine.is_alive).map(|machine| machine.node);
                let dead: Vec<NodeId> = dead.collect();
                let Some(by) = self.pick(*number).filter(|_| !dead.is_empty()) else { return };
                let (by, node) = (self.nodes[by].node, dead[number % dead.len()]);
                self.append(by, Logged::Gone(node));
                // An entry of a node that is gone, which was on its way.
                let id = connections(node).start + 1;
                self.append(node, Logged::Text(id, "late".into()));
            }
            Step::Join(number, dialect, room, since) => {
                let Some(at) = self.pick(*number) else { return };
                let node = self.nodes[at].node;
                let (_, count) = self.next.get_mut(&node).expect("it has started");
                *count += 1;
                let id = connections(node).start + *count;
                self.sinces.extend(since.map(|since| (id, since)));
                let (dialect, secret) = (*dialect, u128::MAX - u128::from(id));
                let address = Some(std::net::Ipv4Addr::from(*number as u32 % 3).into());
                let client = ClientInfo { id, dialect, secret, address, is_exempt: true, is_admin: number % 3 == 0 };
                self.append(node, Logged::Joined(client, room_name(*room)));
            }
            Step::Text(number, text) => {
                if let Some((node, id)) = self.connection(*number) {
                    // The secret of an earlier connection is known here.
                    let other = connections(1 + *number as u64 % self.nodes.len() as u64).start + 1;
                    let resume = format!("{other:x}-{:032x}", u128::MAX - u128::from(other));
                    self.append(node, Logged::Text(id, text.replace("RESUME", &resume)));
                }
            }
            Step::Binary(number) => {
                if let Some((node, id)) = self.connection(*number) {
                    self.append(node, Logged::Binary(id));
                }
            }
            Step::Post(number, room, post) => {
                let Some(at) = self.pick(*number) else { return };
                let node = self.nodes[at].node;
                // No connection has this number.
                let (id, room) = (connections(node).end - 1, room_name(*room));
                self.append(node, Logged::Post { id, address: None, room, post: post.clone() });
            }
            Step::Leave(number, is_lost) => {
                if let Some((node, id)) = self.connection(*number) {
                    self.append(node, Logged::Left(id, *is_lost));
                }
            }
            Step::Renumber(prefix) => {
                if let Some(at) = self.pick(0) {
                    self.append(self.nodes[at].node, Logged::Renumber(*prefix));
                }
            }
            Step::Again(number) => {
                if !self.log.is_empty() {
                    self.push(self.log[number % self.log.len()].clone());
                }
            }
            Step::Read(number, most) => {
                if let Some(at) = self.pick(*number) {
                    self.nodes[at].read(&self.log, &self.sinces, *most);
                }
            }
            Step::Tick(number) => {
                if let Some(at) = self.pick(*number) {
                    self.nodes[at].apply_local(*number as u64 * 100, Input::Tick);
                }
            }
            Step::Ready(number) => {
                if let Some(at) = self.pick(*number) {
                    self.nodes[at].make_ready();
                }
            }
            Step::Behind(number) => {
                let Some((node, id)) = self.connection(*number) else { return };
                let machine = self.nodes.iter_mut().find(|machine| machine.node == node).expect("it lives");
                if machine.subscribed.contains_key(&id) {
                    machine.apply_local(0, Input::Behind(id));
                }
            }
        }
    }
}

fn room_name(number: usize) -> RoomName {
    RoomName::new(&format!("room {number}")).expect("a name")
}

fn posts() -> impl Strategy<Value = Post> {
    let text = prop::sample::select(vec!["hi", "ho", ""]).prop_map(Post::from_text);
    (text, prop::option::of("ann|bob"), prop::option::of(0..9_u8)).prop_map(|(mut post, target, nonce)| {
        post.name = target.clone();
        post.target = target.filter(|_| nonce.is_none()).map(Target::Name);
        post.nonce = nonce.map(|nonce| format!("n{nonce}").into());
        post
    })
}

fn texts() -> impl Strategy<Value = String> {
    let name = || prop::sample::select(vec!["ann", "Ann", "bob", "bob1", "\u{200b}"]);
    prop_oneof![
        6 => name().prop_map(|name| format!(r#"{{"type":"username","name":"{name}"}}"#)),
        3 => name().prop_map(|name| format!(r#"{{"type":"username","name":"{name}","resume":"RESUME"}}"#)),
        9 => (0..9_u8).prop_map(|nonce| format!(r#"{{"type":"message","text":"hi {nonce}","nonce":"n{nonce}"}}"#)),
        6 => "[a-z]{1,50}".prop_map(|text| format!(r#"{{"type":"message","text":"{text}"}}"#)),
        3 => name().prop_map(|name| format!(r#"{{"type":"message","text":"psst","target":"{name}"}}"#)),
        2 => name().prop_map(|name| format!("/name {name}")),
        2 => prop::sample::select(vec!["/ban ann 1m", "/mute 0.0.0.1 30m", "/unban ann", "/slow / 9", "/close \"room 1\" 1m", "/delete 1", "/forget bob", "/kick bob", "/notice hi"]).prop_map(str::to_owned),
        2 => prop::sample::select(vec!["/users", "/quit", "{", "hello"]).prop_map(str::to_owned),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let any = || 0..1000_usize;
    let step = prop_oneof![
        2 => (any(), 0..4_usize).prop_map(|(from, name)| Step::Start(from, name)),
        1 => any().prop_map(Step::Kill),
        2 => any().prop_map(Step::Gone),
        8 => (any(), prop::sample::select(Dialect::ALL.to_vec()), 0..4_usize, prop::option::of(0..20_u64))
            .prop_map(|(number, dialect, room, since)| Step::Join(number, dialect, room, since)),
        40 => (any(), texts()).prop_map(|(number, text)| Step::Text(number, text)),
        1 => any().prop_map(Step::Binary),
        3 => (any(), 0..5_usize, posts()).prop_map(|(number, room, post)| Step::Post(number, room, post)),
        3 => (any(), prop::bool::ANY).prop_map(|(number, is_lost)| Step::Leave(number, is_lost)),
        1 => (0..9_u64).prop_map(Step::Renumber),
        3 => any().prop_map(Step::Again),
        12 => (any(), 1..20_usize).prop_map(|(number, most)| Step::Read(number, most)),
        3 => any().prop_map(Step::Tick),
        6 => any().prop_map(Step::Ready),
        1 => any().prop_map(Step::Behind),
    ];
    let time = prop_oneof![8 => 0..300_u64, 1 => 20_000..70_000_u64];
    prop::collection::vec((time, step), 0..250)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn machines_with_the_same_log_are_equal_and_send_what_one_would_send(steps in steps()) {
        check(&steps)?;
    }
}

/// A client that returns, and has not received all yet, sends a message again. The answer comes after later messages.
#[test]
fn answer_to_a_message_that_was_sent_again_comes_out_of_turn() {
    let name = |number| Step::Text(number, r#"{"type":"username","name":"ann"}"#.into());
    let say = |number, nonce| {
        let text = "x".repeat(40);
        Step::Text(number, format!(r#"{{"type":"message","text":"{text}","nonce":"n{nonce}"}}"#))
    };
    let mut steps = vec![Step::Join(0, Dialect::Json, 2, None), name(0)];
    steps.extend((0..6).map(|nonce| say(0, nonce)));
    steps.extend([Step::Join(0, Dialect::Json, 2, Some(1)), name(1), say(1, 0)]);
    let steps: Vec<(u64, Step)> = steps.into_iter().map(|step| (100, step)).collect();
    let nodes = check(&steps).expect("machines that are equal");
    let id = connections(1).start + 2;
    let seqs = nodes[0].sent[&id].iter().filter_map(|sent| match sent {
        ServerMessage::History(message) | ServerMessage::Message(message) => Some(message.seq),
        _ => None,
    });
    assert_eq!(seqs.collect::<Vec<_>>(), [2, 3, 4, 5, 1, 6]);
}

/// A connection that cannot take more receives a deleted message in its turn, after answers.
#[test]
fn deleted_message_comes_in_its_turn() {
    let text = |text: &str| Step::Text(0, text.into());
    let before = [Step::Join(0, Dialect::Text, 2, None), Step::Read(0, 9), text("hi"), Step::Behind(0)];
    let steps: Vec<(u64, Step)> =
        before.into_iter().chain(["/delete 1", "/users"].map(text)).map(|step| (100, step)).collect();
    let nodes = check(&steps).expect("machines that are equal");
    let id = connections(1).start + 1;
    assert_eq!(nodes[0].deleted(id).into_iter().collect::<Vec<_>>(), [1]);
    assert!(nodes[0].numbered(id).is_empty(), "deleted before its turn");
}

/// Takes the steps, and returns the nodes.
fn check(steps: &[(u64, Step)]) -> Result<Vec<Machine>, TestCaseError> {
    let mut world = World::new();
    for (pause, step) in steps {
        world.time += pause;
        world.run(step);
    }
    let World { log, mut one, mut nodes, sinces, .. } = world;
    let read_all = |machine: &mut Machine| {
        machine.read(&log, &sinces, usize::MAX);
        while machine.chat.catching_up().next().is_some() {
            machine.make_ready();
        }
        machine.apply_local(10_000_000, Input::Tick);
    };
    read_all(&mut one);
    // Only some nodes have an archive.
    let mut storing = Machine::new(0, Snapshot::new(rules(), Replica::default(), Chat::new(rules(), 0)), 0);
    storing.chat.rules.archive = true;
    storing.read(&log, &sinces, usize::MAX);
    storing.apply_local(10_000_000, Input::Tick);
    prop_assert_eq!(storing.state(), one.state());
    for machine in &mut nodes {
        read_all(machine);
        prop_assert_eq!(machine.state(), one.state());
        for id in machine.sent.keys().copied().collect::<Vec<_>>() {
            if machine.slow.contains(&id) || one.slow.contains(&id) {
                prop_assert_eq!(machine.answers(id), one.answers(id), "connection {:x}", id);
                let (found, expected) = (machine.numbered(id), one.numbered(id));
                let is_same = |(seq, text): (&u64, &String)| expected.get(seq).is_none_or(|other| other == text);
                prop_assert!(found.iter().all(is_same), "connection {id:x}: {found:?} {expected:?}");
                let (known, deleted) = (machine.deleted(id), one.deleted(id));
                let is_known = |seq: &u64| !found.contains_key(seq) || known.contains(seq);
                prop_assert!(deleted.iter().all(is_known), "connection {id:x}: {known:?} {deleted:?}");
            } else {
                prop_assert_eq!(machine.transcript(id), one.transcript(id), "connection {:x}", id);
                prop_assert_eq!(machine.notices(id), one.notices(id), "connection {:x}", id);
                machine.numbered(id);
            }
            let last_list = |machine: &Machine| {
                machine.sent[&id].iter().rfind(|sent| matches!(sent, ServerMessage::UserList { .. })).cloned()
            };
            if machine.subscribed.contains_key(&id) {
                let (found, expected) = (last_list(machine), one.chat.user_list(one.chat.room_of(id).expect("here")));
                prop_assert!(found.is_none() || expected.is_none() || found == expected, "{found:?} {expected:?}");
            }
        }
    }
    Ok(nodes)
}
