//! From degrees to a grid. At a council's size a degree of longitude is as wide as at its middle latitude. Each point is moved to
//! a point of the grid, by itself: two areas with one border keep one border, so that no gap opens between them.

use super::{Area, Boundaries, BoundaryError, InDegrees};

/// A place on the grid, from the upper left.
pub(crate) type Point = (i32, i32);

/// The grid's width and height, at most.
const WIDEST: f64 = 1400.0;
const HIGHEST: f64 = 1500.0;
/// The grid becomes coarser until all areas have at most so many points, or its step is [`COARSEST`].
const MOST_DRAWN: usize = 10_000;
const COARSEST: i32 = 32;
/// At that step they have at most so many: a page of more would be slow to open.
pub(super) const MOST_COARSE: usize = 20_000;
/// Half the width of the mark of an area that is too small to be drawn.
const MARK: i32 = 5;

/// The areas on the grid.
///
/// # Errors
/// Where nothing has a width and a height, and where the areas have too many corners.
pub(super) fn draw(areas: Vec<InDegrees>) -> Result<Boundaries, BoundaryError> {
    let all = || areas.iter().flat_map(|area| area.rings.iter().flatten());
    let extent = |axis: usize| {
        let (least, most) = (f64::INFINITY, f64::NEG_INFINITY);
        all().fold((least, most), |(least, most), of| (least.min(of[axis]), most.max(of[axis])))
    };
    let ((west, east), (south, north)) = (extent(0), extent(1));
    let narrower = ((south + north) / 2.0).to_radians().cos();
    let (width, height) = ((east - west) * narrower, north - south);
    // Below a millionth of a degree, a tenth of a metre, nothing is an area.
    if !(width > 1e-6 && height > 1e-6) {
        return Err(BoundaryError::Flat);
    }
    let scale = (WIDEST / width).min(HIGHEST / height);
    let on_grid = |[x, y]: [f64; 2], step: i32| {
        let of = |distance: f64| (distance * scale / f64::from(step)).round() as i32 * step;
        (of((x - west) * narrower), of(north - y))
    };
    let mut step = 1;
    let drawn = loop {
        let drawn: Vec<Area> = areas.iter().map(|of| area(of, |at| on_grid(at, step))).collect();
        let points: usize = drawn.iter().flat_map(|of| &of.rings).map(Vec::len).sum();
        if points <= MOST_DRAWN {
            break drawn;
        }
        if step >= COARSEST {
            match points {
                points if points > MOST_COARSE => {
                    return Err(BoundaryError::TooManyCorners(points));
                }
                _ => break drawn,
            }
        }
        step *= 2;
    };
    let size = ((width * scale).round() as i32, (height * scale).round() as i32);
    Ok(Boundaries { areas: drawn, size })
}

fn area(of: &InDegrees, on_grid: impl Fn([f64; 2]) -> Point) -> Area {
    let rings = of.rings.iter().map(|ring| corners(ring.iter().map(|at| on_grid(*at))));
    let mut rings: Vec<Vec<Point>> = rings.filter(|ring| ring.len() > 2).collect();
    if rings.is_empty() {
        // An area is never left out, however small it is.
        let first = of.rings.first().and_then(|ring| ring.first());
        let (x, y) = first.map_or((0, 0), |at| on_grid(*at));
        rings.push(vec![(x, y - MARK), (x + MARK, y), (x, y + MARK), (x - MARK, y)]);
    }
    Area { code: of.code.clone(), rings }
}

/// The points at which a closed ring turns.
fn corners(ring: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut turning: Vec<Point> = Vec::new();
    for point in ring {
        push(&mut turning, point);
    }
    // The end meets the beginning.
    let mut start = 0;
    loop {
        match turning[start..] {
            [first, _, .., last] if first == last => drop(turning.pop()),
            [first, second, .., last] if is_straight(last, first, second) => start += 1,
            [first, .., last, end] if is_straight(last, end, first) => drop(turning.pop()),
            _ => break,
        }
        if turning.len() - start < 3 {
            break;
        }
    }
    turning.drain(..start);
    turning
}

fn push(turning: &mut Vec<Point>, point: Point) {
    loop {
        match turning[..] {
            [.., last] if last == point => return,
            [.., before, last] if is_straight(before, last, point) => drop(turning.pop()),
            _ => break,
        }
    }
    turning.push(point);
}

/// Whether the way over the middle point is straight, there or back.
fn is_straight((ax, ay): Point, (bx, by): Point, (cx, cy): Point) -> bool {
    let of = |a: i32, b: i32| i64::from(b) - i64::from(a);
    of(ax, bx) * of(by, cy) == of(ay, by) * of(bx, cx)
}

impl Area {
    /// Its outline, as a path of SVG.
    pub(crate) fn path(&self) -> String {
        use std::fmt::Write as _;
        let mut path = String::new();
        for ring in &self.rings {
            let mut before = None;
            for &(x, y) in ring {
                let _ = match before {
                    None => write!(path, "M{x} {y}l"),
                    Some((a, b)) => write!(path, "{} {} ", x - a, y - b),
                };
                before = Some((x, y));
            }
            path.truncate(path.trim_end().len());
            path.push('z');
        }
        path
    }

    /// A place within it for a letter, and how much room there is on both sides together: the widest part of the middle line of
    /// its greatest ring.
    pub(crate) fn middle(&self) -> (Point, i32) {
        let bounds = |ring: &[Point]| {
            ring.iter().fold((i32::MAX, i32::MIN, i32::MAX, i32::MIN), |of, &(x, y)| {
                (of.0.min(x), of.1.max(x), of.2.min(y), of.3.max(y))
            })
        };
        let size = |ring: &&Vec<Point>| {
            let (left, right, top, bottom) = bounds(ring);
            i64::from(right - left) * i64::from(bottom - top)
        };
        let Some(greatest) = self.rings.iter().max_by_key(size) else { return ((0, 0), 0) };
        let (_, _, top, bottom) = bounds(greatest);
        // Between two lines of the grid, so that no corner is on it.
        let line = f64::from(top) + (f64::from(bottom - top) / 2.0).floor() + 0.5;
        let mut crossed: Vec<f64> = Vec::new();
        for ring in &self.rings {
            for (at, &(ax, ay)) in ring.iter().enumerate() {
                let (bx, by) = ring[(at + 1) % ring.len()];
                let (from, to) = (f64::from(ay), f64::from(by));
                if (from < line) != (to < line) {
                    let share = (line - from) / (to - from);
                    crossed.push(f64::from(ax) + share * f64::from(bx - ax));
                }
            }
        }
        crossed.sort_by(f64::total_cmp);
        let parts = crossed.chunks_exact(2).map(|part| (part[1] - part[0], part[0]));
        let widest = parts.reduce(|most, next| if next.0 > most.0 { next } else { most });
        let (room, left) = widest.unwrap_or_default();
        let at = ((left + room / 2.0).round() as i32, line.round() as i32);
        (at, (room as i32).min(bottom - top))
    }
}
