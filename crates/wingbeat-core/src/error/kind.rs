//! The classes of errors that Feathers knows.

use super::Error;
use std::borrow::Cow;

macro_rules! classes {
    ($($kind:ident $code:literal $class:literal $new:ident),* $(,)?) => {
        /// The classes of errors that Feathers knows, each with an HTTP-like code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $(#[doc = concat!("Code ", stringify!($code), ", `", $class, "`.")] $kind,)*
        }

        impl ErrorKind {
            /// Every class.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$kind),*];

            /// The class name as clients see it, for example `NotFound`.
            pub fn name(self) -> &'static str {
                match self { $(ErrorKind::$kind => stringify!($kind),)* }
            }

            /// The code, for example 404.
            pub fn code(self) -> u16 {
                match self { $(ErrorKind::$kind => $code,)* }
            }

            /// The CSS-like class name, for example `not-found`.
            pub fn class_name(self) -> &'static str {
                match self { $(ErrorKind::$kind => $class,)* }
            }
        }

        impl Error {
            $(
                #[doc = concat!("An error of class `", stringify!($kind), "`, code ", stringify!($code), ".")]
                pub fn $new(message: impl Into<Cow<'static, str>>) -> Error {
                    Error::new(ErrorKind::$kind, message)
                }
            )*
        }
    };
}

classes! {
    BadRequest 400 "bad-request" bad_request,
    NotAuthenticated 401 "not-authenticated" not_authenticated,
    PaymentError 402 "payment-error" payment_error,
    Forbidden 403 "forbidden" forbidden,
    NotFound 404 "not-found" not_found,
    MethodNotAllowed 405 "method-not-allowed" method_not_allowed,
    NotAcceptable 406 "not-acceptable" not_acceptable,
    Timeout 408 "timeout" timeout,
    Conflict 409 "conflict" conflict,
    Gone 410 "gone" gone,
    LengthRequired 411 "length-required" length_required,
    Unprocessable 422 "unprocessable" unprocessable,
    TooManyRequests 429 "too-many-requests" too_many_requests,
    GeneralError 500 "general-error" general,
    NotImplemented 501 "not-implemented" not_implemented,
    BadGateway 502 "bad-gateway" bad_gateway,
    Unavailable 503 "unavailable" unavailable,
}

impl ErrorKind {
    /// The class with this code, if there is one.
    pub fn from_code(code: u16) -> Option<ErrorKind> {
        ErrorKind::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// The class with this name, if there is one.
    pub fn from_name(name: &str) -> Option<ErrorKind> {
        ErrorKind::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
