//! Values that conditions compare: numbers and points in time.

use std::cmp::Ordering;

/// A decimal number, exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Without zeros in front.
    whole: Box<str>,
    /// Without zeros at its end.
    fraction: Box<str>,
}

impl Decimal {
    /// Reads digits, with a sign and a fraction or without. Exponents are not read: no document has them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !fraction.is_none_or(all_digits) {
            return None;
        }
        let whole: Box<str> = whole.trim_start_matches('0').into();
        let fraction: Box<str> = fraction.unwrap_or_default().trim_end_matches('0').into();
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    fn size(&self) -> (usize, &str, &str) {
        (self.whole.len(), &self.whole, &self.fraction)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.size().cmp(&other.size()),
            (true, true) => other.size().cmp(&self.size()),
        }
    }
}

/// A point in time: seconds since 1970, and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

impl Instant {
    /// Reads a date of the forms that W3C names of ISO 8601, or seconds since 1970 ([Date operators]).
    ///
    /// Four digits alone are either a year or seconds, so they are not read.
    ///
    /// [Date operators]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != 4 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self { seconds: text.parse().ok()?, nanoseconds: 0 });
        }
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let mut parts = date.split('-');
        let year = number(parts.next()?, 4)?;
        let month = number(parts.next()?, 2).filter(|month| (1..=12).contains(month))?;
        let day = match parts.next() {
            Some(day) => number(day, 2).filter(|day| (1..=days_of(year, month)).contains(day))?,
            None if time.is_none() => 1,
            None => return None,
        };
        if parts.next().is_some() {
            return None;
        }
        let (seconds, nanoseconds) = time.map_or(Some((0, 0)), of_day)?;
        Some(Self { seconds: days_since_1970(year, month, day) * 86_400 + seconds, nanoseconds })
    }
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Seconds and nanoseconds of `hh:mm[:ss[.s]]` and `Z` or `±hh:mm`.
fn of_day(time: &str) -> Option<(i64, u32)> {
    let zone = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone)?;
    let ahead = if zone == "Z" {
        0
    } else {
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        let ahead = number(hours, 2).filter(|hours| *hours < 24)? * 3600 + minute(minutes)? * 60;
        if zone.starts_with('-') { -ahead } else { ahead }
    };
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minutes = minute(parts.next()?)?;
    let (second, nanoseconds) = match parts.next().map(|second| second.split_once('.').unwrap_or((second, "0"))) {
        Some((second, fraction)) => (minute(second)?, nanoseconds(fraction)?),
        None => (0, 0),
    };
    parts.next().is_none().then_some((hour * 3600 + minutes * 60 + second - ahead, nanoseconds))
}

/// Two digits below 60.
fn minute(text: &str) -> Option<i64> {
    number(text, 2).filter(|minute| *minute < 60)
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| (1..=9).contains(digits))?;
    let count = u32::try_from(number(fraction, fraction.len())?).ok()?;
    Some(count * 10_u32.pow(9 - digits))
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400;
    // 719,162 days lie between the first days of the years 1 and 1970.
    let years = before * 365 + leap_days - 719_162;
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1", "01.0", Ordering::Equal)]
    #[case("0", "-0.00", Ordering::Equal)]
    #[case("9", "10", Ordering::Less)]
    #[case("-9", "-10", Ordering::Greater)]
    #[case("-1", "1", Ordering::Less)]
    #[case("1.5", "1.45", Ordering::Greater)]
    #[case("1.05", "1.5", Ordering::Less)]
    #[case("+7", "7", Ordering::Equal)]
    #[case("123456789012345678901234567890.1", "123456789012345678901234567890.2", Ordering::Less)]
    fn numbers(#[case] one: &str, #[case] other: &str, #[case] wanted: Ordering) {
        let (one, other) = (Decimal::parse(one).unwrap(), Decimal::parse(other).unwrap());
        assert_eq!((one.cmp(&other), other.cmp(&one)), (wanted, wanted.reverse()));
    }

    #[rstest]
    fn no_number(#[values("", "-", ".5", "5.", "1e3", "0x1", "1 ", "1.2.3", "ten", "*")] text: &str) {
        assert_eq!(Decimal::parse(text), None);
    }

    #[rstest]
    #[case("1970-01-01T00:00:00Z", 0)]
    #[case("1577836800", 1_577_836_800)]
    #[case("2020-01-01", 1_577_836_800)]
    #[case("2020-01", 1_577_836_800)]
    #[case("2020-01-01T00:00Z", 1_577_836_800)]
    #[case("2020-01-01T00:00:01.000Z", 1_577_836_801)]
    #[case("2020-01-01T02:00:00+02:00", 1_577_836_800)]
    #[case("2019-12-31T18:30:00-05:30", 1_577_836_800)]
    #[case("2024-02-29T12:00:00Z", 1_709_208_000)]
    #[case("1969-12-31T23:59:59Z", -1)]
    #[case("2000-03-01", 951_868_800)]
    fn dates(#[case] text: &str, #[case] seconds: i64) {
        assert_eq!(Instant::parse(text), Some(Instant { seconds, nanoseconds: 0 }), "{text}");
    }

    #[test]
    fn fractions_count() {
        assert!(Instant::parse("2020-01-01T00:00:00.5Z") > Instant::parse("2020-01-01T00:00:00.45Z"));
    }

    #[rstest]
    fn no_date(
        #[values(
            "",
            "2020",
            "2020-13",
            "2023-02-29",
            "2020-01-01T00:00:00",
            "2020-01-01T24:00:00Z",
            "2020-01T00:00Z",
            "2020-01-01 00:00:00Z",
            "2020-1-1",
            "-5",
            "1577836800.5",
            "2020-01-01T00:00:60Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00.1234567890Z",
            "2020-01-01-01",
            "2020-01-01T00:00:00+2:00",
            "tomorrow"
        )]
        text: &str,
    ) {
        assert_eq!(Instant::parse(text), None, "{text}");
    }

    /// The calendar against one that was not written here.
    #[test]
    fn agrees_with_another_calendar() {
        let mut date = jiff::civil::date(1900, 1, 1);
        while date.year() < 2101 {
            let theirs = date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
            let ours = Instant::parse(&format!("{date}T00:00:00Z")).unwrap();
            assert_eq!(ours.seconds, theirs, "{date}");
            date = date.tomorrow().unwrap();
        }
    }
}
