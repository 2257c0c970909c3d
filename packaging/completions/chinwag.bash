# Made from src/cli/help by tests/packaging. Do not edit.
_chinwag_words() { COMPREPLY=($(compgen -W "$1" -- "$current")); }

_chinwag() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} flags
    COMPREPLY=()
    if [[ $current == = ]]; then
        current='' previous+='='
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}=
    fi
    [[ $previous == --*= && $previous != --tls-self-signed= ]] && previous=${previous%=}
    case $previous in
        --dialect) _chinwag_words 'json text'; return ;;
        --token-file) compopt -o default; return ;;
        --limit) _chinwag_words 'connections= per-address= handshakes= handshake-seconds= controls= wrong-token-seconds= fields= head= ping-seconds= pong-seconds= close-seconds= message= outbox= stall-seconds= events= text= rate= burst= address-rate= address-burst= room-rate= room-burst= strikes= rooms= room-users= room-messages= room-bytes= history= replay= replay-messages= lists=' && compopt -o nospace; return ;;
        --bans) compopt -o default; return ;;
        --admin-token-file) compopt -o default; return ;;
        --tls-cert) compopt -o default; return ;;
        --tls-key) compopt -o default; return ;;
        --tls-self-signed=) compopt -o default; return ;;
        --history) compopt -o default; return ;;
        --history-sync) _chinwag_words 'normal full'; return ;;
        --ca-file) compopt -o default; return ;;
        --history-lines | --host | --origin | --trusted-proxy | --listen | --socket-mode | --socket-group | --admin | --exempt | --listen-tls | --redirect-http | --hsts | --history-days | --history-rows | --history-bytes | --cluster | --node | --name | --retry | --room | --protocol | --header) return ;;
    esac
    case ${COMP_WORDS[1]} in
        check) flags='--protocol --header --ca-file --json -h --help -V --version' ;;
        health) flags='-h --help -V --version' ;;
        ctl) flags='--admin -h --help -V --version who rooms stats bans kick ban unban mute unmute slow close open delete forget notice' ;;
        history) flags='--room --export --import -h --help' ;;
        chat) flags='--name --token-file --ca-file --retry -h --help -V --version' ;;
        *) flags='--dialect --history-lines --deflate --list-rooms --host --origin --require-origin --token-file --trusted-proxy --limit --no-limits -v --verbose -q --quiet -V --version -h --help --help-limits --help-tls --help-history --help-service --listen --socket-mode --socket-group --admin --bans --admin-token-file --exempt --allow-blocked-port --tls-cert --tls-key --tls-self-signed --listen-tls --redirect-http --hsts --history --history-sync --history-days --history-rows --history-bytes --cluster --node --help-cluster' ;;
    esac
    [[ $COMP_CWORD -gt 1 ]] || flags+=' chat history ctl health check'
    [[ ${COMP_WORDS[1]} == history && $current != -* ]] && compopt -o default && return
    _chinwag_words "$flags"
}
complete -F _chinwag chinwag
