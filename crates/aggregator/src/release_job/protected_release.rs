//! A definition's tables as they can be released: tabulated, protected and attacked beside all that was
//! ever published. Nothing is written here.

use std::{borrow::Cow, collections::BTreeMap};

use minster_attack::ReleasableSet;
use minster_disclosure::sparsity;
use minster_model::{
    Audience, ColumnName,
    table::{Hierarchy, TableSet},
};
use minster_store::{DatasetKeys, Floors, Previews, Release, ReleaseLog, StoreError};

use crate::{
    definition::release_definition::{Definition, Method},
    derived::linked::Linked,
    earlier_releases::{
        changed_data::Changed,
        entry::{self, Entry},
        known_releases::KnownReleases,
        ledger::{self, AboutSame, Ledger},
        other_periods::NearlyTheSame,
        overlap::Overlap,
        population_counts::PopulationCounts,
        sample::Sample,
    },
    error::AggregateError,
    protect::{
        flags,
        protect_counts::{protect, protect_rounded},
        protect_sums::{EarlierReleases, Known, ReleasableSums, protect_sums},
    },
    publish::{
        boundaries,
        content::BesideTables,
        files,
        linkage_rates::{Linkage, PublishedLinkage},
        meanings::{self, ColumnMeanings},
        protected_table::ProtectedTable,
    },
    refusal::ReleaseRefusal,
    release_job::{beside_others::beside_others, headlines, job::Job, made::Made},
    tabulate::{
        additive::{self, Dependence},
        categories::Lookups,
        check_against_data,
        children::Children,
        contributions::Measured,
        joint_table::JointTables,
        lookup,
        tables::{self, Tabulated, Who},
        ties::Ties,
    },
};

/// The judgement on a definition, given what stands.
pub(crate) enum Judged {
    /// No release of it stands.
    New(Box<Made>),
    /// One stands, and the data still say the same.
    Same(Box<Made>),
    /// One stands, and the data have changed since: how many of its numbers, table by table, and what would be
    /// released instead.
    Kept { changed: Vec<usize>, revised: Result<Box<Made>, Box<ReleaseRefusal>> },
}

/// A job at work: the dataset is open, and the ledger was read.
pub(crate) struct Work<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) dataset: Linked<'a>,
    pub(crate) ledger: Ledger,
    pub(crate) known: KnownReleases,
    /// How strict the purpose's releases are at least.
    floors: Floors,
    /// The audiences that it does not allow, with the reason.
    refused: BTreeMap<Audience, String>,
    /// The rates of linkage that a new release tells.
    pub(crate) linkage: Linkage,
    /// The meanings of the dataset's columns that a new release tells.
    pub(crate) meanings: Cow<'a, ColumnMeanings>,
}

impl<'a> Work<'a> {
    pub(crate) fn begin(
        job: &'a Job<'a>,
        vault: &mut dyn ReleaseLog,
    ) -> Result<Self, AggregateError> {
        let dataset = job.store.dataset(job.dataset, vault)?;
        let known = KnownReleases::compare(job.store, (job.period, &job.dataset.purpose), vault)?;
        let linkage = Linkage::of_dataset(&dataset)?;
        let ledger = Ledger::read(job.store, job.period, dataset.manifest())?;
        let dataset = Linked::own(dataset, job.children, job.days, job.lookups);
        for entry in ledger.all() {
            dataset.know(&entry.definition, Some(entry.named()))?;
        }
        let floors = vault.floors(&job.dataset.purpose).map_err(StoreError::from)?;
        let refused = vault.refused(&job.dataset.purpose).map_err(StoreError::from)?;
        let meanings = Cow::Borrowed(job.meanings);
        Ok(Self { job, dataset, ledger, known, floors, refused, linkage, meanings })
    }

    /// Whether the purpose keeps protected numbers from analysts until they are let out.
    pub(crate) fn shows_shapes_alone(&self) -> bool {
        self.floors.previews == Previews::Shapes
    }

    /// Counts a definition's tables, all margins, and protects nothing.
    pub(crate) fn tabulate(&self, definition: &Definition) -> Result<Tabulated, AggregateError> {
        let lookups = lookup::of(definition, self.job.lookups)?;
        tables::tabulate(definition, &self.dataset, self.job.children, &lookups, Who::Told)
    }

    /// Takes what a definition adds up, and what those add up that stand about the same children.
    fn know_sums(&self, definition: &Definition, is_same: impl Fn(&Entry) -> bool) {
        self.dataset.forget_counts();
        self.dataset.know_sums(definition);
        let same = self.ledger.all().filter(|entry| is_same(entry));
        same.for_each(|entry| self.dataset.know_sums(&entry.definition));
    }

    /// Judges what becomes of the definition.
    pub(crate) fn judge(
        &self,
        definition: &Definition,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Judged, AggregateError> {
        let purpose = &self.job.dataset.purpose;
        if let Some(named) = definition.purpose.as_ref().filter(|named| *named != purpose) {
            let (purpose, named) = (purpose.clone(), named.clone());
            return Err(ReleaseRefusal::OtherPurpose { purpose, named }.into());
        }
        if let Some(why) = self.refused.get(&definition.audience()) {
            return Err(ReleaseRefusal::AudienceOutsidePurpose { why: why.clone() }.into());
        }
        if let Some(what) = self.floors.broken_by(Some(&definition.release_rules())) {
            let purpose = self.job.dataset.purpose.clone();
            return Err(ReleaseRefusal::WeakerThanPurpose { purpose, what }.into());
        }
        self.dataset.know(definition, None)?;
        let said = |entry: &Entry| ledger::same_children(&entry.definition, definition);
        self.know_sums(definition, said);
        let mut tabulated = self.tabulate(definition)?;
        let counted = |entry: &Entry| entry.children == tabulated.children;
        if self.ledger.all().any(|entry| counted(entry) && !said(entry)) {
            self.know_sums(definition, |entry| said(entry) || counted(entry));
            tabulated = self.tabulate(definition)?;
        }
        let lookups = lookup::of(definition, self.job.lookups)?;
        let notes =
            check_against_data::check(definition, &self.dataset, self.job.children, &lookups)?;
        notes.iter().for_each(|note| (self.job.notice)(note));
        for entry in self.ledger.of_definition(definition) {
            // Also what was withdrawn by mistake is the same release when it is let out again.
            if let Some(made) = self.again(definition, entry, &tabulated)? {
                let published = self.ledger.same(definition).map(|entry| &entry.sha256);
                return Ok(match published {
                    None => Judged::New(Box::new(made)),
                    Some(sha256) if *sha256 == made.sha256 => Judged::Same(Box::new(made)),
                    Some(_) => self.kept(definition, tabulated, Some(made), keys)?,
                });
            }
        }
        match self.ledger.same(definition) {
            None => self.make(definition, tabulated, keys).map(|made| Judged::New(Box::new(made))),
            Some(_) => self.kept(definition, tabulated, None, keys),
        }
    }

    fn kept(
        &self,
        definition: &Definition,
        tabulated: Tabulated,
        made: Option<Made>,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Judged, AggregateError> {
        let changed =
            self.ledger.same(definition).map(|entry| entry.changed(&tabulated)).transpose()?;
        let revised = match made {
            Some(made) => Ok(made),
            None => self.make(definition, tabulated, keys),
        };
        let revised = match revised {
            Ok(made) => Ok(Box::new(made)),
            // The release that stands, stands; a revision that cannot be made stops no run.
            Err(AggregateError::Refused(why)) => Err(why),
            Err(other) => return Err(other),
        };
        Ok(Judged::Kept { changed: changed.unwrap_or_default(), revised })
    }

    /// The release that was published before, if the data still say the same.
    fn again(
        &self,
        definition: &Definition,
        entry: &Entry,
        tabulated: &Tabulated,
    ) -> Result<Option<Made>, AggregateError> {
        let cast = definition.cast(tabulated.dice);
        let protected = match definition.method {
            Method::Suppress => {
                let Some(published_tables) = entry.published_tables(tabulated)? else {
                    return Ok(None);
                };
                let mut set = tabulated.set(definition);
                let all = self.with_lookups(std::iter::once(definition))?;
                let ties = self.ties(definition, &all)?;
                let tables = published_tables.counts.iter().cloned();
                set.tables = tables.map(|of| ties.tie(of)).collect::<Result<_, _>>()?;
                self.join(&mut set, definition, &all, &ties)?;
                protect(set, cast.costs).map(|counts| (counts, published_tables))
            }
            // Numbers that are rounded are made again, and compared.
            method => {
                let set = tabulated.set(definition);
                protect_rounded(set, method, cast.costs, &tabulated.record_keys())
                    .map(|counts| (counts, entry::PublishedTables::default()))
            }
        };
        let made = protected.and_then(|(counts, published_tables)| {
            let none = EarlierReleases::default();
            let measured = tabulated.measured(definition);
            let sums =
                protect_sums(&cast, &counts, &measured, &published_tables.sums, &none, None)?;
            let counted = (tabulated.children, tabulated.sample.clone());
            // The rest that it tells stays while its numbers stand: a night that moves a rate of linkage, or a word of the
            // dictionary that is mended, makes no other release.
            let told = (entry.linkage.clone(), entry.meanings.clone());
            self.made(definition, (counts, sums), measured, counted, told)
        });
        match made {
            Ok(made) => Ok((made.sha256 == entry.sha256).then_some(made)),
            // A release that is refused now is not the same.
            Err(AggregateError::Refused(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Protects what the data say now, beside all that was ever published.
    fn make(
        &self,
        definition: &Definition,
        tabulated: Tabulated,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Made, AggregateError> {
        let (job, ledger) = (self.job, &self.ledger);
        let children = tabulated.children;
        let AboutSame { unchanged: same, mut changed } =
            ledger.about_same(definition, children, |definition| self.tabulate(definition))?;
        let mut known = Vec::new();
        tabulated.tables.iter().for_each(|of| entry::learn(&mut known, of.counts.dimensions()));
        let same = same.into_iter().map(|(of, tables)| Ok((of, tables.in_order_of(&mut known)?)));
        let same = same.collect::<Result<Vec<_>, AggregateError>>()?;
        let stands = same.iter().map(|(entry, _)| &entry.definition);
        let all = self.with_lookups(std::iter::once(definition).chain(stands))?;
        let ties = self.ties(definition, &all)?;
        let purpose = &self.dataset.manifest().dataset.purpose;
        let nearly = NearlyTheSame::find(
            (definition, &tabulated.sample),
            ledger.of_other_periods(children),
            (job.store, purpose),
            keys,
            |of| {
                let now = Sample::of(of, &self.dataset, job.children);
                let now = AggregateError::if_still_there(now)?;
                if now.is_none() {
                    (job.notice)(&format!(
                        "the children of the release {} of another period cannot be chosen in the present data, because a column or look-up of it is no more: take care that the two together tell nothing of few children",
                        of.name
                    ));
                }
                Ok(now)
            },
            job.notice,
        )?;
        let others = others(ledger.of_others(definition, children), &nearly);
        Ledger::one_method(definition, &others)?;
        changed.extend(nearly.same);
        let changed = Changed::new(changed, job.store, purpose, keys)?;
        let stand: Vec<&Entry> = others.iter().copied().chain(changed.entries()).collect();
        self.not_tied(definition, &stand)?;
        self.within_noise_budget(definition, &tabulated, &stand)?;
        let (overlap, as_if_unchanged) =
            self.overlap((definition, &tabulated), &same, &others, known)?;
        // Releases that cannot be attacked together with what was published are compared number by number.
        let is_apart = |entry: &&Entry| {
            as_if_unchanged.iter().any(|of| std::ptr::eq(*of, *entry))
                || overlap.as_ref().is_none_or(|overlap| !overlap.has(entry))
        };
        let apart: Vec<&Entry> = others.iter().copied().filter(is_apart).collect();
        Ledger::nested(definition, &apart, false)?;
        let mut set = tabulated.set(definition);
        let Tabulated { tables, sample, dice, .. } = tabulated;
        let (mut measured, record_keys): (Vec<_>, Vec<_>) =
            tables.into_iter().map(|of| (of.measured, of.keys)).unzip();
        let cast = definition.cast(dice);
        if definition.method == Method::Suppress {
            for table in &mut set.tables {
                *table = beside_others(job, definition, table.clone(), &apart)?;
            }
        }
        if let Some(overlap) = &overlap {
            overlap.force_shared(&mut set.tables)?;
        }
        let mut published_tables = entry::PublishedTables::default();
        same.into_iter().for_each(|(_, tables)| published_tables.extend(tables));
        set.tables.extend(published_tables.counts.iter().cloned());
        for sparse in sparsity(&set) {
            (job.notice)(&sparse.to_string());
        }
        let dependences = self.dependences(definition, &measured, &published_tables)?;
        additive::keep_needed(definition, &mut measured, &dependences);
        let flags = with_flags(&mut set, &measured)?;
        set.tables.extend(published_tables.flags.iter().map(|(_, table)| table.clone()));
        set.tables = set.tables.into_iter().map(|of| ties.tie(of)).collect::<Result<_, _>>()?;
        if definition.method == Method::Suppress {
            self.join(&mut set, definition, &all, &ties)?;
        }
        let counts = match definition.method {
            Method::Suppress => changed.protect(&cast, set, job.notice)?,
            method => protect_rounded(set, method, cast.costs, &record_keys)?,
        };
        let policy = definition.policy();
        for note in headlines::notes(definition, counts.tables(), counts.patterns(), policy) {
            (job.notice)(&note);
        }
        let own = 0..definition.tables.len();
        let hides = |place: usize| counts.patterns()[place].withheld.contains(&true);
        let withholds = own.chain(flags.values().copied()).any(hides);
        Ledger::nested(definition, &apart, withholds || counts.rounding().is_some())?;
        if let Some(overlap) = &overlap {
            overlap.verify(&counts)?;
        }
        let changed: Vec<&Entry> = changed.entries().collect();
        let earlier =
            EarlierReleases { flags, apart: &apart, changed: &changed, overlap: overlap.as_ref() };
        let known = Some(Known { ties: &ties, dependences: &dependences });
        let sums =
            protect_sums(&cast, &counts, &measured, &published_tables.sums, &earlier, known)?;
        let sums = sums.shown(definition);
        let tables = measured.into_iter().zip(&definition.tables);
        let measured = tables.map(|(measured, table)| measured.shown(table)).collect();
        let meanings = meanings::of_release(definition, &self.meanings);
        let told = (self.linkage.of(definition.policy().threshold), meanings);
        self.made(definition, (counts, sums), measured, (children, sample), told)
    }

    /// How the dimensions of a definition, and of what stands about the same children, are tied: `all` are both, with their look-ups.
    fn ties(
        &self,
        definition: &Definition,
        all: &[(&Definition, Lookups)],
    ) -> Result<Ties, AggregateError> {
        Ties::find(definition, all, &self.dataset, self.job.children)
    }

    /// Adds the joint tables that the tables of a set ask for. `all` are the definitions of what stands among them too.
    fn join(
        &self,
        set: &mut TableSet,
        definition: &Definition,
        all: &[(&Definition, Lookups)],
        ties: &Ties,
    ) -> Result<(), AggregateError> {
        let (dataset, children) = (&self.dataset, self.job.children);
        JointTables { definition, all, dataset, children }.add(set, ties)
    }

    /// The columns that add up for every child, among those that a definition sums and those that stand.
    fn dependences(
        &self,
        definition: &Definition,
        measured: &[Measured],
        published: &entry::PublishedTables,
    ) -> Result<Vec<Dependence>, AggregateError> {
        let own = measured.iter().flat_map(|of| of.sums.keys());
        let columns = own.chain(published.sums.keys()).collect();
        additive::find(definition, &columns, &self.dataset, self.job.children)
    }

    fn with_lookups<'b>(
        &self,
        definitions: impl Iterator<Item = &'b Definition>,
    ) -> Result<Vec<(&'b Definition, Lookups)>, AggregateError> {
        definitions.map(|of| Ok((of, lookup::of(of, self.job.lookups)?))).collect()
    }

    fn made(
        &self,
        definition: &Definition,
        (counts, sums): (ReleasableSet, ReleasableSums),
        measured: Vec<Measured>,
        (children, sample): (Children, Sample),
        (linkage, meanings): (Option<PublishedLinkage>, ColumnMeanings),
    ) -> Result<Made, AggregateError> {
        let lookups = lookup::of(definition, self.job.lookups)?;
        let tables = ProtectedTable::all(definition, &lookups, &counts, &sums, &measured)?;
        let public: Vec<_> = tables.iter().map(|table| &table.public).collect();
        let boundaries = boundaries::of(definition, self.job.boundaries)?;
        let beside = BesideTables {
            linkage: linkage.as_ref(),
            boundaries: &boundaries,
            meanings: &meanings,
        };
        let files = files::files(definition, self.job.period, counts.rounding(), &public, &beside)?;
        let policy_sha256 = files::policy_sha256(definition, &counts);
        let sha256 = Release::sha256_of(&files);
        let definition = definition.clone();
        Ok(Made {
            definition,
            counts,
            sums,
            tables,
            children,
            sample,
            files,
            sha256,
            policy_sha256,
            linkage,
            meanings,
        })
    }

    /// The releases about other children that a new one must be attacked together with, in the order of the dimensions that are
    /// `known`, and those among them of which the
    /// data no longer say what they said: these are attacked as if they said what the data say now.
    fn overlap<'b>(
        &self,
        (definition, tabulated): (&'b Definition, &Tabulated),
        same: &[(&'b Entry, entry::PublishedTables)],
        others: &[&'b Entry],
        mut known: Vec<Hierarchy>,
    ) -> Result<(Option<Overlap<'b>>, Vec<&'b Entry>), AggregateError> {
        if definition.method != Method::Suppress {
            return Ok((None, Vec::new()));
        }
        let (mut attacked, mut as_if_unchanged) = (Vec::new(), Vec::new());
        for entry in others.iter().filter(|entry| entry.definition.method == Method::Suppress) {
            // Left out, it would be attacked beside nothing.
            let now =
                AggregateError::or_refused(self.tabulate(&entry.definition), || entry.named())?;
            let unchanged = match now.children == entry.children {
                true => entry.published_tables(&now)?,
                false => None,
            };
            let published_tables = match unchanged {
                Some(published_tables) => published_tables,
                None => {
                    as_if_unchanged.push(*entry);
                    entry.as_if_unchanged(&now)?
                }
            };
            let published_tables = published_tables.in_order_of(&mut known)?;
            attacked.push((now.children, (*entry, published_tables)));
        }
        let population = PopulationCounts {
            dataset: &self.dataset,
            children: self.job.children,
            lookups: self.job.lookups,
        };
        let overlap = Overlap::new(definition, tabulated, same.to_vec(), attacked, &population)?;
        Ok((overlap, as_if_unchanged))
    }
}

/// The releases about other children: those that draw on the same deliveries, and those of other periods that say nearly
/// the same of the present ones.
fn others<'a>(
    of_same_deliveries: impl Iterator<Item = &'a Entry>,
    nearly: &NearlyTheSame<'a>,
) -> Vec<&'a Entry> {
    let is_one = |of: &[&Entry], entry: &Entry| of.iter().any(|of| std::ptr::eq(*of, entry));
    let mut others: Vec<&Entry> =
        of_same_deliveries.filter(|entry| !is_one(&nearly.same, entry)).collect();
    for entry in &nearly.others {
        if !is_one(&others, entry) {
            others.push(entry);
        }
    }
    others
}

/// Adds the counts that sums of a column of 0 and 1 are, and returns where they stand among the tables, by the table of
/// the definition and the column.
fn with_flags(
    set: &mut TableSet,
    measured: &[Measured],
) -> Result<BTreeMap<(usize, ColumnName), usize>, AggregateError> {
    let mut places = BTreeMap::new();
    for (place, measured) in measured.iter().enumerate() {
        for (column, summed) in &measured.sums {
            if let Some(table) = flags::table(&set.tables[place], column, summed, set.policy.zeros)?
            {
                places.insert((place, column.clone()), set.tables.len());
                set.tables.push(table);
            }
        }
    }
    Ok(places)
}
