#!/usr/bin/env bash
# Files of /etc that an administrator has changed, in upgrades that nobody watches: they stay, and dpkg
# asks nothing in the middle.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh

files=(/etc/init.d/ecconfigd /etc/cron.d/msys-ecelerity)
# A version whose files are other ones.
next_version() { # VERSION
    local dir=$WORK/changed-$1 deb=$WORK/ecconfigd_$1.deb file
    dpkg-deb --raw-extract "$(package)" "$dir"
    sed -i "s/^Version: .*/Version: $1/" "$dir/DEBIAN/control"
    for file in "${files[@]}"; do
        echo "# brought by $1" | tee -a "$dir$file" >>"$dir/usr/share/ecconfigd$file"
    done
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$dir" "$deb" >/dev/null
    echo "$deb"
}
upgrade() { # PACKAGE
    hand_over "$1"
    sh_in_host 'exec apt-get install --yes /root/*.deb </dev/null'
}
last_lines() { # [ENDING]
    for file in "${files[@]}"; do tail -n 1 "$host_root$file${1-}"; done
}
diverted() {
    in_host dpkg-divert --list '*ecconfigd*' '*msys*'
}

host_make "$(bare_layer)"
host_boot
check "install" upgrade "$(package)"
for file in "${files[@]}"; do
    echo "# changed here" >>"$host_root$file"
    chmod g+w "$host_root$file"
done
check "an upgrade that changes nothing in /etc" upgrade "$(package_of_version 50.0)"
check_code 1 "leaves no second file" test -e "$host_root${files[0]}.dpkg-dist"
check "an upgrade that does" upgrade "$(next_version 60.0)"
check_equal $'# changed here\n# changed here' "$(last_lines)" "what was changed stays"
check_equal $'# brought by 60.0\n# brought by 60.0' "$(last_lines .dpkg-dist)" "beside it is what is new"
check_equal "775 664" "$(in_host stat --format %a "${files[@]}" | paste -sd ' ')" "its mode stays, too"
check_equal "" "$(diverted)" "nothing is diverted any more"
check_equal "" "$(in_host dpkg --audit)" "dpkg finds nothing half done"
check "the next upgrade" upgrade "$(next_version 70.0)"
check_equal $'# brought by 70.0\n# brought by 70.0' "$(last_lines .dpkg-dist)" "it is the same again"
check "remove" in_host dpkg --remove ecconfigd
check "install the version after that" upgrade "$(next_version 75.0)"
check_equal $'# changed here\n# changed here' "$(last_lines)" "what was changed has stayed"

# With an answer given beforehand dpkg does what it says.
check "an upgrade with --force-confnew" sh_in_host "rm /root/*.deb && cat >/root/ecconfigd.deb &&
    exec dpkg --force-confnew --install /root/ecconfigd.deb </dev/null" <"$(next_version 80.0)"
check_equal $'# brought by 80.0\n# brought by 80.0' "$(last_lines)" "replaces them"

# One that fails on its way changes nothing.
echo "# changed here" | tee -a "$host_root${files[0]}" >>"$host_root${files[1]}"
truncated=$WORK/truncated.deb
head -c -100000 "$(next_version 90.0)" >"$truncated"
check_code 100 "an upgrade with a damaged package fails" upgrade "$truncated"
check_equal $'# changed here\n# changed here' "$(last_lines)" "what was changed is there"
check_equal "" "$(diverted)" "and nothing is diverted"
