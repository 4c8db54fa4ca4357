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
    /// The revision that was asked for: links lead to the same one.
    pub(super) revision: Option<&'a str>,
    pub(super) lines: Vec<Line>,
}

impl Listing<'_> {
    /// JSON if the client names it, else HTML.
    pub(super) fn respond(&self, headers: &HeaderMap) -> Response<Body> {
        let mut response = match wants_json(headers) {
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
        let query = self.revision.map(|revision| format!("?r={}", encode(revision)));
        let query = query.unwrap_or_default();
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><h1>{title}</h1><table>\n\
             <tr><td><a href=\"../{query}\">../</a></td><td></td></tr>\n"
        );
        for line in &self.lines {
            let slash = if line.kind == "directory" { "/" } else { "" };
            let link: Vec<String> = line.name.split('/').map(encode).collect();
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

/// Whether the client names JSON, and not with a weight of nothing (RFC 9110, section 12.5.1).
fn wants_json(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_json =
            parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        is_json && weight != Some(0.0)
    })
}

fn encode(part: &str) -> String {
    utf8_percent_encode(part, PLAIN).to_string()
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
        let page = Listing { title: "\"<b>", revision: None, lines }.html();
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(
            page.contains("href=\"%3Cscript%3Ealert%28%221%22%29%3C/script%3E%26%252e\""),
            "{page}"
        );
    }
}
