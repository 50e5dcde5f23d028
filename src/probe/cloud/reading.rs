//! What came back of one request to a service.

use serde_json::Value;

use super::calendar::Moment;
use super::class;
use super::http::Reply;
use super::place::Service;
use super::secret;
use super::wanted::{Proof, Wanted};
use super::xml::Document;
use crate::probe::wire::cloud::{Actor, Class};

/// An answer, read.
pub(super) struct Reading {
    pub(super) class: Class,
    pub(super) status: Option<u16>,
    pub(super) code: Option<String>,
    pub(super) said: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) skew_s: Option<i64>,
    /// The region in which S3 says that the bucket lies.
    pub(super) elsewhere: Option<String>,
    pub(super) actor: Option<Actor>,
    /// Of an upload that began, its id.
    pub(super) upload: Option<String>,
    /// Of a part or an object, what it is known by.
    pub(super) tag: Option<String>,
    /// The version that was made; of a deletion, that of the marker that hides the object.
    pub(super) version: Option<String>,
}

/// An error as a service writes it.
struct Fault<'a> {
    code: &'a str,
    words: &'a str,
    request_id: Option<&'a str>,
    region: Option<&'a str>,
}

impl Reading {
    /// Without an answer.
    pub(super) fn none(class: Class) -> Self {
        Self {
            class,
            status: None,
            code: None,
            said: None,
            request_id: None,
            skew_s: None,
            elsewhere: None,
            actor: None,
            upload: None,
            tag: None,
            version: None,
        }
    }

    pub(super) fn of(reply: &Reply, wanted: &Wanted, hidden: &[&str]) -> Self {
        let header = |name: &str| reply.header(name);
        let request_id = header("x-amz-request-id").or_else(|| header("x-amzn-requestid"));
        let mut reading = Self::none(Class::Foreign);
        reading.status = Some(reply.status);
        reading.request_id = request_id.and_then(|id| secret::identifier(id, hidden));
        reading.skew_s = header("date").and_then(Moment::from_http).map(|date| date.0 - Moment::now().0);
        reading.version =
            header("x-amz-version-id").filter(|id| *id != "null").and_then(|id| secret::identifier(id, hidden));
        reading.elsewhere = match wanted.service {
            Service::S3 => header("x-amz-bucket-region").and_then(secret::region),
            _ => None,
        };
        let document = match wanted.service {
            Service::S3 | Service::Sts if !wanted.is_of_an_object() || reply.status >= 300 => {
                reply.text().and_then(Document::read)
            }
            _ => None,
        };
        let is_success = (200..300).contains(&reply.status);
        // S3 may find only after it has said 200 that an upload can't be completed.
        if is_success && !document.as_ref().is_some_and(Document::is_error) {
            reading.take_success(reply, wanted, document.as_ref(), hidden);
        } else {
            let json = reply.text().and_then(|text| serde_json::from_str::<Value>(text).ok());
            let fault = Fault::read(reply, document.as_ref(), json.as_ref());
            reading.take_fault(reply, wanted, fault, hidden);
        }
        reading.class = class::with_clock(reading.class, reading.skew_s);
        reading
    }

    fn take_success(&mut self, reply: &Reply, wanted: &Wanted, document: Option<&Document>, hidden: &[&str]) {
        self.tag = reply.header("etag").and_then(|tag| {
            let is = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '"';
            secret::word(tag, is, 80, hidden)
        });
        let is_known = self.request_id.is_some();
        let is_proved = match wanted.proof {
            Proof::Root(root) => document.is_some_and(|document| document.root == root),
            Proof::Tagged => is_known && self.tag.is_some(),
            Proof::Identified => is_known,
            // What is longer than is kept is taken by its beginning.
            Proof::Json if !reply.whole => is_known && reply.body.starts_with(b"{"),
            Proof::Json => {
                let text = reply.text().unwrap_or_default();
                is_known && serde_json::from_str::<serde_json::Map<String, Value>>(text).is_ok()
            }
        };
        if !is_proved {
            return;
        }
        self.class = Class::Allowed;
        let Some(document) = document else { return };
        let text = |name: &str| document.get(name);
        self.request_id = self.request_id.take().or_else(|| secret::identifier(text("RequestId")?, hidden));
        self.upload = text("UploadId").and_then(|id| secret::identifier(id, hidden));
        if wanted.service == Service::Sts {
            let account = text("Account").and_then(secret::account);
            let arn = text("Arn").and_then(|arn| secret::arn(arn, hidden));
            match account.zip(arn) {
                Some((account, arn)) => self.actor = Some(Actor { account, arn }),
                None => self.class = Class::Foreign,
            }
        }
    }

    fn take_fault(&mut self, reply: &Reply, wanted: &Wanted, fault: Option<Fault<'_>>, hidden: &[&str]) {
        let Some(fault) = fault else {
            // What stands before a service may throttle, and S3 redirects without a word.
            self.class = match reply.status {
                301 | 307 if self.elsewhere.is_some() => Class::OtherRegion,
                status if class::is_busy(status, "") => Class::Busy,
                _ => Class::Foreign,
            };
            return;
        };
        self.class = class::of_error(wanted.service, reply.status, fault.code, fault.words, hidden);
        self.code = secret::code(fault.code, hidden);
        self.said = secret::said(fault.words, hidden);
        let request_id = || secret::identifier(fault.request_id?, hidden);
        self.request_id = self.request_id.take().or_else(request_id);
        if wanted.service == Service::S3 {
            self.elsewhere = self.elsewhere.take().or_else(|| secret::region(fault.region?));
        }
    }
}

impl<'a> Fault<'a> {
    fn read(reply: &'a Reply, document: Option<&'a Document>, json: Option<&'a Value>) -> Option<Self> {
        if let Some(document) = document.filter(|document| document.is_error()) {
            return Some(Self {
                code: document.get("Code")?,
                words: document.get("Message").unwrap_or_default(),
                request_id: document.get("RequestId").or_else(|| document.get("RequestID")),
                region: document.get("Region"),
            });
        }
        let json = json?.as_object()?;
        let text = |name: &str| json.get(name).and_then(Value::as_str);
        let named = reply.header("x-amzn-errortype").or_else(|| text("__type"))?;
        // `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException`, and `AccessDeniedException:http://…`.
        let code = named.rsplit_once('#').map_or(named, |(_, code)| code);
        let code = code.split_once(':').map_or(code, |(code, _)| code);
        let words = text("message").or_else(|| text("Message")).unwrap_or_default();
        Some(Self { code, words, request_id: None, region: None })
    }
}
