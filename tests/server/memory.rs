//! The server's own memory while much is pushed and cloned. Pages of files do not count: the system
//! takes them back when it needs them.

use std::fs;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::fixture::{Clone, Server, succeeds};

/// The most a push may need, in kB as the kernel counts them.
const LIMIT: u64 = 100_000_000 / 1024;
const LARGE_FILE: usize = 60_000_000;
const SMALL_FILES: usize = 20_000;
const FILES_IN_A_DIRECTORY: usize = 100;

#[test]
fn one_large_file_is_pushed_and_cloned_in_little_memory() {
    let server = Server::start();
    // Spares git a search in vain.
    let clone = server.git().option("core.compression=0").clone_of("default");
    clone.write("default/large", incompressible(LARGE_FILE));
    push_and_clone(&server, &clone, "a file of 60 MB");
}

#[test]
fn many_small_files_are_pushed_and_cloned_in_little_memory() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    for number in 0..SMALL_FILES {
        let directory = number / FILES_IN_A_DIRECTORY;
        clone.write(&format!("default/{directory}/{number}.conf"), format!("# {number}\n"));
    }
    push_and_clone(&server, &clone, "20,000 small files");
}

#[track_caller]
fn push_and_clone(server: &Server, clone: &Clone, what: &str) {
    let commit = clone.commit(what);
    let push = peak_while(server, || _ = succeeds(clone.git(&["push", "--quiet"])));
    let clone = peak_while(server, || {
        assert_eq!(server.git().clone_with("default", &["--bare"]).rev("boot"), commit);
    });
    println!("peak memory with {what}: {push} kB in the push, {clone} kB in a clone");
    assert!(push < LIMIT, "the push of {what} took {push} kB");
}

/// The largest RssAnon while something is done, in kB.
pub fn peak_while(server: &Server, work: impl FnOnce()) -> u64 {
    let (done, is_done) = channel::<()>();
    thread::scope(|scope| {
        let sampler = scope.spawn(move || {
            let mut peak = anonymous_memory(server);
            while is_done.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
                peak = peak.max(anonymous_memory(server));
            }
            peak
        });
        work();
        drop(done);
        sampler.join().unwrap()
    })
}

fn anonymous_memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Bytes in which no compression finds anything: xorshift64.
fn incompressible(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
