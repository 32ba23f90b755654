//! The limits of an engine, and how patient it is.

use std::num::NonZeroU32;
use std::time::Duration;

use super::error::DecisionError;

/// Limits of what the engine holds, and how patient it is with lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Sessions that may be open at once, 1 to 2³⁰. Memory is taken as they are opened.
    pub max_agents: usize,
    /// Namespaces there may be at once, 1 to 2²⁰.
    pub max_namespaces: usize,
    /// Requests that may be under way at once, 1 to 65,536. One more is answered Overload.
    pub max_under_way: usize,
    /// How long a lane may take for a request before it has failed, 1 µs to 1 hour.
    pub lane_timeout: Duration,
    /// Every how manieth verdict of a card is compared with the golden model; `None`: none is.
    pub audit: Option<NonZeroU32>,
    /// Clients there may be at once, of [`decide`](super::DecisionEngine::decide) too, 1 to 65,536.
    pub max_clients: usize,
    /// Questions of one client that may be unanswered, 1 to 65,536.
    pub client_entries: usize,
}

impl Default for Settings {
    /// A million agents and more, 8192 requests under way, a tenth of a second for a lane.
    fn default() -> Self {
        Self {
            max_agents: 1 << 21,
            max_namespaces: 1 << 10,
            max_under_way: 1 << 13,
            lane_timeout: Duration::from_millis(100),
            audit: NonZeroU32::new(1024),
            max_clients: 64,
            client_entries: 1024,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), DecisionError> {
        let hour = Duration::from_secs(3600).as_nanos();
        let ranges = [
            ("max_agents", self.max_agents as u128, 1, 1 << 30),
            ("max_namespaces", self.max_namespaces as u128, 1, 1 << 20),
            ("max_under_way", self.max_under_way as u128, 1, 1 << 16),
            (
                "lane_timeout in nanoseconds",
                self.lane_timeout.as_nanos(),
                1000,
                hour,
            ),
        ];
        for (setting, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(DecisionError::Setting {
                    setting,
                    value,
                    least,
                    most,
                });
            }
        }
        Ok(())
    }
}
