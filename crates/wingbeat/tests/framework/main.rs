//! The framework from outside: its structure, and real sockets.

mod rooms;
mod sockets;
