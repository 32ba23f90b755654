//! The headers are what cbindgen makes of the sources, so that neither can change without the other; and they check their
//! own layout when a program includes them.

use std::mem::offset_of;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config, DocumentationStyle, ItemType, Language, Style};
use tcp_hardware::hardware::{cards, evaluate, policy, queue};
use tcp_hardware::safety::{decide, engine, statistics};

/// Set to anything, it makes the test write the headers.
const WRITE_VARIABLE: &str = "WRITE_HEADERS";

/// What every header of ours needs to check its structures.
const ASSERT: &str = "\
#ifndef TCP_STATIC_ASSERT
#if defined(__cplusplus) && __cplusplus >= 201103L
#define TCP_STATIC_ASSERT(condition) static_assert(condition, #condition)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define TCP_STATIC_ASSERT(condition) _Static_assert(condition, #condition)
#else
#define TCP_STATIC_ASSERT(condition) extern int tcp_static_assert[(condition) ? 1 : -1]
#endif
#endif
";

struct Header {
    name: &'static str,
    /// Begins the header.
    introduction: &'static str,
    includes: &'static [&'static str],
    sources: &'static [&'static str],
    /// Types that no function names, because C says them in integers.
    named_values: &'static [&'static str],
    layouts: Vec<Layout>,
}

/// A structure as Rust has it.
struct Layout {
    name: &'static str,
    size: usize,
    /// Each field and where it begins.
    offsets: Vec<(&'static str, usize)>,
}

macro_rules! layouts {
    ($($module:ident::$type:ident { $($field:ident),* $(,)? }),* $(,)?) => {
        vec![$({
            // Does not compile unless every field is named.
            let _ = |$module::$type { $($field: _),* }: $module::$type| ();
            Layout {
                name: stringify!($type),
                size: size_of::<$module::$type>(),
                offsets: vec![$((stringify!($field), offset_of!($module::$type, $field))),*],
            }
        }),*]
    };
}

fn hardware() -> Header {
    Header {
        name: "hardware",
        introduction: "\
/* libtcp_hardware: decisions about descriptors of the Tool Capability Protocol, on cards or without one.
 *
 * Pointers: unless a comment says that it may be NULL, a pointer must point to what its type says, an array to as many
 * elements as its length says. NULL, misaligned arrays and lengths that no memory has are found and refused. Memory that is
 * handed to a function must not be written by another thread during the call. Handles are not followed: one that was closed,
 * or never was one, is TCP_ERROR_HANDLE.
 *
 * Threads: every function may be called by any thread at any time, on the same handles too.
 *
 * Errors: functions return TCP_OK, or say what failed in tcp_last_error(). Whenever one fails, its outputs hold the closed
 * answer: REJECT, a verdict of 0, a policy that rejects everything, a NULL handle.
 *
 * After fork(), only the process that opened a handle may use it. */",
        includes: &[],
        sources: &["status", "version", "cards", "evaluate", "policy", "queue"],
        named_values: &[
            "tcp_hardware_kind_t",
            "tcp_hardware_state_t",
            "tcp_decision_code_t",
            "tcp_risk_t",
            "tcp_cause_t",
            "tcp_checksum_t",
            "tcp_policy_source_t",
            "tcp_profile_t",
            "tcp_queue_path_t",
            "tcp_queue_serving_t",
        ],
        layouts: layouts![
            cards::tcp_hardware_info_t { name, description, problem, image, generation, kind, state },
            evaluate::tcp_descriptor_t { bytes },
            evaluate::tcp_options_t {
                profile, checksum, policy_source, policy_slot, policy, timeout_ms, reserved,
            },
            evaluate::tcp_result_t {
                decision, risk, cause, verdict, over_maximum, flag_hit, low_flags,
            },
            evaluate::tcp_tally_t {
                descriptors, valid, decisions, causes, over_maximum, flag_hit,
            },
            policy::tcp_policy_t {
                risk, exceeded, reserved, reserved_mask, deny_mask, approval_mask, max_exec_ms,
                max_memory_mb, max_output_kb,
            },
            queue::tcp_queue_options_t { purpose, entries, path, serving, timeout_ms },
            queue::tcp_submission_t { descriptor, tag, options },
            queue::tcp_completion_t { tag, decision, verdict, cause, policy_version },
        ],
    }
}

fn safety() -> Header {
    Header {
        name: "safety",
        introduction: "\
/* The decision engine of libtcp_hardware: may this agent run this tool? Answered for very many agents at once, by cards or
 * without one, and REJECT when in doubt. docs/decision-engine.md says what it guarantees.
 *
 * What tcp/hardware.h says of pointers, threads, errors and fork() holds here too. */",
        includes: &["hardware.h"],
        sources: &["engine", "namespaces", "decide", "statistics"],
        named_values: &["tcp_reason_t"],
        layouts: layouts![
            engine::tcp_decision_engine_options_t {
                cards, card_count, max_agents, max_namespaces, max_under_way, max_clients, client_entries, lane_timeout_us,
                audit_interval, reserved,
            },
            engine::tcp_decision_lane_t {
                name, failure, under_way, completed, failures, moved, lives, reserved,
            },
            decide::tcp_decision_t {
                agent_id, ticket, descriptor, namespace_id, reason, result, policy_version, latency_ns,
            },
            statistics::tcp_decision_statistics_t {
                answers, decisions, reasons, latency_p50_ns, latency_p99_ns, latency_p999_ns, latency_max_ns,
            },
        ],
    }
}

impl Header {
    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("include/tcp/{}.h", self.name))
    }

    fn generate(&self) -> String {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(self.name);
        let mut config = Config {
            language: Language::C,
            style: Style::Both,
            cpp_compat: true,
            documentation_style: DocumentationStyle::C99,
            include_guard: Some(format!("TCP_{}_H", self.name.to_uppercase())),
            header: Some(self.introduction.to_owned()),
            autogen_warning: Some(format!(
                "/* Made by cbindgen from c-interface/src/{}; `{}` makes it anew. */",
                self.name,
                command()
            )),
            no_includes: true,
            sys_includes: ["stddef.h", "stdint.h"].map(str::to_owned).into(),
            includes: self
                .includes
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            trailer: Some(self.layout_checks()),
            usize_is_size_t: true,
            line_length: 120,
            tab_width: 4,
            ..Config::default()
        };
        config.enumeration.enum_class = false;
        config.export.include = self
            .named_values
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        config.export.item_types = vec![
            ItemType::Constants,
            ItemType::Enums,
            ItemType::Structs,
            ItemType::OpaqueItems,
            ItemType::Typedefs,
            ItemType::Functions,
        ];
        let builder = Builder::new().with_config(config);
        let builder = self.sources.iter().fold(builder, |builder, source| {
            builder.with_src(sources.join(format!("{source}.rs")))
        });
        let mut text = Vec::new();
        builder
            .generate()
            .expect("the sources can be read")
            .write(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn layout_checks(&self) -> String {
        let mut checks = format!("/* The library was built with these layouts. */\n{ASSERT}");
        for Layout {
            name,
            size,
            offsets,
        } in &self.layouts
        {
            checks += &format!("TCP_STATIC_ASSERT(sizeof({name}) == {size});\n");
            for (field, offset) in offsets {
                checks += &format!("TCP_STATIC_ASSERT(offsetof({name}, {field}) == {offset});\n");
            }
        }
        checks
    }
}

fn command() -> String {
    format!("{WRITE_VARIABLE}=1 cargo test -p tcp-hardware --test headers")
}

fn check(header: &Header) {
    let generated = header.generate();
    if std::env::var_os(WRITE_VARIABLE).is_some() {
        std::fs::write(header.path(), generated).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(header.path()).unwrap_or_default();
    let differs = generated
        .lines()
        .zip(committed.lines())
        .position(|(a, b)| a != b);
    assert!(
        generated == committed,
        "tcp/{}.h is not what its sources say, from line {} on; make it anew: {}",
        header.name,
        differs.map_or(0, |line| line + 1),
        command(),
    );
}

#[test]
fn hardware_h_is_what_its_sources_say() {
    check(&hardware());
}

#[test]
fn safety_h_is_what_its_sources_say() {
    check(&safety());
}
