use std::fmt;

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line; a tab counts as one.
    pub column: usize,
}

impl Position {
    pub(in crate::momentum) const START: Position = Position { line: 1, column: 1 };

    /// The place reached when `text` is read from here.
    pub(in crate::momentum) fn after(self, text: &str) -> Position {
        match text.rsplit_once('\n') {
            Some((before, last)) => Position {
                line: self.line + before.matches('\n').count() + 1,
                column: last.chars().count() + 1,
            },
            None => Position { column: self.column + text.chars().count(), ..self },
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What a file or a stanza's body holds, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The statements, repeated ones included.
    pub statements: Vec<Statement>,
}

impl Scope {
    /// The stanzas called `name` (in any case).
    pub fn stanzas(&self, name: &str) -> impl Iterator<Item = &Stanza> {
        self.statements.iter().filter_map(move |statement| match statement {
            Statement::Stanza(stanza) if stanza.name.eq_ignore_ascii_case(name) => Some(stanza),
            _ => None,
        })
    }
}

/// One statement of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `name = value`
    Option(Assignment),
    /// `Name { ... }` or `Name "argument" { ... }`
    Stanza(Stanza),
    /// `include "path"` or `readonly_include "path"`
    Include(Include),
}

/// An option, or an entry of a dictionary: `name = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name as it is written.
    pub name: String,
    /// The value.
    pub value: Value,
    /// Where the name stands.
    pub position: Position,
}

/// What stands after a `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word, or a quoted text without its quotation marks.
    Text(String),
    /// `( a "b" c )`
    List(Vec<Value>),
    /// `[ key = value ... ]`, in the order of the file.
    Dictionary(Vec<Assignment>),
}

/// `Name { ... }` or `Name "argument" { ... }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stanza {
    /// The name as it is written.
    pub name: String,
    /// The argument without its quotation marks.
    pub argument: Option<String>,
    /// What stands between the braces.
    pub body: Scope,
    /// Where the name stands.
    pub position: Position,
}

/// `include "path"` or `readonly_include "path"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// A file, a directory or a URI, as it is written.
    pub path: String,
    /// Whether the word was `readonly_include`.
    pub read_only: bool,
    /// Where the word stands.
    pub position: Position,
}
