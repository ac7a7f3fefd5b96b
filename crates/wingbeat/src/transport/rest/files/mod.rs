//! Files over HTTP: bodies that are one, forms with one, and `/files/1/content`.

mod content;
mod disposition;
mod form;
mod range;
mod upload;

use super::answer;
use super::endpoint::{Asked, Endpoint};
use super::refused::Refused;
use super::target::{Target, decoded_id};
use crate::app::{Dispatcher, HttpBody, Outcome, json_response};
use crate::service::invocation::Arguments;
use crate::service::{FileAccess, Redeemed, Wanted};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method as Verb, Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use upload::{Exceeded, Upload, content_length};
use wingbeat_core::{Error, Id, IdArg, Method};

/// How long an upload may take at most: longer than a service gives it, which knows whether it goes on.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// What stands behind the path of a record whose file is meant.
const CONTENT: &str = "/content";

/// The file of a record, or of a ticket: `/files/1/content`.
pub(super) struct ContentTarget {
    service: String,
    access: FileAccess,
    /// Whether clients may read the record.
    exposes_get: bool,
    /// Still percent-encoded.
    id: String,
}

impl ContentTarget {
    pub(super) fn of(path: &str, dispatcher: &Dispatcher) -> Option<ContentTarget> {
        let record = path.trim_end_matches('/').strip_suffix(CONTENT)?;
        // A service that is mounted there comes first.
        let mounts = dispatcher.mounts();
        let target = |path| Target::of(path, &mounts);
        if target(path).is_some_and(|target| target.id(path).is_none()) {
            return None;
        }
        let target = target(record)?;
        let (id, service) = (target.id(record)?.to_owned(), target.service(record).into_owned());
        Some(ContentTarget {
            access: target.mounted.files()?,
            exposes_get: target.mounted.exposes(&Method::Get),
            service,
            id,
        })
    }
}

impl Endpoint {
    /// A `create` with a file.
    pub(super) async fn upload(
        &self,
        head: &Parts,
        body: HttpBody,
        access: &FileAccess,
        (asked, mut arguments): (&Asked<'_>, Arguments),
    ) -> Result<Outcome, Refused> {
        // Goes with the response that is waited for: by it a body without a length is known to have ended, not broken off.
        let present = Arc::new(());
        let read = upload::read(&head.headers, body, access, Arc::downgrade(&present));
        let late = |_| Refused::from(Error::timeout("The beginning of the body did not arrive in time"));
        let read = tokio::time::timeout(self.dispatcher.limit(), read).await.map_err(late)?;
        let Upload { data, incoming, exceeded } = read.map_err(|refused| refused.told(self))?;
        arguments.data = Some(data);
        arguments.params.set_extension(incoming);
        let dispatcher = self.dispatcher.with_limit(LONGEST);
        let outcome = self.run_by(&dispatcher, asked, "create", arguments).await;
        drop(present);
        outcome.map_err(|error| match exceeded.is_said() {
            true => Refused { status: Some(StatusCode::PAYLOAD_TOO_LARGE), ..error.into() },
            false => error.into(),
        })
    }

    /// The file of a record to read, or that of a ticket to bring.
    pub(super) async fn content(
        &self,
        head: &Parts,
        body: HttpBody,
        target: ContentTarget,
    ) -> Result<Response<HttpBody>, Refused> {
        match head.method {
            Verb::GET | Verb::HEAD => self.show(head, target).await,
            Verb::PUT => self.bring(head, body, target).await,
            _ => {
                let error = Error::method_not_allowed(format!("Method {} not allowed", head.method));
                Err(Refused { allow: Some("GET, HEAD, PUT".to_owned()), ..self.told(error).into() })
            }
        }
    }

    /// Asks for the record, as its hooks want it, and answers the file that was found on the way.
    async fn show(&self, head: &Parts, target: ContentTarget) -> Result<Response<HttpBody>, Refused> {
        let id = decoded_id(&target.id).map_err(|error| self.told(error))?;
        let mut arguments = Arguments { id: IdArg::Id(Id::from(id.clone())), ..Arguments::default() };
        arguments.params.query = self.query_of(head)?.into();
        let wanted = Wanted::default();
        arguments.params.set_extension(wanted.clone());
        if !target.exposes_get {
            let error = Error::method_not_allowed("Method `get` is not supported by this endpoint.");
            return Err(self.told(error).into());
        }
        let outcome = self.run(&self.asked(head, target.service.into()), "get", arguments).await?;
        if outcome.status() != 200 || outcome.location().is_some() {
            return answer::answered(head, outcome).map_err(|error| self.told(error).into());
        }
        // A hook may have answered without the service, or have asked it for another record.
        let none = || self.told(Error::not_found(format!("No content found for id '{id}'")));
        let blob = wanted.take().filter(|blob| blob.id == id).ok_or_else(none)?;
        let mut response = content::answered(head, blob);
        // What hooks say, except where it would undo what keeps browsers safe.
        for (name, value) in outcome.headers() {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().entry(name).or_insert(value);
            }
        }
        Ok(response)
    }

    /// Hands a file to the call that waits for it.
    async fn bring(&self, head: &Parts, body: HttpBody, target: ContentTarget) -> Result<Response<HttpBody>, Refused> {
        let gone = || self.told(Error::not_found("No such ticket: it is good once, and for a minute"));
        let length = content_length(&head.headers).map_err(|refused| refused.told(self))?;
        // A wrong length does not use the ticket up.
        let announced = target.access.0.announced(&target.id).ok_or_else(gone)?;
        if length.is_some_and(|length| length != announced) {
            let why = format!("The file must have {announced} bytes, as the ticket says");
            return Err(self.told(Error::bad_request(why)).into());
        }
        let Redeemed { size, bytes, record } = target.access.0.redeem(&target.id).ok_or_else(gone)?;
        let (present, exceeded) = (Arc::new(()), Exceeded::default());
        // If the call has ended meanwhile, it says why.
        let body = upload::bytes(body, length, Arc::downgrade(&present));
        bytes.send(upload::limited(body, size, exceeded.clone())).ok();
        let ended = |_| Error::unavailable("The application has ended");
        let record = record.await.map_err(ended).and_then(|record| record).and_then(wingbeat_core::Payload::into_raw);
        drop(present);
        record.map(|record| json_response(StatusCode::CREATED, record)).map_err(|error| {
            let refused = Refused::from(self.told(error));
            if exceeded.is_said() {
                Refused { status: Some(StatusCode::PAYLOAD_TOO_LARGE), ..refused }
            } else {
                refused
            }
        })
    }
}

#[cfg(test)]
mod tests;
