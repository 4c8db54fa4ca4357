# The jobs of the cron file, run as cron does: the variables of the file, then the rest of the line
# with sh.

# shellcheck source=host.sh
. lib/host.sh

job() { # N
    sh_in_host "$(cron_line "$1")" 2>&1 || true
}

cron_line() { # N
    awk -v wanted="$1" '
        /^[A-Z]+=/ { print "export " $0 }
        /^[*]/ && ++job == wanted { $1 = $2 = $3 = $4 = $5 = $6 = ""; print }
    ' "$host_root/etc/cron.d/msys-ecelerity"
}
