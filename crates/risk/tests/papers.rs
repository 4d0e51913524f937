//! The examples of the literature.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use minster_risk::{Classes, Column, Inference, Scale, Sensitive};

/// Texts as codes, in the order in which they come.
fn coded<const N: usize>(texts: [&str; N]) -> Column {
    let mut known: Vec<&str> = Vec::new();
    let codes = texts.map(|text| {
        known.iter().position(|of| *of == text).unwrap_or_else(|| {
            known.push(text);
            known.len() - 1
        }) as u32
    });
    Column::new(codes.to_vec(), known.len() as u32).unwrap()
}

fn of(quasi: &[&Column], column: &Column, scale: Scale) -> Inference {
    let sensitive = Sensitive { column, scale, left_out: None };
    Classes::of(quasi).unwrap().inference(&sensitive).unwrap()
}

fn near(value: Option<f64>, expected: f64) {
    assert!((value.unwrap() - expected).abs() < 1e-12, "{value:?} is not {expected}");
}

/// Sweeney 2002, figure 2: "k = 2 and QI = {Race, Birth, Gender, ZIP}".
#[test]
fn the_table_of_sweeney_has_k_2() {
    let race = coded([
        "Black", "Black", "Black", "Black", "Black", "Black", "White", "White", "White", "White",
        "White",
    ]);
    let birth = coded([
        "1965", "1965", "1965", "1965", "1964", "1964", "1964", "1964", "1964", "1967", "1967",
    ]);
    let gender = coded(["m", "m", "f", "f", "f", "f", "m", "m", "m", "m", "m"]);
    let zip = coded([
        "0214*", "0214*", "0213*", "0213*", "0213*", "0213*", "0213*", "0213*", "0213*", "0213*",
        "0213*",
    ]);
    let sizes = Classes::of(&[&race, &birth, &gender, &zip]).unwrap().sizes();
    assert_eq!((sizes.smallest, sizes.classes, sizes.unique), (Some(2), 5, 0));
    assert_eq!(sizes.below, [8, 11, 11]);
}

/// Machanavajjhala et al. 2007: the 4-anonymous table of inpatients, in which the last four all have cancer, and the 3-diverse one.
#[test]
fn the_inpatients_of_machanavajjhala() {
    let (heart, viral, cancer) = ("Heart disease", "Viral infection", "Cancer");
    let anonymous = Column::new(vec![0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2], 3).unwrap();
    let condition: [&str; 12] =
        [heart, heart, viral, viral, cancer, heart, viral, viral, cancer, cancer, cancer, cancer];
    let found = of(&[&anonymous], &coded(condition), Scale::Nominal);
    assert_eq!(Classes::of(&[&anonymous]).unwrap().sizes().smallest, Some(4));
    assert_eq!((found.distinct, found.alike), (Some(1), 4));
    near(found.entropy, 1.0);

    // Rows 1, 4, 9, 10; 5, 6, 7, 8; 2, 3, 11, 12 of the same inpatients.
    let diverse = coded([
        "1305*", "1306*", "1306*", "1305*", "1485*", "1485*", "1485*", "1485*", "1305*", "1305*",
        "1306*", "1306*",
    ]);
    let found = of(&[&diverse], &coded(condition), Scale::Nominal);
    assert_eq!((found.distinct, found.alike, found.classes), (Some(3), 0, 3));
    // Each class has one value twice and two values once: an entropy of ln 2 + ln 2 / 2.
    near(found.entropy, 2_f64.powf(1.5));
}

/// The salaries 3K to 11K of Li et al. 2007, table 3, in the classes of their tables 4 and 5.
#[test]
fn the_salaries_of_li() {
    // Thousands less three are the codes.
    let salary = Column::new(vec![0, 1, 2, 3, 8, 5, 4, 6, 7], 9).unwrap();
    // Table 4, 3-diverse: {3K, 4K, 5K} has the distance 0.375, {6K, 8K, 11K} has 0.167.
    let table_4 = coded(["a", "a", "a", "b", "b", "b", "c", "c", "c"]);
    near(of(&[&table_4], &salary, Scale::Ordered).closeness, 0.375);
    // Table 5 has 0.167-closeness as to salary.
    let table_5 = coded(["a", "c", "a", "b", "b", "b", "c", "a", "c"]);
    near(of(&[&table_5], &salary, Scale::Ordered).closeness, 1.0 / 6.0);
    // The class {6K, 8K, 11K} alone against all nine.
    let closeness = |rows: &[u32]| {
        let class = (0..9).map(|row| u32::from(rows.contains(&row))).collect();
        let codes = Column::new(class, 2).unwrap();
        of(&[&codes], &salary, Scale::Ordered).closeness
    };
    near(closeness(&[3, 4, 5]), 1.0 / 6.0);
}

/// The diseases of the same table 5 are not ordered: without their hierarchy, the class of ulcer, cancer and pneumonia is
/// (1/3 - 1/9) + (1/3 - 2/9) + (1/3 - 1/9) from the whole.
#[test]
fn the_diseases_of_li_by_the_variational_distance() {
    let disease = coded([
        "gastric ulcer",
        "gastritis",
        "stomach cancer",
        "gastritis",
        "flu",
        "bronchitis",
        "bronchitis",
        "pneumonia",
        "stomach cancer",
    ]);
    let table_5 = coded(["a", "c", "a", "b", "b", "b", "c", "a", "c"]);
    let found = of(&[&table_5], &disease, Scale::Nominal);
    near(found.closeness, 5.0 / 9.0);
    assert_eq!(found.distinct, Some(3));
}

#[test]
fn a_blank_that_is_left_out_counts_neither_in_classes_nor_in_the_whole() {
    let class = coded(["a", "a", "b", "b", "c"]);
    let column = Column::new(vec![0, 2, 0, 1, 2], 3).unwrap();
    for scale in [Scale::Nominal, Scale::Ordered] {
        let with = Sensitive { column: &column, scale, left_out: None };
        let classes = Classes::of(&[&class]).unwrap();
        let as_value = classes.inference(&with).unwrap();
        assert_eq!((as_value.children, as_value.classes, as_value.alike), (5, 3, 1));
        let left_out = classes.inference(&Sensitive { left_out: Some(2), ..with }).unwrap();
        assert_eq!((left_out.children, left_out.classes, left_out.alike), (3, 2, 1));
        // The one class has the first value alone, of which the whole has two thirds.
        near(left_out.closeness, 1.0 / 3.0);
    }
}

#[test]
fn no_child_has_no_measure() {
    let none = Column::new(Vec::new(), 0).unwrap();
    let sizes = Classes::of(&[&none]).unwrap().sizes();
    assert_eq!((sizes.children, sizes.smallest, sizes.uniqueness()), (0, None, 0.0));
    let found = of(&[&none], &none, Scale::Ordered);
    assert_eq!((found.distinct, found.entropy, found.closeness), (None, None, None));
}
