//! Small cases of releases about different children, worked out by hand.

use super::*;

fn plan(counts: [bool; 3], by: &[usize]) -> Plan {
    Plan { counts, by: by.to_vec() }
}

/// Returns what becomes of releases that withhold nothing.
fn shown(plans: &[Plan], children: &Children) -> Result<(), Refusal> {
    let shows = Shows::counts(Policy::new(5, Zeros::Published));
    let shown = |plan: &Plan| {
        let table = plan.table(children);
        let withheld = vec![false; table.cell_count()];
        (table, Pattern { withheld })
    };
    let released: Vec<(CountTable, Pattern)> = plans.iter().map(shown).collect();
    let verdict = beside(&shows, plans, children, &released);
    assert_eq!(verdict.is_ok(), is_open(&shows, plans, children, &released, 30_000_000).unwrap());
    verdict
}

#[test]
fn three_releases_tell_what_no_two_of_them_do() {
    let [some, others, all] = [[true, false, false], [false, true, false], [true; 3]];
    let of = |left| [6, 7, 8, 9, 9, 8, 7, 6, left, 0, 6, 7];
    let two = |of: &Children| shown(&[plan(some, &[1]), plan(all, &[1])], of);
    let three = |of: &Children| shown(&[plan(some, &[1]), plan(others, &[1]), plan(all, &[1])], of);
    // Two of the first ward's children are neither.
    assert!(two(&of(2)).is_ok());
    let Err(Refusal::Unprotected(failures)) = three(&of(2)) else { panic!("two follow") };
    assert!(failures.iter().all(|failure| failure.table < 3));
    assert!(three(&of(5)).is_ok());
}

#[test]
fn a_sum_of_cells_of_one_is_taken_from_another() {
    // The first divides by what chooses the second's children, and has no number for all of these.
    let plans = [plan([true, true, false], &[0]), plan([false, true, true], &[1])];
    assert!(shown(&plans, &[3, 0, 3, 0, 5, 0, 5, 0, 2, 0, 1, 0]).is_err());
    assert!(shown(&plans, &[3, 0, 3, 0, 5, 0, 5, 0, 2, 0, 1, 2]).is_ok());
}

#[test]
fn what_is_shared_must_be_shown() {
    let children = [6, 7, 8, 9, 9, 8, 7, 6, 5, 5, 6, 7];
    let policy = Policy::new(5, Zeros::Published);
    let plans = [plan([true, true, false], &[1, 2]), plan([true; 3], &[1])];
    let release = |withheld: &[usize]| {
        let tables: Vec<CountTable> = plans.iter().map(|plan| plan.table(&children)).collect();
        let mut patterns: Vec<Pattern> = tables
            .iter()
            .map(|table| Pattern { withheld: vec![false; table.cell_count()] })
            .collect();
        withheld.iter().for_each(|&cell| patterns[0].withheld[cell] = true);
        let released: Vec<_> = tables.into_iter().zip(patterns).collect();
        beside(&Shows::counts(policy), &plans, &children, &released)
    };
    // By ward they share; by ward and sex they do not.
    assert_eq!(release(&[4, 5, 7, 8]), Ok(()));
    assert_eq!(release(&[3, 4, 5]), Err(Refusal::SharedWithheld { release: 0 }));
    let table = plans[0].table(&children);
    let (all, nodes) = all(&plans, &children, &[1]);
    let one = |tables, patterns| JointRelease { tables, patterns, all: all.clone(), own: nodes[0] };
    let tables = [table];
    assert_eq!(verify_joint(policy, &[one(&tables, &[])]), Err(Refusal::Shape));
    let short = [Pattern { withheld: vec![false] }];
    assert_eq!(verify_joint(policy, &[one(&tables, &short)]), Err(Refusal::Shape));
    let other = [plans[0].table(&[9; 12])];
    let whole = [Pattern { withheld: vec![false; 9] }];
    let verdict = verify_joint(policy, &[one(&other, &whole)]);
    assert!(matches!(verdict, Err(Refusal::Inconsistent { .. })));
}
