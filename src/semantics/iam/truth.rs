//! Three-valued logic: no, yes, and what cannot be told.

/// No; yes, with what it follows from; or unknown, with why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth<Y, U> {
    No,
    Unknown(U),
    Yes(Y),
}

impl<Y, U> Truth<Y, U> {
    /// Both; of two that hold, the first is told.
    pub(super) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes(basis) => match other() {
                Self::Yes(_) => Self::Yes(basis),
                rest => rest,
            },
            Self::Unknown(why) => match other() {
                Self::No => Self::No,
                _ => Self::Unknown(why),
            },
        }
    }

    /// Either of them, or both.
    pub(super) fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes(basis) => Self::Yes(basis),
            Self::No => other(),
            Self::Unknown(why) => match other() {
                Self::Yes(basis) => Self::Yes(basis),
                _ => Self::Unknown(why),
            },
        }
    }

    /// One of them at least.
    pub(super) fn any(all: impl IntoIterator<Item = Self>) -> Self {
        let mut unknown = None;
        for one in all {
            match one {
                Self::Yes(basis) => return Self::Yes(basis),
                Self::Unknown(why) => unknown = unknown.or(Some(why)),
                Self::No => {}
            }
        }
        unknown.map_or(Self::No, Self::Unknown)
    }

    pub(super) const fn is_no(&self) -> bool {
        matches!(self, Self::No)
    }
}

impl<U> Truth<(), U> {
    pub(super) const fn of(holds: bool) -> Self {
        if holds { Self::Yes(()) } else { Self::No }
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::No => Self::Yes(()),
            Self::Yes(()) => Self::No,
            Self::Unknown(why) => Self::Unknown(why),
        }
    }

    /// All of them.
    pub(super) fn all(all: impl IntoIterator<Item = Self>) -> Self {
        let mut unknown = None;
        for one in all {
            match one {
                Self::No => return Self::No,
                Self::Unknown(why) => unknown = unknown.or(Some(why)),
                Self::Yes(()) => {}
            }
        }
        unknown.map_or(Self::Yes(()), Self::Unknown)
    }

    /// The same, with what it follows from and where it is unknown.
    pub(super) fn told<Z, V>(self, basis: impl FnOnce() -> Z, doubt: impl FnOnce(U) -> V) -> Truth<Z, V> {
        match self {
            Self::No => Truth::No,
            Self::Yes(()) => Truth::Yes(basis()),
            Self::Unknown(why) => Truth::Unknown(doubt(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    type T = Truth<(), char>;
    const YES: T = Truth::Yes(());
    const NO: T = Truth::No;
    const A: T = Truth::Unknown('a');
    const B: T = Truth::Unknown('b');

    #[rstest]
    #[case(YES, YES, YES, YES)]
    #[case(YES, NO, NO, YES)]
    #[case(YES, A, A, YES)]
    #[case(NO, NO, NO, NO)]
    #[case(NO, A, NO, A)]
    #[case(A, B, A, A)]
    fn two(#[case] one: T, #[case] other: T, #[case] both: T, #[case] either: T) {
        assert_eq!((one.and(|| other), one.or(|| other)), (both, either));
        assert_eq!((T::all([one, other]), T::any([one, other])), (both, either));
        // The order decides at most which doubt is told.
        let plain = |truth: T| truth.told(|| (), |_| ());
        assert_eq!((plain(other.and(|| one)), plain(other.or(|| one))), (plain(both), plain(either)));
        assert_eq!(plain(T::of(one == YES).negated().negated()), plain(T::of(one == YES)));
    }

    #[test]
    fn none() {
        assert_eq!((T::all([]), T::any([]), A.negated(), NO.negated()), (YES, NO, A, YES));
    }
}
