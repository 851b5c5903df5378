//! An optional instant in eight bytes: every account holds several.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Timestamp;

/// An `Option<Timestamp>` in half the memory, with the same serialised form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MaybeTimestamp(i64);

impl MaybeTimestamp {
    /// No instant.
    pub const NONE: Self = Self(i64::MIN);

    /// The instant.
    #[must_use]
    pub const fn get(self) -> Option<Timestamp> {
        if self.0 == Self::NONE.0 { None } else { Some(Timestamp(self.0)) }
    }

    /// Keeps the earlier of the two instants.
    pub fn keep_earliest(&mut self, at: Timestamp) {
        *self = Some(self.get().map_or(at, |known| known.min(at))).into();
    }

    /// Keeps the later of the two instants.
    pub fn keep_latest(&mut self, at: Timestamp) {
        *self = self.get().max(Some(at)).into();
    }
}

impl From<Option<Timestamp>> for MaybeTimestamp {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::NONE, |at| Self(at.0))
    }
}

impl Default for MaybeTimestamp {
    fn default() -> Self {
        Self::NONE
    }
}

impl std::fmt::Debug for MaybeTimestamp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(formatter)
    }
}

impl Serialize for MaybeTimestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MaybeTimestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Timestamp>::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_and_the_latest_stay() {
        let (mut first, mut last) = (MaybeTimestamp::NONE, MaybeTimestamp::NONE);
        for at in [Timestamp::MAX, Timestamp(5), Timestamp::MIN, Timestamp(0)] {
            first.keep_earliest(at);
            last.keep_latest(at);
        }
        assert_eq!((first.get(), last.get()), (Some(Timestamp::MIN), Some(Timestamp::MAX)));
    }

    #[test]
    fn it_is_serialised_like_an_option() {
        for at in [None, Some(Timestamp(-7))] {
            let bytes = postcard::to_stdvec(&MaybeTimestamp::from(at)).unwrap();
            assert_eq!(bytes, postcard::to_stdvec(&at).unwrap());
            assert_eq!(postcard::from_bytes::<MaybeTimestamp>(&bytes).unwrap().get(), at);
        }
    }
}
