//! How a session ends.

use crate::Reason;
use crate::ws::Violation;

/// The end of a session: what its sockets are told, and what the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) reason: Reason,
    pub(crate) farewell: Farewell,
}

/// The last thing that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// A close frame, perhaps with a code; on polling the close packet.
    Close(Option<u16>),
    /// Nothing: the client has said that it closes.
    Silence,
    /// The answer to the client's close frame.
    Answer(Option<u16>),
    /// Nothing: the client is gone, or takes nothing.
    Gone,
}

impl End {
    pub(crate) fn close(reason: Reason) -> End {
        End { reason, farewell: Farewell::Close(None) }
    }

    pub(crate) fn gone(reason: Reason) -> End {
        End { reason, farewell: Farewell::Gone }
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> End {
        End { reason: Reason::TransportError, farewell: Farewell::Close(Some(violation.code())) }
    }
}

impl From<crate::ws::Lost> for End {
    fn from(_: crate::ws::Lost) -> End {
        End::gone(Reason::TransportClose)
    }
}
