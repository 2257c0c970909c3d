//! `chinwag check URL`: whether a server, of any kind, keeps the rules of RFC 6455. Each rule is tried on a new connection.

mod cases;
mod connection;
mod judge;

use super::{arguments::Flags, flags::check_feature, print};
use cases::Case;
#[cfg(feature = "tls")]
use chinwag::tls::Connector;
use connection::Target;
use judge::{Verdict, attempt, hex};
use serde_json::json;
use std::process::ExitCode;

/// Prints each rule that the server breaks, and how many it keeps. Exits with 1 if it breaks one.
///
/// # Errors
/// One line: a flag is wrong, or there is no WebSocket at the URL.
pub(crate) fn run(flags: &Flags) -> Result<ExitCode, String> {
    let (target, cases, is_json) = (target(flags)?, cases::all(), flags.has("json"));
    let echoes = judge::echoes(&target, &cases[0])?;
    let verdicts = cases.iter().map(|case| try_case(&target, case, echoes, is_json)).collect::<Result<Vec<_>, _>>()?;
    let count = |verdict| verdicts.iter().filter(|other| **other == verdict).count();
    let [kept, broken, unusual, untried] =
        [Verdict::Kept, Verdict::Broken, Verdict::Unusual, Verdict::Untried].map(count);
    let (url, rules) = (target.uri.to_string(), cases.len());
    let summary = if is_json {
        json!({
            "url": url, "echoes": echoes, "kept": kept, "broken": broken, "unusual": unusual, "untried": untried
        })
        .to_string()
    } else {
        let echo = if echoes { "it echoes" } else { "it does not echo, so no messages were compared" };
        format!("{url}: {rules} rules: {kept} kept, {broken} broken, {unusual} unusual, {untried} untried; {echo}")
    };
    print(&(summary + "\n"))?;
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tries a case, and prints a line of JSON, or what is wrong or unusual.
fn try_case(target: &Target, case: &Case, echoes: bool, is_json: bool) -> Result<Verdict, String> {
    let ((verdict, why), received) = attempt(target, case, echoes);
    let sent = if case.writes.is_empty() { target.request(case) } else { hex(&case.writes.concat()) };
    let Case { id, section, rule, .. } = case;
    let text = match verdict {
        _ if is_json => {
            let report = json!({
                "case": id, "section": section, "rule": rule, "verdict": verdict, "why": why, "sent": sent, "received": received
            });
            format!("{report}\n")
        }
        Verdict::Broken => {
            let sent = sent.trim_end().replace("\r\n", "\n    ");
            format!("BROKEN {id}: {rule} (RFC 6455 {section}), but {why}\n  sent: {sent}\n  received: {received}\n")
        }
        Verdict::Unusual => format!("unusual {id}: {why}\n"),
        _ => return Ok(verdict),
    };
    print(&text).map(|()| verdict)
}

fn target(flags: &Flags) -> Result<Target, String> {
    let url = flags.url()?.ok_or("which URL? Such as: chinwag check ws://localhost:6502/")?;
    let uri: tungstenite::http::Uri = url.parse().map_err(|why| format!("{url}: {why}"))?;
    let is_secure = match uri.scheme_str() {
        Some("ws") => false,
        Some("wss") => true,
        _ => return Err(format!("{url}: write ws://HOST:PORT/PATH or wss://HOST:PORT/PATH")),
    };
    if is_secure {
        check_feature("tls").map_err(|missing| format!("{url}: {missing}"))?;
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
    let trusted = || flags.value("ca-file").map_or_else(Connector::system, Connector::trusting);
    #[cfg(feature = "tls")]
    let connector = is_secure.then(trusted).transpose().map_err(|why| why.to_string())?;
    Ok(Target {
        uri,
        fields,
        #[cfg(feature = "tls")]
        connector,
    })
}
