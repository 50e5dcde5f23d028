//! Requests to services: what is wanted, how it is signed, and what a success must look like.

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;

use super::calendar::Moment;
use super::encode;
use super::http::Ask;
use super::place::{Service, Url};
use super::secret::{Keys, Secret};
use super::sign::{Draft, Scope, UNSIGNED_PAYLOAD, canonical_query};
use super::surroundings::Surroundings;
use crate::probe::digest::sha256;
use crate::probe::wire::cloud::Service as JsonService;
use crate::probe::wire::cloud::{Deed, Encryption, Manner};

/// Bytes of an answer that are kept. Errors of AWS' and lists of one object are far smaller.
const KEEP: usize = 64 * 1024;
/// Bytes of an object that are kept: none of them is looked at.
const KEEP_OF_OBJECT: usize = 1024;
/// What is written.
pub(super) const MARKER: &[u8] = b"A marker of tenantproof, which deletes it again. It may be deleted at any time.\n";

/// What a success of a request must have in it, so that no other server's page is taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A document with this root.
    Root(&'static str),
    /// An `ETag`, and the service's id of the request.
    Tagged,
    /// The service's id of the request.
    Identified,
    /// An object in JSON, and the service's id of the request.
    Json,
}

/// A request, before it is signed for a region.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) service: Service,
    pub(super) proof: Proof,
    method: Method,
    /// The bucket and the key; none for other services.
    object: Option<(String, String)>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    keep: usize,
    repeatable: bool,
}

/// By whom and how a request is signed.
pub(super) struct Signer<'a> {
    pub(super) keys: Option<&'a Keys>,
    pub(super) manner: Manner,
    pub(super) agent: &'a HeaderValue,
    pub(super) around: Surroundings,
}

impl Wanted {
    fn of_s3(proof: Proof, method: Method, bucket: &str, key: &str) -> Self {
        Self {
            service: Service::S3,
            proof,
            method,
            object: Some((bucket.to_owned(), key.to_owned())),
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            keep: KEEP,
            repeatable: true,
        }
    }

    /// The request that a deed is, or the first one of several.
    pub(super) fn of(deed: &Deed) -> Self {
        match deed {
            Deed::CallerIdentity => Self {
                service: Service::Sts,
                proof: Proof::Root("GetCallerIdentityResponse"),
                method: Method::POST,
                object: None,
                query: Vec::new(),
                headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
                body: Bytes::from_static(b"Action=GetCallerIdentity&Version=2011-06-15"),
                keep: KEEP,
                repeatable: true,
            },
            Deed::List { bucket, prefix } => {
                let mut wanted = Self::of_s3(Proof::Root("ListBucketResult"), Method::GET, bucket, "");
                wanted.query =
                    vec![("list-type", "2".to_owned()), ("max-keys", "1".to_owned()), ("prefix", prefix.clone())];
                wanted
            }
            Deed::Get { bucket, key } => {
                Self { keep: KEEP_OF_OBJECT, ..Self::of_s3(Proof::Tagged, Method::GET, bucket, key) }
            }
            Deed::Put { bucket, key, encryption } => {
                let mut wanted = Self::of_s3(Proof::Tagged, Method::PUT, bucket, key);
                wanted.body = Bytes::from_static(MARKER);
                wanted.headers = match encryption {
                    None => Vec::new(),
                    Some(Encryption::S3) => vec![("x-amz-server-side-encryption", "AES256".to_owned())],
                    Some(Encryption::Kms(id)) => vec![
                        ("x-amz-server-side-encryption", "aws:kms".to_owned()),
                        ("x-amz-server-side-encryption-aws-kms-key-id", id.clone()),
                    ],
                };
                wanted
            }
            Deed::Delete { bucket, key } => Self::delete(bucket, key, None),
            Deed::Multipart { bucket, key, .. } => {
                let root = Proof::Root("InitiateMultipartUploadResult");
                let wanted = Self::of_s3(root, Method::POST, bucket, key);
                Self { query: vec![("uploads", String::new())], repeatable: false, ..wanted }
            }
            Deed::Json { service, operation, body } => {
                let (service, prefix, version) = match service {
                    JsonService::Kms => (Service::Kms, "TrentService", "1.1"),
                    JsonService::Dynamodb => (Service::Dynamodb, "DynamoDB_20120810", "1.0"),
                };
                Self {
                    service,
                    proof: Proof::Json,
                    method: Method::POST,
                    object: None,
                    query: Vec::new(),
                    headers: vec![
                        ("content-type", format!("application/x-amz-json-{version}")),
                        ("x-amz-target", format!("{prefix}.{operation}")),
                    ],
                    body: Bytes::from(body.to_string()),
                    keep: KEEP,
                    repeatable: true,
                }
            }
        }
    }

    pub(super) fn delete(bucket: &str, key: &str, version: Option<&str>) -> Self {
        let query = version.map(|version| ("versionId", version.to_owned())).into_iter().collect();
        Self { query, ..Self::of_s3(Proof::Identified, Method::DELETE, bucket, key) }
    }

    pub(super) fn upload_part(bucket: &str, key: &str, upload: &str) -> Self {
        let query = vec![("partNumber", "1".to_owned()), ("uploadId", upload.to_owned())];
        Self { query, body: Bytes::from_static(MARKER), ..Self::of_s3(Proof::Tagged, Method::PUT, bucket, key) }
    }

    pub(super) fn complete(bucket: &str, key: &str, upload: &str, tag: &str) -> Self {
        let body = format!(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><PartNumber>1</PartNumber>\
             <ETag>{}</ETag></Part></CompleteMultipartUpload>",
            quick_xml::escape::escape(tag)
        );
        let root = Proof::Root("CompleteMultipartUploadResult");
        let query = vec![("uploadId", upload.to_owned())];
        let body = Bytes::from(body);
        Self { query, body, repeatable: false, ..Self::of_s3(root, Method::POST, bucket, key) }
    }

    pub(super) fn abort(bucket: &str, key: &str, upload: &str) -> Self {
        let query = vec![("uploadId", upload.to_owned())];
        Self { query, ..Self::of_s3(Proof::Identified, Method::DELETE, bucket, key) }
    }

    /// Whether it is the object itself that comes back.
    pub(super) fn is_of_an_object(&self) -> bool {
        self.keep == KEEP_OF_OBJECT
    }

    fn url(&self, region: &str, around: Surroundings) -> Option<Url> {
        match &self.object {
            Some((bucket, key)) => Service::object(region, bucket, key, around),
            None => self.service.url(region, around),
        }
    }

    /// Signs it for a region.
    ///
    /// # Errors
    ///
    /// Why it can't be made.
    pub(super) fn signed(&self, region: &str, by: &Signer<'_>) -> Result<(Url, Request<Full<Bytes>>), String> {
        let mut url = self.url(region, by.around).ok_or("the endpoint that is configured is no address")?;
        let host = url.place.authority();
        let now = Moment::now();
        let at = match by.manner {
            Manner::Plain => now,
            Manner::Dated { back_s } | Manner::Presigned { back_s, .. } => now.earlier(back_s),
        };
        let (date, payload) = (at.compact(), sha256(&self.body));
        let scope = Scope { region, service: self.service.name(), at };
        let query: Vec<(&str, &str)> = self.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut draft = Draft {
            method: self.method.as_str(),
            path: &url.path,
            query: query.clone(),
            headers: Vec::new(),
            payload: &payload,
        };
        let mut authorization = None;
        let mut sent_query = Secret::new(canonical_query(&query));
        let session = by.keys.and_then(|keys| keys.session.as_ref());
        match (by.keys, by.manner) {
            (None, _) => {}
            (Some(keys), Manner::Presigned { expires_s, .. }) => {
                draft.payload = UNSIGNED_PAYLOAD;
                draft.headers.clone_from(&headers);
                draft.headers.push(("host", &host));
                sent_query = draft.presigned(keys, &scope, expires_s);
            }
            (Some(keys), _) => {
                headers.push(("x-amz-date", &date));
                if self.service == Service::S3 {
                    headers.push(("x-amz-content-sha256", &payload));
                }
                draft.headers.clone_from(&headers);
                draft.headers.push(("host", &host));
                draft.headers.extend(session.map(|token| ("x-amz-security-token", token.expose())));
                authorization = Some(draft.authorization(keys, &scope).ok_or("the keys can't stand in a header")?);
            }
        }
        let target = match sent_query.expose() {
            "" => url.path.clone(),
            query => format!("{}?{query}", url.path),
        };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(target)
            .body(Full::new(self.body.clone()))
            .map_err(|_| "its path is none")?;
        let sent = request.headers_mut();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|_| "a value can't stand in a header")?;
            sent.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header has no name")?, value);
        }
        sent.insert(HOST, HeaderValue::from_str(&host).map_err(|_| "the host is none")?);
        sent.insert(USER_AGENT, by.agent.clone());
        if let Some(authorization) = authorization {
            sent.insert(http::header::AUTHORIZATION, authorization);
            if let Some(token) = session {
                sent.insert("x-amz-security-token", token.header().ok_or("the session token can't stand in a header")?);
            }
        }
        url.query = None;
        Ok((url, request))
    }

    pub(super) fn ask<'a>(&self, url: &'a Url, request: Request<Full<Bytes>>) -> Ask<'a> {
        Ask { place: &url.place, request, keep: self.keep, repeatable: self.repeatable }
    }
}

/// As whom a probe asks: with the marker, so that a trail's events can be told to be of this run.
pub(super) fn agent(marker: Option<&str>) -> HeaderValue {
    let name = concat!("tenantproof-probe/", env!("CARGO_PKG_VERSION"));
    let marker = marker.map(|marker| encode::path(marker.trim_end_matches('/')));
    let agent = marker.map_or_else(|| name.to_owned(), |marker| format!("{name} {marker}"));
    HeaderValue::from_str(&agent).unwrap_or(HeaderValue::from_static(name))
}
