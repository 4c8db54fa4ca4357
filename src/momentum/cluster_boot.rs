use super::address::{Address, AddressError};

/// The port of a configuration server whose address names none.
pub const DEFAULT_PORT: u16 = 2027;

/// The file `cluster.boot`: which configuration a node takes, from where, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterBoot {
    /// What a pull may do to the working copy.
    pub autoupdate: AutoUpdate,
    /// The node's name where the file gives one; see [`ClusterBoot::node_name`].
    pub node_name: Option<String>,
    /// The subcluster.
    pub cluster_name: String,
    /// Where the configuration comes from, to be tried in this order.
    pub repo: Vec<RepoSource>,
    /// Whether the mail server is told to reload after a pull that changed files.
    pub reload_config_on_update: bool,
    /// `ecconfigd.1`: the host of the configuration server, as the installer wrote it.
    pub ecconfigd: Option<String>,
    /// Keys not listed above, in the order of the file.
    pub other: Vec<(String, String)>,
}

/// What a pull may do to the working copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoUpdate {
    /// Merge what is new into local changes.
    Always,
    /// Update only where there are no local changes.
    IfUnchanged,
    /// Leave the working copy alone.
    Never,
}

impl AutoUpdate {
    fn of(text: &str) -> Option<Self> {
        match text {
            "true" => Some(AutoUpdate::Always),
            "ifunchanged" => Some(AutoUpdate::IfUnchanged),
            "false" => Some(AutoUpdate::Never),
            _ => None,
        }
    }
}

/// One place a configuration may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepoSource {
    /// Where the existing working copy came from.
    Auto,
    /// The server on this machine.
    Local,
    /// The server at this address; [`DEFAULT_PORT`] if it names no port.
    Server(Address),
}

impl RepoSource {
    fn list(text: &str) -> Result<Vec<Self>, AddressError> {
        let source = |text: &str| match text.trim() {
            "auto" => Ok(RepoSource::Auto),
            "local" => Ok(RepoSource::Local),
            address => address.parse().map(RepoSource::Server),
        };
        text.split(',').map(source).collect()
    }
}

/// What is wrong with a cluster.boot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterBootError {
    /// The one required key is missing or empty.
    #[error("cluster.boot has no cluster_name; add the line cluster_name=default")]
    NoClusterName,
    /// A line (counted from 1) without `=`.
    #[error("cluster.boot, line {0}: {1:?} is not of the form key=value")]
    NoAssignment(usize, String),
    /// A value its key cannot have.
    #[error("cluster.boot, line {line}: {key} is {value:?}; write {allowed}")]
    BadValue {
        /// The line, counted from 1.
        line: usize,
        /// The key.
        key: String,
        /// The value that stands there.
        value: String,
        /// The values that could.
        allowed: &'static str,
    },
}

impl ClusterBoot {
    /// Reads the text of the file. The last line wins where a key is set again.
    ///
    /// # Errors
    /// At the first line that cannot be understood, and when `cluster_name` is missing.
    pub fn parse(text: &str) -> Result<Self, ClusterBootError> {
        let mut boot = Self::of_cluster("");
        for (index, line) in text.lines().enumerate() {
            boot.read_line(index + 1, line.trim())?;
        }
        if boot.cluster_name.is_empty() {
            return Err(ClusterBootError::NoClusterName);
        }
        Ok(boot)
    }

    /// The file that holds nothing but its required key.
    pub fn of_cluster(cluster_name: &str) -> Self {
        ClusterBoot {
            autoupdate: AutoUpdate::Always,
            node_name: None,
            cluster_name: cluster_name.to_owned(),
            repo: vec![RepoSource::Auto],
            reload_config_on_update: true,
            ecconfigd: None,
            other: Vec::new(),
        }
    }

    /// The node's name: the one in the file, or else the short form of `host_name`.
    pub fn node_name<'a>(&'a self, host_name: &'a str) -> &'a str {
        let short = host_name.split_once('.').map_or(host_name, |(short, _)| short);
        self.node_name.as_deref().unwrap_or(short)
    }

    fn read_line(&mut self, line: usize, text: &str) -> Result<(), ClusterBootError> {
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        match text.split_once('=') {
            Some((key, value)) => self.set(line, key.trim_end(), value.trim_start()),
            None => Err(ClusterBootError::NoAssignment(line, text.to_owned())),
        }
    }

    fn set(&mut self, line: usize, key: &str, value: &str) -> Result<(), ClusterBootError> {
        let non_empty = || (!value.is_empty()).then(|| value.to_owned());
        let bad = |allowed| {
            let (key, value) = (key.to_owned(), value.to_owned());
            ClusterBootError::BadValue { line, key, value, allowed }
        };
        match key {
            "autoupdate" => {
                let update = AutoUpdate::of(value);
                self.autoupdate = update.ok_or_else(|| bad("true, ifunchanged or false"))?;
            }
            "node_name" => self.node_name = non_empty(),
            "cluster_name" => self.cluster_name = value.to_owned(),
            "repo" => {
                let sources = RepoSource::list(value);
                self.repo = sources.map_err(|_| {
                    bad("auto, local, HOST or HOST:PORT, or several with commas between")
                })?;
            }
            "reload_config_on_update" => {
                self.reload_config_on_update = value.parse().map_err(|_| bad("true or false"))?;
            }
            "ecconfigd.1" => self.ecconfigd = non_empty(),
            _ => self.other.push((key.to_owned(), value.to_owned())),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_required_key_alone_gives_the_defaults() {
        let boot = ClusterBoot::parse("# written by hand\ncluster_name=default\n").expect("valid");
        assert_eq!(boot, ClusterBoot::of_cluster("default"));
        assert_eq!(boot.autoupdate, AutoUpdate::Always);
        assert_eq!(boot.node_name("mta1.example.com"), "mta1");
    }

    #[test]
    fn every_key_is_read_and_unknown_ones_are_kept() {
        let boot = ClusterBoot::parse(concat!(
            "autoupdate=ifunchanged\r\n",
            "node_name = west1\n",
            "cluster_name=west\n",
            "repo=auto, local,eccmgr.example.com,[2001:db8::7]:2028\n",
            "reload_config_on_update=false\n",
            "ecconfigd.1=eccmgr\n",
            "ecconfigd.2=spare=x # y\n",
        ))
        .expect("valid");
        let server = |text: &str| RepoSource::Server(text.parse().expect("an address"));
        assert_eq!(boot.autoupdate, AutoUpdate::IfUnchanged);
        assert_eq!(boot.node_name("mta1"), "west1");
        assert_eq!(boot.cluster_name, "west");
        let (first, second) = (server("eccmgr.example.com"), server("[2001:db8::7]:2028"));
        assert_eq!(boot.repo, [RepoSource::Auto, RepoSource::Local, first, second]);
        assert!(!boot.reload_config_on_update);
        assert_eq!(boot.ecconfigd.as_deref(), Some("eccmgr"));
        assert_eq!(boot.other, [("ecconfigd.2".to_owned(), "spare=x # y".to_owned())]);
    }

    #[test]
    fn errors_name_the_line_and_the_remedy() {
        let message = |text| ClusterBoot::parse(text).expect_err(text).to_string();
        assert!(message("cluster_name=\n").contains("add the line cluster_name=default"));
        assert!(message("\nautoupdate yes").contains("line 2: \"autoupdate yes\" is not of"));
        assert!(message("autoupdate=yes").contains("write true, ifunchanged or false"));
        assert!(message("reload_config_on_update=1").contains("write true or false"));
        assert!(
            message("repo=auto,").contains("line 1: repo is \"auto,\"; write auto, local, HOST")
        );
    }
}
