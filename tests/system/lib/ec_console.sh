#!/bin/sh
# Stands for the mail server's console: notes as whom it was told what, and prints a configuration.
server=/opt/msys/ecelerity/server
[ -e "$1" ] || { echo "nobody listens on $1" >&2 && exit 1; }
echo "$(id -un): $*" >>"$server/told"
[ ! -e "$server/hangs" ] || { echo "the mail server does not answer" >&2 && exit 3; }
[ "$2 $3" != "config show" ] || cat "$server/running"
