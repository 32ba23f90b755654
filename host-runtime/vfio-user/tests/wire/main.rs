//! Both ends over real sockets.

mod bench;
mod hostile;
mod requests;
mod servers;
