//! Condition operators by their names.

/// How request values of a key with several are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// `ForAllValues`.
    All,
    /// `ForAnyValue`.
    Any,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Arn,
}

/// What the request's value must be beside the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A condition operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Null,
    Compare { set: Option<Set>, negated: bool, if_exists: bool, comparison: Comparison },
}

const NAMES: [(&str, bool, Comparison); 26] = [
    ("stringequals", false, Comparison::StringEquals),
    ("stringnotequals", true, Comparison::StringEquals),
    ("stringequalsignorecase", false, Comparison::StringEqualsIgnoreCase),
    ("stringnotequalsignorecase", true, Comparison::StringEqualsIgnoreCase),
    ("stringlike", false, Comparison::StringLike),
    ("stringnotlike", true, Comparison::StringLike),
    ("numericequals", false, Comparison::Number(Order::Equal)),
    ("numericnotequals", true, Comparison::Number(Order::Equal)),
    ("numericlessthan", false, Comparison::Number(Order::Less)),
    ("numericlessthanequals", false, Comparison::Number(Order::LessOrEqual)),
    ("numericgreaterthan", false, Comparison::Number(Order::Greater)),
    ("numericgreaterthanequals", false, Comparison::Number(Order::GreaterOrEqual)),
    ("dateequals", false, Comparison::Date(Order::Equal)),
    ("datenotequals", true, Comparison::Date(Order::Equal)),
    ("datelessthan", false, Comparison::Date(Order::Less)),
    ("datelessthanequals", false, Comparison::Date(Order::LessOrEqual)),
    ("dategreaterthan", false, Comparison::Date(Order::Greater)),
    ("dategreaterthanequals", false, Comparison::Date(Order::GreaterOrEqual)),
    ("bool", false, Comparison::Bool),
    ("binaryequals", false, Comparison::Binary),
    ("ipaddress", false, Comparison::Address),
    ("notipaddress", true, Comparison::Address),
    // The documentation: ArnEquals and ArnLike behave identically, and so do ArnNotEquals and ArnNotLike.
    ("arnequals", false, Comparison::Arn),
    ("arnlike", false, Comparison::Arn),
    ("arnnotequals", true, Comparison::Arn),
    ("arnnotlike", true, Comparison::Arn),
];

impl Operator {
    /// Reads an operator; capitals don't matter, since a document with others would mean nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        if lower == "null" {
            return Some(Self::Null);
        }
        let (set, name) = match lower.split_once(':') {
            Some(("forallvalues", name)) => (Some(Set::All), name),
            Some(("foranyvalue", name)) => (Some(Set::Any), name),
            Some(_) => return None,
            None => (None, &*lower),
        };
        let (name, if_exists) = name.strip_suffix("ifexists").map_or((name, false), |name| (name, true));
        let (_, negated, comparison) = NAMES.iter().find(|(own, ..)| *own == name)?;
        Some(Self::Compare { set, negated: *negated, if_exists, comparison: *comparison })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_name_and_every_form_is_read() {
        for (name, negated, comparison) in NAMES {
            for (prefix, set) in [("", None), ("ForAllValues:", Some(Set::All)), ("ForAnyValue:", Some(Set::Any))] {
                for (suffix, if_exists) in [("", false), ("IfExists", true)] {
                    let operator = Operator::parse(&format!("{prefix}{name}{suffix}"));
                    assert_eq!(operator, Some(Operator::Compare { set, negated, if_exists, comparison }), "{name}");
                }
            }
        }
        assert_eq!(Operator::parse("Null"), Some(Operator::Null));
    }

    #[rstest]
    fn others_are_not_known(
        #[values(
            "",
            "StringStartsWith",
            "NullIfExists",
            "ForAllValues:Null",
            "ForAllValues:",
            "IfExists",
            "BinaryNotEquals",
            "ForEveryValue:StringEquals",
            "StringEquals ",
            "ForAllValues:ForAnyValue:StringEquals",
            "BoolNot",
            "StringEqualsIfExistsIfExists",
            "NotBool"
        )]
        text: &str,
    ) {
        assert_eq!(Operator::parse(text), None, "{text}");
    }
}
