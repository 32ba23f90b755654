//! What the fuzzer begins with and what it found, once more (scripts/fuzz).

#[path = "../../../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/src/xclbin.rs"]
mod target;

#[test]
fn every_input_of_the_fuzzer_is_withstood() {
    corpus::replay("xclbin", target::seeds(), target::run);
}
