//! A node's copy of the chat, and what it sends to its connections.

use super::super::replica::{Entry, Logged, NodeId, Replica, Snapshot, connections, shared_rules};
use crate::chat::protocol::{Millis, ServerMessage, UserId};
use crate::chat::rules::{Chat, Input, Now, Output, Rate, RoomId, Rules, Since};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn rules() -> Rules {
    let mut rules = Rules { text_chars: 40, strikes: Some(3), rooms: 3, room_users: Some(6), ..Rules::default() };
    (rules.room_messages, rules.history_lines, rules.replay_bytes) = (12, 4, 600);
    rules.room_rate = Some(Rate { per_second: 1, burst: 12 });
    shared_rules(rules)
}

/// What one node holds, or one machine for all.
pub(super) struct Machine {
    pub(super) node: NodeId,
    pub(super) chat: Chat,
    pub(super) replica: Replica,
    /// How much of the log it has read.
    pub(super) read: usize,
    pub(super) is_alive: bool,
    pub(super) subscribed: BTreeMap<UserId, RoomId>,
    pub(super) sent: BTreeMap<UserId, Vec<ServerMessage>>,
    /// Its connections that wait, or have waited, for a part of the history: they miss notices.
    pub(super) slow: BTreeSet<UserId>,
}

impl Machine {
    pub(super) fn new(node: NodeId, snapshot: Snapshot, read: usize) -> Self {
        let (chat, replica) = (snapshot.chat.with_rules(rules()), snapshot.replica);
        let (subscribed, sent, slow) = Default::default();
        Self { node, chat, replica, read, is_alive: true, subscribed, sent, slow }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new(rules(), self.replica.clone(), self.chat.clone())
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(&self.snapshot()).expect("JSON")
    }

    pub(super) fn state(&self) -> serde_json::Value {
        serde_json::from_str(&self.text()).expect("JSON")
    }

    /// 0 is the machine that has all connections.
    fn has(&self, id: UserId) -> bool {
        self.node == 0 || connections(self.node).contains(&id)
    }

    pub(super) fn read(&mut self, log: &[Entry], sinces: &BTreeMap<UserId, u64>, most: usize) {
        let end = log.len().min(self.read.saturating_add(most));
        for entry in &log[self.read..end] {
            if !self.replica.accept(entry) {
                continue;
            }
            let since = match &entry.input {
                Logged::Joined(client, _) if self.has(client.id) => {
                    sinces.get(&client.id).map(|seq| Since { seq: *seq, log: None })
                }
                _ => None,
            };
            let out = self.replica.apply(&mut self.chat, entry, since);
            self.send(out);
        }
        self.read = end;
    }

    pub(super) fn apply_local(&mut self, later: Millis, input: Input<'_>) {
        let time = self.replica.time + later;
        let out = self.chat.apply(Now { uptime: time, date: time }, input);
        self.send(out);
    }

    fn send(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send(to, message) if self.has(to) => self.sent.entry(to).or_default().push(message),
                Output::Subscribe(id) if self.has(id) => {
                    self.subscribed.insert(id, self.chat.room_of(id).expect("it is here"));
                }
                Output::Unsubscribe(id) => drop(self.subscribed.remove(&id)),
                Output::Close(id, ..) => drop(self.subscribed.remove(&id)),
                Output::Broadcast(room, message, except) => {
                    for (id, _) in self.subscribed.iter().filter(|(id, at)| **at == room && Some(**id) != except) {
                        self.sent.entry(*id).or_default().push(message.clone());
                    }
                }
                _ => {}
            }
        }
        self.subscribed.retain(|id, _| self.chat.room_of(*id).is_some());
        self.slow.extend(self.chat.catching_up());
    }

    /// What a connection received, without what depends on the speed of its client.
    pub(super) fn transcript(&self, id: UserId) -> Vec<String> {
        use ServerMessage::{Left, UserList, Username};
        let is_compared =
            |message: &&ServerMessage| !matches!(message, UserList { .. } | Username { .. } | Left { .. });
        let as_message = |message: &ServerMessage| match message {
            ServerMessage::History(message) => format!("{:?}", ServerMessage::Message(message.clone())),
            other => format!("{other:?}"),
        };
        self.sent.get(&id).into_iter().flatten().filter(is_compared).map(as_message).collect()
    }

    /// The messages to its room that a slow connection received, each with its number when it came first.
    pub(super) fn numbered(&self, id: UserId) -> BTreeMap<u64, String> {
        let mut found: BTreeMap<u64, String> = BTreeMap::new();
        for message in self.sent.get(&id).into_iter().flatten() {
            if let ServerMessage::History(message) | ServerMessage::Message(message) = message {
                let text = format!("{:?}", (&message.name, &message.text, message.id, message.date));
                let last = found.keys().next_back().copied().unwrap_or(0);
                match found.get(&message.seq) {
                    None => assert!(message.seq > last, "not in order: {message:?}"),
                    Some(known) => assert_eq!(*known, text),
                }
                found.insert(message.seq, text);
            }
        }
        found
    }

    /// What only this connection received.
    pub(super) fn answers(&self, id: UserId) -> Vec<String> {
        let is_answer = |text: &&String| !["Message", "Gap", "Id"].iter().any(|kind| text.starts_with(kind));
        self.transcript(id).iter().filter(is_answer).cloned().collect()
    }

    /// The notices, which a connection that never waited receives as well.
    pub(super) fn notices(&self, id: UserId) -> Vec<String> {
        let is_notice = |message: &&ServerMessage| !matches!(message, ServerMessage::UserList { .. });
        self.sent.get(&id).into_iter().flatten().filter(is_notice).map(|message| format!("{message:?}")).collect()
    }

    pub(super) fn make_ready(&mut self) {
        let waiting: Vec<UserId> = self.chat.catching_up().collect();
        waiting.into_iter().for_each(|id| self.apply_local(1, Input::Ready(id)));
    }
}
