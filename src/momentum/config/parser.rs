use super::error::ParseError;
use super::lexer::{Kind, Lexer, Token};
use super::tree::{Assignment, Include, Scope, Stanza, Statement, Value};

/// How deep stanzas, lists and dictionaries may be nested. Real files stay below ten; the
/// parser recurses, so the limit keeps a hostile file from using up the stack.
pub const MAX_DEPTH: usize = 64;

type Result<T> = std::result::Result<T, ParseError>;

/// Reads a configuration file.
///
/// # Errors
/// The first place where the text leaves the grammar.
pub fn parse(text: &str) -> Result<Scope> {
    let lexer = Lexer::new(text);
    Parser { lexer, depth: 0 }.scope(None)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// The file, or the body of the stanza whose brace was `opened`.
    fn scope(&mut self, opened: Option<Token>) -> Result<Scope> {
        let mut statements = Vec::new();
        loop {
            let next = self.lexer.next()?;
            match (next.kind, opened) {
                (Kind::Word, _) => statements.push(self.statement(next)?),
                (Kind::Mark('}'), Some(_)) | (Kind::End, None) => return Ok(Scope { statements }),
                (Kind::End, Some(opened)) => return Err(unclosed(opened, '}')),
                _ => return Err(next.instead_of("a name")),
            }
        }
    }

    fn statement(&mut self, name: Token<'a>) -> Result<Statement> {
        match name.text.to_ascii_lowercase().as_str() {
            "include" => return self.include(name, false),
            "readonly_include" => return self.include(name, true),
            _ => {}
        }
        let next = self.lexer.next()?;
        match next.kind {
            Kind::Mark('=') => Ok(Statement::Option(self.assignment(name)?)),
            Kind::Mark('{') => self.stanza(name, None, next),
            Kind::Word | Kind::Quoted => self.stanza_with_argument(name, next),
            _ => Err(stands_alone(name)),
        }
    }

    fn include(&mut self, word: Token, read_only: bool) -> Result<Statement> {
        let next = self.lexer.next()?;
        if !matches!(next.kind, Kind::Word | Kind::Quoted) || next.text.is_empty() {
            return Err(word.error("expected a file, directory or URI in quotes after"));
        }
        let (path, position) = (next.text.to_owned(), word.position);
        Ok(Statement::Include(Include { path, read_only, position }))
    }

    fn stanza_with_argument(&mut self, name: Token, argument: Token) -> Result<Statement> {
        let next = self.lexer.next()?;
        if next.kind == Kind::Mark('{') {
            return self.stanza(name, Some(argument.text), next);
        }
        if argument.position.line > name.position.line {
            // It was the next statement, taken for an argument: the name is what stands alone.
            return Err(stands_alone(name));
        }
        Err(argument.error(r#"expected "{" after"#))
    }

    fn stanza(&mut self, name: Token, argument: Option<&str>, brace: Token) -> Result<Statement> {
        let body = self.nested(brace, |parser| parser.scope(Some(brace)))?;
        let argument = argument.map(str::to_owned);
        let (name, position) = (name.text.to_owned(), name.position);
        Ok(Statement::Stanza(Stanza { name, argument, body, position }))
    }

    /// What follows `name =`.
    fn assignment(&mut self, name: Token) -> Result<Assignment> {
        let next = self.lexer.next()?;
        let value = self.value(next)?;
        let value = value.ok_or_else(|| name.error("expected a value after the = of"))?;
        let (name, position) = (name.text.to_owned(), name.position);
        Ok(Assignment { name, value, position })
    }

    /// The value that begins with `first`, or `None` if no value does.
    fn value(&mut self, first: Token) -> Result<Option<Value>> {
        match first.kind {
            Kind::Word | Kind::Quoted => Ok(Some(Value::Text(first.text.to_owned()))),
            Kind::Mark('(') => self.nested(first, |parser| parser.list(first)).map(Some),
            Kind::Mark('[') => self.nested(first, |parser| parser.dictionary(first)).map(Some),
            Kind::Mark(_) | Kind::End => Ok(None),
        }
    }

    fn list(&mut self, opened: Token) -> Result<Value> {
        let mut values = Vec::new();
        loop {
            let next = self.lexer.next()?;
            match next.kind {
                Kind::Mark(')') => return Ok(Value::List(values)),
                Kind::End => return Err(unclosed(opened, ')')),
                _ => {
                    let value = self.value(next)?;
                    values.push(value.ok_or_else(|| next.instead_of(r#"a value or ")""#))?);
                }
            }
        }
    }

    fn dictionary(&mut self, opened: Token) -> Result<Value> {
        let mut entries = Vec::new();
        loop {
            let key = self.lexer.next()?;
            match key.kind {
                Kind::Mark(']') => return Ok(Value::Dictionary(entries)),
                Kind::End => return Err(unclosed(opened, ']')),
                Kind::Mark(_) => return Err(key.instead_of(r#"a key or "]""#)),
                Kind::Word | Kind::Quoted => {}
            }
            if self.lexer.next()?.kind != Kind::Mark('=') {
                return Err(key.error(r#"expected "=" after the key"#));
            }
            entries.push(self.assignment(key)?);
        }
    }

    fn nested<T>(&mut self, opened: Token, read: impl Fn(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            let message = format!("brackets are nested more than {MAX_DEPTH} deep here");
            return Err(ParseError::at(opened.position, message));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }
}

fn stands_alone(name: Token) -> ParseError {
    name.error(r#"expected "=" or "{" after"#)
}

fn unclosed(opened: Token, close: char) -> ParseError {
    let message = format!(r#""{}" is never closed; add the missing "{close}""#, opened.text);
    ParseError::at(opened.position, message)
}
