//! Which file imports from which, as far as their top-level `use` declarations and `super::` and `crate::` paths say.
//!
//! A name that a `mod.rs` re-exports is followed to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The path of a module within the crate.
type Module = Vec<String>;

pub struct Imports(BTreeMap<Module, BTreeSet<Module>>);

impl Imports {
    /// The imports of these files among themselves.
    pub fn of(files: &[(PathBuf, String)]) -> Self {
        let sources: BTreeMap<Module, String> = files.iter().map(|(path, text)| (module_of(path), code(text))).collect();
        let exports = exports(&sources);
        let found = Resolver { sources: &sources, exports: &exports };
        let imports_of = |(module, text): (&Module, &String)| {
            let declared = declarations(text, "use ").into_iter();
            let inline = inline_paths(text).into_iter();
            let files = declared.chain(inline).filter_map(|path| found.resolve(module, &path, 0));
            (module.clone(), files.filter(|file| file != module).collect())
        };
        Self(sources.iter().map(imports_of).collect())
    }

    /// The number of imports.
    pub fn count(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// The pairs of files that import each other, sorted by name.
    pub fn mutual(&self) -> Vec<String> {
        let pairs = self.0.iter().flat_map(|(one, imported)| imported.iter().map(move |other| (one, other)));
        let mutual = pairs.filter(|(one, other)| one < other && self.0.get(*other).is_some_and(|back| back.contains(*one)));
        mutual.map(|(one, other)| format!("{} <-> {}", one.join("::"), other.join("::"))).collect()
    }
}

struct Resolver<'a> {
    sources: &'a BTreeMap<Module, String>,
    exports: &'a BTreeMap<(Module, String), Module>,
}

impl Resolver<'_> {
    /// The file that a path resolves to from a module; `None` if it is not one of the files.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let (mut at, mut rest) = (from.clone(), path);
        match rest.first()?.as_str() {
            "crate" => (at, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            name => {
                let child = [from.clone(), vec![name.to_owned()]].concat();
                if !self.sources.contains_key(&child) {
                    return None;
                }
            }
        }
        while let Some(name) = rest.first() {
            let child = [at.clone(), vec![name.clone()]].concat();
            if !self.sources.contains_key(&child) {
                break;
            }
            (at, rest) = (child, &rest[1..]);
        }
        let exported = rest.first().and_then(|name| self.exports.get(&(at.clone(), name.clone()))).filter(|_| depth < 5);
        let followed = exported.and_then(|path| self.resolve(&at, path, depth + 1));
        followed.or_else(|| self.sources.contains_key(&at).then_some(at))
    }
}

/// What each module re-exports: the name and its original path.
fn exports(sources: &BTreeMap<Module, String>) -> BTreeMap<(Module, String), Module> {
    let of_module = |(module, text): (&Module, &String)| {
        let paths = ["pub use ", "pub(crate) use ", "pub(super) use "].into_iter().flat_map(|start| declarations(text, start));
        paths.map(|path| ((module.clone(), path.last().unwrap().clone()), path)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of_module).collect()
}

fn module_of(path: &Path) -> Module {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().with_extension("");
    let mut module: Module = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

/// The code of a file, without comments and without its tests.
fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod tests {").or_else(|| text.find("#[cfg(test)]\nmod testing {"));
    let text = &text[..tests.unwrap_or(text.len())];
    text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("//")).collect()
}

/// The paths of the declarations on lines that start with these words.
fn declarations(text: &str, start: &str) -> Vec<Module> {
    let (lines, begin) = (format!("\n{text}"), format!("\n{start}"));
    let declared = lines.split(begin.as_str()).skip(1).filter_map(|rest| rest.split(';').next());
    declared.flat_map(expand).map(|path| path.split("::").map(|name| name.trim().to_owned()).collect()).collect()
}

/// The paths of a tree of imports.
fn expand(tree: &str) -> Vec<String> {
    let Some((head, rest)) = tree.split_once('{') else { return vec![tree.split(" as ").next().unwrap().trim().to_owned()] };
    let inner = rest.rsplit_once('}').unwrap().0;
    let (mut items, mut depth, mut item) = (Vec::new(), 0, String::new());
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            items.push(std::mem::take(&mut item));
        } else {
            item.push(c);
        }
    }
    items.push(item);
    let items = items.iter().map(|item| item.trim()).filter(|item| !item.is_empty());
    items.flat_map(expand).map(|item| format!("{}{item}", head.trim())).collect()
}

/// Paths that begin with `super::` or `crate::` outside declarations. Those of nested modules are left out: their `super` is the file.
fn inline_paths(text: &str) -> Vec<Module> {
    let lines = text.lines().filter(|line| !line.contains("use ") && !line.contains("pub(in "));
    let paths = lines.flat_map(|line| line.match_indices("super::").chain(line.match_indices("crate::")).map(move |(at, _)| &line[at..]));
    let names = |path: &str| {
        let end = path.find(|c: char| c != '_' && c != ':' && !c.is_alphanumeric()).unwrap_or(path.len());
        path[..end].split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    paths.map(names).collect()
}
