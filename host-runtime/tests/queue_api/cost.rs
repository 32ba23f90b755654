//! The polled path of the software device neither allocates nor calls the system; that of a served card does not call it
//! either while the card is awake.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::process::{Command, Stdio};

use host_runtime::queue::{Completion, Queue, QueueOptions, Serving, Submission};
use host_runtime::tcp::{Descriptor, PolicySlot};
use host_runtime::{Card, CardId, SimOptions};

use crate::common::Bench;
use crate::traffic::Traffic;

/// Counts what each thread allocates and frees.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    CALLS.with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: all is done by the system's allocator; counting touches a plain thread-local number alone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on. So below.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn open(card: &Card, serving: Serving) -> Queue {
    let options = QueueOptions {
        serving,
        ..QueueOptions::default()
    };
    card.open_queue(&options).unwrap()
}

/// Submits all, one by one and in batches, cancels some, and polls until all is answered.
fn use_polled(queue: &mut Queue, submissions: &[Submission]) {
    let mut completions = [Completion::default(); 64];
    for batch in [1, 3, 200] {
        for submissions in submissions.chunks(batch) {
            if let [only] = submissions {
                queue.submit(*only).unwrap();
            } else {
                assert_eq!(queue.submit_many(submissions), submissions.len());
                assert!(queue.cancel(submissions[1].tag()));
            }
            while queue.outstanding() > 0 {
                queue.poll(&mut completions).unwrap();
            }
        }
    }
}

#[test]
fn polling_does_not_allocate() {
    for serving in [Serving::Thread, Serving::Caller] {
        let bench = Bench::new();
        let card = bench.open(CardId::Software(0));
        let mut queue = open(&card, serving);
        let mut traffic = Traffic::new(1);
        let submissions = traffic.many(2000);
        let policy = traffic.policy();
        let before = CALLS.get();
        use_polled(&mut queue, &submissions);
        // Policies too are judged by without allocating.
        for slot in PolicySlot::all() {
            queue.set_policy(slot, &policy).unwrap();
        }
        use_polled(&mut queue, &submissions);
        assert_eq!(CALLS.get() - before, 0, "{serving:?}");
    }
}

/// What the confined thread writes when it is through.
const THROUGH: &[u8] = b"polled without a system call\n";

/// The queue of a served card, instead of the software device's.
const SERVED: &str = "served";

/// How often a confined thread may be killed: it must wake the server, or the card, if that fell asleep on a busy machine.
const ATTEMPTS: usize = 50;

/// In a process of its own, because the kernel kills a thread that calls the system while it is confined: only read, write
/// and exit are left to it.
#[test]
fn polling_does_not_call_the_system() {
    for serving in ["thread", "caller", SERVED] {
        let is_through = |_| {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "cost::confined", "--ignored", "--nocapture"])
                .env("FPGA_TEST_SERVING", serving)
                .stderr(Stdio::null())
                .output()
                .unwrap();
            output
                .stdout
                .windows(THROUGH.len())
                .any(|part| part == THROUGH)
        };
        assert!((0..ATTEMPTS).any(is_through), "{serving}");
    }
}

#[test]
#[ignore = "the confined half of polling_does_not_call_the_system"]
fn confined() {
    let serving = match std::env::var("FPGA_TEST_SERVING").as_deref() {
        Ok("thread") => Serving::Thread,
        _ => Serving::Caller,
    };
    let bench = Bench::new();
    let card = match std::env::var("FPGA_TEST_SERVING").as_deref() {
        Ok(SERVED) => bench.open(bench.serve(SimOptions::default())),
        _ => bench.open(CardId::Software(0)),
    };
    let mut queue = open(&card, serving);
    let submission = |tag| Submission::with_options_word(Descriptor([7; 24]), tag, 0);
    let submissions: [Submission; 16] = std::array::from_fn(|tag| submission(tag as u32));
    let polls = std::thread::spawn(move || {
        use_polled(&mut queue, &submissions);
        // SAFETY: these calls touch no memory of ours but the bytes written.
        unsafe {
            assert_eq!(
                libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT),
                0
            );
            use_polled(&mut queue, &submissions);
            libc::syscall(libc::SYS_write, 1, THROUGH.as_ptr(), THROUGH.len());
            libc::syscall(libc::SYS_exit, 0);
        }
    });
    // It panics, because that thread never ends as threads do: what counts is what it wrote.
    let _ = polls.join();
}
