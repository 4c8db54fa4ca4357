//! Which branches and tags may be made, moved and deleted, by whom, and how refusals are told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::thread;
use std::time::Duration;

use crate::fixture::{Clone, Server, eventually, fails, succeeds};

#[test]
fn a_branch_may_have_slashes_in_its_name_and_be_deleted() {
    let (server, clone) = server_and_clone();
    succeeds(push(&clone, &["boot:feature/a/b", "boot:feature/c"]));
    assert_eq!(refs(&server), ["heads/boot", "heads/feature/a/b", "heads/feature/c"]);
    succeeds(push(&clone, &[":feature/a/b"]));
    succeeds(push(&clone, &["boot:feature/a"]));
    assert_eq!(refs(&server), ["heads/boot", "heads/feature/a", "heads/feature/c"]);
}

#[test]
fn a_branch_at_a_known_commit_needs_no_pack() {
    let (server, clone) = server_and_clone();
    let packs = || fs::read_dir(server.repository("default").join("objects/pack")).unwrap().count();
    let before = packs();
    succeeds(push(&clone, &["boot:topic"]));
    assert_eq!(server.git().clone_of("default").rev("origin/topic"), clone.rev("boot"));
    assert_eq!(packs(), before);
}

#[test]
fn a_topic_branch_may_be_rewound() {
    let (server, clone) = server_and_clone();
    clone.commit("Too much");
    succeeds(push(&clone, &["boot:topic"]));
    succeeds(push(&clone, &["+boot~1:topic"]));
    assert_eq!(server.git().clone_of("default").rev("origin/topic"), clone.rev("boot~1"));
}

#[test]
fn a_reference_that_another_program_holds_for_a_moment_is_waited_for() {
    let (server, clone) = server_and_clone();
    let objects = server.repository("default").join("objects");
    let lock = server.repository("default").join("refs/heads/boot.lock");
    fs::write(&lock, "").unwrap();
    clone.commit("Meanwhile");
    thread::scope(|scope| {
        let pushed = scope.spawn(|| push(&clone, &["boot"]));
        eventually("the push has come", || {
            let names = fs::read_dir(&objects).unwrap().map(|entry| entry.unwrap().file_name());
            names.into_iter().any(|name| name.to_str().unwrap().starts_with("incoming-"))
        });
        // The server tries to take the lock a few milliseconds later, and for a second.
        thread::sleep(Duration::from_millis(100));
        fs::remove_file(&lock).unwrap();
        succeeds(pushed.join().unwrap());
    });
    assert_eq!(server.revision("default"), 2);
}

#[test]
fn a_lock_that_stays_is_told() {
    let (server, clone) = server_and_clone();
    succeeds(push(&clone, &["boot:topic"]));
    server.bare("default", &["pack-refs", "--all"]);
    clone.commit("Too early");
    for (lock, refspec, told) in [
        ("refs/heads/boot.lock", "boot", "refs/heads/boot is locked by another program; try again"),
        ("packed-refs.lock", ":topic", "packed-refs is locked by another program; try again"),
    ] {
        let lock = server.repository("default").join(lock);
        fs::write(&lock, "").unwrap();
        let refusal = fails(push(&clone, &[refspec]));
        assert!(refusal.contains(told), "{refusal}");
        fs::remove_file(&lock).unwrap();
        succeeds(push(&clone, &[refspec]));
    }
    assert_eq!(refs(&server), ["heads/boot"]);
}

#[test]
fn the_kept_branches_cannot_be_deleted() {
    let (server, clone) = server_and_clone();
    succeeds(push(&clone, &["boot:running"]));
    for branch in ["boot", "running"] {
        let said = fails(push(&clone, &[&format!(":{branch}")]));
        assert!(said.contains("[remote rejected]"), "{said}");
        assert!(said.contains("this branch cannot be deleted"), "{said}");
    }
    assert_eq!(refs(&server), ["heads/boot", "heads/running"]);
}

#[test]
fn the_kept_branches_only_move_forward() {
    let (server, clone) = server_and_clone();
    clone.push_file("default/a.conf", "a\n");
    succeeds(push(&clone, &["boot:running"]));
    succeeds(clone.git(&["checkout", "--quiet", "-b", "other", "boot~1"]));
    clone.commit("Beside it");
    for target in ["boot", "running"] {
        for source in ["boot~1", "other"] {
            let said = fails(push(&clone, &[&format!("+{source}:{target}")]));
            assert!(said.contains(&format!("{source} -> {target} (non-fast-forward)")), "{said}");
        }
    }
    let now = server.git().clone_of("default");
    assert_eq!(now.rev("origin/boot"), clone.rev("boot"));
    assert_eq!(now.rev("origin/running"), clone.rev("boot"));
}

#[test]
fn only_branches_and_tags_are_kept() {
    let (server, clone) = server_and_clone();
    for name in ["refs/notes/commits", "refs/meta/config", "refs/changes/1", "refs/replace/x"] {
        let said = fails(push(&clone, &[&format!("boot:{name}")]));
        assert!(said.contains("only branches and tags are kept here"), "{said}");
    }
    assert_eq!(refs(&server), ["heads/boot"]);
}

#[test]
fn no_name_hides_another_one_or_is_taken_for_it() {
    let (server, clone) = server_and_clone();
    let id = clone.rev("boot");
    for name in [
        "refs/tags/boot",
        "refs/tags/running",
        "refs/tags/HEAD",
        "refs/tags/origin/boot",
        "refs/heads/HEAD",
        "refs/heads/refs/heads/boot",
        "refs/heads/heads/boot",
        "refs/heads/running/x",
        &format!("refs/tags/{id}"),
    ] {
        let said = fails(push(&clone, &[&format!("boot:{name}")]));
        assert!(said.contains("git would take this name for another thing"), "{name}: {said}");
    }
    assert_eq!(refs(&server), ["heads/boot"]);
    // One that an earlier version has taken can be deleted.
    server.bare("default", &["update-ref", "refs/tags/boot", &id]);
    let server = server.restart();
    assert_eq!(refs(&server), ["heads/boot", "tags/boot"]);
    let clone = server.git().clone_of("default");
    succeeds(push(&clone, &[":refs/tags/boot"]));
    assert_eq!(refs(&server), ["heads/boot"]);
}

#[test]
fn a_branch_with_the_digits_of_a_commit_does_not_stand_for_it() {
    let (server, clone) = server_and_clone();
    let old = clone.push_file("a.conf", "old\n");
    let new = clone.push_file("a.conf", "new\n");
    succeeds(push(&clone, &[&format!("{new}:refs/heads/{}", &old[..10])]));
    let path = format!("/config/default/boot/a.conf?r={}", &old[..10]);
    assert_eq!(server.curl(&path).send().text(), "old\n");
}

#[test]
fn a_branch_points_to_a_commit_and_a_tag_leads_to_one() {
    let (server, clone) = server_and_clone();
    tag(&clone, "v1", "boot");
    let said = fails(push(&clone, &["v1:refs/heads/topic"]));
    assert!(said.contains("a branch must point to a commit"), "{said}");
    for object in ["boot^{tree}", "boot:default/ecelerity.conf"] {
        let said = fails(push(&clone, &[&format!("{object}:refs/tags/v2")]));
        assert!(said.contains("a tag must lead to a commit"), "{said}");
    }
    assert_eq!(refs(&server), ["heads/boot"]);
}

#[test]
fn a_refused_branch_does_not_keep_the_others_from_moving() {
    let (server, clone) = server_and_clone();
    let said = fails(push(&clone, &["boot:a", "boot:refs/notes/x", "boot:b"]));
    assert!(said.contains("[new branch]") && said.contains("[remote rejected]"), "{said}");
    assert_eq!(refs(&server), ["heads/a", "heads/b", "heads/boot"]);
}

#[test]
fn names_in_each_others_way_are_refused() {
    let (server, clone) = server_and_clone();
    succeeds(push(&clone, &["boot:topic"]));
    for name in ["topic/a", "boot/a", "topic/a/b"] {
        let said = fails(push(&clone, &[&format!("boot:refs/heads/{name}")]));
        assert!(said.contains("cannot both exist"), "{said}");
        assert!(!said.contains(server.root.to_str().unwrap()), "{said}");
    }
    succeeds(push(&clone, &["boot:deep/a/b"]));
    let said = fails(push(&clone, &["boot:refs/heads/deep/a"]));
    assert!(said.contains("cannot both exist"), "{said}");
    assert_eq!(refs(&server), ["heads/boot", "heads/deep/a/b", "heads/topic"]);
}

#[test]
fn of_names_in_each_others_way_an_atomic_push_makes_none() {
    let (server, clone) = server_and_clone();
    let said = fails(push(&clone, &["--atomic", "boot:refs/heads/a", "boot:refs/heads/a/b"]));
    assert!(said.contains("cannot both exist"), "{said}");
    assert_eq!(refs(&server), ["heads/boot"]);
    succeeds(push(&clone, &["boot:a"]));
    server.fsck("default");
}

#[test]
fn an_atomic_push_moves_all_branches() {
    let (server, clone) = server_and_clone();
    clone.commit("Second");
    succeeds(push(&clone, &["boot~1:refs/heads/old"]));
    succeeds(push(&clone, &["--atomic", "boot", "boot:topic", ":old", "boot:refs/tags/v1"]));
    assert_eq!(refs(&server), ["heads/boot", "heads/topic", "tags/v1"]);
    let now = server.git().clone_of("default");
    assert_eq!([now.rev("boot"), now.rev("origin/topic")], [clone.rev("boot"), clone.rev("boot")]);
}

#[test]
fn an_atomic_push_moves_no_branch_if_one_is_refused() {
    let (server, clone) = server_and_clone();
    let before = clone.rev("boot");
    clone.commit("Second");
    let said = fails(push(&clone, &["--atomic", "boot", "boot:refs/notes/x", "boot:topic"]));
    assert!(said.contains("(atomic push failure)"), "{said}");
    assert_eq!(refs(&server), ["heads/boot"]);
    assert_eq!(server.git().clone_of("default").rev("boot"), before);
}

#[test]
fn an_atomic_push_moves_no_branch_if_one_has_been_moved_meanwhile() {
    let (server, clone) = server_and_clone();
    succeeds(push(&clone, &["boot:a", "boot:b", "boot:c"]));
    clone.commit("Second");
    let before = server.git().clone_of("default").rev("boot");
    for branch in ["a", "b", "c"] {
        let winner = race(&server, &clone, &format!("boot:{branch}"));
        let said = fails(push(&clone, &["--atomic", "boot:a", "boot:b", "boot:c"]));
        assert!(said.contains("(fetch first)"), "{said}");
        let now = server.git().clone_of("default");
        for name in ["a", "b", "c"] {
            let expected = if name == branch { winner.rev("boot") } else { before.clone() };
            assert_eq!(now.rev(&format!("origin/{name}")), expected);
        }
        succeeds(push(&winner, &[&format!("+boot~1:{branch}")]));
    }
}

#[test]
fn an_atomic_push_that_fails_half_way_is_undone() {
    let (server, clone) = server_and_clone();
    succeeds(push(&clone, &["boot:gone"]));
    server.bare("default", &["pack-refs", "--all"]);
    let before = clone.rev("boot");
    clone.commit("Second");
    // What is written cannot be foreseen: libgit2 takes them in the order of a hash.
    let all = ["--atomic", "boot", "boot:a", "boot:b", "boot:c", "boot:d", ":gone"];
    let obstacle = server.repository("default").join("packed-refs.lock");
    fs::write(&obstacle, "").unwrap();
    let said = fails(push(&clone, &all));
    assert!(said.contains("packed-refs is locked by another program"), "{said}");
    assert_eq!(refs(&server), ["heads/boot", "heads/gone"]);
    assert_eq!(server.git().clone_of("default").rev("boot"), before);
    fs::remove_file(&obstacle).unwrap();
    succeeds(push(&clone, &all));
}

#[test]
fn who_comes_second_in_a_race_changes_nothing() {
    let (server, clone) = server_and_clone();
    succeeds(push(&clone, &["boot:topic"]));
    clone.commit("Second");
    let cases = [("boot:topic", ":topic"), ("boot:new", "boot:new"), ("boot", "boot")];
    for (first, second) in cases {
        let winner = race(&server, &clone, first);
        let said = fails(push(&clone, &[second]));
        assert!(said.contains("[rejected]") && said.contains("(fetch first)"), "{said}");
        let name = first.split(':').next_back().unwrap();
        let now = server.git().clone_of("default").rev(&format!("origin/{name}"));
        assert_eq!(now, winner.rev("boot"));
    }
    server.fsck("default");
}

#[test]
fn a_tag_is_cloned_fetched_moved_and_deleted() {
    let (server, clone) = server_and_clone();
    tag(&clone, "v1", "boot");
    tag(&clone, "v1-signed-off", "v1");
    succeeds(clone.git(&["tag", "light", "boot"]));
    succeeds(clone.git(&["push", "--quiet", "--tags"]));
    for git in server.gits(&["0", "2"]) {
        let other = git.clone_of("default");
        for name in ["v1", "v1-signed-off", "light"] {
            assert_eq!(other.rev(name), clone.rev(name));
        }
        succeeds(other.git(&["fsck", "--full", "--strict"]));
    }
    tag(&clone, "v1", "boot");
    succeeds(push(&clone, &["+v1", ":light", ":v1-signed-off"]));
    assert_eq!(refs(&server), ["heads/boot", "tags/v1"]);
    assert_eq!(server.git().clone_of("default").rev("v1"), clone.rev("v1"));
}

#[test]
fn a_tag_can_be_all_that_is_wanted() {
    let (server, clone) = server_and_clone();
    succeeds(clone.git(&["checkout", "--quiet", "--detach"]));
    let commit = clone.commit("On no branch");
    tag(&clone, "v1", "HEAD");
    tag(&clone, "v2", "v1");
    succeeds(push(&clone, &["v1", "v2"]));
    for git in server.gits(&["0", "2"]) {
        for (name, id) in [("v1", clone.rev("v1")), ("v2", clone.rev("v2"))] {
            let other = git.clone_with("default", &["--no-tags"]);
            succeeds(other.git(&["fetch", "--quiet", "origin", "tag", name]));
            assert_eq!((other.rev(name), other.rev(&format!("{name}^{{}}"))), (id, commit.clone()));
            succeeds(other.git(&["fsck", "--full", "--strict"]));
        }
    }
}

#[test]
fn a_tag_comes_with_the_commit_it_names() {
    let (server, clone) = server_and_clone();
    for (number, git) in server.gits(&["0", "2"]).into_iter().enumerate() {
        let other = git.clone_of("default");
        let name = format!("v{number}");
        clone.commit("Tagged");
        tag(&clone, "inner", "HEAD");
        tag(&clone, &name, "inner");
        clone.commit("On top");
        succeeds(push(&clone, &["boot", &name]));
        let mut fetch = git.command(&other.path);
        let trace = other.path.join("trace");
        succeeds(fetch.env("GIT_TRACE_PACKET", &trace).arg("fetch").output().unwrap());
        assert_eq!(other.rev(&name), clone.rev(&name));
        // git would ask for the tag if it had not come with the commit.
        let want = format!("want {}", clone.rev(&name));
        assert!(!fs::read_to_string(&trace).unwrap().contains(&want));
    }
}

#[test]
fn ls_remote_shows_what_tags_lead_to() {
    let (server, clone) = server_and_clone();
    tag(&clone, "v1", "boot");
    tag(&clone, "v2", "v1");
    succeeds(push(&clone, &["v1", "v2"]));
    let [boot, v1, v2] = ["boot", "v1", "v2"].map(|name| clone.rev(name));
    let expected = format!(
        "{boot}\tHEAD\n{boot}\trefs/heads/boot\n{v1}\trefs/tags/v1\n{boot}\trefs/tags/v1^{{}}\n\
         {v2}\trefs/tags/v2\n{boot}\trefs/tags/v2^{{}}\n"
    );
    for git in server.gits(&["0", "1", "2"]) {
        assert_eq!(succeeds(git.run(&["ls-remote", &git.url("default")])), expected);
    }
}

#[test]
fn the_service_account_writes_the_running_configuration_only() {
    let (server, clone) = server_and_clone();
    succeeds(push(&clone, &["boot:topic"]));
    let service = server.git().at(server.url_as("ecuser", "/config")).clone_of("default");
    service.commit("Saved");
    succeeds(push(&service, &["boot:running"]));
    for refused in ["boot", "boot:topic", "boot:other", "boot:refs/tags/v1", ":topic"] {
        let said = fails(push(&service, &[refused]));
        assert!(said.contains("this account may write the branch running only"), "{said}");
    }
    fails(push(&service, &[":running"]));
    fails(push(&service, &["+boot~1:running"]));
    fails(push(&service, &["--atomic", "boot:running", "boot"]));
    assert_eq!(refs(&server), ["heads/boot", "heads/running", "heads/topic"]);
    let now = server.git().clone_of("default");
    assert_eq!(now.rev("origin/running"), service.rev("boot"));
    assert_eq!(now.rev("origin/boot"), clone.rev("boot"));
}

#[test]
fn a_merge_is_one_revision() {
    let (server, clone) = server_and_clone();
    succeeds(clone.git(&["checkout", "--quiet", "-b", "topic"]));
    for file in ["default/a.conf", "default/b.conf"] {
        clone.write(file, "topic\n");
        clone.commit(file);
    }
    succeeds(clone.git(&["checkout", "--quiet", "boot"]));
    clone.push_file("default/c.conf", "boot\n");
    succeeds(clone.git(&["merge", "--quiet", "--no-edit", "topic"]));
    succeeds(clone.git(&["push", "--quiet"]));
    assert_eq!(server.revision("default"), 3);
    assert!(!server.log().contains(" WARN "), "{}", server.log());
    assert_eq!(server.git().clone_of("default").rev("boot"), clone.rev("boot"));
}

#[test]
fn a_merge_the_wrong_way_round_renumbers_and_says_so() {
    let (server, clone) = server_and_clone();
    let other = server.git().clone_of("default");
    for file in ["default/a.conf", "default/b.conf"] {
        other.push_file(file, "theirs\n");
    }
    assert_eq!(server.revision("default"), 3);
    clone.write("default/c.conf", "mine\n");
    clone.commit("Mine");
    // What `git pull` does: the head of the server becomes the second parent.
    succeeds(clone.git(&["pull", "--quiet", "--no-rebase", "--no-edit"]));
    succeeds(clone.git(&["push", "--quiet"]));
    assert_eq!(server.revision("default"), 3);
    let warning = "the last 2 revision numbers now name other commits";
    let log = server.log();
    assert!(log.lines().any(|line| line.contains(" WARN ") && line.contains(warning)), "{log}");
}

fn server_and_clone() -> (Server, Clone) {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    (server, clone)
}

fn push(clone: &Clone, arguments: &[&str]) -> Output {
    clone.git(&[&["push", "origin"], arguments].concat())
}

#[track_caller]
fn tag(clone: &Clone, name: &str, target: &str) {
    succeeds(clone.git(&["tag", "--force", "--annotate", "--message", name, name, target]));
}

/// Lets another clone push when this one has seen the references and is about to push itself.
#[track_caller]
fn race(server: &Server, loser: &Clone, pushed: &str) -> Clone {
    let winner = server.git().clone_of("default");
    winner.commit("First");
    let hook = loser.path.join(".git/hooks/pre-push");
    let script = format!(
        "#!/bin/sh\nunset $(git rev-parse --local-env-vars)\ngit -C {} push --quiet origin {pushed}\n",
        winner.path.display()
    );
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    winner
}

/// The names of all references of the bare repository.
fn refs(server: &Server) -> Vec<String> {
    let list = server.bare("default", &["for-each-ref", "--format=%(refname:lstrip=1)"]);
    list.lines().map(str::to_owned).collect()
}
