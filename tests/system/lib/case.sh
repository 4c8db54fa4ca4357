# What every case begins with.
# shellcheck source-path=SCRIPTDIR/..
set -eEuo pipefail
trap 'echo "       | ${BASH_SOURCE[0]}, line $LINENO: ended with $?"' ERR
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. lib/check.sh
. lib/host.sh
. lib/client.sh
