//! The Nickname profile of PRECIS (RFC 8266), by the `precis-profiles` crate.
//!
//! Owns the comparison key. Knows no lengths and no users.

use std::borrow::Cow;

use precis_profiles::Nickname;
use precis_profiles::precis_core::Error;
use precis_profiles::precis_core::profile::{Profile, Rules, stabilize};

/// The form in which names are compared (RFC 8266 2.4); `None` for what the profile refuses.
pub(super) fn key(name: &str) -> Option<String> {
    let key = stabilize(name, comparable).ok()?;
    (!key.is_empty()).then(|| key.into_owned())
}

/// One round of the rules, in the order of RFC 8266 2.1.
fn comparable(name: &str) -> Result<Cow<'_, str>, Error> {
    let profile = Nickname::new();
    let name = profile.prepare(name)?;
    let name = profile.additional_mapping_rule(name)?;
    let name = profile.case_mapping_rule(name)?;
    profile.normalization_rule(name)
}
