//! A map of the numbers by place. Its classes follow from the numbers that are published, and from nothing else; a withheld one
//! is hatched, the same whatever its number and the reason are. A letter stands in each colour, and the table below has all.

use maud::{Markup, html};

use super::classes::{Classes, MOST_CLASSES};
use crate::{
    Boundaries,
    content::{Dimension, Measure, Table, Unit, Value, heading},
};

/// An area without this much room, in points of the grid, has no letter.
const ROOM: i32 = 50;

/// The areas of one look, and what each looks like.
struct Drawn<'a> {
    classes: Classes,
    /// The row of the table of each area of the file, and how it looks.
    areas: Vec<(Option<usize>, Look)>,
    boundaries: &'a Boundaries,
    /// Whether the table withholds names of places: an area without a row may then be one of these.
    hides_names: bool,
    /// Rows of places that the file has no area of.
    without_area: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Its number is in a class.
    Class(usize),
    /// Its number is withheld; or nobody may know whether it is.
    Withheld,
    /// Its row has no number that could be: not applicable.
    NotApplicable,
    /// The table has no row of it.
    NoRow,
}

/// The maps of a table: one for each dimension that has boundaries. `id` is the table's part of the page.
pub(super) fn charts(table: &Table, id: &str) -> Vec<(String, Markup)> {
    let of = |(place, dimension): (usize, &Dimension)| {
        let boundaries = dimension.boundaries.as_ref()?;
        Some(one(table, place, boundaries, &format!("{id}-map-{}", place + 1)))
    };
    table.dimensions.iter().enumerate().filter_map(of).collect()
}

/// The measure that is drawn: the first rate, because a map of numbers of children is one of where many live; else the children.
fn measure(table: &Table) -> Option<&Measure> {
    let is_rate = |of: &&Measure| of.unit != Unit::Whole && of.month.is_none();
    table.measures.iter().find(is_rate).or(table.measures.first())
}

/// One map, and what it says apart from its names in the page.
fn one(table: &Table, place: usize, boundaries: &Boundaries, id: &str) -> (String, Markup) {
    let dimension = &table.dimensions[place];
    let name = heading(&dimension.name).to_lowercase();
    let rows = table.by(place);
    let (Some(measure), true) = (measure(table), rows.len() > 1) else {
        let why = html! { p { "No map by " (name) " is drawn, because this table does not show it alone." } };
        return (why.0.clone(), why);
    };
    let drawn = Drawn::new(table, place, boundaries, measure, &rows);
    let what = match measure.unit {
        Unit::Percent => format!("{}, %", heading(&measure.name)),
        Unit::Whole | Unit::Number => heading(&measure.name),
    };
    let title = format!("{what}, by {name}");
    let about = drawn.about();
    let key = format!("{title} {:?} {about:?}", drawn.areas);
    let (title_id, about_id, hatch) =
        (format!("{id}-title"), format!("{id}-about"), format!("{id}-hatch"));
    let (width, height) = boundaries.size;
    let view = format!("-8 -8 {} {}", width + 16, height + 16);
    let label = |row: &Option<usize>| row.map(|row| table.category(row, place).label.as_str());
    let map = html! {
        figure class="map" {
            figcaption { (title) }
            svg class="map" viewBox=(view) role="img" aria-labelledby=(format!("{title_id} {about_id}")) {
                title id=(title_id) { (title) }
                desc id=(about_id) { (about) " The table below has the numbers." }
                (pattern(&hatch))
                @for (area, (row, look)) in boundaries.areas.iter().zip(&drawn.areas) {
                    path d=(area.path()) fill-rule="evenodd" class=(look.class()) fill=[look.is_hatched().then(|| format!("url(#{hatch})"))] {
                        title { (label(row).unwrap_or(&area.code)) ": " (row.map_or_else(|| drawn.no_row().to_owned(), |row| measure.values[row].text())) }
                    }
                }
                @for (area, (_, look)) in boundaries.areas.iter().zip(&drawn.areas) {
                    @let ((x, y), room) = area.middle();
                    @if let Some(letter) = look.letter().filter(|_| room >= ROOM) {
                        text x=(x) y=(y + 14) text-anchor="middle" font-size="40" class=(look.letter_class()) { (letter) }
                    }
                }
            }
            ul class="key" { (drawn.key(id)) }
            @for sentence in drawn.notes(&name) { p { (sentence) } }
        }
    };
    (key, map)
}

/// Lines across, in the colour of the border, on white.
fn pattern(id: &str) -> Markup {
    html! {
        defs {
            pattern id=(id) width="14" height="14" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect width="14" height="14" fill="#fff" { }
                line x1="3" y1="0" x2="3" y2="14" stroke="#595959" stroke-width="4" { }
            }
        }
    }
}

impl<'a> Drawn<'a> {
    fn new(
        table: &Table,
        place: usize,
        boundaries: &'a Boundaries,
        measure: &Measure,
        rows: &[usize],
    ) -> Self {
        let dimension = &table.dimensions[place];
        let code = |row: usize| {
            let category = table.category(row, place);
            let code = match dimension.has_codes {
                true => category.code.as_deref(),
                false => Some(category.label.as_str()),
            };
            code.filter(|_| !category.is_withheld)
        };
        let row_of = |wanted: &str| rows.iter().copied().find(|&row| code(row) == Some(wanted));
        let found: Vec<Option<usize>> =
            boundaries.areas.iter().map(|area| row_of(&area.code)).collect();
        let shown = found.iter().flatten().filter_map(|&row| measure.values[row].number());
        let classes = Classes::of(shown, measure.unit);
        let hides_names = rows.iter().any(|&row| table.category(row, place).is_withheld);
        let look = |row: Option<usize>| match row.map(|row| measure.values[row]) {
            Some(Value::Withheld) => Look::Withheld,
            Some(Value::NotApplicable) => Look::NotApplicable,
            Some(value) => value
                .number()
                .map_or(Look::NotApplicable, |number| Look::Class(classes.class_of(number))),
            None if hides_names => Look::Withheld,
            None => Look::NoRow,
        };
        let areas: Vec<(Option<usize>, Look)> = found.iter().map(|&row| (row, look(row))).collect();
        let is_place = |row: &&usize| {
            let category = table.category(**row, place);
            !category.is_withheld && !category.is_unknown && !found.contains(&Some(**row))
        };
        let without_area = rows.iter().filter(is_place).count();
        Self { classes, areas, boundaries, hides_names, without_area }
    }

    fn count(&self, look: Look) -> usize {
        self.areas.iter().filter(|(_, of)| *of == look).count()
    }

    /// The words for an area without a row.
    fn no_row(&self) -> &'static str {
        if self.hides_names { "no row, or withheld" } else { "no row" }
    }

    fn about(&self) -> String {
        let shown = self.areas.iter().filter(|(_, look)| matches!(look, Look::Class(_))).count();
        format!(
            "A map of {}. The numbers of {shown} are shown, in {}. {} withheld and hatched.",
            counted(self.boundaries.len(), "area"),
            counted_as(self.classes.len(), "class", "classes"),
            match self.count(Look::Withheld) {
                0 => "None is".to_owned(),
                1 => "1 is".to_owned(),
                some => format!("{some} are"),
            }
        )
    }

    /// One entry a look that the map has.
    fn key(&self, id: &str) -> Markup {
        let classes = (0..self.classes.len()).map(Look::Class);
        let others = [Look::Withheld, Look::NotApplicable, Look::NoRow];
        let looks: Vec<Look> =
            classes.chain(others.into_iter().filter(|of| self.count(*of) > 0)).collect();
        html! {
            @for (at, look) in looks.into_iter().enumerate() {
                @let hatch = format!("{id}-key-{at}");
                li {
                    svg class="swatch" viewBox="0 0 78 27" aria-hidden="true" focusable="false" {
                        @if look.is_hatched() { (pattern(&hatch)) }
                        rect x="1" y="1" width="76" height="25" class=(look.class()) fill=[look.is_hatched().then(|| format!("url(#{hatch})"))] { }
                        @if let Some(letter) = look.letter() { text x="39" y="21" text-anchor="middle" font-size="22" class=(look.letter_class()) { (letter) } }
                    }
                    (self.meaning(look)) " (" (counted(self.count(look), "area")) ")"
                }
            }
        }
    }

    fn meaning(&self, look: Look) -> String {
        match look {
            Look::Class(class) => {
                format!("{}: {}", look.letter().unwrap_or_default(), self.classes.range(class))
            }
            Look::Withheld if self.hides_names => {
                "hatched: withheld, or without a row in the table".to_owned()
            }
            Look::Withheld => "hatched: withheld".to_owned(),
            Look::NotApplicable => "z: not applicable".to_owned(),
            Look::NoRow => "–: without a row in the table".to_owned(),
        }
    }

    /// The places that the map and the table do not share.
    fn notes(&self, name: &str) -> Vec<String> {
        let without_row = self.areas.iter().filter(|(row, _)| row.is_none()).count();
        let mut notes = Vec::new();
        if without_row > 0 {
            let may_be_withheld =
                if self.hides_names { ", or a row whose name is withheld" } else { "" };
            notes.push(format!(
                "{} no row in the table{may_be_withheld}.",
                counted_as(
                    without_row,
                    "area of the boundary file has",
                    "areas of the boundary file have"
                ),
            ));
        }
        if self.without_area > 0 {
            notes.push(format!(
                "{} not on the map, because the boundary file has no area of the same code.",
                counted_as(
                    self.without_area,
                    &format!("{name} of the table is"),
                    &format!("rows by {name} are")
                )
            ));
        }
        notes
    }
}

fn counted(number: usize, one: &str) -> String {
    counted_as(number, one, &format!("{one}s"))
}

fn counted_as(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Class(class) => {
                ["area a0", "area a1", "area a2", "area a3", "area a4"][class.min(MOST_CLASSES - 1)]
            }
            Self::Withheld => "area",
            Self::NotApplicable | Self::NoRow => "area none",
        }
    }

    fn is_hatched(self) -> bool {
        self == Self::Withheld
    }

    fn letter(self) -> Option<&'static str> {
        match self {
            Self::Class(class) => Some(["A", "B", "C", "D", "E"][class.min(MOST_CLASSES - 1)]),
            Self::NotApplicable => Some("z"),
            Self::NoRow => Some("–"),
            Self::Withheld => None,
        }
    }

    /// Letters on the two dark colours are white.
    fn letter_class(self) -> &'static str {
        if matches!(self, Self::Class(3..)) { "on-dark" } else { "on-light" }
    }
}
