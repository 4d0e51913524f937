//! An attacker who has the public files alone, and knows which values a child can have together.
//!
//! One unknown for each combination of values of the raw columns that a child can have; one equation for each published
//! number. Linear programs then say how little and how much a withheld number can be: whole counts lie within. The
//! attacker shares the solver with the programs and nothing else: no table, no hierarchy, no tie.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem};

use crate::council::{Released, Row};

pub(crate) struct Attacker {
    columns: Vec<String>,
    /// The combinations of values that a child has, and how many children have each.
    combinations: Vec<(Row, u64)>,
    /// The combinations that a published number adds up, and the number.
    published: Vec<(Vec<usize>, u64)>,
    /// Those of each withheld number.
    withheld: Vec<(String, Vec<usize>)>,
    zeros_are_published: bool,
}

/// Some values of some columns: children who have one of them in each.
pub(crate) struct Cell(BTreeMap<String, Vec<String>>);

impl Cell {
    pub(crate) fn of(values: &[(&str, &[&str])]) -> Self {
        let texts = |of: &[&str]| of.iter().map(|&text| text.to_owned()).collect();
        Self(values.iter().map(|(column, of)| ((*column).to_owned(), texts(of))).collect())
    }
}

/// A column, a category of it, and the values that it stands for: a band's label, or a level's.
pub(crate) type Category<'a> = (&'a str, &'a str, &'a [&'a str]);

impl Attacker {
    /// One who knows that a child can have the combinations that these children have, and no others.
    pub(crate) fn new(columns: &[&str], rows: &[Row]) -> Self {
        Self::knowing(columns, rows, rows)
    }

    /// One who knows that a child can have these combinations, and no others.
    pub(crate) fn knowing(columns: &[&str], rows: &[Row], possible: &[Row]) -> Self {
        let mut combinations: BTreeMap<&Row, u64> = possible.iter().map(|row| (row, 0)).collect();
        for row in rows {
            *combinations.get_mut(row).unwrap() += 1;
        }
        Self {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            combinations: combinations.into_iter().map(|(row, of)| (row.clone(), of)).collect(),
            published: Vec::new(),
            withheld: Vec::new(),
            zeros_are_published: true,
        }
    }

    /// A withheld count may be of nobody.
    pub(crate) fn zeros_may_be_withheld(&mut self) {
        self.zeros_are_published = false;
    }

    /// Reads a released table. `sums` has for each measure that is a sum of a flag its column and the value that counts.
    pub(crate) fn reads(
        &mut self,
        table: &Released,
        sums: &[Option<(&str, &str)>],
        categories: &[Category<'_>],
    ) {
        self.reads_of(table, sums, categories, &Cell(BTreeMap::new()));
    }

    /// The same of a release that counts some children alone.
    pub(crate) fn reads_of(
        &mut self,
        table: &Released,
        sums: &[Option<(&str, &str)>],
        categories: &[Category<'_>],
        counted: &Cell,
    ) {
        for (cell, count, measures) in &table.rows {
            let mut values = counted.0.clone();
            for (column, category) in table.dimensions.iter().zip(cell) {
                self.narrow(&mut values, column, category, categories);
            }
            let name = format!("{} {}", table.dimensions.join("×"), cell.join(" "));
            self.number(name.clone(), &values, *count);
            for (sum, number) in sums.iter().zip(measures) {
                let Some((column, one)) = sum else { continue };
                let number = number.map(|number| number as u64);
                for (is_one, number) in [
                    (true, number),
                    (false, count.zip(number).map(|(count, number)| count - number)),
                ] {
                    let mut values = values.clone();
                    let of = self.values(column).into_iter();
                    let chosen: Vec<String> = of.filter(|of| (of == one) == is_one).collect();
                    narrowed(&mut values, column, chosen);
                    let is = if is_one { "is" } else { "is not" };
                    self.number(format!("{name}, {column} {is} {one}"), &values, number);
                }
            }
        }
    }

    /// Reads a table of earlier data, and supposes that little has changed: they know the present number of each cell whose
    /// published one is less than the threshold away, unless it is small now.
    pub(crate) fn supposes(&mut self, table: &Released, counted: &Cell, threshold: u64) {
        for (cell, count, _) in &table.rows {
            let mut values = counted.0.clone();
            for (column, category) in table.dimensions.iter().zip(cell) {
                self.narrow(&mut values, column, category, &[]);
            }
            let of = self.combinations_of(&values);
            let now = self.count(&of);
            let is_near = |then: u64| then.abs_diff(now) < threshold;
            if count.is_some_and(is_near) && !(1..threshold).contains(&now) && !of.is_empty() {
                self.published.push((of, now));
            }
        }
    }

    /// How many children have these values.
    pub(crate) fn count_of(&self, cell: &Cell) -> u64 {
        self.count(&self.combinations_of(&cell.0))
    }

    /// How many withheld counts are from one to one less than the threshold.
    pub(crate) fn small(&self, threshold: u64) -> usize {
        let counts = self.withheld.iter().map(|(_, of)| self.count(of));
        counts.filter(|count| (1..threshold).contains(count)).count()
    }

    /// The small counts of which the published numbers say more than that they are withheld: that they are not one, or
    /// not as many as the threshold. One that several children of different cells make up must be larger.
    pub(crate) fn given_away(&self, threshold: u64) -> Vec<String> {
        let mut given_away = Vec::new();
        for (name, of) in &self.withheld {
            if !(1..threshold).contains(&self.count(of)) {
                continue;
            }
            let (low, high) = self.range_of(of);
            let least = self.withheld.iter().filter(|(_, part)| {
                part.len() < of.len() && part.iter().all(|one| of.contains(one))
            });
            let is_made_up = least.count() > 0;
            if high < threshold as f64 - 1e-6 || !is_made_up && low > 1.0 + 1e-6 {
                given_away.push(format!("{name} lies between {low} and {high}"));
            }
        }
        given_away
    }

    /// From how many to how many children have these values.
    pub(crate) fn range(&self, cell: &Cell) -> (f64, f64) {
        self.range_of(&self.combinations_of(&cell.0))
    }

    fn range_of(&self, of: &[usize]) -> (f64, f64) {
        (
            self.extreme(of, OptimizationDirection::Minimize),
            self.extreme(of, OptimizationDirection::Maximize),
        )
    }

    fn extreme(&self, of: &[usize], direction: OptimizationDirection) -> f64 {
        let mut problem = Problem::new(direction);
        let wanted = |place: usize| if of.contains(&place) { 1.0 } else { 0.0 };
        let most = self.combinations.iter().map(|(_, count)| *count as f64).sum::<f64>() * 2.0;
        let variables: Vec<_> = (0..self.combinations.len())
            .map(|place| problem.add_var(wanted(place), (0.0, most)))
            .collect();
        let terms =
            |of: &[usize]| of.iter().map(|&place| (variables[place], 1.0)).collect::<Vec<_>>();
        for (of, number) in &self.published {
            problem.add_constraint(terms(of), ComparisonOp::Eq, *number as f64);
        }
        if self.zeros_are_published {
            for (_, of) in self.withheld.iter().filter(|(name, _)| !name.contains(" is ")) {
                problem.add_constraint(terms(of), ComparisonOp::Ge, 1.0);
            }
        }
        problem.solve().unwrap().into_solution().unwrap().objective()
    }

    fn count(&self, of: &[usize]) -> u64 {
        of.iter().map(|&place| self.combinations[place].1).sum()
    }

    /// A number that a table shows or withholds.
    fn number(
        &mut self,
        name: String,
        values: &BTreeMap<String, Vec<String>>,
        number: Option<u64>,
    ) {
        let of = self.combinations_of(values);
        match number {
            Some(number) => {
                assert_eq!(number, self.count(&of), "{name}: a published number is not the truth");
                if !of.is_empty() {
                    self.published.push((of, number));
                }
            }
            None if !of.is_empty() => self.withheld.push((name, of)),
            None => {}
        }
    }

    fn combinations_of(&self, values: &BTreeMap<String, Vec<String>>) -> Vec<usize> {
        let has = |row: &Row| {
            let mut columns = self.columns.iter().zip(row);
            columns.all(|(column, value)| values.get(column).is_none_or(|of| of.contains(value)))
        };
        let all = self.combinations.iter().enumerate();
        all.filter(|(_, (row, _))| has(row)).map(|(place, _)| place).collect()
    }

    /// The values of a column that any child has.
    fn values(&self, column: &str) -> Vec<String> {
        let place = self.columns.iter().position(|of| of == column).unwrap();
        let mut values: Vec<String> =
            self.combinations.iter().map(|(row, _)| row[place].clone()).collect();
        values.sort();
        values.dedup();
        values
    }

    fn narrow(
        &self,
        values: &mut BTreeMap<String, Vec<String>>,
        column: &str,
        category: &str,
        categories: &[Category<'_>],
    ) {
        let listed = categories.iter().find(|of| (of.0, of.1) == (column, category));
        let chosen = match (category, listed) {
            ("All", _) => return,
            (_, Some((_, _, of))) => of.iter().map(|&value| value.to_owned()).collect(),
            ("Unknown", None) => vec![String::new()],
            (_, None) => vec![category.to_owned()],
        };
        narrowed(values, column, chosen);
    }
}

fn narrowed(values: &mut BTreeMap<String, Vec<String>>, column: &str, chosen: Vec<String>) {
    let before = values.remove(column);
    let both = chosen.into_iter().filter(|of| before.as_ref().is_none_or(|had| had.contains(of)));
    values.insert(column.to_owned(), both.collect());
}
