//! Starting and stopping an engine, and its lanes.

use std::ffi::c_char;

use host_runtime::decision::LaneStatus;

use crate::arguments::{self, Out};
use crate::boundary::call;
use crate::failure::Failure;
use crate::hardware::cards::chars;
use crate::hardware::status::tcp_status_t;
use crate::open_engine::{ENGINES, EngineOptions, OpenEngine};

/// Of tcp_decision_engine_options_t: no verdict is compared with the golden model.
pub const TCP_AUDIT_NONE: u32 = u32::MAX;

/// A decision engine.
#[derive(Debug)]
pub struct tcp_decision_engine_t {
    _opaque: (),
}

/// How an engine is started. All zeros, or NULL in its place, decides by the software device alone. A limit or time of 0 is
/// the one that the comment tells.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tcp_decision_engine_options_t {
    /// Names of cards, the preferred one first; NULL if there are none. Each of them judges through a queue. After them comes
    /// the software device, in the engine's own thread, if it is not the last of them already.
    pub cards: *const *const c_char,
    /// How many names.
    pub card_count: usize,
    /// Sessions that may be open at once; 0 for 2097152. Memory is taken as they are opened.
    pub max_agents: u32,
    /// Namespaces there may be at once; 0 for 1024.
    pub max_namespaces: u32,
    /// Requests that may be under way at once, 65536 at most; 0 for 8192. One more is answered TCP_REASON_OVERLOAD.
    pub max_under_way: u32,
    /// Threads that may wait in tcp_decide, and clients, at once; 0 for 64.
    pub max_clients: u32,
    /// Requests of one client that may be unanswered; 0 for 1024.
    pub client_entries: u32,
    /// How long a card may take for a request before it has failed, in microseconds; 0 for 100000. A simulated card needs more.
    pub lane_timeout_us: u32,
    /// Every how manieth verdict of a card is compared with the golden model; 0 for 1024, or TCP_AUDIT_NONE.
    pub audit_interval: u32,
    /// Must be 0.
    pub reserved: u32,
}

/// What judges for an engine: a card, or the software device. Texts that do not fit are cut.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tcp_decision_lane_t {
    /// Its name.
    pub name: [c_char; 64],
    /// Why it failed; empty while it lives.
    pub failure: [c_char; 512],
    /// Requests that it has.
    pub under_way: u64,
    /// Requests that it has completed.
    pub completed: u64,
    /// How often it failed.
    pub failures: u64,
    /// Requests that were moved from it to others, or rejected for want of one.
    pub moved: u64,
    /// 1 while it lives, else 0.
    pub lives: u32,
    /// 0.
    pub reserved: u32,
}

impl From<&LaneStatus> for tcp_decision_lane_t {
    fn from(status: &LaneStatus) -> Self {
        Self {
            name: chars(&status.name),
            failure: chars(status.failure.as_deref().unwrap_or_default()),
            under_way: status.under_way as u64,
            completed: status.completed,
            failures: status.failures,
            moved: status.moved,
            lives: status.failure.is_none().into(),
            reserved: 0,
        }
    }
}

/// Starts an engine with a thread of its own. `engine` becomes the handle, or NULL on an error, such as a card that cannot
/// be opened: then start it without that card.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_decision_engine_start(
    options: *const tcp_decision_engine_options_t,
    engine: *mut *mut tcp_decision_engine_t,
) -> tcp_status_t {
    call("tcp_decision_engine_start", || {
        // SAFETY: as the header demands.
        let engine = unsafe { Out::new(engine, "engine", std::ptr::null_mut()) }?;
        // SAFETY: as the header demands.
        let options = unsafe { read_options(options) }?;
        engine.set(ENGINES.insert(OpenEngine::start(options)?)?);
        Ok(())
    })
}

/// Stops an engine. What is under way is answered REJECT, TCP_REASON_STOPPING; clients can still take their answers.
/// TCP_ERROR_BUSY says that a card does not return from a call, and its thread stays behind; everything is answered all the
/// same. Stopping it once more is TCP_ERROR_HANDLE and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_decision_engine_stop(engine: *mut tcp_decision_engine_t) -> tcp_status_t {
    call("tcp_decision_engine_stop", || {
        let stopping = ENGINES.get(engine)?;
        ENGINES.remove(engine)?;
        stopping.stopped()
    })
}

/// How the cards do, in the order of the options, the software device last: as many as `capacity` allows. `count` becomes the
/// number of all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_decision_engine_lanes(
    engine: *mut tcp_decision_engine_t,
    lanes: *mut tcp_decision_lane_t,
    capacity: usize,
    count: *mut usize,
) -> tcp_status_t {
    call("tcp_decision_engine_lanes", || {
        // SAFETY: as the header demands.
        let count = unsafe { Out::new(count, "count", 0) }?;
        arguments::check_array(lanes, capacity, "lanes")?;
        let statuses = ENGINES.get(engine)?.lanes()?;
        for (index, status) in statuses.iter().enumerate().take(capacity) {
            // SAFETY: inside the array that the header demands; it was checked.
            unsafe { lanes.add(index).write(status.into()) };
        }
        count.set(statuses.len());
        Ok(())
    })
}

/// Opens another queue on a card that failed, after somebody has mended it: requests go to it again. `lane` is its index in
/// tcp_decision_engine_lanes.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_decision_engine_reinstate(
    engine: *mut tcp_decision_engine_t,
    lane: usize,
) -> tcp_status_t {
    call("tcp_decision_engine_reinstate", || {
        ENGINES.get(engine)?.reinstate(lane)
    })
}

/// # Safety
/// `options` is null or may be read, and so with the names in it.
unsafe fn read_options(
    options: *const tcp_decision_engine_options_t,
) -> Result<EngineOptions, Failure> {
    let mut asked = EngineOptions::default();
    if options.is_null() {
        return Ok(asked);
    }
    // SAFETY: as the caller promised.
    let given = unsafe { arguments::read(options, "options") }?;
    arguments::check_array(given.cards, given.card_count, "options.cards")?;
    for index in 0..given.card_count {
        // SAFETY: inside the array that the caller promised; it was checked.
        let name = unsafe { arguments::text(given.cards.add(index).read(), "options.cards") }?;
        asked.cards.push(name.parse()?);
    }
    if given.reserved != 0 {
        return Err(Failure::argument("options", "has a reserved that is not 0"));
    }
    let settings = &mut asked.settings;
    for (setting, given) in [
        (&mut settings.max_agents, given.max_agents),
        (&mut settings.max_namespaces, given.max_namespaces),
        (&mut settings.max_under_way, given.max_under_way),
        (&mut settings.max_clients, given.max_clients),
        (&mut settings.client_entries, given.client_entries),
    ] {
        if given != 0 {
            *setting = given as usize;
        }
    }
    if given.lane_timeout_us != 0 {
        settings.lane_timeout = std::time::Duration::from_micros(given.lane_timeout_us.into());
    }
    match given.audit_interval {
        0 => {}
        TCP_AUDIT_NONE => settings.audit = None,
        interval => settings.audit = std::num::NonZeroU32::new(interval),
    }
    Ok(asked)
}
