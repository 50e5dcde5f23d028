//! Strategies for what is told of cloud calls, and that orders and reports come out as they went in.

use proptest::prelude::*;
use serde_json::json;
use tenantproof::probe::wire::cloud::{
    Actor, Call, CallAnswer, Class, Cloud, CloudReport, ContainerSource, Deed, Denial, Encryption, Exchange,
    InstanceSource, KeyMark, Layer, Manner, NetworkFault, Origin, Part, Provider, Refusal, Remains, Service, Source,
    SourceAnswer, SourceOutcome, Step as Asked, TokenFrom, Upload, WebIdentitySource,
};
use tenantproof::probe::wire::{Orders, Step};

fn fault() -> impl Strategy<Value = NetworkFault> {
    use NetworkFault::{Closed, Cut, Dns, Local, NoRoute, NotHttp, Refused, Timeout, Tls};
    proptest::sample::select(vec![Dns, Timeout, Refused, Closed, NoRoute, Tls, Cut, NotHttp, Local])
}

fn denial() -> impl Strategy<Value = Denial> {
    use Layer::{
        BlockPublicAccess, Boundary, Identity, Resource, ResourceControl, RoleTrust, ServiceControl, Session, Untold,
        VpcEndpoint,
    };
    let layers = vec![
        Identity,
        Resource,
        ServiceControl,
        ResourceControl,
        Boundary,
        Session,
        VpcEndpoint,
        RoleTrust,
        BlockPublicAccess,
        Untold,
    ];
    (proptest::sample::select(layers), any::<bool>(), text()).prop_map(|(layer, explicit, action)| Denial {
        layer,
        explicit,
        action,
    })
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![
        Just(Class::Allowed),
        denial().prop_map(Class::Denied),
        denial().prop_map(Class::KeyDenied),
        Just(Class::NotFound),
        Just(Class::OtherRegion),
        Just(Class::Busy),
        Just(Class::Expired),
        Just(Class::BadSignature),
        Just(Class::ClockSkew),
        Just(Class::UnknownCredentials),
        Just(Class::Rejected),
        Just(Class::Foreign),
        fault().prop_map(Class::Network),
        Just(Class::NoCredentials),
        ".{0,30}".prop_map(Class::NotMade),
    ]
}

fn outcome() -> impl Strategy<Value = SourceOutcome> {
    use Refusal::{
        AccessDenied, Address, Busy, ForeignToken, NoAssociation, NoToken, Other, StaleToken, TokenRequired,
        UnreadableToken,
    };
    let refusals = vec![
        Address,
        NoToken,
        UnreadableToken,
        StaleToken,
        ForeignToken,
        NoAssociation,
        AccessDenied,
        TokenRequired,
        Busy,
        Other,
    ];
    prop_oneof![
        Just(SourceOutcome::Given),
        Just(SourceOutcome::Named),
        proptest::sample::select(refusals).prop_map(SourceOutcome::Refused),
        Just(SourceOutcome::NotConfigured),
        Just(SourceOutcome::NotAccepted),
        ".{0,30}".prop_map(SourceOutcome::NoToken),
        Just(SourceOutcome::Malformed),
        fault().prop_map(SourceOutcome::Network),
        Just(SourceOutcome::NoRole),
    ]
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(".{0,20}")
}

prop_compose! {
    fn exchange()(
        step in proptest::sample::select(vec![
            Asked::Agent, Asked::Sts, Asked::MetadataToken, Asked::MetadataVersion1, Asked::MetadataRole, Asked::MetadataKeys,
        ]),
        status in any::<Option<u16>>(),
        code in text(),
        said in text(),
        fault in proptest::option::of(fault()),
        at_ms in any::<u64>(),
        micros in any::<u64>(),
    ) -> Exchange {
        Exchange { step, status, code, said, fault, at_ms, micros }
    }
}

prop_compose! {
    fn source_answer()(
        id in any::<u32>(),
        provider in proptest::option::of(proptest::sample::select(vec![
            Provider::Environment, Provider::WebIdentity, Provider::Container, Provider::Instance,
        ])),
        outcome in outcome(),
        key in proptest::option::of((".{0,4}", ".{0,16}").prop_map(|(kind, mark)| KeyMark { kind, mark })),
        account in text(),
        expires in text(),
        role in text(),
        token_withheld in any::<bool>(),
        exchanges in proptest::collection::vec(exchange(), 0..3),
    ) -> SourceAnswer {
        SourceAnswer { id, provider, outcome, key, account, expires, role, token_withheld, exchanges }
    }
}

prop_compose! {
    fn call_answer()(
        id in any::<u32>(),
        class in class(),
        status in any::<Option<u16>>(),
        (code, said, request_id, region) in (text(), text(), text(), text()),
        requests in any::<u8>(),
        skew_s in any::<Option<i64>>(),
        part in proptest::option::of(proptest::sample::select(vec![Part::Create, Part::Upload, Part::Complete, Part::Abort])),
        actor in proptest::option::of((".{0,12}", ".{0,40}").prop_map(|(account, arn)| Actor { account, arn })),
        (at_ms, micros) in any::<(u64, u64)>(),
    ) -> CallAnswer {
        CallAnswer { id, class, status, code, said, request_id, region, requests, skew_s, part, actor, at_ms, micros }
    }
}

prop_compose! {
    fn remains()(
        source in any::<Option<u32>>(),
        bucket in ".{0,20}",
        key in ".{0,20}",
        (upload, version) in (text(), text()),
        class in class(),
    ) -> Remains {
        Remains { source, bucket, key, upload, version, class }
    }
}

prop_compose! {
    pub(crate) fn report()(
        version in any::<u8>(),
        sources in proptest::collection::vec(source_answer(), 0..4),
        calls in proptest::collection::vec(call_answer(), 0..40),
        remains in proptest::collection::vec(remains(), 0..3),
    ) -> CloudReport {
        CloudReport { version, sources, calls, remains }
    }
}

fn token() -> impl Strategy<Value = TokenFrom> {
    prop_oneof![Just(TokenFrom::Configured), ".{0,20}".prop_map(TokenFrom::File), Just(TokenFrom::Nothing)]
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![
        Just(Origin::Chain),
        Just(Origin::Environment),
        (token(), text()).prop_map(|(token, role)| Origin::WebIdentity(WebIdentitySource { token, role })),
        (text(), text(), token()).prop_map(|(url, host, token)| Origin::Container(ContainerSource {
            url,
            host,
            token
        })),
        (text(), any::<bool>()).prop_map(|(url, keys)| Origin::Instance(InstanceSource { url, keys })),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let place = || (".{0,20}", ".{0,20}");
    let encryption = proptest::option::of(prop_oneof![Just(Encryption::S3), ".{0,20}".prop_map(Encryption::Kms)]);
    prop_oneof![
        Just(Deed::CallerIdentity),
        place().prop_map(|(bucket, prefix)| Deed::List { bucket, prefix }),
        place().prop_map(|(bucket, key)| Deed::Get { bucket, key }),
        (place(), encryption).prop_map(|((bucket, key), encryption)| Deed::Put { bucket, key, encryption }),
        place().prop_map(|(bucket, key)| Deed::Delete { bucket, key }),
        (place(), any::<bool>()).prop_map(|((bucket, key), whole)| {
            Deed::Multipart { bucket, key, end: if whole { Upload::Complete } else { Upload::Abort } }
        }),
        (any::<bool>(), ".{0,20}", ".{0,20}").prop_map(|(is_kms, operation, value)| {
            let service = if is_kms { Service::Kms } else { Service::Dynamodb };
            Deed::Json { service, operation, body: json!({"Key": value, "N": 1}) }
        }),
    ]
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        Just(Manner::Plain),
        any::<u32>().prop_map(|back_s| Manner::Dated { back_s }),
        any::<(u32, u32)>().prop_map(|(expires_s, back_s)| Manner::Presigned { expires_s, back_s }),
    ]
}

prop_compose! {
    fn call()(id in any::<u32>(), source in any::<Option<u32>>(), region in text(), manner in manner(), deed in deed()) -> Call {
        Call { id, source, region, manner, deed }
    }
}

prop_compose! {
    fn order()(
        (version, attempts, at_once) in any::<(u8, u8, u8)>(),
        timeout_ms in any::<u32>(),
        (region, marker, keep) in (text(), text(), any::<bool>()),
        sources in proptest::collection::vec((any::<u32>(), origin()).prop_map(|(id, origin)| Source { id, origin }), 0..4),
        series in proptest::collection::vec(proptest::collection::vec(call(), 0..4), 0..6),
    ) -> Cloud {
        Cloud { version, timeout_ms, attempts, at_once, region, marker, keep, sources, series }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn orders_come_out_as_they_went_in(round in any::<u32>(), order in order()) {
        let orders = Orders { round, step: Step::Cloud(order) };
        let text = serde_json::to_string(&orders).unwrap();
        prop_assert_eq!(serde_json::from_str::<Orders>(&text).unwrap(), orders);
    }

    /// Whatever an order holds, it is judged to an end.
    #[test]
    fn any_order_is_judged(order in order()) {
        let _ = order.fault();
    }
}
