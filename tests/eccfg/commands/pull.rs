//! Brings the working copy up to date.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::fixture::{Server, succeeds, text};
use crate::machine::Machine;

#[test]
fn nothing_new_says_so_and_touches_nothing() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let all = || {
        let mut find = Command::new("find");
        succeeds(find.arg(&machine.root).args(["-printf", "%p %i %s %T@ %C@\n"]).output().unwrap())
    };
    let before = all();
    assert_eq!(machine.ok("pull"), "OK: default at revision 1, global at revision 1.\n");
    assert_eq!(machine.ok("pull --quiet"), "");
    assert_eq!(all(), before);
}

#[test]
fn what_is_new_is_told_and_the_mail_server_reloads_once() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.write("default/ecelerity.conf", "changed\n");
    one.write("default/new.conf", "new\n");
    one.remove("default/common.conf");
    one.write("global/all.conf", "all\n");
    one.ok("commit --add-all --delete-all -m Why");
    assert_eq!(
        two.ok("pull"),
        "D    default/common.conf\n\
         U    default/ecelerity.conf\n\
         A    default/new.conf\n\
         A    global/all.conf\n\
         OK: default at revision 2, global at revision 2.\n"
    );
    two.assert_clean();
    assert_eq!((two.reloads(), one.reloads()), (1, 0));
    two.ok("pull");
    assert_eq!(two.reloads(), 1, "nothing was new");
    one.ok("pull");
    assert_eq!(one.reloads(), 0, "it had these files already");
}

#[test]
fn quiet_updates_without_a_word() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    assert_eq!(machine.ok("pull --quiet"), "");
    assert_eq!(machine.read("new.conf"), "new\n");
}

#[test]
fn debug_tells_each_step_and_how_long_it_took() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let said = machine.warns("pull --debug");
    for step in ["connect", "ask", "fetch", "look at", "merge", "build", "exchange", "reload"] {
        assert!(said.contains(step), "{step}: {said}");
    }
    assert!(said.lines().all(|line| line.contains("ms") || line.contains("s ")), "{said}");
    assert!(!said.contains(&machine.password), "{said}");
}

#[test]
fn local_changes_are_merged() {
    let server = Server::start();
    let (one, two) = (Machine::new(&server), Machine::new(&server));
    server.git().clone_of("default").push_file("x.conf", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    one.bootstrap("");
    two.bootstrap("");
    one.commit_file("x.conf", "one\n2\n3\n4\n5\n6\n7\n8\n9\n");
    two.write("x.conf", "1\n2\n3\n4\n5\n6\n7\n8\ntwo\n");
    two.write("unknown.conf", "unknown\n");
    two.remove("default/common.conf");
    let told = two.ok("pull");
    assert!(told.contains("G    x.conf\n"), "{told}");
    assert_eq!(two.read("x.conf"), "one\n2\n3\n4\n5\n6\n7\n8\ntwo\n");
    assert_eq!(two.ok("status"), "!    default/common.conf\n?    unknown.conf\nM    x.conf\n");
    assert_eq!(
        two.git(".", &["status", "--porcelain"]),
        " D default/common.conf\n M x.conf\n?? unknown.conf\n"
    );
    assert_eq!(two.reloads(), 1);
}

#[test]
fn overlapping_changes_are_refused_and_listed() {
    let pair = Overlap::new();
    let before = fs::metadata(&pair.two.conf).unwrap().ino();
    let said = pair.two.fails(1, "pull");
    assert!(said.contains("C    both.conf  (changed here and upstream)\n"), "{said}");
    assert!(
        said.contains("C    gone.conf  (changed here, deleted or renamed upstream)\n"),
        "{said}"
    );
    assert!(
        said.contains("C    left.conf  (deleted or renamed here, changed upstream)\n"),
        "{said}"
    );
    assert!(said.contains("C    new.conf  (added here and upstream)\n"), "{said}");
    assert!(said.contains("the working copy is as it was"), "{said}");
    assert!(said.contains("--mine, --theirs or --manual"), "{said}");
    assert_eq!(fs::metadata(&pair.two.conf).unwrap().ino(), before);
    assert_eq!(pair.two.read("both.conf"), "mine\n");
    assert_eq!(pair.two.reloads(), 0);
    pair.two.assert_tidy();
}

#[test]
fn mine_keeps_the_local_side() {
    let pair = Overlap::new();
    let two = &pair.two;
    two.ok("pull --mine");
    assert_eq!(two.read("both.conf"), "mine\n");
    assert_eq!(two.read("gone.conf"), "mine\n");
    assert_eq!(two.read("new.conf"), "mine\n");
    assert!(!two.has("left.conf"));
    let status = two.ok("status");
    assert!(!status.contains("C  ") && status.contains("M    both.conf"), "{status}");
    assert_eq!(two.reloads(), 0, "nothing on disk has changed");
}

#[test]
fn theirs_takes_the_new_side() {
    let pair = Overlap::new();
    let two = &pair.two;
    two.ok("pull -theirs");
    assert_eq!(two.read("both.conf"), "theirs\n");
    assert_eq!(two.read("left.conf"), "theirs\n");
    assert_eq!(two.read("new.conf"), "theirs\n");
    assert!(!two.has("gone.conf"));
    two.assert_clean();
    assert_eq!(two.reloads(), 1);
}

#[test]
fn manual_leaves_markers_and_marks() {
    let pair = Overlap::new();
    let (one, two) = (&pair.one, &pair.two);
    let said = two.fails(1, "pull --manual");
    for path in ["both.conf", "gone.conf", "left.conf", "new.conf"] {
        assert_eq!(said.matches(&format!("C    {path}")).count(), 1, "{path}: {said}");
    }
    assert!(said.contains("eccfg resolve FILE") && said.contains("not told to reload"), "{said}");
    assert!(!said.contains("OK"), "{said}");
    assert_eq!(
        two.read("both.conf"),
        "<<<<<<< local\nmine\n||||||| base\nold\n=======\ntheirs\n>>>>>>> upstream\n"
    );
    assert_eq!(two.read("gone.conf"), "mine\n");
    assert_eq!(two.read("left.conf"), "theirs\n");
    assert_eq!(two.ok("status"), "C    both.conf\nC    gone.conf\nC    left.conf\nC    new.conf\n");
    assert_eq!(
        two.git(".", &["status", "--porcelain"]),
        "UU both.conf\nUD gone.conf\nDU left.conf\nAA new.conf\n"
    );
    assert_eq!(two.reloads(), 0);
    let said = two.fails(1, "commit -m No");
    assert!(
        said.contains("files are in conflict: both.conf, gone.conf, left.conf, new.conf"),
        "{said}"
    );
    one.commit_file("other.conf", "other\n");
    let said = two.fails(1, "pull");
    assert!(said.contains("files are in conflict"), "{said}");
    assert_eq!(two.ok("status").matches("C  ").count(), 4);
}

#[test]
fn the_three_ways_exclude_each_other() {
    let server = Server::start();
    let machine = Machine::of(&server);
    for line in ["pull --mine --theirs", "pull --mine --manual", "pull -theirs -manual"] {
        machine.fails(2, line);
    }
}

#[test]
fn a_shell_that_stands_in_the_old_tree_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let here = machine.conf.join("default");
    let output = machine.eccfg(&["pull"]).current_dir(&here).output().unwrap();
    let said = text(&output);
    assert!(said.contains("OK") && said.contains("has been invalidated"), "{said}");
    assert!(said.contains(&format!("    cd {}\n", here.display())), "{said}");
    let output = machine.eccfg(&["pull"]).current_dir(&here).output().unwrap();
    assert!(!text(&output).contains("invalidated"), "{}", text(&output));
}

#[test]
fn it_is_told_even_where_every_file_was_here_already() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.commit_file("new.conf", "new\n");
    two.write("new.conf", "new\n");
    let output = two.eccfg(&["pull"]).current_dir(&two.conf).output().unwrap();
    assert!(text(&output).contains("has been invalidated"), "{}", text(&output));
    two.assert_clean();
}

#[test]
fn a_failed_reload_is_told_and_all_else_is_done() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let reload =
        |command: &str| machine.eccfg(&["pull"]).env("ECCFG_RELOAD", command).output().unwrap();
    let output = reload("echo no such listener >&2; exit 3");
    assert_eq!(output.status.code(), Some(7));
    let said = text(&output);
    assert!(
        said.contains("the files are up to date") && said.contains("no such listener"),
        "{said}"
    );
    assert_eq!(machine.read("new.conf"), "new\n");
    machine.assert_clean();
    server.git().clone_of("default").push_file("new.conf", "newer\n");
    let output = reload("/nowhere/ec_console reload");
    assert_eq!(output.status.code(), Some(0), "no mail server, nobody to tell");
    assert!(text(&output).contains("nothing was told to reload"), "{}", text(&output));
    server.git().clone_of("default").push_file("new.conf", "newest\n");
    let quiet = machine.eccfg(&["pull", "--quiet"]).env("ECCFG_RELOAD", "/nowhere/x").output();
    assert_eq!(text(&quiet.unwrap()), "");
}

#[test]
fn the_next_pull_tells_the_mail_server_what_this_one_could_not() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let clone = server.git().clone_of("default");
    clone.push_file("new.conf", "new\n");
    let fails =
        || machine.eccfg(&["pull"]).env("ECCFG_RELOAD", "false").output().unwrap().status.code();
    assert_eq!((fails(), fails()), (Some(7), Some(7)), "not hidden by the second one");
    machine.ok("pull");
    assert_eq!(machine.reloads(), 1);
    machine.ok("pull");
    assert_eq!(machine.reloads(), 1, "it has been told");
    clone.push_file("new.conf", "newer\n");
    assert_eq!(fails(), Some(7));
    machine.write_etc("cluster.boot", "cluster_name=default\nreload_config_on_update=false\n");
    machine.ok("pull");
    assert_eq!(machine.reloads(), 1, "cluster.boot forbids it");
}

#[test]
fn a_conflict_that_was_resolved_leaves_the_mail_server_to_the_next_pull() {
    let pair = Overlap::new();
    let two = &pair.two;
    two.fails(1, "pull --manual");
    two.write("both.conf", "both\n");
    two.write("new.conf", "both\n");
    two.ok("resolve both.conf gone.conf left.conf new.conf");
    two.ok("pull");
    assert_eq!(two.reloads(), 1);
    two.ok("pull");
    assert_eq!(two.reloads(), 1);
}

#[test]
fn the_reload_command_stands_in_the_file_environment() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let told = machine.root.join("told");
    machine.write_etc("environment", &format!("ECCFG_RELOAD='touch {}'\n", told.display()));
    let mut command = machine.eccfg(&["pull"]);
    assert!(command.env_remove("ECCFG_RELOAD").output().unwrap().status.success());
    assert!(told.exists());
}

#[test]
fn cluster_boot_may_forbid_the_reload() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write_etc("cluster.boot", "cluster_name=default\nreload_config_on_update=false\n");
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("pull");
    assert_eq!((machine.read("new.conf").as_str(), machine.reloads()), ("new\n", 0));
}

#[test]
fn automatic_pulls_obey_cluster_boot() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.store_password(&server);
    let clone = server.git().clone_of("default");
    clone.push_file("new.conf", "1\n");
    machine.write_etc("cluster.boot", "cluster_name=default\nautoupdate=false\n");
    assert!(machine.ok("pull --auto").contains("autoupdate=false"));
    assert!(!machine.has("new.conf"));
    machine.write_etc("cluster.boot", "cluster_name=default\nautoupdate=ifunchanged\n");
    machine.write("default/common.conf", "changed\n");
    assert!(machine.ok("pull --auto").contains("autoupdate=ifunchanged"));
    assert!(!machine.has("new.conf"));
    machine.ok("revert default/common.conf");
    machine.write("unknown.conf", "unknown\n");
    machine.ok("pull --auto --quiet");
    assert_eq!(machine.read("new.conf"), "1\n");
    machine.write("default/common.conf", "changed\n");
    machine.write_etc("cluster.boot", "cluster_name=default\nautoupdate=true\n");
    clone.push_file("new.conf", "2\n");
    machine.ok("pull --auto");
    assert_eq!(
        (machine.read("new.conf"), machine.read("default/common.conf")),
        ("2\n".into(), "changed\n".into())
    );
    machine.write_etc("cluster.boot", "cluster_name=default\nautoupdate=false\n");
    clone.push_file("new.conf", "3\n");
    machine.ok("pull");
    assert_eq!(machine.read("new.conf"), "3\n", "a person is obeyed");
}

#[test]
fn an_automatic_pull_without_a_password_says_how_to_store_it() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let said = machine.fails(3, "pull --auto");
    assert!(said.contains("eccfg store-password"), "{said}");
}

#[test]
fn several_servers_are_tried_in_order() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.write_etc("cluster.boot", "cluster_name=default\nrepo=127.0.0.1:1,auto\n");
    machine.ok("pull");
    assert_eq!(machine.read("new.conf"), "new\n");
    machine.write_etc("cluster.boot", "cluster_name=default\nrepo=127.0.0.1:1,127.0.0.1:2\n");
    let said = machine.fails(4, "pull");
    assert!(said.contains("127.0.0.1:1") && said.contains("127.0.0.1:2"), "{said}");
}

#[test]
fn a_damaged_cluster_boot_is_told_with_its_line() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write_etc("cluster.boot", "cluster_name=default\nautoupdate=perhaps\n");
    let said = machine.fails(1, "pull");
    assert!(said.contains("cluster.boot, line 2: autoupdate is"), "{said}");
}

#[test]
fn modes_and_what_is_not_under_version_control_survive() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.chmod("default/common.conf", 0o600);
    machine.chmod("default/ecelerity.conf", 0o640);
    machine.chmod("default", 0o750);
    machine.chmod(".", 0o700);
    machine.write("default/key.pem", "key\n");
    machine.chmod("default/key.pem", 0o400);
    fs::create_dir_all(machine.conf.join("spool/empty")).unwrap();
    machine.chmod("spool/empty", 0o711);
    machine.write("vendor/.git/config", "[core]\n");
    machine.write("vendor/file", "file\n");
    nix::unistd::mkfifo(&machine.conf.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let clone = server.git().clone_of("default");
    clone.push_file("default/common.conf", "changed\n");
    assert_eq!(machine.ok("status"), "?    default/key.pem\n?    vendor/file\n");
    machine.ok("pull");
    let modes = [
        "default/common.conf",
        "default/ecelerity.conf",
        "default",
        ".",
        "default/key.pem",
        "spool/empty",
    ]
    .map(|path| machine.mode(path));
    assert_eq!(modes, [0o600, 0o640, 0o750, 0o700, 0o400, 0o711]);
    assert_eq!(machine.read("default/common.conf"), "changed\n");
    assert_eq!(machine.read("vendor/.git/config"), "[core]\n");
    assert!(machine.has("fifo"));
}

#[test]
fn renames_are_followed() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let lines: String = (0..40).map(|number| format!("line {number}\n")).collect();
    clone.push_file("old.conf", &lines);
    let machine = Machine::of(&server);
    machine.write("old.conf", lines.replace("line 3\n", "mine\n"));
    succeeds(clone.git(&["mv", "old.conf", "new.conf"]));
    clone.push_file("new.conf", lines.replace("line 30\n", "theirs\n"));
    machine.ok("pull");
    assert!(!machine.has("old.conf"));
    let both = lines.replace("line 3\n", "mine\n").replace("line 30\n", "theirs\n");
    assert_eq!(machine.read("new.conf"), both);
    assert_eq!(machine.ok("status"), "M    new.conf\n");
}

#[test]
fn an_empty_directory_gives_way_to_a_file() {
    let server = Server::start();
    let machine = Machine::of(&server);
    fs::create_dir_all(machine.conf.join("thing/empty")).unwrap();
    server.git().clone_of("default").push_file("thing", "file\n");
    machine.ok("pull");
    assert_eq!(machine.read("thing"), "file\n");
    assert_eq!(machine.mode("thing") & 0o111, 0);
    machine.assert_clean();
}

#[test]
fn an_unknown_file_in_the_way_of_a_directory_is_not_lost() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("thing", "mine\n");
    machine.write("other/mine", "mine\n");
    let clone = server.git().clone_of("default");
    clone.write("thing/inside", "x\n");
    clone.push_file("other", "x\n");
    let said = machine.fails(1, "pull");
    assert!(said.contains("thing") || said.contains("other"), "{said}");
    for way in ["--mine", "--theirs", "--manual"] {
        machine.run(&format!("pull {way}"));
        let is_kept = machine.files().iter().any(|path| {
            path.starts_with("thing") && fs::read(machine.conf.join(path)).unwrap() == b"mine\n"
        });
        assert!(is_kept || way == "--theirs", "{way}: {:?}", machine.files());
        assert_eq!(machine.read("other/mine"), "mine\n", "{way}");
    }
}

#[test]
fn a_server_that_is_away_is_told_and_nothing_is_changed() {
    let mut server = Server::start();
    let machine = Machine::of(&server);
    server.kill();
    let said = machine.fails(4, "pull");
    assert!(said.contains(&machine.server), "{said}");
    machine.assert_clean();
}

#[test]
fn tidying_by_git_does_no_harm() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let clone = server.git().clone_of("default");
    for number in 0..3 {
        clone.push_file("new.conf", format!("{number}\n"));
        machine.ok("pull");
        for directory in [".", "global"] {
            machine.git(directory, &["worktree", "prune"]);
            machine.git(directory, &["gc", "--quiet", "--prune=now"]);
        }
        machine.assert_clean();
    }
}

/// Two nodes whose changes overlap, of every kind; the second has not pulled.
struct Overlap {
    one: Machine,
    two: Machine,
    _server: Server,
}

impl Overlap {
    fn new() -> Self {
        let server = Server::start();
        let clone = server.git().clone_of("default");
        for name in ["both.conf", "gone.conf"] {
            clone.write(name, "old\n");
        }
        clone.push_file("left.conf", "old\n");
        let (one, two) = (Machine::of(&server), Machine::of(&server));
        one.write("both.conf", "theirs\n");
        one.write("left.conf", "theirs\n");
        one.write("new.conf", "theirs\n");
        one.remove("gone.conf");
        one.ok("commit --add-all --delete-all -m Theirs");
        two.write("both.conf", "mine\n");
        two.write("gone.conf", "mine\n");
        two.write("new.conf", "mine\n");
        two.remove("left.conf");
        Self { one, two, _server: server }
    }
}

#[test]
fn a_shell_whose_directory_is_gone_can_go_on() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let script = format!(
        "mkdir '{0}/gone' && cd '{0}/gone' && rmdir '{0}/gone' && \"$@\" pull && \"$@\" status new.conf",
        machine.root.display()
    );
    let eccfg = machine.eccfg(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, "sh"]).arg(eccfg.get_program()).args(eccfg.get_args());
    shell.envs(eccfg.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output));
    assert_eq!(machine.reloads(), 1);
}

#[test]
fn of_a_binary_file_and_a_link_manual_keeps_the_local_side_and_marks_it() {
    use std::os::unix::fs::symlink;
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.write("binary", [0, 1]);
    symlink("old", one.conf.join("link")).unwrap();
    one.ok("commit --add-all -m Both");
    two.ok("pull");
    for (machine, byte, target) in [(&one, 2, "theirs"), (&two, 3, "mine")] {
        machine.write("binary", [0, byte]);
        machine.remove("link");
        symlink(target, machine.conf.join("link")).unwrap();
    }
    one.ok("commit -m Theirs");
    let said = two.fails(1, "pull --manual");
    assert!(said.contains("C    binary  (") && said.contains("C    link  ("), "{said}");
    assert_eq!(fs::read(two.conf.join("binary")).unwrap(), [0, 3]);
    assert_eq!(fs::read_link(two.conf.join("link")).unwrap().to_str(), Some("mine"));
    two.ok("resolve --revert link");
    assert_eq!(fs::read_link(two.conf.join("link")).unwrap().to_str(), Some("theirs"));
    two.ok("resolve binary");
    assert_eq!(two.ok("status"), "M    binary\n");
    two.ok("commit -m Mine");
    two.assert_clean();
}

#[test]
fn a_node_that_was_given_to_another_subcluster_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write_etc("cluster.boot", "cluster_name=west\n");
    let said = machine.warns("pull");
    assert!(said.contains("cluster.boot names the subcluster west"), "{said}");
    assert!(said.contains("of default") && said.contains("bootstrap"), "{said}");
}

#[test]
fn a_file_and_a_directory_of_one_name_are_a_conflict_like_others() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.push_file("there/a.conf", "old\n");
    let machine = Machine::of(&server);
    machine.remove("there/a.conf");
    fs::remove_dir(machine.conf.join("there")).unwrap();
    machine.write("there", "mine\n");
    machine.write("tag", "mine\n");
    clone.write("tag", "theirs\n");
    clone.push_file("there/a.conf", "theirs\n");
    let said = machine.fails(1, "pull");
    assert!(
        said.contains("C    there  (a file on one side, a directory on the other)\n"),
        "{said}"
    );
    assert!(said.contains("C    tag  (added here and upstream)\n"), "{said}");
    let said = machine.fails(1, "pull --manual");
    assert!(said.contains("there is a directory on one side and a file on the other"), "{said}");
    assert_eq!(machine.read("there"), "mine\n");
    machine.ok("pull --theirs");
    machine.assert_clean();
    assert_eq!(machine.read("there/a.conf"), "theirs\n");
}
