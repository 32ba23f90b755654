//! Both ends over real sockets.

mod bench;
mod files;
mod hostile;
mod raw;
mod requests;
mod servers;
