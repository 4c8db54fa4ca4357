//! Writes cluster.boot.

use std::fs;
use std::io;
use std::path::Path;

use super::Error;

/// Names the subcluster in the file. All its other lines stay, known or not.
pub fn set_cluster(file: &Path, subcluster: &str) -> Result<(), Error> {
    let before = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Error::file(file)(error)),
    };
    let after = with_cluster(&before, subcluster);
    match after == before {
        true => Ok(()),
        false => crate::files::replace(file, &after, 0o644, None).map_err(Error::file(file)),
    }
}

fn with_cluster(text: &str, subcluster: &str) -> String {
    let is_cluster =
        |line: &&str| line.split_once('=').is_some_and(|(key, _)| key.trim() == "cluster_name");
    let mut lines: Vec<&str> = text.lines().filter(|line| !is_cluster(line)).collect();
    let named = format!("cluster_name={subcluster}");
    match text.lines().position(|line| is_cluster(&line)) {
        Some(position) => lines.insert(position, &named),
        None => lines.push(&named),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_stay_where_they_are() {
        let text = "# mine\nautoupdate=true\ncluster_name = old\necconfigd.1=scmgr\nodd=1\n";
        let named = text.replace("cluster_name = old", "cluster_name=west");
        assert_eq!(with_cluster(text, "west"), named);
        assert_eq!(with_cluster("autoupdate=true", "west"), "autoupdate=true\ncluster_name=west\n");
        assert_eq!(with_cluster("", "west"), "cluster_name=west\n");
    }
}
