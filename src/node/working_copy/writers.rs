//! Many files written at once: a file system takes its time for each one, most of it waiting.

use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use super::new_file::NewFile;
use super::scan::OnDisk;
use crate::node::Error;

/// With fewer files for each, a thread is not worth its start.
const FILES_A_THREAD: usize = 64;
const MAX_THREADS: usize = 4;
/// Files whose content waits in memory.
const MAX_WAITING: usize = 32;

type Job = (Vec<u8>, NewFile);
type Done = (Vec<u8>, Result<OnDisk, Error>);

/// Threads that write files, or none where there are few.
pub struct Writers {
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Done>,
    written: Vec<(Vec<u8>, OnDisk)>,
}

impl Writers {
    /// Starts as many as so many files need.
    pub fn start<'scope>(scope: &'scope Scope<'scope, '_>, files: usize) -> Self {
        let threads = (files / FILES_A_THREAD).min(MAX_THREADS);
        let (tell, done) = mpsc::channel();
        let jobs = (threads > 1).then(|| {
            let (jobs, waiting) = mpsc::sync_channel(MAX_WAITING);
            let waiting = Arc::new(Mutex::new(waiting));
            for _ in 0..threads {
                let (waiting, tell) = (waiting.clone(), tell.clone());
                scope.spawn(move || work(&waiting, &tell));
            }
            jobs
        });
        Self { jobs, done, written: Vec::with_capacity(files) }
    }

    /// Writes a file, now or soon.
    pub fn write(&mut self, path: Vec<u8>, file: NewFile) -> Result<(), Error> {
        let Some(jobs) = &self.jobs else {
            self.written.push((path, file.make()?));
            return Ok(());
        };
        // The threads go away only after the first failure, which is told at the end.
        let _ = jobs.send((path, file));
        Ok(())
    }

    /// Waits until all are written. Fails if one could not be.
    pub fn finish(mut self) -> Result<Vec<(Vec<u8>, OnDisk)>, Error> {
        drop(self.jobs);
        for (path, result) in self.done {
            self.written.push((path, result?));
        }
        Ok(self.written)
    }
}

/// Until there are no more jobs or one has failed.
fn work(waiting: &Mutex<Receiver<Job>>, tell: &Sender<Done>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((path, file)) = next else { return };
        let result = file.make();
        let has_failed = result.is_err();
        if tell.send((path, result)).is_err() || has_failed {
            return;
        }
    }
}
