//! Somebody who commits by push, without the time that a client process takes.

use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, ObjectType, Oid, Repository, Signature, TreeWalkMode};
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

use ecconfigd::protocol::{Band, Bands, Id, PushReport, RefCommand, ask_to_change};

use crate::clock::micros;
use crate::peer::{Connection, Failure, Peer};

const BOOT: &str = "refs/heads/boot";

/// Changes one file after the other.
pub struct Committer {
    repository: Repository,
    connection: Connection,
    paths: Vec<String>,
}

/// A commit that was acknowledged.
pub struct Acknowledged {
    pub commit: Oid,
    pub parent: Oid,
    pub sent: Instant,
    pub acknowledged: Instant,
}

/// `count` commits, each sent when the one before has been acknowledged.
pub async fn one_by_one(peer: Peer, clone: &Path, count: usize) -> Result<Value, Failure> {
    let mut committer = Committer::new(&peer, clone).await?;
    let mut commits = Vec::with_capacity(count);
    for _ in 0..count {
        let done = committer.commit().await?;
        commits.push(json!({
            "commit": done.commit.to_string(),
            "parent": done.parent.to_string(),
            "micros": micros(done.sent, done.acknowledged),
        }));
    }
    Ok(json!(commits))
}

impl Committer {
    pub async fn new(peer: &Peer, clone: &Path) -> Result<Self, Failure> {
        let repository = Repository::open_bare(clone)?;
        let paths = files(&repository)?;
        let mut connection = peer.connect().await?;
        // The first request of an account checks its password, which is slow by intent.
        let refs = connection.path("info/refs?service=git-receive-pack");
        let request = connection.request(&refs).body(Full::default())?;
        connection.ask(request).await?;
        Ok(Self { repository, connection, paths })
    }

    /// Commits a change of one file.
    pub async fn commit(&mut self) -> Result<Acknowledged, Failure> {
        let parent = self.repository.refname_to_id(BOOT)?;
        let commit = self.make(parent)?;
        let body = self.push(parent, commit)?;
        let request = self.connection.request(&self.connection.path("git-receive-pack"));
        let request = request
            .method("POST")
            .header(CONTENT_TYPE, "application/x-git-receive-pack-request")
            .body(Full::new(body))?;
        let sent = Instant::now();
        let answer = self.connection.ask(request).await?;
        let acknowledged = Instant::now();
        must_be_accepted(answer.body())?;
        self.repository.reference(BOOT, commit, true, "")?;
        Ok(Acknowledged { commit, parent, sent, acknowledged })
    }

    fn make(&self, parent: Oid) -> Result<Oid, Failure> {
        let repository = &self.repository;
        let parent = repository.find_commit(parent)?;
        let tree = parent.tree()?;
        // Far from the last one, as the changes of people are.
        let turn = parent.id().as_bytes()[..8].iter().fold(0, |n, &b| n << 8 | usize::from(b));
        let path = &self.paths[turn % self.paths.len()];
        let old = tree.get_path(Path::new(path))?.to_object(repository)?.peel_to_blob()?;
        let content = [old.content(), format!("# {}\n", parent.id()).as_bytes()].concat();
        let blob = repository.blob(&content)?;
        let tree = TreeUpdateBuilder::new()
            .upsert(path.as_str(), blob, FileMode::Blob)
            .create_updated(repository, &tree)?;
        let tree = repository.find_tree(tree)?;
        let who = Signature::now("bench", "bench@localhost")?;
        Ok(repository.commit(None, &who, &who, "Change a file", &tree, &[&parent])?)
    }

    fn push(&self, parent: Oid, commit: Oid) -> Result<Bytes, Failure> {
        let [old, new] = [parent, commit].map(Id::from);
        let mut body = ask_to_change(&RefCommand { old, new, name: BOOT.into() });
        let mut walk = self.repository.revwalk()?;
        walk.push(commit)?;
        walk.hide(parent)?;
        let mut builder = self.repository.packbuilder()?;
        builder.insert_walk(&mut walk)?;
        let mut pack = git2::Buf::new();
        builder.write_buf(&mut pack)?;
        body.extend_from_slice(&pack);
        Ok(body.into())
    }
}

fn must_be_accepted(body: &[u8]) -> Result<(), Failure> {
    let mut bands = Bands::new(body);
    let mut report = Vec::new();
    while let Some((band, content)) = bands.packet()? {
        if band == Band::Data {
            report.extend_from_slice(content);
        }
    }
    let PushReport { unpack, results } = PushReport::parse(&report)?;
    unpack?;
    match results.into_iter().find_map(|result| result.refused) {
        Some(refused) => Err(refused.into()),
        None => Ok(()),
    }
}

fn files(repository: &Repository) -> Result<Vec<String>, Failure> {
    let tree = repository.find_reference(BOOT)?.peel_to_tree()?;
    let mut paths = Vec::new();
    tree.walk(TreeWalkMode::PreOrder, |directory, entry| {
        if let (Some(ObjectType::Blob), Ok(name)) = (entry.kind(), entry.name()) {
            paths.push(format!("{directory}{name}"));
        }
        0
    })?;
    Ok(paths)
}
