//! Whose types stand in public signatures: a new major version of one of these crates is one of ours.
//!
//! Tools that know every type need an unstable compiler. This reads the source: what is `pub` there is exported
//! (`unreachable_pub`), and a foreign type is named by its path or by a `use` of the same file. What macros make is not
//! seen.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, TraitItem, UseTree, Visibility};

/// Crates whose types are as stable as ours, or are the point of a feature.
const ALLOWED: [(&str, &[&str]); 4] = [
    // The derive is re-exported; `http` is a feature.
    ("wingbeat-core", &["bytes", "http", "serde", "serde_json", "wingbeat_derive"]),
    (
        "wingbeat-engine",
        // `serve` is given a service that takes hyper's bodies, and `Listener` accepts what tokio can read. `Frame`,
        // `BoxFuture` and rustls are re-exported.
        &[
            "bytes",
            "futures_util",
            "http",
            "http_body",
            "hyper",
            "serde_json",
            "tokio",
            "tokio_rustls",
            "tower_service",
            "wingbeat_core",
            "wingbeat_protocol",
        ],
    ),
    // Events are streams; rustls is re-exported.
    ("wingbeat-client", &["bytes", "futures_util", "serde", "serde_json", "tokio_rustls", "wingbeat_core"]),
    (
        "wingbeat",
        // Extractors are axum's, SQL of one's own needs rusqlite, tokio_postgres or mysql_async, and schemas are made by schemars.
        &[
            "axum",
            "bytes",
            "http",
            "http_body",
            "mysql_async",
            "rusqlite",
            "schemars",
            "serde",
            "serde_json",
            "tokio_postgres",
            "tower_service",
            "wingbeat_core",
            "wingbeat_derive",
            "wingbeat_engine",
        ],
    ),
];

/// What one file says in public.
struct Signatures<'a> {
    /// Its foreign crates: those that no module of its own hides.
    dependencies: BTreeSet<&'a str>,
    /// Which crate the names that it imports are from.
    imported: HashMap<String, String>,
    /// The types that it exports.
    exported: BTreeSet<String>,
    foreign: BTreeSet<String>,
}

impl Signatures<'_> {
    /// The foreign crates whose types or traits stand in public signatures of a source file.
    fn of(source: &str, dependencies: &BTreeSet<String>) -> BTreeSet<String> {
        let file = syn::parse_file(source).unwrap();
        let mut signatures = Signatures {
            dependencies: dependencies.iter().map(String::as_str).collect(),
            imported: HashMap::new(),
            exported: BTreeSet::new(),
            foreign: BTreeSet::new(),
        };
        file.items.iter().for_each(|item| signatures.names(item));
        for item in &file.items {
            if let Item::Use(item) = item {
                signatures.imports(&item.tree, None);
            }
        }
        file.items.iter().for_each(|item| signatures.item(item));
        signatures.foreign
    }

    fn names(&mut self, item: &Item) {
        match item {
            Item::Mod(item) => drop(self.dependencies.remove(&*item.ident.to_string())),
            Item::Struct(item) if is_public(&item.vis) => drop(self.exported.insert(item.ident.to_string())),
            Item::Enum(item) if is_public(&item.vis) => drop(self.exported.insert(item.ident.to_string())),
            _ => {}
        }
    }

    fn imports(&mut self, tree: &UseTree, root: Option<&str>) {
        let mut import = |name: &syn::Ident, as_is: &syn::Ident| {
            let root = root.map_or_else(|| as_is.to_string(), str::to_owned);
            if self.dependencies.contains(&*root) {
                self.imported.insert(name.to_string(), root);
            }
        };
        match tree {
            UseTree::Name(name) => import(&name.ident, &name.ident),
            UseTree::Rename(name) => import(&name.rename, &name.ident),
            UseTree::Path(path) => self.imports(&path.tree, Some(root.unwrap_or(&path.ident.to_string()))),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.imports(tree, root)),
            UseTree::Glob(_) => {}
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if is_public(&item.vis) => self.visit_signature(&item.sig),
            Item::Struct(item) if is_public(&item.vis) => {
                self.visit_generics(&item.generics);
                item.fields.iter().filter(|field| is_public(&field.vis)).for_each(|field| self.visit_field(field));
            }
            Item::Enum(item) if is_public(&item.vis) => self.visit_item_enum(item),
            Item::Type(item) if is_public(&item.vis) => self.visit_item_type(item),
            Item::Const(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Static(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Use(ItemUse { vis, tree, .. }) if is_public(vis) => self.reexport(tree),
            Item::Trait(item) if is_public(&item.vis) => {
                self.visit_generics(&item.generics);
                item.supertraits.iter().for_each(|bound| self.visit_type_param_bound(bound));
                for item in &item.items {
                    match item {
                        TraitItem::Fn(method) => self.visit_signature(&method.sig),
                        TraitItem::Type(of) => self.visit_trait_item_type(of),
                        TraitItem::Const(of) => self.visit_type(&of.ty),
                        _ => {}
                    }
                }
            }
            Item::Impl(item) => {
                match &item.trait_ {
                    Some((path, _)) if self.is_exported(&item.self_ty) => self.visit_path(path),
                    _ => {}
                }
                for member in &item.items {
                    match member {
                        ImplItem::Fn(method) if is_public(&method.vis) => self.visit_signature(&method.sig),
                        ImplItem::Const(of) if is_public(&of.vis) => self.visit_type(&of.ty),
                        _ => {}
                    }
                }
            }
            Item::Mod(item) if !is_of_tests(&item.attrs) => {
                for item in item.content.iter().flat_map(|(_, items)| items) {
                    self.item(item);
                }
            }
            _ => {}
        }
    }

    fn reexport(&mut self, tree: &UseTree) {
        let root = match tree {
            UseTree::Path(path) => path.ident.to_string(),
            UseTree::Name(name) => name.ident.to_string(),
            UseTree::Rename(name) => name.ident.to_string(),
            _ => return,
        };
        if self.dependencies.contains(&*root) {
            self.foreign.insert(root);
        }
    }

    fn is_exported(&self, of: &syn::Type) -> bool {
        let syn::Type::Path(of) = of else { return false };
        of.path.segments.last().is_some_and(|last| self.exported.contains(&last.ident.to_string()))
    }
}

impl<'ast> Visit<'ast> for Signatures<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let first = path.segments.first().unwrap().ident.to_string();
        if let Some(root) = self.imported.get(&first) {
            self.foreign.insert(root.clone());
        } else if path.segments.len() > 1 && self.dependencies.contains(&*first) {
            self.foreign.insert(first);
        }
        visit::visit_path(self, path);
    }

    // What a derive makes is not a signature, and attributes of serde are its own language.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string().contains("test"),
        _ => false,
    })
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The crates that a manifest names as dependencies, as Rust writes them.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut is_open = false;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            is_open = line.ends_with("dependencies]") && !line.contains("dev-");
        }
        is_open && !line.starts_with(['[', '#'])
    });
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.replace('-', "_"))).collect()
}

#[test]
fn public_signatures_name_only_types_that_may_be_in_them() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let of_tests = |part: &str| matches!(part, "tests" | "tests.rs" | "fuzz" | "fuzzing.rs");
    let mut wrong = Vec::new();
    for (name, allowed) in ALLOWED {
        let dependencies = dependencies(&fs::read_to_string(crates.join(name).join("Cargo.toml")).unwrap());
        let mut seen = BTreeSet::new();
        for file in sources(&crates.join(name).join("src")) {
            if file.components().any(|part| part.as_os_str().to_str().is_some_and(of_tests)) {
                continue;
            }
            for foreign in Signatures::of(&fs::read_to_string(&file).unwrap(), &dependencies) {
                if !allowed.contains(&&*foreign) {
                    wrong.push(format!("{}: a public signature has a type of {foreign}", file.display()));
                }
                seen.insert(foreign);
            }
        }
        let gone = allowed.iter().filter(|one| !seen.contains(**one));
        wrong.extend(gone.map(|one| format!("{name}: no public signature has a type of {one} any longer")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn foreign_types_are_found_wherever_they_are() {
    let dependencies = ["one", "two"].map(str::to_owned).into();
    for (source, is_found) in [
        ("pub fn f(_: one::A) {}", true),
        ("use one::A; pub fn f() -> Option<A> { todo!() }", true),
        ("use one::{b::A as B}; pub struct S { pub b: Vec<B> }", true),
        ("use one::A; pub struct S { a: A }", false),
        ("use one::A; pub enum E { A(A) }", true),
        ("use one::A; pub trait T: A {}", true),
        ("use one::A; pub trait T { fn f(&self) where Self: A; }", true),
        ("use one::A; pub trait T { fn f(&self) { A::new(); } }", false),
        ("use one::A; struct S; impl S { pub fn f(_: impl A) {} }", true),
        ("use one::A; pub struct S; impl A for S {}", true),
        ("use one::A; pub struct S; impl From<A> for S {}", true),
        ("use one::A; struct S; impl A for S {}", false),
        ("use one::A; pub(crate) fn f(_: A) {}", false),
        ("mod one; pub use one::A;", false),
        ("pub use one;", true),
        ("pub use one::A;", true),
        ("pub mod m { pub fn f(_: one::A) {} }", true),
        ("#[cfg(test)] mod m { pub fn f(_: one::A) {} }", false),
        ("use std::sync::Arc; pub fn f(_: Arc<u8>) {}", false),
    ] {
        assert_eq!(Signatures::of(source, &dependencies).contains("one"), is_found, "{source}");
    }
}
