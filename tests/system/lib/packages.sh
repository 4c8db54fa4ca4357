# What the tests need from Debian.

install_packages() {
    local missing=() need
    for need in systemd-nspawn:systemd-container debootstrap:debootstrap shellcheck:shellcheck \
        dash:dash ip:iproute2 curl:curl git:git python3:python3 openssl:openssl \
        setpriv:util-linux flock:util-linux; do
        command -v "${need%:*}" >/dev/null || missing+=("${need#*:}")
    done
    if ((${#missing[@]})); then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
    fi
}
