//! Figures for monitors, in Prometheus' text format. The store writes a file of them for the node exporter, and so does the
//! vault's program. The Prometheus project's own library writes the text; here stand the figures, in one order, so that the
//! same figures give the same bytes.
//!
//! It depends on no other crate of the workspace.
//!
//! ```
//! use minster_metrics::{Family, Metrics};
//!
//! const EXIT: Family = ("minster_run_last_exit_code", "How the program's last run ended.");
//!
//! let mut metrics = Metrics::default();
//! metrics.add(EXIT, &[("program", "minster")], 3_u8);
//! let text = metrics.text()?;
//! let lines: Vec<&str> = text.lines().collect();
//! assert_eq!(lines[0], "# HELP minster_run_last_exit_code How the program's last run ended.");
//! assert_eq!(lines[1], "# TYPE minster_run_last_exit_code gauge");
//! assert_eq!(lines[2..], ["minster_run_last_exit_code{program=\"minster\"} 3"]);
//! # Ok::<(), std::fmt::Error>(())
//! ```
#![forbid(unsafe_code)]

use std::{collections::BTreeMap, fmt};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, prometheus_text},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};

/// A name of figures, and its help: a sentence.
pub type Family = (&'static str, &'static str);

/// A number that a monitor sees as it is at the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A whole number.
    Whole(i64),
    /// A number: seconds, or a ratio.
    Number(f64),
}

macro_rules! whole {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Figure {
            fn from(number: $kind) -> Self {
                Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
    )*};
}

whole!(u8, u32, u64, usize, i32, i64);

impl From<f64> for Figure {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// A figure's labels, each with its text.
type Labels = Vec<(&'static str, String)>;

/// Figures by family. Families stand in the order of their names, and the figures of one in the order in which they came.
#[derive(Debug, Default)]
pub struct Metrics(BTreeMap<Family, Vec<(Labels, Figure)>>);

impl Metrics {
    /// Adds a figure. Any text may be a label's: what the format needs quoted is quoted.
    pub fn add(
        &mut self,
        family: Family,
        labels: &[(&'static str, &str)],
        figure: impl Into<Figure>,
    ) {
        let labels = labels.iter().map(|&(name, text)| (name, text.to_owned())).collect();
        self.0.entry(family).or_default().push((labels, figure.into()));
    }

    /// The text.
    ///
    /// # Errors
    /// Where the library cannot write into a text; no figure is the cause.
    pub fn text(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for ((name, help), figures) in &self.0 {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, figure) in figures {
                let one = family.encode_family(labels)?;
                match figure {
                    Figure::Whole(number) => ConstGauge::new(*number).encode(one)?,
                    Figure::Number(number) => ConstGauge::new(*number).encode(one)?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    const FIRST: Family = ("a_first", "The first.");
    const SECOND: Family = ("b_second", "The second.");

    #[test]
    fn families_stand_by_name_and_their_figures_as_they_came() {
        let mut metrics = Metrics::default();
        metrics.add(SECOND, &[], 0.25);
        metrics.add(FIRST, &[("source", "census"), ("period", "2024-25")], 7_u64);
        metrics.add(FIRST, &[("source", "attendance"), ("period", "2024-25")], -2_i64);
        metrics.add(SECOND, &[], u64::MAX);
        assert_eq!(
            metrics.text().unwrap(),
            "# HELP a_first The first.\n# TYPE a_first gauge\n\
             a_first{source=\"census\",period=\"2024-25\"} 7\n\
             a_first{source=\"attendance\",period=\"2024-25\"} -2\n\
             # HELP b_second The second.\n# TYPE b_second gauge\n\
             b_second 0.25\nb_second 9223372036854775807\n"
        );
    }

    #[test]
    fn no_text_of_a_label_ends_its_line() {
        let mut metrics = Metrics::default();
        metrics.add(FIRST, &[("name", "a\"} 1\nb_second 2\\")], 1_u8);
        let text = metrics.text().unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.ends_with("a_first{name=\"a\\\"} 1\\nb_second 2\\\\\"} 1\n"), "{text}");
    }
}
