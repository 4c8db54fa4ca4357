//! Brings each change here as it is made.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fixture::{Options, Server, eventually};
use crate::machine::{ECCFG, Machine};

#[test]
fn each_change_is_here_and_reloaded_without_anybodys_doing() {
    let server = Server::start();
    let machine = machine(&server);
    let clone = server.git().clone_of("default");
    let watch = Watch::start(&machine);
    for number in 1..4 {
        server.wait_for_log_times("waits for news", number);
        clone.push_file("new.conf", format!("{number}\n"));
        eventually("the change is here", || machine.reloads() == number);
        assert_eq!(machine.read("new.conf"), format!("{number}\n"));
    }
    server.wait_for_log_times("waits for news", 4);
    assert_eq!(
        watch.told(),
        "A    new.conf\nOK: default at revision 2, global at revision 1.\n\
        U    new.conf\nOK: default at revision 3, global at revision 1.\n\
        U    new.conf\nOK: default at revision 4, global at revision 1.\n"
    );
    machine.assert_clean();
}

#[test]
fn what_was_missed_is_fetched_at_the_start_and_global_counts_too() {
    let server = Server::start();
    let machine = machine(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let _watch = Watch::start(&machine);
    server.wait_for_log("waits for news");
    assert_eq!(machine.read("new.conf"), "new\n");
    server.git().clone_of("global").push_file("all.conf", "all\n");
    eventually("the change is here", || machine.has("global/all.conf"));
}

#[test]
fn all_is_asked_on_one_connection() {
    let server = Server::start();
    let machine = machine(&server);
    let clone = server.git().clone_of("default");
    let watch = Watch::start(&machine);
    for number in 1..4 {
        server.wait_for_log_times("waits for news", number);
        clone.push_file("new.conf", format!("{number}\n"));
    }
    server.wait_for_log_times("waits for news", 4);
    let told = std::fs::read_to_string(machine.root.join("watch.err")).unwrap();
    assert_eq!(told.matches("TLS is agreed on").count(), 1, "{told}");
    drop(watch);
}

#[test]
fn it_stops_with_success_when_it_is_told_to() {
    let server = Server::start();
    let machine = machine(&server);
    for (times, signal) in [(1, Signal::SIGTERM), (2, Signal::SIGINT)] {
        let mut watch = Watch::start(&machine);
        server.wait_for_log_times("waits for news", times);
        let status = watch.stop(signal);
        assert_eq!((status.code(), status.signal()), (Some(0), None));
    }
}

#[test]
fn what_has_begun_is_finished_first() {
    let server = Server::start();
    let machine = machine(&server);
    let mut command = machine.eccfg(&["watch"]);
    let (began, ended) = (machine.root.join("began"), machine.root.join("ended"));
    let reload = format!(
        "touch '{}'; until [ -e '{}/go' ]; do sleep 0.05; done; touch '{}'",
        began.display(),
        machine.root.display(),
        ended.display()
    );
    let mut watch = Watch::of(&machine, command.env("ECCFG_RELOAD", reload));
    server.wait_for_log("waits for news");
    server.git().clone_of("default").push_file("new.conf", "new\n");
    eventually("the reload has begun", || began.exists());
    watch.signal(Signal::SIGTERM);
    File::create(machine.root.join("go")).unwrap();
    assert!(watch.child.wait().unwrap().success());
    assert!(ended.exists());
    machine.assert_clean();
}

#[test]
fn a_server_that_is_away_is_asked_again_and_that_is_told_once() {
    let mut server = Server::with(listening("127.0.27.9:0"));
    let address = server.address.to_string();
    let machine = machine(&server);
    // The certificate is not made for this address.
    let git = server.git().option("http.sslVerify=false");
    let watch = Watch::start(&machine);
    server.wait_for_log("waits for news");
    assert!(server.stop().success());
    eventually("that it is away is told", || watch.trouble().contains("refuses the connection"));
    let server = server.start_again(listening(&address));
    git.clone_of("default").push_file("new.conf", "new\n");
    eventually("the change is here", || machine.has("new.conf"));
    let told = watch.told();
    assert!(told.starts_with(&format!("{address} answers again.\n")), "{told}");
    assert_eq!(watch.trouble().matches("refuses the connection").count(), 1);
    drop(server);
}

#[test]
fn the_next_source_is_taken_when_one_is_gone() {
    let mut server = Server::start();
    let machine = machine(&server);
    let boot = format!("cluster_name=default\nrepo=127.0.0.1:1,{}\n", server.address);
    machine.write_etc("cluster.boot", &boot);
    let _watch = Watch::start(&machine);
    server.wait_for_log("waits for news");
    server.git().clone_of("default").push_file("new.conf", "new\n");
    eventually("the change is here", || machine.has("new.conf"));
    assert!(server.stop().success());
}

#[test]
fn local_changes_in_the_way_are_told_and_the_next_change_is_tried() {
    let server = Server::start();
    let machine = machine(&server);
    let clone = server.git().clone_of("default");
    clone.push_file("both.conf", "1\n");
    machine.ok("pull");
    let watch = Watch::start(&machine);
    server.wait_for_log("waits for news");
    machine.write("both.conf", "mine\n");
    clone.push_file("both.conf", "theirs\n");
    eventually("the conflict is told", || {
        watch.trouble().contains("the working copy is as it was")
    });
    assert_eq!(machine.read("both.conf"), "mine\n");
    server.wait_for_log_times("waits for news", 2);
    clone.push_file("both.conf", "mine\n");
    eventually("what fits again is taken", || watch.told().contains("at revision 4"));
}

#[test]
fn a_password_that_is_wrong_ends_it() {
    let server = Server::start();
    let machine = machine(&server);
    let set = server.ecconfigd(&["passwd", "ecuser"], "another\n");
    assert!(set.status.success());
    let said = machine.fails(3, "watch");
    assert!(said.contains("ecuser"), "{said}");
}

fn listening(address: &str) -> Options {
    Options { arguments: vec!["--listen".into(), address.into()], ..Options::default() }
}

/// One that watches as the service's account does.
fn machine(server: &Server) -> Machine {
    let machine = Machine::of(server);
    machine.store_password(server);
    machine
}

struct Watch<'a> {
    machine: &'a Machine,
    child: Child,
}

impl<'a> Watch<'a> {
    fn start(machine: &'a Machine) -> Self {
        Self::of(machine, &mut machine.eccfg(&["watch", "--debug"]))
    }

    /// Without timeout(1), which would pass signals on to commands of the mail server, too.
    fn of(machine: &'a Machine, wrapped: &mut Command) -> Self {
        let mut command = Command::new(ECCFG);
        command.args(wrapped.get_args().skip_while(|word| *word != ECCFG).skip(1));
        for (name, value) in wrapped.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let open = |name: &str| File::create(machine.root.join(name)).unwrap();
        command.stdin(Stdio::null()).stdout(open("watch.out")).stderr(open("watch.err"));
        Self { machine, child: command.spawn().unwrap() }
    }

    fn told(&self) -> String {
        std::fs::read_to_string(self.machine.root.join("watch.out")).unwrap()
    }

    fn trouble(&self) -> String {
        let told = std::fs::read_to_string(self.machine.root.join("watch.err")).unwrap();
        told.lines()
            .filter(|line| line.starts_with("eccfg: "))
            .map(|line| format!("{line}\n"))
            .collect()
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    fn stop(&mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.child.wait().unwrap()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.stop(Signal::SIGTERM);
        }
        if std::thread::panicking() {
            eprintln!("watch said: {}{}", self.told(), self.trouble());
        }
    }
}
