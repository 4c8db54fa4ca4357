//! The command `ls-refs` of version 2.

use super::limits::MAX_REF_PREFIXES;
use super::{Advertised, Error, pkt};

/// Which references a client wants to see.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LsRefs {
    peel: bool,
    symrefs: bool,
    unborn: bool,
    prefixes: Vec<Vec<u8>>,
    all: bool,
}

impl LsRefs {
    pub(super) fn take_argument(&mut self, line: &[u8]) -> Result<(), Error> {
        match line {
            b"peel" => self.peel = true,
            b"symrefs" => self.symrefs = true,
            b"unborn" => self.unborn = true,
            _ => {
                let prefix =
                    line.strip_prefix(b"ref-prefix ").ok_or_else(|| Error::unexpected(line))?;
                if self.prefixes.len() == MAX_REF_PREFIXES {
                    self.all = true;
                    self.prefixes.clear();
                } else if !self.all {
                    self.prefixes.push(prefix.to_owned());
                }
            }
        }
        Ok(())
    }

    /// The answer: the references asked for, HEAD (which names the branch `head`) first.
    pub fn answer<'a>(
        &self,
        head: &str,
        refs: impl Iterator<Item = Advertised<'a>> + Clone,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        if self.wants(b"HEAD") {
            let symref =
                if self.symrefs { format!(" symref-target:{head}") } else { String::new() };
            match refs.clone().find(|reference| reference.name == head) {
                Some(value) => pkt::line(&mut out, format_args!("{} HEAD{symref}", value.target)),
                None if self.unborn => pkt::line(&mut out, format_args!("unborn HEAD{symref}")),
                None => {}
            }
        }
        for reference in refs.filter(|reference| self.wants(reference.name.as_bytes())) {
            let peeled = match reference.peeled {
                Some(peeled) if self.peel => format!(" peeled:{peeled}"),
                _ => String::new(),
            };
            pkt::line(&mut out, format_args!("{} {}{peeled}", reference.target, reference.name));
        }
        pkt::flush(&mut out);
        out
    }

    fn wants(&self, name: &[u8]) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Id;
    use super::*;

    fn ls_refs(arguments: &[&str]) -> LsRefs {
        let mut ls_refs = LsRefs::default();
        for argument in arguments {
            ls_refs.take_argument(argument.as_bytes()).unwrap();
        }
        ls_refs
    }

    #[test]
    fn prefixes_choose_and_symrefs_are_told() {
        let commit = Id::from_bytes([1; 20]);
        let refs = ["refs/heads/boot", "refs/heads/running"].map(|name| Advertised {
            name,
            target: commit,
            peeled: None,
        });
        let asked = ls_refs(&["symrefs", "ref-prefix HEAD", "ref-prefix refs/heads/b"]);
        let answer = asked.answer("refs/heads/boot", refs.into_iter());
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains(&format!("{commit} HEAD symref-target:refs/heads/boot\n")));
        assert!(answer.contains("refs/heads/boot\n"));
        assert!(!answer.contains("running"));
    }

    #[test]
    fn an_empty_repository_says_where_head_will_be() {
        let answer = ls_refs(&["symrefs", "unborn"]).answer("refs/heads/boot", [].into_iter());
        assert_eq!(answer, b"002eunborn HEAD symref-target:refs/heads/boot\n0000");
    }
}
