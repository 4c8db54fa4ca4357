#!/bin/sh
# Runs in the service's sandbox, before the server, and tells what can be done there: a line for each
# directive of the unit, "allowed", "denied" and what was tried.

try() { # DIRECTIVE COMMAND…
    directive=$1
    shift
    if answer=$("$@" 2>&1); then
        echo "allowed $directive"
    else
        echo "denied $directive: $answer"
    fi
}

is_writable() { # PATH: whether it is mounted so
    findmnt --noheadings --output OPTIONS --target "$1" | grep -q '^rw'
}
process_of_others() {
    test -e /proc/1
}
write_to_memory_that_runs() {
    case $(uname -m) in
        x86_64) mmap=9 ;;
        aarch64) mmap=222 ;;
    esac
    perl -e 'syscall($ARGV[0], 0, 4096, 7, 0x22, -1, 0) != -1 or die "$!\n"' "$mmap"
}
socket_of_family() { # NUMBER: other failures than that there is no such family count as one
    perl -e 'socket(my $s, $ARGV[0], 2, 0) or $! == 97 and die "$!\n"' "$1"
}
set_user_id_bit() {
    touch /var/ecconfigd/probe.file && chmod u+s /var/ecconfigd/probe.file
}
new_file_for_others() {
    rm -f /var/ecconfigd/probe.file
    touch /var/ecconfigd/probe.file && [ "$(stat --format %a /var/ecconfigd/probe.file)" -gt 640 ]
}
files_of() { # DIRECTORY
    ls "$1"/ecconfigd-test*
}

try ReadWritePaths touch /var/ecconfigd/probe.file
try ProtectSystem is_writable /
try ProtectSystem=etc is_writable /opt/msys/ecelerity/etc
try ProtectHome files_of /home
try PrivateTmp files_of /tmp
try PrivateTmp=own touch /tmp/x
try PrivateDevices files_of /dev
try PrivateUsers grep -q '4294967295$' /proc/self/uid_map
try ProtectClock date --set now
try ProtectControlGroups is_writable /sys/fs/cgroup
try ProtectHostname hostname elsewhere
try ProtectKernelLogs dmesg
try ProtectKernelModules files_of /usr/lib/modules
try ProtectKernelTunables is_writable /sys/kernel
try ProtectProc process_of_others
try ProcSubset test -e /proc/sys
try RestrictAddressFamilies socket_of_family 17
try RestrictAddressFamilies=inet socket_of_family 2
try RestrictNamespaces unshare --user true
try RestrictRealtime chrt --fifo 1 true
try RestrictSUIDSGID set_user_id_bit
try LockPersonality setarch --addr-no-randomize true
try MemoryDenyWriteExecute write_to_memory_that_runs
try SystemCallFilter renice -n 5 -p $$
try NoNewPrivileges grep -q '^NoNewPrivs:[[:space:]]*0' /proc/self/status
try CapabilityBoundingSet grep -q '^CapBnd:.*[1-9a-f]' /proc/self/status
try UMask new_file_for_others
rm -f /var/ecconfigd/probe.file
