//! The framework from outside: its structure, and real sockets.

mod beside;
mod mounted;
mod rooms;
mod sockets;
