use super::*;

fn table() -> CountTable {
    let ward = Hierarchy::new(
        "ward",
        vec![
            ("T".into(), None),
            ("north".into(), Some(0)),
            ("w1".into(), Some(1)),
            ("w2".into(), Some(1)),
            ("w3".into(), Some(0)),
        ],
    )
    .unwrap();
    let sex = Hierarchy::flat("sex", "T", ["F".into(), "M".into()]).unwrap();
    CountTable::new("t", vec![ward, sex], vec![1; 6], vec![]).unwrap()
}

#[test]
fn cells_are_numbered_row_major() {
    let table = table();
    for cell in 0..table.cell_count() {
        assert_eq!(table.cell(&table.coordinates(cell)), cell);
    }
    assert_eq!(table.coordinates(1), [0, 1]);
    let inner = table.inner_cells();
    assert_eq!(inner.len(), table.inner().len());
    for (number, &cell) in inner.iter().enumerate() {
        assert_eq!(table.cells_above(number)[0], cell);
        let nodes = table.coordinates(cell);
        let leaf = |place: usize| table.dimensions()[place].leaf(table.leaf(place, number));
        assert_eq!([leaf(0), leaf(1)], nodes[..]);
    }
}

#[test]
fn respondents_are_declared_by_a_dimension() {
    let school = || Hierarchy::flat("school", "T", ["A".into(), "B".into()]).unwrap();
    let table = |school| CountTable::new("t", vec![school], vec![1, 2], vec![]).unwrap();
    let policy = Policy::new(5, Zeros::Published);
    let set = |tables| TableSet { tables, policy };
    assert_eq!(set(vec![table(school())]).respondents(), None);
    let declared = set(vec![table(school()), table(school().of_respondents())]);
    assert_eq!(declared.respondents(), Some("school"));
}

#[test]
fn dimensions_that_name_two_classes_count_nobody() {
    let of = |name: &str| Hierarchy::flat(name, "all", ["1".into(), "2".into()]).unwrap();
    let table = |inner: [u64; 4]| {
        CountTable::new("t", vec![of("a"), of("b")], inner.to_vec(), vec![]).unwrap()
    };
    let tie = |dimension| Tie { name: "a, b".into(), dimension, class_of: vec![0, 1] };
    let tied = table([3, 0, 0, 9]).tied(vec![tie(0), tie(1)]).unwrap();
    let known: Vec<bool> = (0..4).map(|inner| tied.is_known_zero(inner)).collect();
    assert_eq!(known, [false, true, true, false]);
    let cells = tied.known_zero_cells();
    let known: Vec<usize> = (0..9).filter(|&cell| cells[cell]).collect();
    assert_eq!(known, [tied.cell(&[1, 2]), tied.cell(&[2, 1])]);
    assert!(table([3, 1, 0, 9]).tied(vec![tie(0), tie(1)]).is_err());
    assert!(table([3, 1, 0, 9]).tied(vec![tie(2)]).is_err());
    assert!(table([3, 1, 0, 9]).knowing_zeros(vec![1]).is_err());
    assert!(!table([0, 0, 0, 0]).known_zero_cells().contains(&true));
}

#[test]
fn wrong_shapes_are_refused() {
    assert!(Hierarchy::new("d", vec![("a".into(), Some(0))]).is_err());
    assert!(Hierarchy::flat("d", "T", ["T".into()]).is_err());
    assert!(CountTable::new("t", vec![], vec![], vec![]).is_err());
}

#[test]
fn a_table_in_another_order_says_the_same() {
    let table = table();
    let (dimensions, inner) = (table.dimensions().to_vec(), (1..=6).collect());
    let table = CountTable::new("t", dimensions, inner, vec![]).unwrap();
    let cells = |table: &CountTable| -> std::collections::BTreeMap<String, (u64, bool)> {
        let counts = table.cell_counts().into_iter().enumerate();
        let withheld = &table.published_pattern().unwrap().withheld;
        let name = |cell: usize| {
            let nodes = table.coordinates(cell);
            let codes = table.dimensions().iter().zip(nodes).map(|(of, node)| of.code(node));
            codes.collect::<Vec<_>>().join(" ")
        };
        counts.map(|(cell, count)| (name(cell), (count, withheld[cell]))).collect()
    };
    let withheld = (0..table.cell_count()).map(|cell| cell % 3 == 1).collect();
    let tie = Tie { name: "x".into(), dimension: 0, class_of: vec![0, 0, 1] };
    let table = table.published_before(Pattern { withheld }).unwrap().tied(vec![tie]).unwrap();
    let level = ProtectionLevel { cell: table.cell(&[3, 1]), lower: 1, upper: 2 };
    let table = table.with_protection_levels(vec![level]).unwrap();
    let flat = |name: &str, codes: &[&str]| {
        Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
    };
    let known = [flat("sex", &["M", "F"]), flat("ward", &["w3", "w2", "w1"])];
    let ordered = table.clone().in_order_of(&known).unwrap();
    assert_eq!(cells(&ordered), cells(&table));
    assert_ne!(ordered.inner(), table.inner());
    assert_eq!(ordered.ties()[0].class_of, [1, 0, 0]);
    let [ward, sex] =
        [("w2", 0), ("F", 1)].map(|(code, at)| ordered.dimension(at).node(code).unwrap());
    assert_eq!(ordered.protection_levels()[0].cell, ordered.cell(&[ward, sex]));
    // As it is, where another with the same leaves in its own order is known first.
    let first = [table.dimension(1).clone(), known[0].clone()];
    assert_eq!(table.clone().in_order_of(&first).unwrap(), table);
}
