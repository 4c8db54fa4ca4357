# What the tests need from Debian.

install_needs() {
    local missing=() need
    for need in systemd-nspawn:systemd-container debootstrap:debootstrap shellcheck:shellcheck \
        dash:dash ip:iproute2 curl:curl git:git python3:python3 openssl:openssl rpm:rpm \
        dpkg-shlibdeps:dpkg-dev setpriv:util-linux flock:util-linux svnadmin:subversion; do
        command -v "${need%:*}" >/dev/null || missing+=("${need#*:}")
    done
    if ((${#missing[@]})); then
        apt-get update -qq
        install_quietly "${missing[@]}"
    fi
    # Not every relative of Debian has it, and its case can be left out.
    command -v lintian >/dev/null || install_quietly lintian || true
}

install_quietly() { # PACKAGE…
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}
