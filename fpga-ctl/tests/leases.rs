//! Leases between processes: who gets a card, who does not and why, and that nothing is left in it.

mod common;

use std::process::{Child, Stdio};

use common::{Bench, Ended, wait_for, wait_until};
use host_runtime::tcp::Profile;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// The card's entry in `list`.
fn card(bench: &Bench, card: &str) -> Value {
    let list = bench.run(&["list", "--json"]).expect(0).json();
    let cards = list["cards"].as_array().unwrap().iter();
    let mut found = cards.filter(|entry| entry["card"] == card).cloned();
    found
        .next()
        .unwrap_or_else(|| panic!("no {card} in {list}"))
}

fn leases(bench: &Bench, name: &str) -> Vec<Value> {
    card(bench, name)["leases"].as_array().unwrap().clone()
}

/// Starts a lease that lasts until its standard input ends.
fn start(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = bench.command();
    command
        .arg("lease")
        .args(arguments)
        .args(["--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// As [`start`], and waits until it has the card.
#[track_caller]
fn hold(bench: &Bench, name: &str, arguments: &[&str]) -> Child {
    let child = start(bench, &[&["--card", name], arguments].concat());
    wait_until("it has its lease", || {
        leases(bench, name)
            .iter()
            .any(|lease| lease["pid"] == child.id())
    });
    child
}

#[track_caller]
fn end(mut child: Child) -> Ended {
    drop(child.stdin.take());
    wait_for(child)
}

/// Waits until that many processes wait for a lease.
#[track_caller]
fn await_queue(bench: &Bench, len: usize) {
    let queue = bench.state_folder().join("leases/queue");
    wait_until("they wait", || {
        std::fs::read_dir(&queue).is_ok_and(|entries| entries.count() == len)
    });
}

const CARDS: [&str; 2] = ["sim:0", "software:0"];

#[test]
fn a_leased_card_is_for_the_command_alone_and_is_empty_before_others_get_it() {
    let bench = Bench::new();
    bench.sample(Profile::Compact);
    bench.write("policy.toml", "limits.max_memory_mb = 17");
    for name in CARDS {
        let holder = hold(&bench, name, &["--for", "a night's run"]);
        let lease = &leases(&bench, name)[0];
        assert_eq!(
            (&lease["program"], &lease["purpose"], &lease["access"]),
            (
                &"fpga-ctl".into(),
                &"a night's run".into(),
                &"exclusive".into()
            )
        );
        assert_eq!(card(&bench, name)["state"], "held");
        let who = format!("process {}", holder.id());
        for arguments in [
            &["info"][..],
            &["program", "default"],
            &["reset"],
            &["reset", "--state"],
            &["validate", "compact.tcpdb"],
            &["lease", "--", "true"],
            &["lease", "--shared", "--", "true"],
        ] {
            let refused = bench.run(&[&["--card", name], arguments].concat());
            refused.expect(2).tells(&[name, &who, "a night's run"]);
        }
        end(holder).expect(0);

        // What the command did to the card, and that it could.
        let script =
            "$0 program default && $0 policy set policy.toml --slot 4 && $0 validate compact.tcpdb";
        let program = assert_cmd::cargo::cargo_bin!("fpga-ctl").to_str().unwrap();
        bench
            .run(&["lease", "--card", name, "--", "sh", "-ec", script, program])
            .expect(0);
        let entry = card(&bench, name);
        assert_eq!(
            (&entry["state"], &entry["image"]),
            (&"empty".into(), &Value::Null)
        );
        bench.run(&["program", "default", "--card", name]).expect(0);
        let policies = bench.run(&["policy", "show", "--all", "--json", "--card", name]);
        assert!(!policies.expect(0).text().contains("17"), "{name}");
    }
}

#[test]
fn what_a_killed_lease_left_is_gone_for_who_comes_next() {
    for name in CARDS {
        let bench = Bench::new();
        bench.write("policy.toml", "limits.max_memory_mb = 17");
        let program = assert_cmd::cargo::cargo_bin!("fpga-ctl").to_str().unwrap();
        let mut command = bench.command();
        command.args(["lease", "--card", name, "--", "sh", "-ec"]);
        command.args(["$0 program default; touch done; exec cat", program]);
        let mut holder = command.stdin(Stdio::piped()).spawn().unwrap();
        wait_until("the card is used", || bench.path("done").exists());
        assert_ne!(card(&bench, name)["image"], Value::Null);
        send(&holder, Signal::KILL);
        holder.wait().unwrap();
        // The command itself lives on, and has no card any more.
        bench.run(&["info", "--card", name]).expect(0);
        if name == "sim:0" {
            assert_eq!(card(&bench, name)["image"], Value::Null);
        } else {
            // It has an image as soon as it is opened.
            let policies = bench.run(&["policy", "show", "--all", "--json", "--card", name]);
            assert!(!policies.expect(0).text().contains("17"));
        }
        assert!(leases(&bench, name).is_empty());
        bench
            .run(&["lease", "--card", name, "--", "true"])
            .expect(0);
        drop(holder.stdin.take());
    }
}

#[test]
fn a_program_that_a_killed_lease_left_behind_keeps_the_card_until_it_lets_go() {
    let bench = Bench::new();
    bench.run(&["program", "default"]).expect(0);
    let mut command = bench.command();
    // Its number is that of the shell, which becomes the program.
    command.args(["lease", "--card", "sim:0", "--", "sh", "-c"]);
    let program = assert_cmd::cargo::cargo_bin!("fpga-ctl").to_str().unwrap();
    let script = "echo $$ >orphan; exec $0 validate endless.bin --outstanding 1 --latency 500000 --timeout 3600 --output out";
    let endless: Vec<u8> = common::sample_descriptors(Profile::Compact)
        .iter()
        .cycle()
        .take(100_000)
        .flat_map(|descriptor| descriptor.0)
        .collect();
    bench.write("endless.bin", endless);
    let mut holder = command
        .args([script, program])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    bench.await_output();
    send(&holder, Signal::KILL);
    holder.wait().unwrap();
    let orphan = String::from_utf8(bench.read("orphan")).unwrap();
    let orphan = orphan.trim();
    let who = format!("process {orphan}");
    bench
        .run(&["info"])
        .expect(2)
        .tells(&["sim:0", &who, "lease on it ended"]);
    let lease = ["lease", "--card", "sim:0", "--", "true"];
    bench
        .run(&lease)
        .expect(2)
        .tells(&["sim:0", &who, "still has it open"]);

    let waiting = start(&bench, &["--card", "sim:0", "--wait", "100s"]);
    await_queue(&bench, 1);
    let pid = Pid::from_raw(orphan.parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    end(waiting).expect(0);
    assert_eq!(card(&bench, "sim:0")["image"], Value::Null);
}

#[test]
fn shared_leases_fit_into_the_card_together() {
    let bench = Bench::new();
    let shared = |memory| ["--shared", "--memory", memory];
    let one = hold(&bench, "sim:0", &shared("20GiB"));
    let other = hold(&bench, "sim:0", &shared("10GiB"));
    assert_eq!(leases(&bench, "sim:0").len(), 2);
    let ask = |arguments: &[&str]| {
        let lease = ["lease", "--card", "sim:0"];
        bench.run(&[&lease, arguments, &["--", "true"]].concat())
    };
    let too_much = ask(&shared("4GiB"));
    too_much
        .expect(2)
        .tells(&["other leases have", "of its", "bytes of memory"]);
    ask(&shared("2GiB")).expect(0);
    ask(&["--shared"]).expect(0);
    ask(&[]).expect(2).tells(&["shared for cat"]);
    // Those without a lease are beside them.
    bench
        .run(&["program", "default", "--card", "sim:0"])
        .expect(0);
    end(one).expect(0);
    ask(&shared("22GiB")).expect(0);
    assert_ne!(
        card(&bench, "sim:0")["image"],
        Value::Null,
        "somebody still shares it"
    );
    end(other).expect(0);
    assert_eq!(
        card(&bench, "sim:0")["image"],
        Value::Null,
        "it was the last"
    );
}

#[test]
fn what_no_card_has_is_refused_with_the_reason_for_each() {
    let bench = Bench::new();
    let ask = |arguments: &[&str]| bench.run(&[&["lease"], arguments, &["--", "true"]].concat());
    for (arguments, words) in [
        (
            &["--memory", "1TiB"][..],
            &["sim:0: it has 34359738368 bytes of memory"][..],
        ),
        (
            &["--logic", "2M"],
            &["sim:0: it has 1728000 LUTs", "software:0: how many LUTs"],
        ),
        (&["--dsp", "12289"], &["sim:0: it has 12288 DSP slices"]),
        (
            &["--image", "no_such_kernel"],
            &[
                "sim:0: it does not hold a kernel no_such_kernel",
                "software:0:",
            ],
        ),
        (
            &["--image", "47255dc7-3adc-8e28-a926-000000000000"],
            &["it does not hold the image 47255dc7"],
        ),
        (
            &["--card", "pcie:nobody"],
            &["pcie:nobody: there is no such card"],
        ),
    ] {
        // Waiting would not help.
        let refused = ask(&[arguments, &["--wait", "100s"]].concat()).expect(2);
        refused.tells(&["no card meets the requirements"]);
        refused.tells(words);
    }
    ask(&[
        "--logic", "1728k", "--dsp", "12288", "--memory", "32GiB", "--card", "sim:7",
    ])
    .expect(0);
    ask(&["--image", "x.xclbin"])
        .expect(2)
        .tells(&["neither a UUID nor the name of a kernel"]);
}

#[test]
fn a_free_card_is_found_and_holds_the_image_that_is_wanted() {
    let bench = Bench::new();
    let program = assert_cmd::cargo::cargo_bin!("fpga-ctl").to_str().unwrap();
    bench
        .run(&["program", "queue", "--card", "sim:1"])
        .expect(0);
    let used = |arguments: &[&str]| {
        let command = ["--", program, "info", "--json"];
        let info = bench.run(&[&["lease"], arguments, &command].concat());
        let info = info.expect(0).json();
        let unit = info["image"]["units"][0].as_str().map(str::to_owned);
        (info["card"].as_str().unwrap().to_owned(), unit)
    };
    let queue = Some("tcp_queue:tcp_queue_1".to_owned());
    let busy = hold(&bench, "sim:0", &[]);
    // The one that holds it already, then it is empty and gets it.
    for _ in 0..2 {
        assert_eq!(
            used(&["--image", "tcp_queue", "--dsp", "1"]),
            ("sim:1".to_owned(), queue.clone())
        );
    }
    end(busy).expect(0);
    assert_eq!(used(&[]).0, "sim:0");
    let validator = Some("tcp_validator:tcp_validator_1".to_owned());
    assert_eq!(
        used(&["--image", "default"]),
        ("sim:0".to_owned(), validator)
    );
}

#[test]
fn who_waits_gets_the_card_in_the_order_of_coming() {
    let bench = Bench::new();
    let mut holder = hold(&bench, "software:0", &[]);
    let mut waiting: Vec<Child> = (0..3)
        .map(|index| {
            let child = start(&bench, &["--card", "software:0", "--wait", "100s"]);
            await_queue(&bench, index + 1);
            child
        })
        .collect();
    let lease = ["lease", "--card", "software:0", "--", "true"];
    bench.run(&lease).expect(2).tells(&["waits for it already"]);
    // A waiting process that is killed is passed over.
    let mut killed = waiting.remove(1);
    send(&killed, Signal::KILL);
    killed.wait().unwrap();
    for next in waiting {
        end(holder).expect(0);
        wait_until("somebody has the card", || {
            !leases(&bench, "software:0").is_empty()
        });
        assert_eq!(leases(&bench, "software:0")[0]["pid"], next.id());
        holder = next;
    }
    end(holder).expect(0);
    bench.run(&lease).expect(0);
}

#[test]
fn a_wait_is_bounded_and_ends_by_a_signal() {
    let bench = Bench::new();
    let holder = hold(&bench, "software:0", &[]);
    let lease = [
        "lease",
        "--card",
        "software:0",
        "--wait",
        "10ms",
        "--",
        "true",
    ];
    let who = format!("process {}", holder.id());
    bench.run(&lease).expect(2).tells(&["waited 10ms", &who]);
    for signal in [Signal::INT, Signal::TERM] {
        let waiting = start(&bench, &["--card", "software:0", "--wait", "100s"]);
        await_queue(&bench, 1);
        send(&waiting, signal);
        wait_for(waiting).expect(2).tells(&["interrupted"]);
        await_queue(&bench, 0);
    }
    end(holder).expect(0);
}

#[test]
fn the_command_gets_signals_and_its_exit_status_is_told() {
    let bench = Bench::new();
    let lease = ["lease", "--card", "software:0", "--"];
    bench
        .run(&[&lease[..], &["sh", "-c", "exit 7"]].concat())
        .expect(7);
    bench
        .run(&[&lease[..], &["/nonexistent"]].concat())
        .expect(2)
        .tells(&["/nonexistent"]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let holder = hold(&bench, "software:0", &[]);
        // The lease is there before the command: a signal between the two ends the wait for it.
        send(&holder, signal);
        let ended = wait_for(holder);
        assert!(
            ended.code == Some(code) || ended.code == Some(2),
            "{ended:?}"
        );
        assert!(leases(&bench, "software:0").is_empty());
    }
}

#[test]
fn a_lease_of_somebody_else_can_be_ended() {
    let bench = Bench::new();
    let release = ["lease", "release", "--card", "software:0"];
    let holder = hold(&bench, "software:0", &[]);
    bench.run(&release).expect(0);
    wait_for(holder);
    assert_eq!(
        bench.run(&release).expect(0).text(),
        "software:0 is not leased\n"
    );
    // A stopped process does not end.
    let mut holder = hold(&bench, "software:0", &[]);
    send(&holder, Signal::STOP);
    let refused = bench.run(&[&release[..], &["--wait", "10ms"]].concat());
    refused
        .expect(2)
        .tells(&["software:0", &format!("kill -9 {}", holder.id())]);
    send(&holder, Signal::KILL);
    holder.wait().unwrap();
    bench.run(&release).expect(0);
}

#[test]
fn a_token_is_good_for_its_own_lease_only() {
    let bench = Bench::new();
    let environment = bench
        .run(&["lease", "--card", "sim:0", "--", "env"])
        .expect(0)
        .text();
    let token = environment
        .lines()
        .find_map(|line| line.strip_prefix("FPGA_LEASE="))
        .unwrap();
    let with_token = |bench: &Bench, card: &str| -> Ended {
        let mut command = bench.command();
        command
            .args(["info", "--card", card])
            .env("FPGA_LEASE", token);
        command.output().unwrap().into()
    };
    with_token(&bench, "sim:0")
        .expect(2)
        .tells(&["sim:0", "FPGA_LEASE", "has ended"]);
    with_token(&bench, "sim:1").expect(0);
    // Another card of that name.
    with_token(&Bench::new(), "sim:0").expect(0);
}

#[test]
fn a_served_card_is_cleared_too() {
    let bench = Bench::new();
    let mut command = bench.command();
    command
        .args(["sim", "serve", "lab", "--memory", "8GiB", "--dsp", "100"])
        .stdout(Stdio::piped());
    let server = command.spawn().unwrap();
    let info = || bench.run(&["info", "--card", "pcie:lab", "--json"]).json();
    wait_until("it is served", || info()["image"].is_object());
    let program = assert_cmd::cargo::cargo_bin!("fpga-ctl").to_str().unwrap();
    let resources = &card(&bench, "pcie:lab")["resources"];
    assert_eq!(resources["memory"], 8u64 << 30);
    assert_eq!(
        (&resources["luts"], &resources["dsps"]),
        (&1_728_000.into(), &100.into())
    );
    let refused = bench.run(&["lease", "--card", "pcie:lab", "--dsp", "101", "--", "true"]);
    refused
        .expect(2)
        .tells(&["pcie:lab: it has 100 DSP slices"]);
    let lease = [
        "lease", "--card", "pcie:lab", "--", program, "program", "queue",
    ];
    bench.run(&lease).expect(0);
    assert_eq!(info()["image"], Value::Null);

    let mut holder = hold(&bench, "pcie:lab", &["--image", "default"]);
    wait_until("the image is loaded", || {
        !card(&bench, "pcie:lab")["image"].is_null()
    });
    bench
        .run(&["info", "--card", "pcie:lab"])
        .expect(2)
        .tells(&["pcie:lab is leased by"]);
    send(&holder, Signal::KILL);
    holder.wait().unwrap();
    assert_eq!(info()["image"], Value::Null);
    send(&server, Signal::TERM);
    wait_for(server).expect(0);
}

#[test]
fn processes_that_wait_and_are_killed_leave_the_card_to_the_others() {
    let bench = Bench::new();
    for _ in 0..3 {
        let mut children: Vec<Child> = (0..8)
            .map(|_| start(&bench, &["--card", "software:0", "--wait", "100s"]))
            .collect();
        for (index, child) in children.iter_mut().enumerate() {
            if index % 2 == 0 {
                send(child, Signal::KILL);
            } else {
                // Its command ends as soon as it has begun.
                drop(child.stdin.take());
            }
        }
        for (index, mut child) in children.into_iter().enumerate() {
            if index % 2 == 0 {
                child.wait().unwrap();
            } else {
                end(child).expect(0);
            }
        }
        assert!(leases(&bench, "software:0").is_empty());
    }
    bench
        .run(&["lease", "--card", "software:0", "--", "true"])
        .expect(0);
}
