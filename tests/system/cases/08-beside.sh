#!/usr/bin/env bash
# Files of others beside ours: they stay through upgrades, removal, purge and installation again, and
# the purge tells of them.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh
. lib/client.sh
. lib/original.sh

state=/var/ecconfigd
# Whatever an administrator may have put there.
others="$state/README $state/lost+found $state/mnt $state/apache/chain.pem $state/cluster/notes
    $state/repo/svn $state/repo/default/hooks/post-update $state/repo/default/notes
    $state/repo/backup $state/repo/default.old $state/repo/own $state/repo/link $state/repo/todo"
others_make() {
    sh_in_host "
        echo read >$state/README
        install -d -m 0700 $state/lost+found && echo found >$state/lost+found/12
        mkdir -p $state/mnt && mount -t tmpfs tmpfs $state/mnt && echo disk >$state/mnt/file
        echo chain >$state/apache/chain.pem
        install -d -o ecuser $state/cluster && echo note >$state/cluster/notes
        printf '#!/bin/sh\n' >$state/repo/default/hooks/post-update
        install -d -o ecuser $state/repo/default/notes && echo 1 >$state/repo/default/notes/a
        cp -a $state/repo/default $state/repo/backup
        cp -a $state/repo/default $state/repo/default.old
        ln -s ../../../etc $state/repo/link
        echo todo >$state/repo/todo && chown ecuser $state/repo/todo"
    svnadmin create "$host_root$state/repo/svn"
    svn mkdir --quiet --message one "file://$host_root$state/repo/svn/boot"
    git init --quiet --bare "$host_root$state/repo/own"
    in_host chown -R ecuser:ecuser "$state/repo/svn" "$state/repo/own"
}
# shellcheck disable=SC2086 # these are words
listing_of_others() {
    listing $others
}

older=$(package_of_version 0.9)
host_make "$(bare_layer)"
host_boot
check "an older version is installed" dpkg_install "$older"
check_within 10 "the server answers" answers
in_host systemctl stop ecconfigd.socket ecconfigd.service
others_make
listing_of_others >"$WORK/before"
check "it is upgraded" dpkg_install "$(package)"
check "the same version once more" dpkg_install "$(package)"
check "remove" in_host dpkg --remove ecconfigd
check "install again" dpkg_install "$(package)"
check_within 10 "the server answers" answers
check_same "$WORK/before" "all that others have there is as it was" listing_of_others

# ecuser would lead root elsewhere with links.
links="$state/tmp $state/nodes $state/repo.before-joining-1 $state/cluster.before-joining-1"
sh_in_host "mkdir /srv/precious && cp -a $state/repo/default /srv/precious/ && echo kept >/srv/precious/log
    cp /srv/precious/log /srv/precious/.new-1 && chown -R ecuser /srv/precious
    rm -rf $links && for link in $links; do ln -s /srv/precious \$link; done
    chown -h ecuser $links && chmod 0777 /srv/precious"
in_host systemctl stop ecconfigd.socket ecconfigd.service
listing /srv >"$WORK/elsewhere"
check "purge" in_host dpkg --purge ecconfigd
cp "$WORK/output" "$WORK/told"
check_same "$WORK/before" "after the purge all that others have there is as it was" listing_of_others
check_same "$WORK/elsewhere" "nor is anything deleted behind a link" listing /srv
told() {
    sed -n 's/^left: \(.*\), since this package did not make it$/\1/p' "$WORK/told" | sort
}
# shellcheck disable=SC2086 # these are words
check_equal "$(printf '%s\n' $others $links | sort)" "$(told)" "each of it is told of"
remains() {
    in_host find "$state" /opt/msys /etc/init.d/ecconfigd /etc/cron.d/msys-ecelerity /var/log/ecelerity \
        \( -name accounts -o -name initial-passwords -o -name server.key -o -path "$state/repo/global" \
        -o -path '/opt/*' -o -path '/etc/*' \) ! -name etc 2>/dev/null || true
}
check_equal "" "$(remains)" "and nothing of the package is there"

# What remains looks like a part of the original now.
check_code 1 "it is not installed beside the repository of Subversion alone" dpkg_install "$(package)"
cp "$WORK/output" "$WORK/refusal"
check "which it names" grep -x "  $state/repo/svn" "$WORK/refusal"
sh_in_host "mv $state/repo/svn /srv/ && rm $links"
check "without that it is installed again" dpkg_install "$(package)"
check_within 10 "and answers" answers
