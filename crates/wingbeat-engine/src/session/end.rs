//! How a session ends.

use crate::Reason;
use crate::ws::Violation;

/// The end of a session: the reason for its sockets, and the one for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionEnd {
    pub(crate) reason: Reason,
    pub(crate) action: CloseAction,
}

/// The last thing that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseAction {
    /// A close frame, perhaps with a code; on polling the close packet.
    Close(Option<u16>),
    /// Nothing: the client has said that it closes.
    Silence,
    /// The answer to the client's close frame.
    Answer(Option<u16>),
    /// Nothing: the client is gone, or takes nothing.
    Gone,
}

impl SessionEnd {
    pub(crate) fn close(reason: Reason) -> SessionEnd {
        SessionEnd { reason, action: CloseAction::Close(None) }
    }

    pub(crate) fn gone(reason: Reason) -> SessionEnd {
        SessionEnd { reason, action: CloseAction::Gone }
    }
}

impl From<Violation> for SessionEnd {
    fn from(violation: Violation) -> SessionEnd {
        SessionEnd { reason: Reason::TransportError, action: CloseAction::Close(Some(violation.code())) }
    }
}

impl From<crate::ws::ConnectionLost> for SessionEnd {
    fn from(_: crate::ws::ConnectionLost) -> SessionEnd {
        SessionEnd::gone(Reason::TransportClose)
    }
}
