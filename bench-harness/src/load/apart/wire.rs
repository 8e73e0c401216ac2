//! Records as bytes: little-endian words, one after the other.

use crate::workload::{replay::Replayed, synthetic::Wide};

/// A record that can be sent from one process to another.
pub trait Wire: Replayed {
    /// Tells the types apart.
    const KIND: &'static str;
    /// Bytes of a record.
    const BYTES: usize;
    /// Adds its bytes.
    fn put(&self, to: &mut Vec<u8>);
    /// Reads it out of exactly [`Wire::BYTES`] bytes.
    fn get(from: &[u8]) -> Self;
}

fn word(from: &[u8], index: usize) -> u64 {
    from[index * 8..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

impl Wire for u64 {
    const KIND: &'static str = "u64";
    const BYTES: usize = 8;

    #[inline]
    fn put(&self, to: &mut Vec<u8>) {
        to.extend(self.to_le_bytes());
    }

    #[inline]
    fn get(from: &[u8]) -> u64 {
        word(from, 0)
    }
}

impl Wire for Wide {
    const KIND: &'static str = "wide";
    const BYTES: usize = 64;

    #[inline]
    fn put(&self, to: &mut Vec<u8>) {
        let [a, b, c, d] = self.payload;
        [self.key, self.value, self.event_time as u64, self.seq, a, b, c, d].iter().for_each(|word| to.extend(word.to_le_bytes()));
    }

    #[inline]
    fn get(from: &[u8]) -> Wide {
        let word = |index| word(from, index);
        Wide { key: word(0), value: word(1), event_time: word(2) as i64, seq: word(3), payload: [4, 5, 6, 7].map(word) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_the_wire() {
        let wide = Wide { key: 1, value: u64::MAX, event_time: -5, seq: 7, payload: [8, 9, 10, 11] };
        let mut bytes = Vec::new();
        wide.put(&mut bytes);
        assert_eq!((bytes.len(), Wide::get(&bytes)), (Wide::BYTES, wide));
        bytes.clear();
        0x0123_4567_89ab_cdefu64.put(&mut bytes);
        assert_eq!((bytes.len(), u64::get(&bytes)), (8, 0x0123_4567_89ab_cdef));
    }
}
