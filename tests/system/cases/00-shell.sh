#!/usr/bin/env bash
# The shell scripts themselves.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"

top=../..
check "compat: shellcheck finds nothing" \
    shellcheck -s sh "$top/compat/init.d/ecconfigd" "$top/compat/ecconfigd_ctl"
packaging() (
    cd "$top" && shellcheck -x packaging/{build,third-party} packaging/lib/* packaging/{deb,rpm}/p*
)
check "packages: shellcheck finds nothing" packaging
check "CI: shellcheck finds nothing" shellcheck "$top/.ci/run"
check "tests: shellcheck finds nothing" \
    shellcheck -S warning -s bash -x -P SCRIPTDIR run lib/*.sh cases/*.sh
check "the init script is one for dash" dash -n "$top/compat/init.d/ecconfigd"
check "ecconfigd_ctl is one for dash" dash -n "$top/compat/ecconfigd_ctl"
