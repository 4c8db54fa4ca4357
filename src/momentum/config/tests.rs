use super::*;
use proptest::prelude::*;

fn message(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

fn option<'a>(scope: &'a Scope, name: &str) -> Option<&'a Value> {
    scope.statements.iter().find_map(|statement| match statement {
        Statement::Option(option) if option.name == name => Some(&option.value),
        _ => None,
    })
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn options_stanzas_and_includes_nest() {
    let scope = parse(concat!(
        "include \"common.conf\"\n",
        "Domain example.com {\n",
        "  Gateway = \"relay one\"  gateway = 'relay two'\n",
        "  Readonly_Include bar.d\n",
        "  Relay_Hosts = ( 10.0.0.1 \"::1\" )\n",
        "  code = [ \"0\" = \"250 ok\" more = () ]\n",
        "}\n",
    ))
    .expect("valid");
    let include = Include {
        path: "common.conf".to_owned(),
        read_only: false,
        position: Position { line: 1, column: 1 },
    };
    assert_eq!(scope.statements[0], Statement::Include(include));

    let domain = scope.stanzas("DOMAIN").next().expect("the stanza");
    assert_eq!(domain.argument.as_deref(), Some("example.com"));
    assert_eq!(domain.position, Position { line: 2, column: 1 });
    assert_eq!(option(&domain.body, "gateway"), Some(&text("relay two")));
    let hosts = Value::List(vec![text("10.0.0.1"), text("::1")]);
    assert_eq!(option(&domain.body, "Relay_Hosts"), Some(&hosts));
    let Some(Value::Dictionary(code)) = option(&domain.body, "code") else {
        panic!("code is a dictionary");
    };
    assert_eq!((&*code[0].name, &code[0].value), ("0", &text("250 ok")));
    assert_eq!((&*code[1].name, &code[1].value), ("more", &Value::List(Vec::new())));
    assert_eq!(code[1].position, Position { line: 6, column: 27 });
    let read_only = domain.body.statements.iter().any(
        |statement| matches!(statement, Statement::Include(i) if i.read_only && i.path == "bar.d"),
    );
    assert!(read_only);
}

#[test]
fn errors_say_what_was_expected_and_where() {
    let expected = r#"line 12, column 5: expected "=" or "{" after "Logging""#;
    assert_eq!(message(&format!("{}    Logging }}", "\n".repeat(11))), expected);
    assert_eq!(message(&format!("{}    Logging\nLevel = 3", "\n".repeat(11))), expected);
    for (broken, expected) in [
        ("Listen \":25\" }", r#"line 1, column 8: expected "{" after ":25""#),
        ("a = \nb = }", r#"line 2, column 3: expected a name, found "=""#),
        ("a = }", r#"column 1: expected a value after the = of "a""#),
        ("a = ", r#"column 1: expected a value after the = of "a""#),
        ("a {\n b = 1", r#"line 1, column 3: "{" is never closed; add the missing "}""#),
        ("a = ( b", r#"line 1, column 5: "(" is never closed; add the missing ")""#),
        ("a = [ b = c", r#"line 1, column 5: "[" is never closed; add the missing "]""#),
        ("a = [ b c ]", r#"line 1, column 7: expected "=" after the key "b""#),
        ("a = [ b = c }", r#"line 1, column 13: expected a key or "]", found "}""#),
        ("a = ( b = c )", r#"line 1, column 9: expected a value or ")", found "=""#),
        ("a { } }", r#"line 1, column 7: expected a name, found "}""#),
        ("a { ( }", r#"line 1, column 5: expected a name, found "(""#),
        ("\"a\" = b", r#"line 1, column 1: expected a name, found "a""#),
        ("include { }", r#"a file, directory or URI in quotes after "include""#),
        ("include \"\"", r#"a file, directory or URI in quotes after "include""#),
        (
            "a = \"b\nc",
            "line 1, column 5: the text quoted from here on never ends; close it with \"",
        ),
        ("a = b /* c", "line 1, column 7: the comment that begins here never ends"),
    ] {
        let message = message(broken);
        assert!(message.contains(expected), "{broken}\n {message}\n lacks {expected}");
    }
}

#[test]
fn messages_show_only_the_beginning_of_a_long_text() {
    let message = message(&format!("a '{}' }}", "x\n".repeat(5000)));
    assert!(message.len() < 150 && !message.contains('\n'), "{message}");
}

#[test]
fn bytes_that_are_no_utf8_are_refused_with_their_place() {
    let error = parse_bytes(b"a = \xc3\xa4\nb = \xc3\xa4\xff").expect_err("not UTF-8");
    assert_eq!(error.position, Position { line: 2, column: 6 });
    assert!(error.message.contains("not UTF-8"), "{error}");
    assert!(parse_bytes("a = ä".as_bytes()).is_ok());
}

#[test]
fn brackets_nest_to_the_limit_and_no_deeper() {
    let nested = |depth: usize| format!("{}{}", "a {\n".repeat(depth), "}".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    let error = parse(&nested(MAX_DEPTH + 1)).expect_err("too deep");
    assert!(error.message.contains("more than 64 deep"), "{error}");
    assert_eq!(error.position, Position { line: MAX_DEPTH + 1, column: 3 });
    for bracket in ["(", "[a=", "a{"] {
        let bottomless = format!("a = ( {}", bracket.repeat(100_000));
        assert!(parse(&bottomless).is_err());
    }
}

/// Writes a tree in the grammar, with every text quoted that may be.
fn print(scope: &Scope) -> String {
    let statement = |statement: &Statement| match statement {
        Statement::Option(option) => format!("{} = {}\n", option.name, print_value(&option.value)),
        Statement::Stanza(stanza) => {
            let argument = stanza.argument.as_deref().map(quote).unwrap_or_default();
            format!("{} {argument} {{ # {{\n{}}}\n", stanza.name, print(&stanza.body))
        }
        Statement::Include(include) => {
            let prefix = if include.read_only { "readonly_" } else { "" };
            format!("{prefix}include/* \" */{}\n", quote(&include.path))
        }
    };
    scope.statements.iter().map(statement).collect()
}

fn print_value(value: &Value) -> String {
    match value {
        Value::Text(text) => quote(text),
        Value::List(values) => {
            format!("({})", values.iter().map(print_value).collect::<String>())
        }
        Value::Dictionary(entries) => {
            let entry = |e: &Assignment| format!("{}={}", quote(&e.name), print_value(&e.value));
            format!("[{}]", entries.iter().map(entry).collect::<String>())
        }
    }
}

fn quote(text: &str) -> String {
    let mark = if text.contains('"') { '\'' } else { '"' };
    format!("{mark}{text}{mark}")
}

const NOWHERE: Position = Position { line: 0, column: 0 };

fn forget_positions(scope: &mut Scope) {
    for statement in &mut scope.statements {
        match statement {
            Statement::Option(option) => forget_in_assignment(option),
            Statement::Stanza(stanza) => {
                stanza.position = NOWHERE;
                forget_positions(&mut stanza.body);
            }
            Statement::Include(include) => include.position = NOWHERE,
        }
    }
}

fn forget_in_assignment(assignment: &mut Assignment) {
    assignment.position = NOWHERE;
    forget_in_value(&mut assignment.value);
}

fn forget_in_value(value: &mut Value) {
    match value {
        Value::Text(_) => {}
        Value::List(values) => values.iter_mut().for_each(forget_in_value),
        Value::Dictionary(entries) => entries.iter_mut().for_each(forget_in_assignment),
    }
}

fn any_name() -> impl Strategy<Value = String> {
    "[A-Za-z_][A-Za-z0-9_.-]{0,6}".prop_filter("no directive", |name| {
        !["include", "readonly_include"].contains(&&*name.to_ascii_lowercase())
    })
}

/// Everything but both kinds of quotation mark in one text, which the grammar cannot write.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[^\"]{0,12}", "[^']{0,12}"]
}

fn any_assignment(
    name: impl Strategy<Value = String>,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Assignment> {
    (name, value).prop_map(|(name, value)| Assignment { name, value, position: NOWHERE })
}

fn any_value() -> impl Strategy<Value = Value> {
    any_text().prop_map(Value::Text).prop_recursive(3, 12, 4, |inner| {
        let entries = prop::collection::vec(any_assignment(any_text(), inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::List),
            entries.prop_map(Value::Dictionary),
        ]
    })
}

fn any_scope() -> impl Strategy<Value = Scope> {
    let path = any_text().prop_filter("no empty path", |path| !path.is_empty());
    let leaf = prop_oneof![
        any_assignment(any_name(), any_value()).prop_map(Statement::Option),
        (path, any::<bool>()).prop_map(|(path, read_only)| {
            Statement::Include(Include { path, read_only, position: NOWHERE })
        }),
    ];
    let statement = leaf.prop_recursive(4, 24, 4, |inner| {
        let body = prop::collection::vec(inner, 0..4).prop_map(|statements| Scope { statements });
        (any_name(), prop::option::of(any_text()), body).prop_map(|(name, argument, body)| {
            Statement::Stanza(Stanza { name, argument, body, position: NOWHERE })
        })
    });
    prop::collection::vec(statement, 0..5).prop_map(|statements| Scope { statements })
}

/// A file that is nearly right finds more than one that is noise.
fn any_tokens() -> impl Strategy<Value = String> {
    let tokens = vec![
        "a", "include", "=", "{", "}", "[", "]", "(", ")", "\"", "'", "#", "\n", " ", "/", "/*",
        "*/", "\\", "ä",
    ];
    prop::collection::vec(prop::sample::select(tokens), 0..60).prop_map(|tokens| tokens.concat())
}

fn stands_in(position: Position, text: &str) -> bool {
    let place = |position: Position| (position.line, position.column);
    (place(Position::START)..=place(Position::START.after(text))).contains(&place(position))
}

proptest! {
    #[test]
    fn a_printed_tree_is_read_back_as_it_was(scope in any_scope()) {
        let printed = print(&scope);
        let mut read = parse(&printed).map_err(|error| {
            TestCaseError::fail(format!("{error}\n{printed}"))
        })?;
        forget_positions(&mut read);
        prop_assert_eq!(read, scope);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in prop_oneof![any::<String>(), any_tokens()]) {
        if let Err(error) = parse(&text) {
            prop_assert!(stands_in(error.position, &text), "{error}");
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let refused = parse_bytes(&bytes).is_err_and(|error| error.message.contains("not UTF-8"));
        prop_assert_eq!(
            refused,
            std::str::from_utf8(&bytes).is_err()
        );
    }
}
