//! Finds the connection that a private message is for. Users type names, but a name can pass to another user. The id of a
//! connection is never used again.
//!
//! A name stands for the connection with which private messages were exchanged under it, even after that connection has ended.
//! The server then rejects the message. The next one goes to the user who has the name at that time.

use crate::chat::{protocol::UserId, rules::RoomName};

/// An id that no connection has.
const NOBODY: UserId = 0;

/// More users than a room has.
const MAX_USERS: usize = 10_000;

/// Beyond this number of partners, the oldest is forgotten.
const MAX_PARTNERS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Contacts {
    /// The users in the room, with the ids of their connections.
    pub(super) users: Vec<(UserId, String)>,
    /// Users with whom private messages were exchanged: the key of the name, and the connection.
    partners: Vec<(String, UserId)>,
}

impl Contacts {
    /// A user signed in, or changed the name. `was` is the user's connection before this one.
    pub(super) fn user_signed_in(&mut self, id: UserId, name: &str, was: Option<UserId>) {
        for partner in &mut self.partners {
            if partner.1 == id || Some(partner.1) == was {
                *partner = (key(name), id);
            }
        }
        self.users.retain(|user| user.0 != id);
        self.users.push((id, name.to_owned()));
        self.users.truncate(MAX_USERS);
    }

    /// A private message went to this user, or came from this user.
    pub(super) fn add_partner(&mut self, id: UserId, name: &str) {
        let key = key(name);
        if self.partners.iter().any(|partner| partner.0 == key) {
            return;
        }
        self.partners.insert(0, (key, id));
        self.partners.truncate(MAX_PARTNERS);
    }

    /// The connection that a private message to this name goes to.
    pub(super) fn find(&self, name: &str) -> Option<UserId> {
        let key = key(name);
        let partner = self.partners.iter().find(|partner| partner.0 == key);
        partner.map(|partner| partner.1).or_else(|| self.user(&key))
    }

    /// The server does not have the user of this name any more. From now on the name stands for the user who has it then.
    /// Returns whether another one has it already.
    pub(super) fn forget_partner(&mut self, name: &str) -> bool {
        if let Some(id) = self.find(name) {
            // The user list may be older than that.
            self.users.retain(|user| user.0 != id);
        }
        let key = key(name);
        self.partners.retain(|partner| partner.0 != key);
        self.user(&key).is_some()
    }

    /// The server was restarted: others may have the ids of the partners now.
    pub(super) fn forget_ids(&mut self) {
        self.partners.iter_mut().for_each(|partner| partner.1 = NOBODY);
    }

    fn user(&self, wanted: &str) -> Option<UserId> {
        self.users.iter().find(|user| key(&user.1) == wanted).map(|user| user.0)
    }
}

/// Two names are the same if they have the same key. Rooms and users are compared alike.
fn key(name: &str) -> String {
    RoomName::new(name).map_or_else(|| name.to_lowercase(), |room| room.key().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ann is 5, bob is 6. Private messages were exchanged with ann.
    fn contacts() -> Contacts {
        let users = vec![(5, "ann".into()), (6, "bob".into())];
        let mut contacts = Contacts { users, ..Contacts::default() };
        contacts.add_partner(5, "ann");
        contacts
    }

    #[test]
    fn a_name_stands_for_its_connection_until_the_server_rejects_it() {
        let mut contacts = contacts();
        assert_eq!((contacts.find("Ann"), contacts.find("bob"), contacts.find("eve")), (Some(5), Some(6), None));
        contacts.users = vec![(9, "ann".into()), (8, "bob".into())];
        contacts.add_partner(9, "ann");
        assert_eq!((contacts.find("ann"), contacts.find("bob")), (Some(5), Some(8)), "nothing was said to bob");
        assert!(contacts.forget_partner("ann"), "another user has the name");
        assert_eq!(contacts.find("ann"), Some(9));
        assert!(!contacts.forget_partner("ann"), "this one has left, too");
        contacts.users = vec![(8, "bob".into()), (10, "bob".into())];
        assert!(contacts.forget_partner("bob") && contacts.find("bob") == Some(10), "the list still has both");
    }

    #[test]
    fn a_partner_is_followed_to_a_new_connection_and_to_a_new_name() {
        for (id, name, was, expected) in [
            (9, "ann", Some(5), [Some(9), None]),
            (9, "ann", None, [Some(5), None]),
            (9, "ann", Some(6), [Some(5), None]),
            (9, "anna", Some(5), [Some(5), Some(9)]),
            (5, "anna", None, [None, Some(5)]),
        ] {
            let mut contacts = contacts();
            contacts.user_signed_in(id, name, was);
            assert_eq!(["ann", "anna"].map(|name| contacts.find(name)), expected, "{id} {name} {was:?}");
        }
    }

    #[test]
    fn after_a_restart_of_the_server_a_name_stands_for_nobody() {
        let mut contacts = contacts();
        contacts.forget_ids();
        contacts.users = vec![(5, "eve".into()), (7, "ann".into())];
        assert_eq!(contacts.find("ann"), Some(NOBODY));
        assert!(contacts.forget_partner("ann") && contacts.find("ann") == Some(7));
    }

    #[test]
    fn the_number_of_partners_is_bounded() {
        let mut contacts = Contacts::default();
        (1..=MAX_PARTNERS as u64 + 1).for_each(|id| contacts.add_partner(id, &format!("user {id}")));
        assert_eq!((contacts.partners.len(), contacts.find("user 1"), contacts.find("user 2")), (256, None, Some(2)));
    }
}
