//! The framework from outside: its structure, and real sockets.

mod beside;
mod rooms;
mod sockets;
