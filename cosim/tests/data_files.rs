//! Files that kernels read: part of the model, found where a kernel's author means them.

mod common;

use std::path::Path;

use common::{cache, rtl};
use cosim::{BuildError, InstanceOptions, ModelBuild, ModelLibrary, link};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The reading kernel in `dir`, with its files beside it and in a folder of includes.
fn reader(dir: &Path, first: u32) -> ModelBuild {
    let data = dir.join("data");
    std::fs::create_dir_all(&data).expect("writable");
    let source = dir.join("reader.sv");
    std::fs::copy(rtl("reader.sv"), &source).expect("readable");
    for (name, text) in [
        ("words.mem", format!("{first:x} 11 12 13\n")),
        ("number.txt", "4711\n".to_owned()),
        ("data/patterns.mem", "100 101 110 111\n".to_owned()),
        ("data/others.hex", "aa bb cc dd\n".to_owned()),
    ] {
        std::fs::write(dir.join(name), text).expect("writable");
    }
    let build = ModelBuild::new("reader").source(source).include_dir(data);
    build.trace(false)
}

/// What the kernel says of its files: word and bits at an address, and the number.
fn says(library: &ModelLibrary, kernel: &str, address: u64) -> [u64; 3] {
    let mut model = library
        .instantiate(kernel, InstanceOptions::default())
        .expect("it starts");
    model.set("address", address).expect("an input");
    (0..2).for_each(|_| model.clock(1).expect("it runs"));
    ["word", "bits", "number"].map(|port| model.get(port).expect("an output"))
}

#[test]
fn a_model_has_its_files_with_it() {
    let dir = folder();
    let built = reader(dir.path(), 0x10).build(&cache()).expect("it builds");
    for name in ["words.mem", "number.txt", "data/patterns.mem"] {
        let path = dir.path().join(name);
        assert!(built.dependencies.contains(&path), "{name}");
    }
    let library = ModelLibrary::open(built.path).expect("it loads");
    // Not where they were, nor where this program runs.
    drop(dir);
    assert_eq!(says(&library, "reader", 0), [0x10, 0b100, 4711]);
    assert_eq!(says(&library, "reader", 3), [0x13, 0b111, 4711]);
}

#[test]
fn another_content_is_another_model() {
    let dir = folder();
    let first = reader(dir.path(), 0x10).build(&cache()).expect("it builds");
    let second = reader(dir.path(), 0x20).build(&cache()).expect("it builds");
    assert_ne!(first.path, second.path);
    let library = ModelLibrary::open(second.path).expect("it loads");
    assert_eq!(says(&library, "reader", 0)[0], 0x20);
}

#[test]
fn files_are_named_by_parameters_with_or_without_their_folder_or_given() {
    let dir = folder();
    let named = |name: &str| {
        let build = reader(dir.path(), 0x10).parameter("FILE", format!("\"{name}\""));
        let built = build.build(&cache()).expect("it builds");
        ModelLibrary::open(built.path).expect("it loads")
    };
    for name in ["others.hex", "data/others.hex", "../ip/src/others.hex"] {
        assert_eq!(says(&named(name), "reader", 1)[0], 0xbb, "{name}");
    }
    // In a folder that nothing leads to.
    std::fs::create_dir(dir.path().join("far")).expect("writable");
    let far = dir.path().join("far/away.mem");
    std::fs::write(&far, "1 2 3 4").expect("writable");
    let build = reader(dir.path(), 0x10)
        .parameter("FILE", "\"away.mem\"")
        .data_file(far);
    let built = build.build(&cache()).expect("it builds");
    let library = ModelLibrary::open(built.path).expect("it loads");
    assert_eq!(says(&library, "reader", 1)[0], 2);
}

#[test]
fn two_kernels_share_a_file_but_not_a_name_for_two() {
    let (one, other) = (folder(), folder());
    let first = reader(one.path(), 0x10).name("first");
    let same = reader(other.path(), 0x10).name("second");
    let built = link(&[first.clone(), same], &cache()).expect("they link");
    let library = ModelLibrary::open(built.path).expect("it loads");
    assert_eq!(says(&library, "second", 0), [0x10, 0b100, 4711]);
    let differs = reader(other.path(), 0x20).name("second");
    let error = link(&[first, differs], &cache()).expect_err("they differ");
    assert!(matches!(&error, BuildError::SameFile { name, .. } if name == "words.mem"));
}
