//! What clients may ask of a service.

use super::Query;
use super::query_paths::{
    Length, Members, Path, Relation, is_listed, names, paths, relation, relation_of, sees_inside,
};
use serde_json::Value;
use wingbeat_core::{Error, Method, Payload, Result};

/// What clients may not ask of a service, and how much they may write: what [hooks](crate::hooks::Hook::rules) and
/// [services](crate::service::RawService::rules) say about themselves when they are mounted.
///
/// Calls with a provider are held to it before any hook runs, by the query that the client sent: what hooks add to the
/// query later is the server's own, and internal calls are free. What is refused is a BadRequest that names the field and
/// tells nothing of values.
///
/// Fields inside others have a path with dots, `profile.ssn`; a field stands for all that is in it.
///
/// ```
/// use wingbeat::{BoxFuture, Context, Result, hooks::Hook, service::ClientRules};
///
/// /// Cuts what only the staff may see.
/// struct ForStaff;
///
/// impl Hook for ForStaff {
///     fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             # let _ = context;
///             // …
///             Ok(())
///         })
///     }
///     fn rules(&self) -> ClientRules {
///         ClientRules::new().hide(["salary", "profile.ssn"])
///     }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "answer it from `rules`"]
pub struct ClientRules {
    hidden: Vec<Path>,
    /// Shown, but not as they are stored.
    altered: Vec<Path>,
    queryable: Option<Vec<Path>>,
    sortable: Option<Vec<Path>>,
    read_only: Vec<Box<str>>,
    immutable: Vec<Box<str>>,
    records: Option<usize>,
}

const READ_BY_QUERY: [Method; 5] = [Method::Find, Method::Get, Method::Update, Method::Patch, Method::Remove];

impl ClientRules {
    /// Clients may ask anything.
    pub fn new() -> ClientRules {
        ClientRules::default()
    }

    /// Hides fields: no query may select them, sort by them or match them, however deep in `$or` and `$and`, nor name them
    /// in a filter of the service's own.
    pub fn hide<F: AsRef<str>>(mut self, fields: impl IntoIterator<Item = F>) -> ClientRules {
        self.hidden.extend(paths(fields));
        self
    }

    /// Fields that clients see, but not as they are stored: queries may select them, and nothing else.
    pub fn alter<F: AsRef<str>>(mut self, fields: impl IntoIterator<Item = F>) -> ClientRules {
        self.altered.extend(paths(fields));
        self
    }

    /// The only fields that queries may match.
    pub fn queryable<F: AsRef<str>>(mut self, fields: impl IntoIterator<Item = F>) -> ClientRules {
        self.queryable = Some(paths(fields).collect());
        self
    }

    /// The only fields that queries may sort by.
    pub fn sortable<F: AsRef<str>>(mut self, fields: impl IntoIterator<Item = F>) -> ClientRules {
        self.sortable = Some(paths(fields).collect());
        self
    }

    /// Fields that clients cannot write: data with one of them is refused. Hooks and the server's own calls write them.
    pub fn read_only<F: Into<Box<str>>>(mut self, fields: impl IntoIterator<Item = F>) -> ClientRules {
        self.read_only.extend(fields.into_iter().map(Into::into));
        self
    }

    /// Fields that clients write when they create a record, and cannot patch.
    pub fn immutable<F: Into<Box<str>>>(mut self, fields: impl IntoIterator<Item = F>) -> ClientRules {
        self.immutable.extend(fields.into_iter().map(Into::into));
        self
    }

    /// How many records one `create` may bring.
    pub fn records(mut self, most: usize) -> ClientRules {
        self.records = Some(most);
        self
    }

    /// Whether clients see the values of a field, and of all that it is in and that is in it.
    pub(crate) fn shows(&self, name: &str) -> bool {
        self.unseen().all(|path| relation(path, name) == Relation::Elsewhere)
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == ClientRules::default()
    }

    /// As seen from the record that this one's record is in, under a name.
    pub(crate) fn nested(&self, name: &str) -> ClientRules {
        let within = |paths: &[Path]| {
            let path = |path: &Path| [Box::from(name)].into_iter().chain(path.iter().cloned()).collect();
            paths.iter().map(path).collect()
        };
        // What is listed there is a list for that record alone: here nothing else of it may be asked.
        let mut altered: Vec<Path> = within(&self.altered);
        if self.queryable.is_some() || self.sortable.is_some() {
            altered.push([name.into()].into());
        }
        ClientRules { hidden: within(&self.hidden), altered, ..ClientRules::default() }
    }

    pub(crate) fn and(mut self, more: ClientRules) -> ClientRules {
        self.hidden.extend(more.hidden);
        self.altered.extend(more.altered);
        self
    }

    /// Holds a client's call to the rules.
    ///
    /// # Errors
    /// BadRequest for what is not allowed.
    pub(crate) fn check(&self, method: &Method, query: &Query, data: Option<&Payload>) -> Result<()> {
        if *method == Method::Create
            && let (Some(most), Some(data)) = (self.records, data.filter(|data| data.is_array()))
            // What cannot be counted is refused by whoever reads it.
            && data.to::<Length>().is_ok_and(|length| length.0 > most)
        {
            return Err(too_many(method, most));
        }
        if let Some(data) = data {
            self.write(method, data)?;
        }
        let lists = READ_BY_QUERY.contains(method);
        if self.unseen().next().is_none() && (!lists || self.queryable.is_none() && self.sortable.is_none()) {
            return Ok(());
        }
        query.iter().try_for_each(|(name, value)| match name {
            "$limit" | "$skip" => Ok(()),
            // Names no field: the order that it goes with does.
            "$cursor" if value.is_string() => Ok(()),
            "$select" => self.select(value),
            "$sort" => self.sort(value, lists),
            _ => self.member(name, value, lists),
        })
    }

    /// Looks at the fields of data, if not all may be written.
    fn write(&self, method: &Method, data: &Payload) -> Result<()> {
        let is_patch = *method == Method::Patch;
        let writes = matches!(method, Method::Create | Method::Update | Method::Patch);
        if !writes || self.read_only.is_empty() && (!is_patch || self.immutable.is_empty()) {
            return Ok(());
        }
        let Members(names) = data.to()?;
        // A store may read a dot as the way to what is inside a field.
        let outer = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let named = |fields: &[Box<str>]| names.iter().find(|name| fields.iter().any(|field| **field == *outer(name)));
        if let Some(name) = named(&self.read_only) {
            return Err(Error::bad_request(format!("Invalid data: '{name}' is written by the server alone")));
        }
        match named(&self.immutable).filter(|_| is_patch) {
            Some(name) => Err(Error::bad_request(format!("Invalid data: '{name}' cannot be changed"))),
            None => Ok(()),
        }
    }

    fn select(&self, value: &Value) -> Result<()> {
        names(value).iter().try_for_each(|name| match self.is_hidden(name) {
            true => Err(Error::bad_request(format!("Invalid $select: '{name}' is not allowed"))),
            false => Ok(()),
        })
    }

    fn sort(&self, value: &Value, lists: bool) -> Result<()> {
        names(value).iter().try_for_each(|name| {
            let name = name.trim_start_matches(['-', '+']);
            let unseen = self.unseen().any(|path| relation(path, name) != Relation::Elsewhere);
            match unseen || lists && !is_listed(self.sortable.as_deref(), name) {
                true => Err(Error::bad_request(format!("Invalid $sort: '{name}' is not allowed"))),
                false => Ok(()),
            }
        })
    }

    /// A member of the query, or of an element of `$or` or `$and`.
    fn member(&self, name: &str, value: &Value, lists: bool) -> Result<()> {
        match (name, value) {
            ("$or" | "$and", Value::Array(elements)) => elements.iter().try_for_each(|element| match element {
                Value::Object(members) => members.iter().try_for_each(|(name, value)| self.member(name, value, lists)),
                odd => self.filter(odd, &mut Vec::new()),
            }),
            (name, value) if name.starts_with('$') => self.filter(value, &mut Vec::new()),
            _ => {
                let matches = |path: &Path| match relation(path, name) {
                    Relation::Within => true,
                    Relation::Around => sees_inside(value),
                    Relation::Elsewhere => false,
                };
                match self.unseen().any(matches) || lists && !is_listed(self.queryable.as_deref(), name) {
                    true => Err(refused(name)),
                    false => Ok(()),
                }
            }
        }
    }

    /// A filter of the service's own: what it means is unknown, so it must not name what is hidden at all, neither as it is
    /// nor by the way to it.
    fn filter<'a>(&self, value: &'a Value, at: &mut Vec<&'a str>) -> Result<()> {
        let unseen = |name: &str| self.unseen().any(|path| relation(path, name) == Relation::Within);
        match value {
            Value::String(name) if unseen(name) => Err(refused(name)),
            Value::Array(items) => items.iter().try_for_each(|item| self.filter(item, at)),
            Value::Object(members) => members.iter().try_for_each(|(name, value)| {
                let keys = at.iter().flat_map(|name| name.split('.')).chain(name.split('.'));
                if unseen(name) || self.unseen().any(|path| relation_of(path, keys.clone()) == Relation::Within) {
                    return Err(refused(name));
                }
                let inside = !name.starts_with('$');
                at.extend(inside.then_some(name.as_str()));
                let checked = self.filter(value, at);
                at.truncate(at.len() - usize::from(inside));
                checked
            }),
            _ => Ok(()),
        }
    }

    fn is_hidden(&self, name: &str) -> bool {
        self.hidden.iter().any(|path| relation(path, name) == Relation::Within)
    }

    /// All fields whose stored values clients do not see.
    fn unseen(&self) -> impl Iterator<Item = &Path> {
        self.hidden.iter().chain(&self.altered)
    }
}

/// The error for a client that wants to write more than it may.
pub(crate) fn too_many(method: &Method, most: usize) -> Error {
    Error::bad_request(format!("Can not {method} more than {most} entries in one call"))
}

fn refused(name: &str) -> Error {
    Error::bad_request(format!("Invalid query parameter '{name}': it is not allowed"))
}
