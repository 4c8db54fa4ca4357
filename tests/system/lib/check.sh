# Checks: each is a line of the output and of the results.

# check WHAT COMMAND…: the command succeeds.
check() {
    check_code 0 "$@"
}

# check_code CODE WHAT COMMAND…: the command ends with this code.
check_code() {
    local expected=$1 what=$2 code=0
    shift 2
    # A file: what is left running by the command would hold a pipe open.
    "$@" >"$WORK/output" 2>&1 || code=$?
    if [ "$code" -eq "$expected" ]; then
        pass "$what"
    else
        fail "$what" "exit code $code, not $expected, of: $*" "$(cat "$WORK/output")"
    fi
}

# check_output PATTERN WHAT COMMAND…: the output, errors included, matches the regular expression.
check_output() {
    local pattern=$1 what=$2
    shift 2
    { "$@" || true; } >"$WORK/output" 2>&1
    if grep -qE -- "$pattern" "$WORK/output"; then
        pass "$what"
    else
        fail "$what" "no /$pattern/ in the output of: $*" "$(cat "$WORK/output")"
    fi
}

# check_within SECONDS WHAT COMMAND…: the command succeeds before the time is over.
check_within() {
    local seconds=$1 what=$2
    shift 2
    if within "$seconds" "$@"; then
        pass "$what"
    else
        fail "$what" "not within $seconds s: $*" "$("$@" 2>&1 || true)"
    fi
}

# check_equal EXPECTED ACTUAL WHAT
check_equal() {
    if [ "$1" = "$2" ]; then
        pass "$3"
    else
        fail "$3" "expected:" "$1" "found:" "$2"
    fi
}

# within SECONDS COMMAND…: whether the command succeeds before the time is over.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

not() {
    ! "$@"
}

pass() { # WHAT
    echo "ok     $1"
    echo "pass $1" >>"$WORK/results"
}

fail() { # WHAT LINES…
    echo "FAILED $1"
    echo "fail $1" >>"$WORK/results"
    shift
    printf '%s\n' "$@" | tail -n 30 | sed 's/^/       | /'
}

# A number worth knowing, told again at the end.
figure() { # TEXT
    echo "       $1"
    echo "$1" >>"$WORK/figures"
}
