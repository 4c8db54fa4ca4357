# Clients of the server in the host: the real curl and the real git.

server=https://localhost:2027

# The password that the first start has made up.
password() { # ACCOUNT
    sed -n "s/^$1 //p" "$(state_dir)/initial-passwords"
}

# curl as an account; PASSWORD is for those that have another one than the first.
curl_as() { # ACCOUNT ARGUMENTS…
    local account=$1
    shift
    beside_host curl --silent --show-error --fail --max-time 60 \
        --cacert "$(state_dir)/apache/server.crt" \
        --user "$account:${PASSWORD:-$(password "$account")}" "$@"
}

live() {
    beside_host curl --silent --show-error --fail --max-time 10 \
        --cacert "$(state_dir)/apache/server.crt" "${1:-$server}/livez"
}

# Before the first start there is no certificate to trust.
answers() {
    beside_host curl --silent --show-error --fail --max-time 10 --insecure "$server/livez"
}

# git as the administrator.
git_admin() { # ARGUMENTS…
    beside_host env HOME="$WORK" GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 \
        GIT_SSL_CAINFO="$(state_dir)/apache/server.crt" \
        GIT_AUTHOR_NAME=Admin GIT_AUTHOR_EMAIL=admin@example.com \
        GIT_COMMITTER_NAME=Admin GIT_COMMITTER_EMAIL=admin@example.com git "$@"
}

repository() { # [SUBCLUSTER]
    echo "https://admin:${PASSWORD:-$(password admin)}@localhost:2027/config/${1:-default}"
}

# Commits what there is in a clone, and a file with a text, and pushes it.
commit() { # CLONE FILE TEXT
    mkdir -p "$(dirname "$1/$2")"
    echo "$3" >"$1/$2"
    git_admin -C "$1" add .
    git_admin -C "$1" commit --quiet --message "$3"
    git_admin -C "$1" push
}
