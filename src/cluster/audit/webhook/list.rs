//! A batch as the API server posts it: an `EventList` of `audit.k8s.io/v1`. Pure.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::Refusal;

const NO_LIST: Refusal = Refusal { status: StatusCode::BAD_REQUEST, why: "its body was no EventList" };
const ANOTHER: Refusal =
    Refusal { status: StatusCode::BAD_REQUEST, why: "its body was no EventList of audit.k8s.io/v1" };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventList<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

/// The events of a batch, each as it was written: what has no mark of the run is not even read.
pub(super) fn events(body: &[u8]) -> Result<Vec<&RawValue>, Refusal> {
    let list: EventList<'_> = serde_json::from_slice(body).map_err(|_| NO_LIST)?;
    if (list.kind.as_ref(), list.api_version.as_ref()) != ("EventList", "audit.k8s.io/v1") {
        return Err(ANOTHER);
    }
    Ok(list.items.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::events;

    #[rstest]
    #[case::two(
        r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"a":1},{"b":"\u00e9"}]}"#,
        Some(2)
    )]
    #[case::in_another_order(r#"{"items":[{}],"apiVersion":"audit.k8s.io/v1","kind":"EventList"}"#, Some(1))]
    #[case::none(r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}"#, Some(0))]
    #[case::null(r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":null}"#, Some(0))]
    #[case::escaped(r#"{"kind":"Event\u004cist","apiVersion":"audit.k8s.io/v1","items":[]}"#, Some(0))]
    #[case::an_older_version(r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1beta1","items":[]}"#, None)]
    #[case::one_event(r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1"}"#, None)]
    #[case::a_list("[]", None)]
    #[case::nothing("", None)]
    #[case::cut_short(r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"a":"#, None)]
    fn a_batch_is_a_list_of_events(#[case] body: &str, #[case] count: Option<usize>) {
        assert_eq!(events(body.as_bytes()).ok().map(|events| events.len()), count);
    }

    #[test]
    fn an_event_is_as_it_was_written() {
        let body = br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[ {"x": [1, 2]} ]}"#;
        assert_eq!(events(body).unwrap()[0].get(), r#"{"x": [1, 2]}"#);
    }

    #[test]
    fn depth_without_end_is_no_reason_to_fall() {
        let body = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{}"#, "[".repeat(1 << 20));
        assert!(events(body.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_batch_or_is_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = events(&body);
        }
    }
}
