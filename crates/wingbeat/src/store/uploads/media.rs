//! Types of files: which are taken, and as what they are shown.

use wingbeat_core::{Error, Result};

/// What nobody knows more about.
const UNKNOWN: &str = "application/octet-stream";

/// What browsers show without running anything of it, beside pictures, sounds and films.
const HARMLESS: [&str; 5] = ["application/json", "application/pdf", "application/zip", "text/csv", "text/plain"];

/// The types that are taken; all of them where nothing is said.
#[derive(Clone, Debug, Default)]
pub(super) struct Types(Option<Box<[Box<str>]>>);

impl Types {
    /// Only these: `image/png`, or `image/*`.
    ///
    /// # Errors
    /// Names the first one that is no type.
    pub(super) fn only<T: AsRef<str>>(types: impl IntoIterator<Item = T>) -> Result<Types> {
        let read = |media: T| {
            let media = media.as_ref();
            essence(media).filter(|essence| essence.eq_ignore_ascii_case(media)).map(Box::from).ok_or_else(|| {
                Error::general(format!("Invalid option 'types': '{media}' is not a type; write image/png or image/*"))
            })
        };
        Ok(Types(Some(types.into_iter().map(read).collect::<Result<_>>()?)))
    }

    pub(super) fn take(&self, media: &str) -> bool {
        let fits = |one: &str| match one.strip_suffix('*') {
            Some("*/") => true,
            Some(start) => media.starts_with(start),
            None => one == media,
        };
        self.0.as_ref().is_none_or(|types| types.iter().any(|one| fits(one)))
    }
}

/// A type without its parameters, in small letters, if it is one.
pub(super) fn essence(media: &str) -> Option<String> {
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(allowed)
    };
    let (kind, subtype) = essence.split_once('/')?;
    (essence.len() <= 127 && is_token(kind) && is_token(subtype)).then_some(essence)
}

/// The type of a file that a client calls this.
///
/// # Errors
/// BadRequest if it is no type.
pub(super) fn given(media: Option<&str>) -> Result<String> {
    match media {
        None | Some("") => Ok(UNKNOWN.to_owned()),
        Some(media) => essence(media)
            .filter(|media| !media.contains('*'))
            .ok_or_else(|| Error::bad_request("Invalid type of a file")),
    }
}

/// As what a file is shown: what may hold scripts is only bytes, whoever has taken it.
pub(super) fn shown(media: &str) -> &str {
    let plays = ["image/", "audio/", "video/"].iter().any(|kind| media.starts_with(kind)) && !media.ends_with("xml");
    match plays || HARMLESS.contains(&media) {
        true => media,
        false => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_scripts_is_shown_as_bytes() {
        for active in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "text/javascript", "x/y"] {
            assert_eq!(shown(active), UNKNOWN, "{active}");
        }
        for harmless in ["image/png", "video/mp4", "text/plain", "application/pdf"] {
            assert_eq!(shown(harmless), harmless);
        }
    }

    #[test]
    fn a_type_loses_its_parameters_and_must_be_one() {
        assert_eq!(given(Some("Image/PNG; a=b")).unwrap(), "image/png");
        assert_eq!(given(None).unwrap(), UNKNOWN);
        for odd in ["png", "image/", "a/b/c", "image/png\r\nx: y", "*/*", "image/é"] {
            assert!(given(Some(odd)).is_err(), "{odd}");
        }
    }

    #[test]
    fn types_are_taken_by_name_or_by_kind() {
        let types = Types::only(["image/*", "text/plain"]).unwrap();
        assert!(types.take("image/png") && types.take("text/plain"));
        assert!(!types.take("text/html") && !types.take("imagex/png"));
        assert!(Types::default().take("text/html") && Types::only(["*/*"]).unwrap().take("text/html"));
        assert!(Types::only(["png"]).is_err() && Types::only(["image/png; q=1"]).is_err());
    }
}
