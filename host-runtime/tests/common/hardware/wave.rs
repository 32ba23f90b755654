//! Waves of a recorded run, looked at as the kernel's registers do: at the rising edges of its clock.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use fst_reader::{FstFilter, FstHierarchyEntry, FstReader, FstSignalHandle, FstSignalValue};

/// Changes of a signal, in order: the time, and whether any of its bits is 1 from then on.
type Changes = Vec<(u64, bool)>;

pub(crate) struct Wave {
    edges: Vec<u64>,
    signals: HashMap<String, Changes>,
    /// Instances in the top module.
    pub(crate) instances: BTreeSet<String>,
}

impl Wave {
    /// Reads the clock and these signals of the top module; `i_name.signal` is one of an instance in it.
    pub(crate) fn read(path: &Path, signals: &[&str]) -> Self {
        let mut reader = FstReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
        let mut scopes: Vec<String> = Vec::new();
        let mut handles: HashMap<usize, Vec<String>> = HashMap::new();
        let mut instances = BTreeSet::new();
        let wanted = |name: &str| name == "ap_clk" || signals.contains(&name);
        reader
            .read_hierarchy(|entry| match entry {
                FstHierarchyEntry::Scope { name, .. } => {
                    scopes.push(name);
                    if let [_, _, instance] = &scopes[..]
                        && instance.starts_with("i_")
                    {
                        instances.insert(instance.clone());
                    }
                }
                FstHierarchyEntry::UpScope => {
                    scopes.pop();
                }
                FstHierarchyEntry::Var { name, handle, .. } => {
                    // Verilator's own scope and the kernel's come first; a vector's range stands after its name.
                    let name = name.split_whitespace().next().unwrap();
                    let inner = scopes.get(2..).unwrap_or_default().iter();
                    let path: Vec<&str> = inner.map(String::as_str).chain([name]).collect();
                    let path = path.join(".");
                    if scopes.len() >= 2 && wanted(&path) {
                        handles.entry(handle.get_index()).or_default().push(path);
                    }
                }
                _ => {}
            })
            .unwrap();
        let mut changes: HashMap<String, Changes> = HashMap::new();
        let filter = FstFilter::filter_signals(
            handles
                .keys()
                .map(|index| FstSignalHandle::from_index(*index))
                .collect(),
        );
        reader
            .read_signals(&filter, |time, handle, value| {
                let FstSignalValue::String(bits) = value else {
                    return Ok::<(), std::convert::Infallible>(());
                };
                for name in &handles[&handle.get_index()] {
                    let set = bits.contains(&b'1');
                    changes.entry(name.clone()).or_default().push((time, set));
                }
                Ok(())
            })
            .unwrap();
        let clock = changes.remove("ap_clk").expect("the kernel has a clock");
        let edges = clock.into_iter().filter(|change| change.1);
        Self {
            edges: edges.map(|change| change.0).collect(),
            signals: changes,
            instances,
        }
    }

    /// The first rising edge from `from` on at which all these signals are high.
    #[track_caller]
    pub(crate) fn first(&self, signals: &[&str], from: usize) -> usize {
        let high = |name: &&str, time: u64| {
            let changes = self.signals.get(*name);
            let changes = changes.unwrap_or_else(|| panic!("the waves have no signal {name}"));
            let before = changes.partition_point(|change| change.0 < time);
            before > 0 && changes[before - 1].1
        };
        (from..self.edges.len())
            .find(|edge| signals.iter().all(|name| high(name, self.edges[*edge])))
            .unwrap_or_else(|| panic!("{signals:?} are not high together after edge {from}"))
    }
}
