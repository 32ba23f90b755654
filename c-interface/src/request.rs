//! How descriptors are to be judged: what C's options mean, checked before anything is done.

use std::time::Duration;

use host_runtime::PolicyChoice;
use host_runtime::queue::{QueueOptions, QueuePath, Serving};
use host_runtime::tcp::{Checksum, Options, Policy, PolicySlot, Profile};

use crate::arguments;
use crate::failure::{Failure, Result};
use crate::hardware::evaluate::tcp_options_t;
use crate::hardware::queue::tcp_queue_options_t;

/// What a call's options ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) profile: Profile,
    pub(crate) checksum: Checksum,
    /// Never [`PolicyChoice::OfProfile`], but what that stands for in C.
    pub(crate) policy: PolicyChoice,
    /// Longest wait for a piece of a batch; `None`: the runtime's own.
    pub(crate) timeout: Option<Duration>,
}

impl Request {
    /// What these options ask for; none ask for the compact profile with its own policy.
    ///
    /// # Safety
    /// `options` is null or may be read, and so with the policy in it.
    pub(crate) unsafe fn read(options: *const tcp_options_t) -> Result<Self> {
        if options.is_null() {
            return Ok(Self::of_profile(Profile::Compact));
        }
        // SAFETY: as the caller promised.
        let given = unsafe { arguments::read(options, "options") }?;
        let request = Self::of_profile(profile_of(given.profile)?);
        let is_given = given.policy_source == 1;
        if is_given == given.policy.is_null() {
            return Err(Failure::argument(
                "options",
                "has policy_source TCP_POLICY_GIVEN without a policy, or a policy without that",
            ));
        }
        if given.policy_source != 2 && given.policy_slot != 0 {
            return Err(Failure::argument(
                "options",
                "has a policy_slot, but policy_source is not TCP_POLICY_SLOT",
            ));
        }
        if given.reserved != 0 {
            return Err(Failure::argument("options", "has a reserved that is not 0"));
        }
        Ok(Self {
            checksum: checksum_of(given.checksum, request.profile)?,
            policy: match given.policy_source {
                0 => request.policy,
                1 => {
                    // SAFETY: as the caller promised.
                    let policy = unsafe { arguments::read(given.policy, "options.policy") }?;
                    PolicyChoice::Given(policy.to_policy()?)
                }
                2 => PolicyChoice::Slot(slot_of(given.policy_slot)?),
                other => return Err(no_such("policy_source", other, "tcp_policy_source_t")),
            },
            timeout: (given.timeout_ms != 0)
                .then(|| Duration::from_millis(given.timeout_ms.into())),
            ..request
        })
    }

    fn of_profile(profile: Profile) -> Self {
        Self {
            profile,
            checksum: profile.checksum(),
            policy: PolicyChoice::Given(Policy::for_profile(profile)),
            timeout: None,
        }
    }

    /// The options word's part of it.
    pub(crate) fn options(&self) -> Options {
        Options {
            checksum: self.checksum,
            ..Options::for_profile(self.profile)
        }
    }
}

/// The profile of a tcp_profile_t.
pub(crate) fn profile_of(code: u32) -> Result<Profile> {
    let profile = Profile::ALL.get(code as usize).copied();
    profile.ok_or_else(|| no_such("profile", code, "tcp_profile_t"))
}

/// The checksum of a tcp_checksum_t.
pub(crate) fn checksum_of(code: u32, profile: Profile) -> Result<Checksum> {
    match code {
        0 => Ok(profile.checksum()),
        1 => Ok(Checksum::Crc32),
        2 => Ok(Checksum::Sum),
        3 => Ok(Checksum::Modbus),
        other => Err(no_such("checksum", other, "tcp_checksum_t")),
    }
}

/// How a queue is to be opened.
///
/// # Safety
/// `options` is null or may be read, and so with the text in it.
pub(crate) unsafe fn queue_options(options: *const tcp_queue_options_t) -> Result<QueueOptions> {
    let mut asked = QueueOptions::default();
    if options.is_null() {
        return Ok(asked);
    }
    // SAFETY: as the caller promised.
    let given = unsafe { arguments::read(options, "options") }?;
    if !given.purpose.is_null() {
        // SAFETY: as the caller promised.
        asked.purpose = unsafe { arguments::text(given.purpose, "options.purpose") }?.to_owned();
    }
    if given.entries != 0 {
        asked.entries = given.entries as usize;
    }
    if given.timeout_ms != 0 {
        asked.timeout = Duration::from_millis(given.timeout_ms.into());
    }
    asked.path = match given.path {
        0 => QueuePath::Auto,
        1 => QueuePath::Ring,
        2 => QueuePath::Push,
        other => return Err(no_such("path", other, "tcp_queue_path_t")),
    };
    asked.serving = match given.serving {
        0 => Serving::Thread,
        1 => Serving::Caller,
        other => return Err(no_such("serving", other, "tcp_queue_serving_t")),
    };
    Ok(asked)
}

/// The slot of that index.
pub(crate) fn slot_of(index: u32) -> Result<PolicySlot> {
    PolicySlot::new(index)
        .map_err(|error| Failure::argument("slot", format!("is {index}: {error}")))
}

fn no_such(name: &'static str, code: u32, kind: &str) -> Failure {
    Failure::argument(name, format!("is {code}, which no {kind} has"))
}
