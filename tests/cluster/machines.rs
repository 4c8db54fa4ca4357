//! A cluster, each of whose members has a root and a port of its own.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ecconfigd::tls;
use serde_json::Value;

use crate::fixture::{Curl, Git, Options, Server, eventually, succeeds};

const ECCFG: &str = env!("CARGO_BIN_EXE_eccfg");

/// The servers, by number.
pub struct Machines {
    pub all: Vec<Machine>,
    /// The administrator's password, everywhere.
    pub password: String,
}

/// One of them, running or not.
pub struct Machine {
    pub name: String,
    port: u16,
    pub server: Option<Server>,
    /// The one that has ended.
    away: Option<Server>,
}

impl Machines {
    /// A cluster of so many members, all of whom vote that can.
    #[track_caller]
    pub fn cluster(count: usize) -> Self {
        let mut machines = Self::alone(count);
        machines.list(&(0..count).collect::<Vec<_>>());
        for number in 1..count {
            machines.join(number);
        }
        machines.wait_for_members(0..count);
        machines
    }

    /// Servers that each stand alone; of the first one's password the others will know.
    pub fn alone(count: usize) -> Self {
        let all: Vec<Machine> = (0..count).map(|n| Machine::new(format!("m{n}"))).collect();
        let password = all[0].running().password("admin");
        Self { all, password }
    }

    /// One more, which stands alone.
    pub fn add(&mut self, name: &str) {
        self.all.push(Machine::new(name.to_owned()));
    }

    /// Puts these into `global/msgc_server.conf`.
    #[track_caller]
    pub fn list(&self, members: &[usize]) {
        succeeds(self.ask_to_list(self.any(), &self.places(members)));
    }

    /// These with their addresses.
    pub fn places(&self, members: &[usize]) -> Vec<(String, u16)> {
        let place = |&number: &usize| (self.all[number].name.clone(), self.all[number].port);
        members.iter().map(place).collect()
    }

    /// Puts these names and ports into `global/msgc_server.conf`, through this member.
    pub fn ask_to_list(&self, through: usize, places: &[(String, u16)]) -> Output {
        let lines = places.iter().map(|(name, port)| format!("{name} = \"127.0.0.1:{port}\"\n"));
        let content = format!("msgc_server {{\npeers = [\n{}]\n}}\n", lines.collect::<String>());
        let clone = self.git(through).clone_of("global");
        clone.write("msgc_server.conf", &content);
        clone.commit("who the members are");
        clone.git(&["push"])
    }

    /// A port at which nobody is, for a machine that runs no more to move to.
    pub fn new_port(&self) -> u16 {
        free_port()
    }

    /// Gives a machine that does not run another port.
    pub fn move_to(&mut self, number: usize, port: u16) {
        self.all[number].port = port;
    }

    /// Lets a server into the cluster of the first one, as its administrator does, and starts it
    /// again.
    #[track_caller]
    pub fn join(&mut self, number: usize) {
        succeeds(self.ask_to_join(number));
        self.stop(number);
        self.start(number);
    }

    /// `eccfg join` on that machine.
    pub fn ask_to_join(&self, number: usize) -> Output {
        let first = self.all[0].running();
        let apache = first.certificate().parent().unwrap().to_owned();
        let fingerprint = tls::fingerprint(&apache).unwrap().to_string();
        let root = self.all[number].running().root.clone();
        let joined = Command::new(ECCFG)
            .args(["--root", root.to_str().unwrap(), "--username", "admin"])
            .args(["--password", &self.password, "join", "--fingerprint", &fingerprint])
            .arg(first.address.to_string())
            .stdin(Stdio::null())
            .output();
        joined.unwrap()
    }

    /// One that runs.
    fn any(&self) -> usize {
        self.all.iter().position(|machine| machine.server.is_some()).unwrap()
    }

    /// git, as the administrator, at this member.
    pub fn git(&self, number: usize) -> Git {
        let server = self.all[number].running();
        let url = format!("https://admin:{}@{}/config", self.password, server.address);
        Git::new(url, server.certificate())
    }

    /// curl, as the administrator, at this member.
    pub fn curl(&self, number: usize, path: &str) -> Curl {
        let server = self.all[number].running();
        let user = format!("admin:{}", self.password);
        Curl::new(&server.certificate(), &server.url(path)).args(["--user", &user])
    }

    /// Commits a file through this member.
    pub fn push(&self, number: usize, subcluster: &str, file: &str, content: &str) -> Output {
        let clone = self.git(number).clone_of(subcluster);
        clone.write(file, content);
        clone.commit(&format!("{file} through {number}"));
        clone.git(&["push"])
    }

    /// A file as this member has it when it has seen all that was acknowledged.
    #[track_caller]
    pub fn read(&self, number: usize, path: &str) -> String {
        let reply = self.curl(number, &format!("/config/{path}?consistent")).send();
        assert_eq!(reply.status, 200, "{path} at {number}: {reply:?}");
        String::from_utf8(reply.body).unwrap()
    }

    /// What a running member says of all.
    pub fn members(&self) -> Vec<Value> {
        let reply = self.curl(self.any(), "/members").send();
        reply.json()["members"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until these are the members, one leads, and as many vote as should.
    #[track_caller]
    pub fn wait_for_members(&self, wanted: impl IntoIterator<Item = usize>) {
        let wanted: BTreeSet<String> =
            wanted.into_iter().map(|number| self.all[number].name.clone()).collect();
        let voters = match wanted.len() {
            few @ 1..=2 => few,
            many => many - (many + 1) % 2,
        };
        eventually("the members are as they should be", || {
            let members = self.members();
            let names = members.iter().map(|member| member["name"].as_str().unwrap().to_owned());
            let votes = |member: &&Value| member["role"] != "learner";
            names.collect::<BTreeSet<_>>() == wanted
                && members.iter().filter(votes).count() == voters
                && members.iter().any(|member| member["role"] == "leader")
        });
    }

    /// The member that leads, once one does.
    #[track_caller]
    pub fn leader(&self) -> usize {
        let mut leader = None;
        eventually("one leads that runs", || {
            let members = self.members();
            let found = members.iter().find(|member| member["role"] == "leader");
            leader = found.and_then(|found| {
                let name = found["name"].as_str()?;
                self.all.iter().position(|machine| machine.name == name)
            });
            leader.is_some_and(|number| self.all[number].server.is_some())
        });
        leader.unwrap()
    }

    /// One that does not lead.
    pub fn follower(&self) -> usize {
        let leader = self.leader();
        (0..self.all.len()).find(|number| *number != leader).unwrap()
    }

    /// As if its power had failed.
    pub fn kill(&mut self, number: usize) {
        let machine = &mut self.all[number];
        machine.server.as_mut().unwrap().kill();
        machine.put_away();
    }

    /// SIGTERM, and the end.
    #[track_caller]
    pub fn stop(&mut self, number: usize) {
        let machine = &mut self.all[number];
        let server = machine.server.as_mut().unwrap();
        assert!(server.stop().success(), "{}", server.log());
        machine.put_away();
    }

    /// Starts it again.
    pub fn start(&mut self, number: usize) {
        self.all[number].start(&[]);
    }

    /// The same with further arguments.
    pub fn start_with(&mut self, number: usize, arguments: &[&str]) {
        self.all[number].start(arguments);
    }

    /// Every member has the same history of a subcluster, and it is sound.
    #[track_caller]
    pub fn assert_same(&self, subcluster: &str) {
        let mut refs = BTreeSet::new();
        for (number, machine) in self.all.iter().enumerate() {
            self.curl(number, "/subclusters?consistent").send();
            let server = machine.running();
            refs.insert(server.bare(subcluster, &["for-each-ref"]));
            server.fsck(subcluster);
        }
        assert_eq!(refs.len(), 1, "{refs:?}");
    }

    /// `ecconfigd` on that machine, with these arguments.
    pub fn ecconfigd(&self, number: usize, arguments: &[&str]) -> Output {
        let machine = &self.all[number];
        let mut command = crate::fixture::ecconfigd();
        command.arg("--root").arg(machine.root());
        command.args(["--listen", &format!("127.0.0.1:{}", machine.port)]).args(arguments);
        command.output().unwrap()
    }
}

impl Machine {
    fn new(name: String) -> Self {
        let port = free_port();
        let mut server = Server::with(options(port));
        let etc = server.root.join("opt/msys/ecelerity/etc");
        fs::create_dir_all(&etc).unwrap();
        let boot = format!("cluster_name=default\nnode_name={name}\n");
        fs::write(etc.join("cluster.boot"), boot).unwrap();
        assert!(server.stop().success());
        let server = server.start_again(options(port));
        Self { name, port, server: Some(server), away: None }
    }

    fn put_away(&mut self) {
        self.away = self.server.take();
    }

    fn start(&mut self, arguments: &[&str]) {
        let server = self.away.take().expect("this member does not run");
        let mut options = options(self.port);
        options.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self.server = Some(server.start_again(options));
    }

    /// Where its files are.
    pub fn root(&self) -> &Path {
        &self.server.as_ref().or(self.away.as_ref()).unwrap().root
    }

    /// All that it has logged, in each of its lives.
    pub fn log(&self) -> String {
        self.server.as_ref().or(self.away.as_ref()).unwrap().log()
    }

    /// It must run.
    #[track_caller]
    pub fn running(&self) -> &Server {
        self.server.as_ref().expect("this member runs")
    }
}

fn options(port: u16) -> Options {
    let arguments = vec!["--listen".into(), format!("127.0.0.1:{port}")];
    Options { arguments, ..Options::default() }
}

/// One that no connection gets for its own end: those begin at 32768.
fn free_port() -> u16 {
    loop {
        let port = 10_000 + (getrandom::u32().unwrap() % 22_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
