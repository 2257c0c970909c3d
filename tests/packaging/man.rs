//! The man page, in the macros of man(7), which groff and mandoc both know.

use super::table::{Block, Command, Flag, Value};

const HEAD: &str = r#".\" Made from src/cli/help by tests/packaging. Do not edit.
.TH CHINWAG 1 "" "chinwag VERSION" "User Commands"
.SH NAME
chinwag \- a small WebSocket chat server
.SH SYNOPSIS
"#;

const DESCRIPTION: &str = r#"chinwag is a WebSocket chat server with a page for browsers, in one program without a configuration file.
It listens on 127.0.0.1:6502, and prints the address to open.
Each path /room/NAME is a room, and scripts post and read messages with HTTP.
The other commands are a client for terminals, and tools for those who operate a server.
"#;

/// What the help texts leave to the documents.
const TAIL: &str = r#".SH SIGNALS
SIGTERM and SIGINT close each connection with 1001 and wait up to 5 seconds for the replies.
A second signal ends the server at once.
SIGHUP reads the certificate and the files of \-\-token\-file, \-\-admin\-token\-file and \-\-bans again.
What cannot be used is logged, and the old one stays in use.
.SH EXIT STATUS
Of the server: 0 after a shutdown, 2 if it could not start, 128 and the signal's number if a second signal ended it.
.SH FILES
.TP
.I /etc/default/chinwag
the environment variables of the service
.TP
.I /var/lib/chinwag
the folder of the service: a stored history, a certificate, the bans
.TP
.I /run/chinwag/admin.sock
where the service answers chinwag ctl and chinwag health
.SH SEE ALSO
.BR systemd.exec (5),
.BR systemctl (1)
"#;

pub fn page(commands: &[Command]) -> String {
    let mut page = HEAD.replace("VERSION", env!("CARGO_PKG_VERSION"));
    let server = commands.first().expect("the server");
    let usage = server.texts.iter().flat_map(|(_, blocks)| blocks).filter_map(|block| match block {
        Block::Usage(line) => line.split("  ").next(),
        _ => None,
    });
    page += &usage.map(|line| format!("{}\n", escaped(line))).collect::<Vec<_>>().join(".br\n");
    for (text, blocks) in commands.iter().flat_map(|command| &command.texts) {
        page += &format!(".SH {}\n", text.title);
        let mut is_description = text.title == "DESCRIPTION";
        page += if is_description { DESCRIPTION } else { "" };
        for block in blocks {
            if is_description && matches!(block, Block::Flag(_)) {
                page += ".SH OPTIONS\n";
                is_description = false;
            }
            page += &shown(block);
        }
    }
    page + TAIL
}

fn shown(block: &Block) -> String {
    match block {
        Block::Usage(_) => String::new(),
        Block::Prose(text) => format!(".PP\n{}\n", escaped(text)),
        Block::Flag(flag) => format!(".TP\n{}\n{}\n", name(flag), escaped(&flag.about)),
    }
}

fn name(Flag { long, short, value, .. }: &Flag) -> String {
    let short = short.map(|short| format!("\\fB\\-{short}\\fR, ")).unwrap_or_default();
    let long = escaped(long);
    match value {
        Value::None => format!("{short}\\fB\\-\\-{long}\\fR"),
        Value::Optional(value) => format!("\\fB\\-\\-{long}\\fR[=\\fI{}\\fR]", escaped(value)),
        Value::Required(value) => format!("{short}\\fB\\-\\-{long}\\fR \\fI{}\\fR", escaped(value)),
        Value::Item(item) => format!("\\fB\\-\\-{long} {}\\fR=\\fIN\\fR", escaped(item)),
    }
}

/// Text that groff shows as it is.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('~', "\\(ti").replace('^', "\\(ha");
    let is_control = text.starts_with(['.', '\'']);
    if is_control { format!("\\&{text}") } else { text }
}
