//! The clients of `benches/compare` that have to be many at once, or quicker than a script: nodes that
//! fetch, nodes that wait, and somebody who commits. Prints what it measured as one line of JSON.

mod clock;
mod commit;
mod etcd;
mod fetch;
mod peer;
mod told;
mod wait;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use peer::{Failure, Peer};

/// Asks a server on this machine for more than a script could.
#[derive(Parser)]
struct Args {
    /// The directory of the server's certificate, `server.crt`.
    #[arg(long)]
    certificates: PathBuf,
    /// Who asks, as NAME:PASSWORD.
    #[arg(long)]
    account: Option<String>,
    /// The repository, or etcd itself.
    #[arg(long)]
    url: hyper::Uri,
    /// How many at once, or one after the other.
    #[arg(long, default_value_t = 1)]
    count: usize,
    #[command(subcommand)]
    work: Work,
}

/// What to measure.
#[derive(Subcommand)]
enum Work {
    /// Commits one after the other: the time from sending each to its acknowledgment.
    Commits {
        /// A bare clone to commit from; its `boot` moves along.
        clone: PathBuf,
    },
    /// Nodes that fetch the same at once, on connections that are open already.
    Fetch {
        want: String,
        /// What each of them has; without it each is a fresh clone.
        have: Option<String>,
    },
    /// Nodes that wait for a change of the subcluster: how long after the acknowledgment of a commit
    /// each is told.
    Told { clone: PathBuf, changes: usize },
    /// Puts of so many bytes in etcd, one after the other: the same as of commits.
    PutsToEtcd { bytes: usize },
    /// The same of watchers and puts in etcd.
    ToldByEtcd { changes: usize },
    /// Nodes that wait until the standard input ends. Says when all of them do.
    Wait,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let peer = Peer::new(&args.certificates, &args.url, args.account.as_deref())?;
    // One thread leaves the other processor to the server, and gives all a common order of events.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(async {
        match args.work {
            Work::Commits { clone } => commit::one_by_one(peer, &clone, args.count).await,
            Work::PutsToEtcd { bytes } => etcd::one_by_one(&peer, args.count, bytes).await,
            Work::Fetch { want, have } => {
                fetch::at_once(&peer, &want, have.as_deref(), args.count).await
            }
            Work::Told { clone, changes } => {
                told::by_server(peer, &clone, args.count, changes).await
            }
            Work::ToldByEtcd { changes } => told::by_etcd(peer, args.count, changes).await,
            Work::Wait => wait::until_told_to_stop(peer, args.count).await,
        }
    })?;
    println!("{measured}");
    Ok(())
}
