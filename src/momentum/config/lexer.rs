use super::error::{ParseError, excerpt};
use super::tree::Position;

/// A piece of a configuration file that has a meaning of its own.
#[derive(Clone, Copy)]
pub(in crate::momentum) struct Token<'a> {
    pub kind: Kind,
    /// The piece as it is written; a quoted text without its quotation marks.
    pub text: &'a str,
    /// Where it begins.
    pub position: Position,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::momentum) enum Kind {
    Word,
    /// The text may be empty and may hold line breaks.
    Quoted,
    /// One of `= { } [ ] ( )`.
    Mark(char),
    End,
}

impl Token<'_> {
    /// An error at this token, whose text ends the message.
    pub fn error(self, message: &str) -> ParseError {
        ParseError::at(self.position, format!("{message} {}", excerpt(self.text)))
    }

    /// The error of a token that cannot stand where it stands.
    pub fn instead_of(self, wanted: &str) -> ParseError {
        match self.kind {
            Kind::End => {
                let message = format!("expected {wanted}, found the end of the file");
                ParseError::at(self.position, message)
            }
            _ => self.error(&format!("expected {wanted}, found")),
        }
    }
}

/// Cuts a configuration file into tokens.
pub(in crate::momentum) struct Lexer<'a> {
    rest: &'a str,
    position: Position,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        let position = Position::START;
        Lexer { rest: text, position }
    }

    pub fn next(&mut self) -> Result<Token<'a>, ParseError> {
        self.skip_blanks()?;
        let position = self.position;
        let (kind, text) = match self.rest.chars().next() {
            None => (Kind::End, ""),
            Some(quote @ ('"' | '\'')) => (Kind::Quoted, self.quoted(quote)?),
            Some(mark) if is_mark(mark) => (Kind::Mark(mark), self.take(mark.len_utf8())),
            Some(_) => (Kind::Word, self.take(word_length(self.rest))),
        };
        Ok(Token { kind, text, position })
    }

    fn skip_blanks(&mut self) -> Result<(), ParseError> {
        loop {
            let blanks = self.rest.len() - self.rest.trim_ascii_start().len();
            self.take(blanks);
            if self.rest.starts_with('#') {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), ParseError> {
        // From 2 on: the "*/" of "/*/" shares its star with the opening.
        let end = self.rest[2..].find("*/").ok_or_else(|| {
            let message = r#"the comment that begins here never ends; close it with "*/""#;
            ParseError::at(self.position, message)
        })?;
        self.take(2 + end + 2);
        Ok(())
    }

    /// A backslash is an ordinary character: patterns such as `"/^mail\.example\.com$/"` need it.
    fn quoted(&mut self, quote: char) -> Result<&'a str, ParseError> {
        let inner = &self.rest[1..];
        let length = inner.find(quote).ok_or_else(|| {
            let message = format!("the text quoted from here on never ends; close it with {quote}");
            ParseError::at(self.position, message)
        })?;
        self.take(length + 2);
        Ok(&inner[..length])
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.position = self.position.after(taken);
        self.rest = rest;
        taken
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '=' | '{' | '}' | '[' | ']' | '(' | ')')
}

/// The manual asks for quotes around a slash, but its own examples go without
/// (`Listen /tmp/2025 {}`), so a slash is part of a word unless it begins a comment.
fn word_length(text: &str) -> usize {
    let pattern = pattern_length(text);
    let tail = &text[pattern..];
    let ends_word = |(at, c): &(usize, char)| {
        c.is_ascii_whitespace()
            || is_mark(*c)
            || matches!(c, '#' | '"' | '\'')
            || tail[*at..].starts_with("/*")
    };
    let end = tail.char_indices().find(ends_word).map_or(tail.len(), |(at, _)| at);
    pattern + end
}

/// The length of a pattern between slashes at the start of `text`, or 0. The manual writes
/// `Domain /example\.(com|org)$/ {` without quotes; braces and blanks in a pattern need them.
fn pattern_length(text: &str) -> usize {
    let mut chars = text.char_indices();
    if chars.next() != Some((0, '/')) {
        return 0;
    }
    while let Some((at, c)) = chars.next() {
        match c {
            '/' => return at + 1,
            '\\' => drop(chars.next()),
            '{' | '}' | '#' | '"' | '\'' => return 0,
            _ if c.is_ascii_whitespace() => return 0,
            _ => {}
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(Kind, &str)> {
        let mut lexer = Lexer::new(text);
        let next = || lexer.next().expect("the text has only whole tokens");
        let tokens = std::iter::repeat_with(next).take_while(|token| token.kind != Kind::End);
        tokens.map(|token| (token.kind, token.text)).collect()
    }

    fn word(text: &str) -> (Kind, &str) {
        (Kind::Word, text)
    }

    fn mark(text: &str) -> (Kind, &str) {
        (Kind::Mark(text.chars().next().expect("a mark")), text)
    }

    #[test]
    fn marks_need_no_blanks_around_them() {
        let list = [mark("("), word("b"), (Kind::Quoted, "c d"), mark(")")];
        assert_eq!(tokens("a=(b\"c d\")"), [&[word("a"), mark("=")], &list[..]].concat());
    }

    #[test]
    fn comments_end_with_the_line_or_with_their_closing_mark() {
        let expected = [word("a"), word("b"), word("c")];
        assert_eq!(tokens("a# x\nb/* \n /* */c # \"y"), expected);
        assert_eq!(tokens("a /*/ b */ b c"), expected);
    }

    #[test]
    fn one_kind_of_quote_holds_the_other_and_backslashes_stay() {
        assert_eq!(tokens(r#"'say "\n"'"#), [(Kind::Quoted, r#"say "\n""#)]);
        assert_eq!(tokens("\"\""), [(Kind::Quoted, "")]);
    }

    #[test]
    fn a_pattern_between_slashes_is_one_word() {
        let pattern = r"/example\.(com|a\/b=[cd])$/";
        let text = format!("Domain {pattern}{{");
        assert_eq!(tokens(&text), [word("Domain"), word(pattern), mark("{")]);
    }

    #[test]
    fn a_path_is_a_word_that_ends_at_a_bracket() {
        assert_eq!(tokens("(/tmp)"), [mark("("), word("/tmp"), mark(")")]);
        assert_eq!(tokens("[/tmp/2025]"), [mark("["), word("/tmp/2025"), mark("]")]);
        assert_eq!(tokens("digest:///etc/x/* y */"), [word("digest:///etc/x")]);
    }

    #[test]
    fn positions_count_characters_from_one() {
        let mut lexer = Lexer::new("ä b\r\n\t/* ü\n */ c");
        let mut next = || lexer.next().expect("a token").position;
        assert_eq!(next(), Position { line: 1, column: 1 });
        assert_eq!(next(), Position { line: 1, column: 3 });
        assert_eq!(next(), Position { line: 3, column: 5 });
    }
}
