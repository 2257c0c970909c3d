//! x
use super::*;
use precis_profiles::Nickname;
use precis_profiles::precis_core::profile::{Profile, Rules, stabilize};
use precis_profiles::precis_core::{DerivedPropertyValue, Error, FreeformClass, StringClass};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

fn old(name: &str) -> Option<String> {
    let key = stabilize(name, comparable_old).ok()?;
    (!key.is_empty()).then(|| key.into_owned())
}
fn comparable_old(name: &str) -> Result<Cow<'_, str>, Error> {
    let profile = Nickname::new();
    let name = profile.prepare(name)?;
    let name = profile.additional_mapping_rule(name)?;
    let name = profile.case_mapping_rule(name)?;
    profile.normalization_rule(name)
}
#[test]
fn t() {
    let mut n = 0;
    for c in '\0'..=char::MAX {
        let s = c.to_string();
        let a: String = s.nfkc().collect();
        let b = normal::nfkc(&s);
        if a != b { println!("nfkc {:x} {a:?} {b:?}", c as u32); n += 1; }
    }
    println!("nfkc differ {n}");
    for c in '\0'..=char::MAX {
        let l: String = c.to_lowercase().collect();
        let m = lower(&c.to_string());
        if l != m { println!("lower {:x} {l:?} {m:?}", c as u32); }
    }
    let f = FreeformClass::default();
    let mut known = 0;
    for c in '\0'..=char::MAX {
        let v = f.get_value_from_char(c);
        if v == DerivedPropertyValue::Unassigned { continue }
        known += 1;
        let p = matches!(v, DerivedPropertyValue::PValid | DerivedPropertyValue::SpecClassPval|DerivedPropertyValue::ContextJ | DerivedPropertyValue::ContextO);
        if p != tables::property(c).has(tables::ALLOWED) { println!("class {:x} {v:?}", c as u32); }
        let s = c.to_string();
        let (a, b) = (old(&s), key(&s));
        if a != b { println!("key {:x} {c} {a:?} {b:?}", c as u32); }
    }
    println!("known {known}");
}
