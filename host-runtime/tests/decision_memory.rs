//! What a million idle agents take: memory that is mapped by exact arithmetic, all other counted where it is given out.
//! A test program of its own, for nothing else may take memory meanwhile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use host_runtime::decision::{AgentId, Core, JudgeLane, NamespaceId, Settings};
use host_runtime::tcp::{Options, Policy};

/// The most that an idle agent may take, in bytes.
const MOST: f64 = 128.0;

/// Counts the bytes that are given out.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes on to the system's allocator, and counts beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn an_idle_agent_takes_at_most_128_bytes_with_all_that_the_engine_holds() {
    let before = HELD.load(Ordering::Relaxed);
    let mut core = Core::new(&Settings::default(), vec![Box::new(JudgeLane::new())]).unwrap();
    for namespace in 0..16 {
        core.add_namespace(
            NamespaceId(namespace),
            Options::default(),
            &Policy::default(),
        )
        .unwrap();
    }
    let mut worst: f64 = 0.0;
    for agent in 1..=1_600_000u64 {
        core.open(AgentId(agent << 32), NamespaceId(agent as u32 % 16))
            .unwrap();
        // All the time while the table grows too, once there are agents enough to carry what is fixed.
        if agent >= 100_000 && agent % 64 == 0 || agent == 1_000_000 {
            let heap = HELD.load(Ordering::Relaxed) - before;
            let each = (heap + core.session_memory()) as f64 / agent as f64;
            worst = worst.max(each);
            assert!(each <= MOST, "{each:.1} bytes at {agent} agents");
            if agent == 1_000_000 {
                println!("{each:.1} bytes an idle agent, of {agent}");
            }
        }
    }
    println!("{worst:.1} bytes at worst, while the table grows");
    assert!(
        worst > 16.0,
        "an entry is 16 bytes, so something was not counted"
    );
}
