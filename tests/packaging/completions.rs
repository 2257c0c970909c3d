//! Completions for bash, zsh and fish.

use super::table::{Command, Flag, Value};

const NOTICE: &str = "# Made from src/cli/help by tests/packaging. Do not edit.\n";

/// Needs no library of functions. `=` and `:` separate words in bash, so that `--flag=value` is three of them.
pub fn bash(commands: &[Command]) -> String {
    let (mut flags, mut names) = (String::new(), Vec::new());
    for command in commands {
        let words = command.words().into_iter().map(str::to_owned);
        let list: Vec<String> = command.flags().flat_map(spellings).chain(words).collect();
        let pattern = if command.name.is_empty() { "*" } else { command.name };
        let arm = format!("        {pattern}) flags='{}' ;;\n", list.join(" "));
        // The server has no name of its own and comes last.
        flags = if command.name.is_empty() { flags + &arm } else { arm + &flags };
        names.extend((!command.name.is_empty()).then_some(command.name));
    }
    let (mut values, mut others) = (String::new(), Vec::new());
    for flag in unique(commands) {
        let action = match (flag.choices(), flag.long.as_str()) {
            _ if flag.value == Value::None => continue,
            (_, "limit") => format!("_chinwag_words '{}' && compopt -o nospace", limits(commands)),
            _ if flag.is_file() => "compopt -o default".to_owned(),
            ([], name) => {
                others.push(format!("--{name}"));
                continue;
            }
            (choices, _) => format!("_chinwag_words '{}'", choices.join(" ")),
        };
        // An optional value is only after `=`.
        let condition = if let Value::Optional(_) = flag.value { "=" } else { "" };
        values += &format!("        --{}{condition}) {action}; return ;;\n", flag.long);
    }
    values += &format!("        {}) return ;;\n", others.join(" | "));
    format!(
        r#"{NOTICE}_chinwag_words() {{ COMPREPLY=($(compgen -W "$1" -- "$current")); }}

_chinwag() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} flags
    COMPREPLY=()
    if [[ $current == = ]]; then
        current='' previous+='='
    elif [[ $previous == = ]]; then
        previous=${{COMP_WORDS[COMP_CWORD - 2]}}=
    fi
    [[ $previous == --*= && $previous != --tls-self-signed= ]] && previous=${{previous%=}}
    case $previous in
{values}    esac
    case ${{COMP_WORDS[1]}} in
{flags}    esac
    [[ $COMP_CWORD -gt 1 ]] || flags+=' {names}'
    [[ ${{COMP_WORDS[1]}} == history && $current != -* ]] && compopt -o default && return
    _chinwag_words "$flags"
}}
complete -F _chinwag chinwag
"#,
        names = names.join(" "),
    )
}

pub fn zsh(commands: &[Command]) -> String {
    let about = |command: &Command| format!("{}\\:\"{}\"", command.name, command.about());
    let named = || commands.iter().filter(|command| !command.name.is_empty());
    let names: Vec<String> = named().map(about).collect();
    let pattern: Vec<&str> = named().map(|command| command.name).collect();
    let mut text = format!(
        r#"#compdef chinwag
{NOTICE}_chinwag() {{
    local command= && local -a flags
    if (( CURRENT > 2 )) && [[ $words[2] == ({}) ]]; then
        command=$words[2] && shift words && (( CURRENT-- ))
    fi
    case $command in
"#,
        pattern.join("|")
    );
    for command in named().chain(&commands[..1]) {
        let (pattern, operand) = match command.name {
            "" => ("*", format!("'1:command:(({}))'", names.join(" "))),
            "history" => ("history", "':FILE:_files'".to_owned()),
            name if !command.words().is_empty() => {
                (name, format!("'1:command:({})'\n            '*: : '", command.words().join(" ")))
            }
            name => (name, "':URL: '".to_owned()),
        };
        text += &format!("    {pattern})\n        flags=(\n");
        for flag in command.flags() {
            let summary = quoted(&flag.summary().replace('[', "\\[").replace(']', "\\]"));
            let star = if flag.is_repeatable() { "*" } else { "" };
            let values = match &flag.value {
                Value::None | Value::Item(_) => format!("[{summary}]"),
                Value::Optional(value) => format!("=-[{summary}]::{value}:_files"),
                Value::Required(value) => {
                    format!("=[{summary}]:{}:{}", value.replace(':', "\\:"), zsh_values(flag, commands))
                }
            };
            text += &format!("            '{star}--{}{values}'\n", flag.long);
            if let Some(short) = flag.short {
                text += &format!("            '-{short}[{summary}]'\n");
            }
        }
        text += &format!("            {operand}\n        )\n        ;;\n");
    }
    text + "    esac\n    _arguments -s : $flags\n}\n\n_chinwag \"$@\"\n"
}

fn zsh_values(flag: &Flag, commands: &[Command]) -> String {
    match (flag.choices(), flag.long.as_str()) {
        (_, "limit") => format!("{{compadd -S= -- {}}}", limits(commands).replace('=', "")),
        ([], _) if flag.is_file() => "_files".to_owned(),
        ([], _) => " ".to_owned(),
        (values, _) => format!("({})", values.join(" ")),
    }
}

pub fn fish(commands: &[Command]) -> String {
    let named: Vec<&Command> = commands.iter().filter(|command| !command.name.is_empty()).collect();
    let names = named.iter().map(|command| command.name).collect::<Vec<_>>().join(" ");
    let mut text = format!("{NOTICE}complete -c chinwag -f\n");
    for command in &named {
        let about = quoted(&command.about());
        text += &format!("complete -c chinwag -n __fish_is_first_arg -a {} -d '{about}'\n", command.name);
    }
    for command in commands {
        let condition = match command.name {
            "" => format!("not __fish_seen_subcommand_from {names}"),
            name => format!("__fish_seen_subcommand_from {name}"),
        };
        if command.name == "history" {
            text += &format!("complete -c chinwag -n '{condition}' -F\n");
        }
        if let words @ [_, ..] = &command.words()[..] {
            text += &format!("complete -c chinwag -n '{condition}' -a '{}'\n", words.join(" "));
        }
        for flag in command.flags() {
            let short = flag.short.map(|short| format!(" -s {short}")).unwrap_or_default();
            let values = match (&flag.value, flag.choices()) {
                (Value::Required(_), _) if flag.long == "limit" => format!(" -x -a '{}'", limits(commands)),
                (Value::Required(_), []) if flag.is_file() => " -r -F".to_owned(),
                (Value::Required(_), []) => " -x".to_owned(),
                (Value::Required(_), values) => format!(" -x -a '{}'", values.join(" ")),
                _ => String::new(),
            };
            let summary = quoted(&flag.summary());
            text += &format!("complete -c chinwag -n '{condition}'{short} -l {}{values} -d '{summary}'\n", flag.long);
        }
    }
    text
}

/// Each flag once, although two commands may have it.
fn unique(commands: &[Command]) -> Vec<&Flag> {
    let mut flags: Vec<&Flag> = Vec::new();
    for flag in commands.iter().flat_map(Command::flags) {
        if !flags.iter().any(|known| known.long == flag.long) {
            flags.push(flag);
        }
    }
    flags
}

fn spellings(flag: &Flag) -> impl Iterator<Item = String> {
    flag.short.map(|short| format!("-{short}")).into_iter().chain([format!("--{}", flag.long)])
}

fn limits(commands: &[Command]) -> String {
    commands.iter().flat_map(Command::items).map(|name| format!("{name}=")).collect::<Vec<_>>().join(" ")
}

/// For single quotes of a shell.
fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''")
}
