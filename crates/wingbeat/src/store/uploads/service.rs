//! What the service of files does with a call.

use super::open::{Open, Working, not_open};
use super::partial::not_kept;
use super::receive::{Held, LONGEST, blocking, receive, too_large};
use super::tickets::token;
use super::{Record, Uploads, label, media};
use crate::app::guarded;
use crate::fair::{carried, current};
use crate::locked;
use crate::service::{
    Arrival, Blob, ClientRules, CustomMethods, FileAccess, FileStream, Incoming, Params, RawService, Redeemed,
    Services, Wanted,
};
use crate::store::uuid;
use serde_json::{Map, Value, json};
use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wingbeat_core::{Error, IdArg, Method, Payload, Result};

/// Within which time a ticket is good.
const TICKET: Duration = Duration::from_secs(60);
/// How many bytes a record may have.
const MAX_RECORD: usize = 64 * 1024;
/// What the service says of a file by itself.
const OWN: [&str; 4] = ["id", "size", "sha256", "createdAt"];

impl RawService for Uploads {
    fn methods(&self) -> Vec<Method> {
        vec![Method::Find, Method::Get, Method::Create, Method::Remove]
    }

    async fn find(&self, params: &Params) -> Result<Payload> {
        self.table.find(params).await
    }

    async fn get(&self, id: IdArg, params: &Params) -> Result<Payload> {
        let record = self.table.get(id.clone(), params).await?;
        if let Some(wanted) = params.extension::<Wanted>() {
            wanted.give(self.blob(id).await?);
        }
        Ok(record)
    }

    async fn create(&self, data: Option<Payload>, params: &Params) -> Result<Payload> {
        self.path()?;
        let said = self.said(data)?;
        let missing = || Error::bad_request("A file is missing: send it over HTTP, or ask for a ticket with `ticket`");
        let arrival = params.extension::<Incoming>().and_then(|incoming| incoming.take()).ok_or_else(missing)?;
        let (bytes, size) = arrived(arrival, &said).await?;
        // Whoever has gone is not noticed here: nobody waits for ever.
        let busy = |_| Error::unavailable("Too many files are on their way, try again later");
        let _place = timeout(self.patience, self.state.running.enter(current())).await.map_err(busy)??;
        let id = uuid().to_string();
        let held = Held { max: self.max, size, patience: self.patience };
        let partial = receive(&self.folder, &id, bytes, held, self.working()?).await?;
        let (whole, record) = blocking(move || {
            let mut record = Record::new();
            record.insert("id".into(), id.into());
            for (name, value) in [("name", Value::Null), ("type", Value::Null)] {
                record.insert(name.into(), said.get(name).cloned().unwrap_or(value));
            }
            record.insert("size".into(), partial.size().into());
            record.insert("sha256".into(), partial.sha256().into());
            record.insert("createdAt".into(), millis(SystemTime::now()).into());
            for (name, value) in said {
                record.entry(name).or_insert(value);
            }
            let written = serde_json::to_vec(&record).map_err(Error::internal)?;
            Ok((partial.finish(&written).map_err(not_kept)?, record))
        })
        .await?;
        let created = self.table.create(Some(Value::Object(record).into()), params).await?;
        whole.keep();
        Ok(created)
    }

    async fn remove(&self, id: IdArg, params: &Params) -> Result<Payload> {
        let IdArg::Id(_) = &id else {
            return Err(Error::method_not_allowed("Can not remove multiple entries"));
        };
        // Only what the query selects.
        let stored = self.table.get(id.clone(), &selecting_all(params)).await?;
        let (folder, file, working) = (self.folder.clone(), id_of(&stored)?, self.working()?);
        blocking(move || {
            let _working = working;
            folder.remove(&file).and_then(|()| folder.sync()).map_err(Error::internal)
        })
        .await?;
        self.table.remove(id, params).await
    }

    fn custom(methods: CustomMethods<Uploads>) -> CustomMethods<Uploads> {
        methods.add("ticket", Uploads::ticket)
    }

    fn check(&self) -> Result<()> {
        self.wrong.clone().map_or_else(|| self.table.check(), Err)
    }

    fn rules(&self) -> ClientRules {
        self.table.rules()
    }

    fn files(&self) -> Option<FileAccess> {
        Some(self.access())
    }

    async fn setup(&self, _: &Services, path: &str) -> Result<()> {
        let folder = self.folder.clone();
        let (lock, records) = blocking(move || folder.open()).await?;
        for record in records {
            self.table.create(Some(Value::Object(record).into()), &Params::new()).await?;
        }
        *locked(&self.state.open) = Some(Open::new(lock, path));
        Ok(())
    }

    async fn teardown(&self, _: &Services, _: &str) -> Result<()> {
        self.state.tickets.clear();
        let open = locked(&self.state.open).take();
        if let Some(open) = open {
            open.close().await;
        }
        Ok(())
    }
}

impl Uploads {
    /// Begins a `create` whose file comes later, and says where to bring it.
    async fn ticket(&self, data: Map<String, Value>, params: &Params) -> Result<Value> {
        let template = self.path()?;
        let size = data.get("size").and_then(Value::as_u64);
        let size = size.ok_or_else(|| Error::bad_request("Invalid size: say how many bytes the file has"))?;
        if size > self.max {
            return Err(too_large(self.max));
        }
        let place = self.state.waiting.enter(current()).await?;
        let (path, url) = filled(&template, params);
        let token = token()?;
        let (waited_for, waits) = oneshot::channel();
        let (bytes, incoming) = oneshot::channel();
        let (answer, mut record) = oneshot::channel();
        let mut own = params.clone();
        own.set_extension(Incoming::later(waited_for, incoming));
        let service = params.service(path)?.dispatched();
        let (tickets, key) = (self.state.tickets.clone(), token.clone());
        tokio::spawn(carried(async move {
            let outcome = guarded(service.create(Value::Object(data), own), TICKET + 2 * LONGEST).await;
            tickets.take(&key);
            drop(place);
            // Nobody may want to know.
            answer.send(outcome).ok();
        }));
        if waits.await.is_err() {
            // It ended before it came to the file.
            return match (&mut record).await {
                Ok(Err(error)) => Err(error),
                _ => Err(Error::general("A hook has answered for `create`, which waits for no file")),
            };
        }
        self.state.tickets.add(token.clone(), Redeemed { size, bytes, record });
        Ok(json!({ "url": format!("{url}/{token}/content"), "expires": millis(SystemTime::now() + TICKET) }))
    }

    /// Where it is mounted.
    fn path(&self) -> Result<Box<str>> {
        let open = locked(&self.state.open);
        let path = open.as_ref().map(|open| open.path.clone());
        path.ok_or_else(not_open)
    }

    /// What keeps the folder open for who works in it.
    fn working(&self) -> Result<Working> {
        locked(&self.state.open).as_ref().map(Open::working).ok_or_else(not_open)
    }

    /// What clients and hooks say of a file.
    fn said(&self, data: Option<Payload>) -> Result<Record> {
        let Some(Value::Object(mut said)) = data.map(Payload::into_value).transpose()? else {
            return Err(Error::bad_request("Invalid data: it must be an object, one for each file"));
        };
        let text = |name: &str, value: Option<Value>| match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::bad_request(format!("Invalid {name} of a file: it must be text"))),
        };
        OWN.iter().filter(|own| **own != "size").for_each(|own| drop(said.remove(*own)));
        let name = text("name", said.remove("name"))?.and_then(|name| label::label(&name));
        let media = media::given(text("type", said.remove("type"))?.as_deref())?;
        if !self.types.take(&media) {
            return Err(Error::bad_request(format!("Files of the type '{media}' are not taken")));
        }
        said.insert("name".into(), name.map_or(Value::Null, Value::String));
        said.insert("type".into(), media.into());
        let size = serde_json::to_vec(&said).map_err(Error::internal)?.len();
        if size > MAX_RECORD {
            return Err(Error::bad_request(format!("Invalid data: it is larger than {MAX_RECORD} bytes")));
        }
        Ok(said)
    }

    /// The file of a record.
    async fn blob(&self, id: IdArg) -> Result<Blob> {
        let record = self.table.get(id, &Params::new()).await?.into_value()?;
        let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
        let (id, sha256) = (text("id").unwrap_or_default(), text("sha256").unwrap_or_default());
        let (media, name) = (text("type").unwrap_or_default(), text("name"));
        let folder = self.folder.clone();
        blocking(move || {
            let gone = |error: std::io::Error| match error.kind() {
                ErrorKind::NotFound => Error::not_found(format!("No record found for id '{id}'")),
                _ => Error::internal(error),
            };
            let file = folder.open_blob(&id).map_err(gone)?;
            let size = file.metadata().map_err(Error::internal)?.len();
            let media = media::shown(&media).to_owned();
            Ok(Blob { id, file, size, sha256, media, name })
        })
        .await
    }
}

/// The bytes of a file, and how many they must be, where that was said.
async fn arrived(arrival: Arrival, said: &Record) -> Result<(FileStream, Option<u64>)> {
    match arrival {
        Arrival::Now { bytes, size } => Ok((bytes, size)),
        Arrival::Later { waited_for, bytes } => {
            waited_for.send(()).ok();
            let late = |_| Error::timeout("The file did not come while the ticket was good");
            let ended = |_| Error::unavailable("The ticket is not good any more");
            let bytes = timeout(TICKET, bytes).await.map_err(late)?.map_err(ended)?;
            Ok((bytes, said.get("size").and_then(Value::as_u64)))
        }
    }
}

fn id_of(record: &Payload) -> Result<String> {
    let record = record.to_value()?;
    record.get("id").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| Error::general("A file has no id"))
}

fn selecting_all(params: &Params) -> Params {
    let mut params = params.clone();
    params.query.take("$select");
    params
}

/// The service's path with the values of its placeholders: as services are called by it, and for a URL.
fn filled(template: &str, params: &Params) -> (String, String) {
    let (mut path, mut url) = (Vec::new(), String::new());
    for segment in template.split('/').filter(|segment| !segment.is_empty()) {
        let value = segment.strip_prefix(':').and_then(|name| params.route.get(name)).unwrap_or(segment);
        url.push('/');
        url.extend(percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC));
        path.push(value.to_owned());
    }
    (path.join("/"), url)
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
