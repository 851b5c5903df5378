//! A seeded mutation fuzzer without instrumentation. It is guided by the target's results: an input with a new kind of result joins
//! the corpus.

mod mutate;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Executions of each target unless `FUZZ_EXECUTIONS` is set.
const EXECUTIONS: u64 = 20_000;
/// Inputs that are kept for further mutation.
const CORPUS_MAX: usize = 4_096;
/// Longest input, bytes.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// Runs a target on mutations of the seeds. `execute` describes the kind of result in a few words and must not panic. An input that makes it
/// panic is written to `target/fuzz-<name>.input`, and the number of the execution is printed.
pub fn fuzz(name: &str, seeds: Vec<Vec<u8>>, dictionary: &[&str], mut execute: impl FnMut(&[u8]) -> String) {
    let executions = number("FUZZ_EXECUTIONS").unwrap_or(EXECUTIONS);
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut corpus = seeds;
    corpus.extend(regressions(name));
    assert!(!corpus.is_empty());
    let mut answers = HashSet::new();
    let begun = std::time::Instant::now();
    for execution in 0..executions {
        // First, every seed unchanged.
        let input = match usize::try_from(execution).ok().and_then(|place| corpus.get(place)) {
            Some(whole) if answers.len() < CORPUS_MAX && execution < corpus.len() as u64 => whole.clone(),
            _ => mutate::mutated(&corpus, dictionary, INPUT_BYTES_MAX, &mut random),
        };
        let answer = catch_unwind(AssertUnwindSafe(|| execute(&input))).unwrap_or_else(|panic| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/fuzz-{name}.input"));
            std::fs::write(&path, &input).unwrap();
            eprintln!("execution {execution} of {name}, FUZZ_SEED={seed}: the input is in {}", path.display());
            resume_unwind(panic)
        });
        if answers.len() < CORPUS_MAX && answers.insert(answer) {
            keep(&mut corpus, input, &mut random);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{name}: {executions} executions in {seconds:.0} s, {} answers, {} inputs kept", answers.len(), corpus.len());
}

fn keep(corpus: &mut Vec<Vec<u8>>, input: Vec<u8>, random: &mut ChaCha8Rng) {
    if corpus.len() < CORPUS_MAX {
        corpus.push(input);
    } else {
        let place = random.random_range(0..corpus.len());
        corpus[place] = input;
    }
}

/// Inputs that once made a target panic: `tests/fixtures/fuzz/<target>/`.
fn regressions(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fuzz").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}
