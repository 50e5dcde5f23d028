//! How many questions are asked where there are more than may be, and which. Pure.

use std::collections::BTreeMap;

use super::question::Question;
use crate::families::Stance;

/// Deals `most` out to lines that want so many each: none gets more than it wants, and none that wants more gets less
/// than another.
pub(super) fn shares(wanted: &[usize], most: usize) -> Vec<usize> {
    let mut by_want: Vec<usize> = (0..wanted.len()).collect();
    by_want.sort_by_key(|index| wanted.get(*index).copied());
    let (mut left, mut lines) = (most, wanted.len());
    let mut shares = vec![0; wanted.len()];
    for index in by_want {
        // What the small ones leave is for the large ones; the last get what does not divide.
        let fair = left / lines.max(1);
        let share = wanted.get(index).copied().unwrap_or_default().min(fair);
        if let Some(place) = shares.get_mut(index) {
            *place = share;
        }
        left -= share;
        lines -= 1;
    }
    shares
}

/// Which of a subject's questions are asked, by their places: what the rules allow first, then what they leave open,
/// then what they refuse; each spread evenly over the namespaces, one in each before a second in any.
pub(super) fn choose(questions: &[(Question, Stance)], most: usize) -> Vec<usize> {
    if questions.len() <= most {
        return (0..questions.len()).collect();
    }
    let mut chosen = Vec::with_capacity(most);
    for stance in [Stance::Allowed, Stance::Unknown, Stance::Denied] {
        let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, (question, _)) in questions.iter().enumerate().filter(|(_, (_, own))| *own == stance) {
            places.entry(&question.namespace).or_default().push(index);
        }
        let places: Vec<Vec<usize>> = places.into_values().collect();
        spread(&places, most - chosen.len(), &mut chosen);
    }
    chosen.sort_unstable();
    chosen
}

/// Takes so many of these lists' items: in turns, and in each list from another place on, so that no sort of question
/// is asked everywhere and another nowhere.
fn spread(places: &[Vec<usize>], most: usize, chosen: &mut Vec<usize>) {
    let mut left = most;
    let mut turn = 0;
    loop {
        let open: Vec<(usize, &Vec<usize>)> = places.iter().enumerate().filter(|(_, all)| all.len() > turn).collect();
        if open.is_empty() || left == 0 {
            return;
        }
        let taken = open.len().min(left);
        // Of more lists than there is room for, every so manieth.
        for step in 0..taken {
            let Some((number, all)) = open.get(step * open.len() / taken) else { continue };
            chosen.extend(all.get((turn + number) % all.len()));
        }
        left -= taken;
        turn += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{ProptestConfig, any, proptest};
    use rstest::rstest;

    use super::{choose, shares};
    use crate::families::Stance::{self, Allowed, Denied, Unknown};
    use crate::families::rbac::Question;

    #[rstest]
    #[case::all(&[3, 5], 10, &[3, 5])]
    #[case::just_all(&[3, 5], 8, &[3, 5])]
    #[case::evenly(&[30, 50], 10, &[5, 5])]
    #[case::what_one_leaves(&[1, 50, 50], 21, &[1, 10, 10])]
    #[case::what_does_not_divide(&[9, 9, 9], 10, &[3, 3, 4])]
    #[case::none(&[9, 9], 0, &[0, 0])]
    #[case::nobody(&[], 5, &[])]
    fn shares_are_fair(#[case] wanted: &[usize], #[case] most: usize, #[case] dealt: &[usize]) {
        assert_eq!(shares(wanted, most), dealt);
    }

    fn question(verb: &str, namespace: &str) -> Question {
        Question {
            subject: "group a".to_owned(),
            verb: verb.to_owned(),
            api_group: String::new(),
            resource: "pods".to_owned(),
            subresource: String::new(),
            namespace: namespace.to_owned(),
        }
    }

    fn asked(questions: &[(&str, &str, Stance)], most: usize) -> Vec<String> {
        let questions: Vec<_> =
            questions.iter().map(|(verb, namespace, stance)| (question(verb, namespace), *stance)).collect();
        let name = |index: usize| format!("{} {}", questions[index].0.verb, questions[index].0.namespace);
        choose(&questions, most).into_iter().map(name).collect()
    }

    #[rstest]
    #[case::whole(9, &["get b", "list b", "get c", "list c", "get d", "list d"])]
    #[case::the_allowed_first(1, &["list d"])]
    #[case::then_the_open(2, &["get b", "list d"])]
    #[case::then_one_in_each_place(5, &["get b", "list b", "list c", "get d", "list d"])]
    fn what_the_rules_allow_is_asked_first_and_the_rest_is_spread(#[case] most: usize, #[case] expected: &[&str]) {
        let questions = [
            ("get", "b", Unknown),
            ("list", "b", Denied),
            ("get", "c", Denied),
            ("list", "c", Denied),
            ("get", "d", Denied),
            ("list", "d", Allowed),
        ];
        let told = asked(&questions, most);
        assert_eq!(told, expected);
    }

    #[test]
    fn one_is_asked_in_each_place_before_a_second_in_any_and_not_the_same_everywhere() {
        let verbs = ["get", "list", "watch"];
        let places = ["b", "c", "d"];
        let questions: Vec<_> =
            places.iter().flat_map(|place| verbs.iter().map(move |verb| (*verb, *place, Denied))).collect();
        assert_eq!(asked(&questions, 3), ["get b", "list c", "watch d"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn never_more_than_may_be_and_never_less_than_could_be(wanted in proptest::collection::vec(0_usize..50, 0..20), most in 0_usize..400) {
            let dealt = shares(&wanted, most);
            let total: usize = wanted.iter().sum();
            assert_eq!(dealt.iter().sum::<usize>(), total.min(most));
            for (dealt, wanted) in dealt.iter().zip(&wanted) {
                assert!(dealt <= wanted);
            }
        }

        #[test]
        fn a_choice_is_of_the_size_that_was_given_and_names_none_twice(
            stances in proptest::collection::vec((0_u8..4, 0_u8..3, any::<u8>()), 0..60), most in 0_usize..70
        ) {
            let questions: Vec<_> = stances.iter().map(|(place, stance, verb)| {
                let stance = [Allowed, Unknown, Denied][usize::from(*stance)];
                (question(&verb.to_string(), &format!("n{place}")), stance)
            }).collect();
            let chosen = choose(&questions, most);
            assert_eq!(chosen.len(), questions.len().min(most));
            assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), chosen.len());
            let allowed = questions.iter().filter(|(_, stance)| *stance == Allowed).count();
            let taken = chosen.iter().filter(|index| questions[**index].1 == Allowed).count();
            assert_eq!(taken, allowed.min(most));
        }
    }
}
