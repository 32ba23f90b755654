//! The runtime: cards, the descriptors they judge, and the policies they judge by.

pub mod collection;
pub mod tcp;
