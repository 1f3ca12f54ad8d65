//! `docs/protocol.md` is complete: the kinds of messages, the routes and the operations that the
//! sources have are those that the page has, neither more nor less.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

type Found = BTreeSet<String>;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The signed messages of a source: `typ` and word, as the page's table has them.
fn messages(source: &str) -> Found {
    let quoted = |text: &str| text.split('"').next().unwrap_or_default().to_string();
    let kind = |piece: &str| {
        let word = piece.split_once("word: \"").map(|(_, word)| quoted(word));
        format!("`{}` `{}`", quoted(piece), word.unwrap_or_default())
    };
    source.split("typ: \"").skip(1).filter(|piece| !piece.starts_with('{')).map(kind).collect()
}

/// The `typ`s of encrypted messages, which have no word.
fn encrypted(source: &str) -> Found {
    let typ = |piece: &str| piece.strip_suffix("+jwe").map(|_| format!("\"{piece}\""));
    source.split('"').filter(|piece| piece.starts_with("warifu-")).filter_map(typ).collect()
}

/// The routes of a source: `GET /health`.
fn routes(source: &str) -> Found {
    let mut found = Found::new();
    for piece in source.split(".route(").skip(1) {
        let piece = piece.trim_start().strip_prefix('"');
        let (path, handlers) = piece.and_then(|piece| piece.split_once('"')).unwrap_or_else(|| {
            panic!("a route whose path is not written out, so that nobody finds it on the page")
        });
        let handlers = outermost(handlers);
        let words: Vec<&str> = handlers.split(|c: char| !c.is_alphanumeric()).collect();
        let methods = METHODS.iter().filter(|method| words.contains(method));
        found.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    found
}

/// What stands outside of all brackets, up to the one that closes the whole.
fn outermost(text: &str) -> String {
    let mut depth = 0;
    let mut kept = String::new();
    for c in text.chars() {
        match c {
            ')' | '}' | ']' if depth == 0 => break,
            ')' | '}' | ']' => depth -= 1,
            '(' | '{' | '[' => depth += 1,
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

/// The operations that a source answers: the literals in the patterns of whoever is given an `op`.
fn operations(source: &str) -> Found {
    let mut found = Found::new();
    for piece in source.split("op: &str").skip(1) {
        // A declaration in a trait has no body.
        let body = piece.split(['{', ';']).next().unwrap_or_default().len();
        let body = piece[body..].split("\n    }\n").next().unwrap_or_default();
        let arms: Vec<&str> = body.split("=>").filter(|_| body.starts_with('{')).collect();
        for arm in arms.iter().rev().skip(1) {
            let pattern = arm.rsplit(['{', '}', ';']).next().unwrap_or_default();
            let pattern = pattern.rsplit(",\n").next().unwrap_or_default();
            found.extend(pattern.split('"').skip(1).step_by(2).map(str::to_string));
        }
    }
    found
}

/// The rows of the page's table with this header: their cells.
fn table<'a>(page: &'a str, header: &str) -> Vec<Vec<&'a str>> {
    let (_, rest) = page.split_once(header).unwrap_or_else(|| panic!("no table {header}"));
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').skip(1).map(str::trim).collect()).collect()
}

fn page_messages(page: &str) -> Found {
    let rows = table(page, "| message | `typ` | word | signed by |");
    rows.iter().map(|cells| format!("{} {}", cells[1], cells[2])).collect()
}

fn page_operations(page: &str) -> Found {
    let rows = table(page, "| `op` | from, to | `body` | `ok` |");
    rows.iter().map(|cells| cells[0].trim_matches('`').to_string()).collect()
}

fn page_routes(page: &str) -> Found {
    let code = page.split('`').skip(1).step_by(2);
    let route = |code: &str| {
        let (method, path) = code.split_once(" /")?;
        let known = METHODS.iter().any(|known| known.to_uppercase() == method);
        let path = path.split('?').next().unwrap_or_default();
        known.then(|| format!("{method} /{path}"))
    };
    code.filter_map(route).collect()
}

/// Sections that the contents, the paragraph before the first of them, do not name.
fn missing_in_contents(page: &str) -> Vec<String> {
    let contents = page.split("\n## ").next().unwrap_or_default();
    let anchor = |title: &str| -> String {
        let plain = title.to_lowercase().replace(' ', "-");
        plain.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
    };
    let titles = page.lines().filter_map(|line| line.strip_prefix("## "));
    let known = |anchor: &String| !contents.contains(&format!("(#{anchor})"));
    titles.map(anchor).filter(known).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// All Rust files below a folder, but for modules of tests, and for pages: what a person reads in a
/// browser is no format.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "tests" || stem == "pages") {
            continue;
        }
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// What `find` finds in all sources, those of the test kit apart.
fn in_sources(find: fn(&str) -> Found) -> Found {
    let crates = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let crates = crates.filter(|path| !path.ends_with("testkit"));
    let files = crates.flat_map(|path| rust_files(&path.join("src")));
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    files.flat_map(|path| find(read(path).split("#[cfg(test)]\nmod ").next().unwrap())).collect()
}

fn page() -> String {
    fs::read_to_string(root().join("docs/protocol.md")).unwrap()
}

#[test]
fn the_page_has_every_kind_of_message() {
    let sources = in_sources(messages);
    assert!(sources.len() > 20, "{sources:?}");
    assert_eq!(page_messages(&page()), sources);
    let encrypted = in_sources(encrypted);
    assert_eq!(encrypted.len(), 3, "{encrypted:?}");
    let page = page();
    assert_eq!(encrypted.iter().filter(|typ| !page.contains(*typ)).count(), 0, "{encrypted:?}");
}

#[test]
fn the_page_has_every_route_of_every_role() {
    let sources = in_sources(routes);
    assert!(sources.len() > 30, "{sources:?}");
    assert_eq!(page_routes(&page()), sources);
}

#[test]
fn the_page_has_every_operation_of_a_session() {
    let sources = in_sources(operations);
    assert!(sources.len() > 15, "{sources:?}");
    assert_eq!(page_operations(&page()), sources);
}

#[test]
fn the_contents_name_every_section() {
    assert_eq!(missing_in_contents(&page()), Vec::<String>::new());
    let planted = "Contents: [a](#1-a)\n\n## 1. A\n\n## 2. What's new\n";
    assert_eq!(missing_in_contents(planted), ["2-whats-new"]);
}

#[test]
fn what_is_planted_in_a_source_is_found() {
    let source = r#"
        pub const NEW: TokenType =
            TokenType { typ: "warifu-new+jwt", word: "new" };
        const NEW_TYP: &str = "warifu-new+jwe";
        Router::new()
            .route("/health", get(|| async { Json(post(1)) }))
            .route("/v1/new/{id}", get(new).post(newer).layer(Limit::max(put(2))))
            .route(
                "/v1/long", delete(long),
            )
"#;
    assert_eq!(messages(source), ["`warifu-new+jwt` `new`".to_string()].into());
    assert_eq!(encrypted(source), ["\"warifu-new+jwe\"".to_string()].into());
    let found = ["DELETE /v1/long", "GET /health", "GET /v1/new/{id}", "POST /v1/new/{id}"];
    assert_eq!(routes(source), found.map(str::to_string).into());
    let source = r#"
    async fn answer(&self, op: &str, body: &RawValue) -> Result<Box<RawValue>, Problem> {
        match (peer.role, op) {
            (Role::Holder, "new") => write(&self.new("said", body)?),
            (Role::Issuer, "newer" | "newest") => {
                require(peer, "role")?;
                write(&self.newer(body)?)
            }
            _ => Err(Problem::not_found("op")),
        }
    }
    fn other(&self) { match text { "word" => 1 } }
"#;
    assert_eq!(operations(source), ["new", "newer", "newest"].map(str::to_string).into());
}
