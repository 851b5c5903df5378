//! Cards, of which each comes once before any comes again.

use super::random::Random;

/// Cards in a seeded order, reshuffled when all have been dealt.
pub struct Deck<T> {
    mix: Vec<T>,
    left: Vec<T>,
}

impl<T: Clone> Deck<T> {
    pub fn new(mix: &[T]) -> Self {
        Self { mix: mix.to_vec(), left: Vec::new() }
    }

    pub fn draw(&mut self, random: &mut Random) -> T {
        if self.left.is_empty() {
            self.left.clone_from(&self.mix);
        }
        let place = usize::try_from(random.next() % self.left.len() as u64).unwrap();
        self.left.swap_remove(place)
    }
}
