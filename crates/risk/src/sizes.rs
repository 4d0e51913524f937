use serde::Serialize;

/// Children in classes of fewer than these are counted.
pub const BELOW: [u32; 3] = [3, 5, 10];

/// The lower bounds of [`Sizes::bands`].
const BANDS: [u32; 8] = [1, 2, 3, 5, 10, 20, 50, 100];

/// How large the equivalence classes are: exact counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Rows: one a child.
    pub children: u64,
    /// Classes.
    pub classes: u64,
    /// Children who are alone in their class: sample uniques.
    pub unique: u64,
    /// The size of the smallest class: the k of k-anonymity. None where there is no child.
    pub smallest: Option<u32>,
    /// Children in classes of fewer than each of [`BELOW`].
    pub below: [u64; 3],
    /// Classes by size, in bands that are not empty.
    pub bands: Vec<Band>,
}

/// The classes of a band of sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Band {
    /// The smallest size.
    pub from: u32,
    /// The largest size; none where it is open.
    pub to: Option<u32>,
    /// Classes.
    pub classes: u64,
    /// Children in them.
    pub children: u64,
}

impl Sizes {
    pub(crate) fn of(sizes: &[u32]) -> Self {
        let mut bands: Vec<Band> = BANDS
            .iter()
            .enumerate()
            .map(|(at, &from)| Band {
                from,
                to: BANDS.get(at + 1).map(|next| next - 1),
                classes: 0,
                children: 0,
            })
            .collect();
        for &size in sizes {
            let band = BANDS.partition_point(|&from| from <= size).saturating_sub(1);
            bands[band].classes += 1;
            bands[band].children += u64::from(size);
        }
        bands.retain(|band| band.classes > 0);
        let in_those = |which: &dyn Fn(u32) -> bool| {
            sizes.iter().filter(|&&size| which(size)).map(|&size| u64::from(size)).sum()
        };
        Self {
            children: in_those(&|_| true),
            classes: sizes.len() as u64,
            unique: in_those(&|size| size == 1),
            smallest: sizes.iter().copied().min(),
            below: BELOW.map(|bound| in_those(&|size| size < bound)),
            bands,
        }
    }

    /// The share of children who are alone in their class, from 0 to 1; 0 where there is no child.
    pub fn uniqueness(&self) -> f64 {
        self.share(self.unique)
    }

    /// A number of children as a share of all, from 0 to 1; 0 where there is no child.
    pub fn share(&self, children: u64) -> f64 {
        if self.children == 0 { 0.0 } else { children as f64 / self.children as f64 }
    }
}
