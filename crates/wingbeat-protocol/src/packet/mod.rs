//! The packets of Engine.IO 4 and Socket.IO 5, without I/O.
//!
//! * [`engine`]: the outer packet, one type character and its content, and the bodies of HTTP long-polling;
//! * [`Packet`]: the Socket.IO packet inside an Engine.IO message;
//! * [`Assembly`]: packets together with their attachments;
//! * [`Arguments`]: where the elements of an event's JSON array lie;
//! * [`Frame`]: a packet to send, encoded once for all its receivers.

mod arguments;
mod assembly;
pub mod engine;
mod frame;
pub mod msgpack;
mod scan;
mod socket;

pub use arguments::{Arguments, EventName};
pub use assembly::{Assembly, Content, Limits, Whole};
pub use frame::{Frame, Opcode, header, write_header, write_text};
pub use socket::{AckId, Malformed, Packet, PacketKind};
