//! `chinwag check URL`: whether a server, of any kind, keeps the rules of RFC 6455. Each rule is tried on a new connection.

mod cases;
mod connection;
mod frame;
mod judge;

use super::{arguments::Flags, flags::TLS_FEATURE, print};
use connection::Target;
use judge::{Verdict, attempt, hex};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// What a case showed: a line of JSON, or three of text.
#[derive(Serialize)]
struct Report<'a> {
    case: &'a str,
    section: &'a str,
    rule: &'a str,
    verdict: &'a str,
    why: &'a str,
    sent: String,
    received: String,
}

/// Prints each rule that the server breaks, and how many it keeps. Exits with 1 if it breaks one.
///
/// # Errors
/// One line: a flag is wrong, or there is no WebSocket at the URL.
pub(crate) fn run(flags: &Flags) -> Result<ExitCode, String> {
    let (target, cases, is_json) = (target(flags)?, cases::all(), flags.has("json"));
    let echoes = judge::echoes(&target, &cases[0])?;
    let (mut counts, mut unusual_rules) = ([0; 4], BTreeMap::<String, Vec<&str>>::new());
    for case in &cases {
        let (verdict, received) = attempt(&target, case, echoes);
        let (verdict, place, why) = match &verdict {
            Verdict::Kept => ("kept", 0, ""),
            Verdict::Broken(why) => ("broken", 1, why.as_str()),
            Verdict::Unusual(why) => ("unusual", 2, why.as_str()),
            Verdict::Untried(why) => ("untried", 3, why.as_str()),
        };
        counts[place] += 1;
        let sent = if case.frames.is_empty() { target.request(case) } else { hex(&case.frames.concat()) };
        let report = Report { case: case.id, section: case.section, rule: case.rule, verdict, why, sent, received };
        if is_json {
            print(&format!("{}\n", json!(report)))?;
        } else if verdict == "broken" {
            print(&report.to_text())?;
        } else if verdict == "unusual" {
            unusual_rules.entry(why.to_owned()).or_default().push(case.id);
        }
    }
    for (why, ids) in unusual_rules {
        print(&format!("unusual {}: {why}\n", ids.join(", ")))?;
    }
    let [kept, broken, unusual, untried] = counts;
    let (url, rules) = (target.uri.to_string(), cases.len());
    print(&if is_json {
        let counts = json!({"url": url, "echoes": echoes, "kept": kept, "broken": broken, "unusual": unusual, "untried": untried});
        format!("{counts}\n")
    } else {
        let echo = if echoes { "it echoes" } else { "it does not echo, so no messages were compared" };
        format!("{url}: {rules} rules: {kept} kept, {broken} broken, {unusual} unusual, {untried} untried; {echo}\n")
    })?;
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Report<'_> {
    fn to_text(&self) -> String {
        let Self { case, section, rule, why, sent, received, .. } = self;
        let indented = |text: &str| text.trim_end().replace("\r\n", "\n    ");
        format!(
            "BROKEN {case}: {rule} (RFC 6455 {section}), but {why}\n  sent: {}\n  received: {}\n",
            indented(sent),
            indented(received)
        )
    }
}

fn target(flags: &Flags) -> Result<Target, String> {
    let url = flags.operand.as_ref().ok_or("which URL? Such as: chinwag check ws://localhost:6502/")?;
    let url = url.to_str().ok_or("the URL is not UTF-8")?;
    let uri: tungstenite::http::Uri = url.parse().map_err(|why| format!("{url}: {why}"))?;
    if !matches!(uri.scheme_str(), Some("ws" | "wss")) || uri.host().is_none() {
        return Err(format!("{url}: write ws://HOST:PORT/PATH or wss://HOST:PORT/PATH"));
    }
    let mut fields = String::new();
    if let Some(protocol) = flags.text("protocol")? {
        fields += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
    }
    if let Some(field) = flags.text("header")? {
        if !field.contains(':') || field.contains(['\r', '\n']) {
            return Err("--header: write NAME: VALUE, as in --header \"Origin: http://localhost\"".into());
        }
        fields += &format!("{field}\r\n");
    }
    #[cfg(feature = "tls")]
    let connector = match (uri.scheme_str(), flags.value("ca-file")) {
        (Some("wss"), Some(file)) => Some(chinwag::tls::Connector::trusting(file)),
        (Some("wss"), None) => Some(chinwag::tls::Connector::system()),
        _ => None,
    };
    let target = Target {
        uri,
        fields,
        #[cfg(feature = "tls")]
        connector: connector.transpose().map_err(|why| why.to_string())?,
    };
    match target.is_secure() {
        true => TLS_FEATURE.check().map_err(|missing| format!("{url}: {missing}")).map(|()| target),
        false => Ok(target),
    }
}
