//! Moments as AWS writes them. A calendar of the few forms that are needed is smaller than any library's.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Whole seconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) i64);

impl Moment {
    /// By the clock of the node.
    pub(super) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    pub(super) fn earlier(self, seconds: u32) -> Self {
        Self(self.0.saturating_sub(seconds.into()))
    }

    /// As signatures have it: `20150830T123600Z`.
    pub(super) fn compact(self) -> String {
        let (year, month, day) = date(self.0.div_euclid(DAY));
        let second = self.0.rem_euclid(DAY);
        format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", second / 3600, second / 60 % 60, second % 60)
    }

    /// In RFC 3339: `2015-08-30T12:36:00Z`.
    pub(super) fn rfc3339(self) -> String {
        let (year, month, day) = date(self.0.div_euclid(DAY));
        let second = self.0.rem_euclid(DAY);
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
    }

    /// Reads RFC 3339. Fractions of a second are left out.
    pub(super) fn from_rfc3339(text: &str) -> Option<Self> {
        let (day, time) = text.split_once(['T', 't'])?;
        let mut day = day.splitn(3, '-').map(number);
        let days = days(day.next()??, day.next()??, day.next()??)?;
        let zone = time.find(['Z', 'z', '+', '-'])?;
        let (time, zone) = time.split_at(zone);
        let seconds = clock(time.split_once('.').map_or(time, |(whole, _)| whole))?;
        let offset = match zone.split_at(1) {
            ("Z" | "z", "") => 0,
            (sign, hours) => {
                let (hours, minutes) = hours.split_once(':')?;
                let offset = number(hours)? * 3600 + number(minutes)? * 60;
                if sign == "-" { -offset } else { offset }
            }
        };
        Some(Self(days * DAY + seconds - offset))
    }

    /// Reads the `Date` of an answer: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
    pub(super) fn from_http(text: &str) -> Option<Self> {
        let mut words = text.split_once(", ")?.1.split(' ');
        let (day, month, year) = (number(words.next()?)?, words.next()?, number(words.next()?)?);
        let month = MONTHS.iter().zip(1..).find(|(name, _)| **name == month)?.1;
        let seconds = clock(words.next()?)?;
        (words.next()? == "GMT").then_some(())?;
        Some(Self(days(year, month, day)? * DAY + seconds))
    }
}

fn number(text: &str) -> Option<i64> {
    let fits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn clock(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Days since 1970 of a date, with years that begin in March: so the day that some years have more is their last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The year, month and day of so many days since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "19700101T000000Z")]
    #[case(1_440_938_160, "20150830T123600Z")]
    #[case(951_782_399, "20000228T235959Z")]
    #[case(951_782_400, "20000229T000000Z")]
    #[case(1_709_251_199, "20240229T235959Z")]
    #[case(4_107_542_400, "21000301T000000Z")]
    fn a_moment_is_written(#[case] moment: i64, #[case] text: &str) {
        assert_eq!(Moment(moment).compact(), text);
    }

    #[rstest]
    #[case("2015-08-30T12:36:00Z", Some(1_440_938_160))]
    #[case("2015-08-30T12:36:00.999Z", Some(1_440_938_160))]
    #[case("2015-08-30T14:36:00+02:00", Some(1_440_938_160))]
    #[case("2015-08-30T12:36:00", None)]
    #[case("2015-13-30T12:36:00Z", None)]
    #[case("secret", None)]
    fn rfc_3339_is_read(#[case] text: &str, #[case] moment: Option<i64>) {
        assert_eq!(Moment::from_rfc3339(text), moment.map(Moment));
    }

    #[rstest]
    #[case("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777))]
    #[case("Sun, 06 Nov 1994 08:49:37 CET", None)]
    #[case("06 Nov 1994", None)]
    #[case("", None)]
    fn the_date_of_an_answer_is_read(#[case] text: &str, #[case] moment: Option<i64>) {
        assert_eq!(Moment::from_http(text), moment.map(Moment));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0_i64..253_402_300_800) {
            let moment = Moment(seconds);
            prop_assert_eq!(Moment::from_rfc3339(&moment.rfc3339()), Some(moment));
            prop_assert_eq!(moment.compact(), moment.rfc3339().replace(['-', ':'], ""));
        }

        #[test]
        fn any_text_is_read_to_an_end(text in ".{0,40}") {
            let _ = (Moment::from_rfc3339(&text), Moment::from_http(&text));
        }
    }
}
