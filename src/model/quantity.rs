//! Kubernetes quantities, exact, in thousandths.
//!
//! Source: `k8s.io/apimachinery/pkg/api/resource`, "Quantity": a signed number with a decimal
//! (`n u m k M G T P E`), binary (`Ki Mi Gi Ti Pi Ei`) or exponent (`e3`, `E3`) suffix.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount, in thousandths of its unit; fractions of a thousandth are rounded up, as the API does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quantity(i128);

impl Quantity {
    /// Reads a quantity; `None` for anything that is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
        let (number, suffix) = text.split_at(split);
        let (binary, exponent): (i128, i32) = match suffix {
            "n" => (1, -9),
            "u" => (1, -6),
            "m" => (1, -3),
            "" => (1, 0),
            "k" => (1, 3),
            "M" => (1, 6),
            "G" => (1, 9),
            "T" => (1, 12),
            "P" => (1, 15),
            "E" => (1, 18),
            "Ki" => (1 << 10, 0),
            "Mi" => (1 << 20, 0),
            "Gi" => (1 << 30, 0),
            "Ti" => (1 << 40, 0),
            "Pi" => (1 << 50, 0),
            "Ei" => (1 << 60, 0),
            other => (1, other.strip_prefix(['e', 'E'])?.parse().ok().filter(|e| (-18..=18).contains(e))?),
        };
        let (negative, digits) = match number.as_bytes().first()? {
            b'-' => (true, &number[1..]),
            b'+' => (false, &number[1..]),
            _ => (false, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all: String = [whole, fraction].concat();
        if all.is_empty() || all.len() > 18 || !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let value: i128 = all.parse::<i128>().ok()?.checked_mul(binary)?;
        let power = exponent + 3 - i32::try_from(fraction.len()).ok()?;
        let scale = 10_i128.checked_pow(power.unsigned_abs())?;
        let milli = if power >= 0 {
            value.checked_mul(scale)?
        } else {
            value.div_euclid(scale) + i128::from(value.rem_euclid(scale) > 0)
        };
        Some(Self(if negative { -milli } else { milli }))
    }

    /// An amount of thousandths.
    #[must_use]
    pub const fn of_milli(milli: i128) -> Self {
        Self(milli)
    }

    /// The amount in thousandths.
    #[must_use]
    pub const fn milli(self) -> i128 {
        self.0
    }
}

/// As Kubernetes writes it: in whole units where it is a whole number of them, otherwise in thousandths.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BINARY: [(i128, &str); 4] = [(1 << 40, "Ti"), (1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
        if self.0 % 1000 != 0 {
            return write!(f, "{}m", self.0);
        }
        let whole = self.0 / 1000;
        match BINARY.iter().find(|(unit, _)| whole != 0 && whole % unit == 0) {
            Some((unit, suffix)) => write!(f, "{}{suffix}", whole / unit),
            None => write!(f, "{whole}"),
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a quantity")))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Quantity;

    #[rstest]
    #[case("8", Some(8_000))]
    #[case("250m", Some(250))]
    #[case("1.5", Some(1_500))]
    #[case("16Gi", Some((16_i128 << 30) * 1000))]
    #[case("2e3", Some(2_000_000))]
    #[case("1n", Some(1))]
    #[case("-1", Some(-1_000))]
    #[case("0", Some(0))]
    #[case(".5", Some(500))]
    #[case("", None)]
    #[case("many", None)]
    #[case("1.2.3", None)]
    #[case("5e999", None)]
    fn a_quantity_is_read_exactly(#[case] text: &str, #[case] milli: Option<i128>) {
        assert_eq!(Quantity::parse(text).map(Quantity::milli), milli);
    }
}
