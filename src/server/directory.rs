//! An index of a directory: JSON for programs, HTML for people.

use std::fmt::Write;

use hyper::header::{ACCEPT, HeaderMap, HeaderValue, VARY};
use hyper::{Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::response::{Body, answer, full};
use crate::protocol::Id;
use crate::repository::{DirEntry, EntryKind};

/// Letters that need no escape within one part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const STYLE: &str = "body{font:1rem/1.5 monospace;margin:2rem}td{padding-right:2rem}";

/// One line of an index.
#[derive(Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) size: Option<u64>,
    pub(super) id: Option<Id>,
}

impl From<DirEntry> for Line {
    fn from(entry: DirEntry) -> Self {
        let kind = match entry.kind {
            EntryKind::Directory => "directory",
            EntryKind::File => "file",
            EntryKind::Executable => "executable",
            EntryKind::Link => "link",
        };
        Self { name: entry.name, kind, size: entry.size, id: Some(entry.id) }
    }
}

/// An index.
pub(super) struct Listing<'a> {
    pub(super) title: &'a str,
    pub(super) lines: Vec<Line>,
    /// The query of the address, which its links keep: a revision stays the one looked at.
    pub(super) query: Option<&'a str>,
}

impl Listing<'_> {
    /// JSON if the client names it, else HTML.
    pub(super) fn respond(&self, headers: &HeaderMap) -> Response<Body> {
        let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let wants_json = accepts.into_iter().any(|value| value.contains("application/json"));
        let mut response = match wants_json {
            true => answer(StatusCode::OK, "application/json", full(self.json())),
            false => answer(StatusCode::OK, "text/html; charset=utf-8", full(self.html())),
        };
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
        response
    }

    fn json(&self) -> String {
        serde_json::to_string(&self.lines).expect("names and numbers can be written as JSON")
    }

    fn html(&self) -> String {
        let title = escape(self.title);
        let query = self.query.map(|query| format!("?{}", escape(query))).unwrap_or_default();
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><h1>{title}</h1><table>\n\
             <tr><td><a href=\"../{query}\">../</a></td><td></td></tr>\n"
        );
        for line in &self.lines {
            let slash = if line.kind == "directory" { "/" } else { "" };
            let link: Vec<String> = line
                .name
                .split('/')
                .map(|part| utf8_percent_encode(part, PLAIN).to_string())
                .collect();
            let size = line.size.map(|size| size.to_string()).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(
                page,
                "<tr><td><a href=\"{}{slash}{query}\">{}{slash}</a></td><td>{size}</td></tr>",
                link.join("/"),
                escape(&line.name),
            );
        }
        page + "</table></body></html>\n"
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let name = "<script>alert(\"1\")</script>&%2e".to_owned();
        let lines = vec![Line { name, kind: "file", size: Some(3), id: None }];
        let page = Listing { title: "\"<b>", lines, query: Some("r=\"1") }.html();
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(
            page.contains("href=\"%3Cscript%3Ealert%28%221%22%29%3C/script%3E%26%252e?r=&quot;1\""),
            "{page}"
        );
    }
}
