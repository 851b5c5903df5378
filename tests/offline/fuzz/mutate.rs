//! Mutations: one input made from others.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// Numbers at the edges of types and ranges.
const EDGES: [&str; 14] = [
    "0",
    "-1",
    "1",
    "127",
    "256",
    "32768",
    "2147483647",
    "-2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e308",
    "-0.5",
];

/// An input from the corpus with a few random mutations.
pub fn mutated(corpus: &[Vec<u8>], dictionary: &[&str], bytes_max: usize, random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut input = corpus[random.random_range(0..corpus.len())].clone();
    for _ in 0..=random.random_range(0..4) {
        step(&mut input, corpus, dictionary, random);
    }
    input.truncate(bytes_max);
    input
}

fn step(input: &mut Vec<u8>, corpus: &[Vec<u8>], dictionary: &[&str], random: &mut ChaCha8Rng) {
    let place = random.random_range(0..=input.len());
    let end = (place + random.random_range(0..16)).min(input.len());
    match random.random_range(1..12) {
        1 => input.insert(place, random.random()),
        2 => drop(input.drain(place..end)),
        3 => input.truncate(place),
        4 => {
            let copy = input[place..end].to_vec();
            insert(input, place, &copy.repeat(random.random_range(1..64)));
        }
        5 => {
            let other = &corpus[random.random_range(0..corpus.len())];
            let from = random.random_range(0..=other.len());
            input.truncate(place);
            input.extend_from_slice(&other[from..]);
        }
        6 => replace_number(input, place, random),
        7 if !dictionary.is_empty() => insert(input, place, dictionary[random.random_range(0..dictionary.len())].as_bytes()),
        8 => set(input, random.random_range(0..=255), random),
        _ => flip(input, random),
    }
}

fn flip(input: &mut [u8], random: &mut ChaCha8Rng) {
    if !input.is_empty() {
        let place = random.random_range(0..input.len());
        input[place] ^= 1 << random.random_range(0..8);
    }
}

fn set(input: &mut [u8], byte: u8, random: &mut ChaCha8Rng) {
    if !input.is_empty() {
        let place = random.random_range(0..input.len());
        input[place] = byte;
    }
}

fn insert(input: &mut Vec<u8>, place: usize, bytes: &[u8]) {
    drop(input.splice(place..place, bytes.iter().copied()));
}

/// Replaces the next number by one at an edge.
fn replace_number(input: &mut Vec<u8>, from: usize, random: &mut ChaCha8Rng) {
    let Some(start) = input[from..].iter().position(u8::is_ascii_digit).map(|offset| from + offset) else { return };
    let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let edge = EDGES[random.random_range(0..EDGES.len())].bytes();
    drop(input.splice(start..start + digits, edge));
}
