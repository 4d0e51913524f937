use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use crate::{
    Defects, attendance,
    calendar::{self, SchoolDay},
    census,
    child::{self, BLOCK, Child, PupilNumber},
    cin,
    dice::{Dice, Subject},
    file_pieces::Piece,
    harder_council, looked_after,
    numbers::Numbers,
    places, safeguarding, sen2, services,
};

/// A made-up council: how many pupils, which seed, how much of a school year, which defects.
#[derive(Debug, Clone)]
pub struct Council {
    /// Pupils of the council's schools. Others, whom only a service knows, are a thirtieth more.
    pub pupils: u64,
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// School days of the year with attendance: 190 at most, spread evenly.
    pub days: usize,
    /// How often each defect is made.
    pub defects: Defects,
    /// The harder council: names that many have, errors that depend on who a child is, namesakes, adopted children, and the
    /// deliveries of the school year before.
    pub hard: bool,
}

/// Why a council cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// More pupils than numbers can be given to.
    #[error("at most {} pupils can be made", Numbers::CAPACITY)]
    TooMany,
    /// The folder holds something already.
    #[error("{} is not empty; name a new folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The truth would lie among what is delivered.
    #[error("the truth must not lie inside the folder of deliveries")]
    TruthInside,
    /// The system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
}

/// Children of one piece of work.
const CHUNK: u64 = 50 * BLOCK;

/// Files: three terms of census, attendance, SSDA903, CIN, SEN2, early help, missing, the safeguarding
/// dataset, the children.
const ATTENDANCE: usize = census::FILES;
const LOOKED_AFTER: usize = ATTENDANCE + 1;
const CIN: usize = LOOKED_AFTER + looked_after::FILES.len();
const SEN2: usize = CIN + 1;
const EARLY_HELP: usize = SEN2 + 1;
const MISSING: usize = EARLY_HELP + 1;
const SAFEGUARDING: usize = MISSING + 1;
const CHILDREN: usize = SAFEGUARDING + safeguarding::FILES.len();
const FILES: usize = CHILDREN + TRUTH.len();
/// The truth about children, and the headers. The ordinary council has the first alone.
const TRUTH: [(&str, &str); 4] = [
    (
        "children.csv",
        "child,upn,former_upn,nhs,uln,dob,surname,forename,postcode,ward,ethnicity,in_spine",
    ),
    ("traits.csv", "child,trait"),
    ("twins.csv", "child,other"),
    ("exact_only.csv", "before,after"),
];

/// A file while it is written.
struct Open {
    name: String,
    path: PathBuf,
    writer: BufWriter<File>,
    rows: u64,
}

impl Council {
    /// Writes the deliveries to `out` and the truth to `truth`; gives the rows written.
    pub fn write(&self, out: &Path, truth: &Path) -> Result<u64, SynthError> {
        if self.pupils > Numbers::CAPACITY / 2 {
            return Err(SynthError::TooMany);
        }
        if truth.starts_with(out) {
            return Err(SynthError::TruthInside);
        }
        for folder in [out, truth] {
            if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err(SynthError::NotEmpty { path: folder.to_owned() });
            }
        }
        let mut rows_truth = create(truth, "rows.csv", "file,row,child,defect\n")?;
        let mut rows = 0;
        for year in if self.hard { -1..=0 } else { 0..=0 } {
            let files = self.open_files(out, truth, year)?;
            rows += self.write_year(year, files, &mut rows_truth)?;
        }
        self.finish(rows_truth, out, truth)?;
        Ok(rows)
    }

    /// Writes all deliveries of a year.
    fn write_year(
        &self,
        year: i32,
        mut files: Vec<Option<Open>>,
        rows_truth: &mut Open,
    ) -> Result<u64, SynthError> {
        let days = calendar::spread(self.days, year);
        let chunks = self.children().div_ceil(CHUNK);
        let group = 4 * rayon::current_num_threads() as u64;
        let mut first = 0;
        while first < chunks {
            let last = (first + group).min(chunks);
            let pieces: Vec<Vec<Piece>> =
                (first..last).into_par_iter().map(|chunk| self.chunk(chunk, year, &days)).collect();
            for pieces in pieces {
                for (place, (file, piece)) in files.iter_mut().zip(pieces).enumerate() {
                    if let Some(file) = file {
                        file.add(&piece, place >= CHILDREN, rows_truth)?;
                    }
                }
            }
            first = last;
        }
        self.end_files(files, rows_truth)
    }

    /// All children: the pupils, then those whom only a service knows.
    pub(crate) fn children(&self) -> u64 {
        self.pupils + self.pupils.div_ceil(30)
    }

    fn chunk(&self, chunk: u64, year: i32, days: &[SchoolDay]) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = (0..FILES).map(|_| Piece::default()).collect();
        let blocks =
            chunk * CHUNK / BLOCK..((chunk + 1) * CHUNK).min(self.children()).div_ceil(BLOCK);
        for now in blocks.flat_map(|block| self.block(block)) {
            self.tell(&now, &mut pieces[CHILDREN..]);
            let Some(child) =
                (if year == 0 { Some(now) } else { harder_council::a_year_before(&now) })
            else {
                continue;
            };
            census::add(self, &child, &mut pieces[..ATTENDANCE]);
            attendance::add(self, &child, days, &mut pieces[ATTENDANCE]);
            looked_after::add(self, &child, &mut pieces[LOOKED_AFTER..CIN]);
            cin::add(self, &child, &mut pieces[CIN]);
            sen2::add(self, &child, &mut pieces[SEN2]);
            services::add_early_help(self, &child, &mut pieces[EARLY_HELP]);
            services::add_missing(self, &child, &mut pieces[MISSING]);
            safeguarding::add(self, &child, &mut pieces[SAFEGUARDING..CHILDREN]);
        }
        pieces
    }

    /// Says who a child is. `pieces` are the truth's files.
    fn tell(&self, child: &Child, pieces: &mut [Piece]) {
        let number = child.number.to_string();
        pieces[0].row(&self.truth_row(child));
        harder_council::traits(child)
            .into_iter()
            .for_each(|one| pieces[1].row(&[number.as_str(), one]));
        let Some(hard) = child.hard.as_deref() else { return };
        if hard.is_twin {
            pieces[2].row(&[(child.number - 1).to_string().as_str(), &number]);
        }
        if let Some(old) = hard.new_identity_of {
            pieces[3].row(&[old.to_string().as_str(), &number]);
        }
    }

    /// A block's children, some of whom were given a sibling's or neighbour's number by mistake.
    fn block(&self, block: u64) -> Vec<Child> {
        let mut children = child::block(self, block);
        if self.hard {
            harder_council::harden(self, block, &mut children);
        }
        let mut dice = Dice::new(self.seed, Subject::SecondNumber, block);
        for at in 1..children.len() {
            if dice.chance(self.defects.shared_upn)
                && matches!(children[at].upn, PupilNumber::Known(_))
            {
                children[at].upn = children[at - 1].upn.clone();
                children[at].former_upn = None;
            }
        }
        children
    }

    fn truth_row(&self, child: &Child) -> [String; 12] {
        let (upn, former) = match child.upn_in(2) {
            (Some(upn), former) => (upn.to_owned(), former.unwrap_or_default().to_owned()),
            (None, _) => (child.upn_at_end().err().unwrap_or_default().to_owned(), String::new()),
        };
        [
            child.number.to_string(),
            upn,
            former,
            child.nhs.clone(),
            child.uln.clone().unwrap_or_default(),
            if child.unborn { String::new() } else { child.born.iso() },
            child.surname.clone(),
            child.forename.clone(),
            child.postcode.clone(),
            places::WARDS[child.ward].0.to_owned(),
            child.ethnicity.to_owned(),
            child.ever_in_spine().to_string(),
        ]
    }

    /// Ends the files of a year; gives their rows.
    fn end_files(
        &self,
        files: Vec<Option<Open>>,
        rows_truth: &mut Open,
    ) -> Result<u64, SynthError> {
        let mut rows = 0;
        for (place, file) in files.into_iter().enumerate() {
            let Some(mut file) = file else { continue };
            match place {
                CIN => file.put(cin::TAIL.as_bytes())?,
                SEN2 => file.put(sen2::TAIL.as_bytes())?,
                EARLY_HELP | MISSING => {
                    let mut dice = Dice::new(self.seed, Subject::FileEnd, place as u64);
                    if dice.chance(self.defects.trailing_rows) {
                        file.put(b",,,,,,,,\n,,,,,,,,\n")?;
                        for _ in 0..2 {
                            file.rows += 1;
                            let line = format!("{},{},,trailing-row\n", file.name, file.rows);
                            rows_truth.put(line.as_bytes())?;
                        }
                    }
                }
                _ => {}
            }
            if place < CHILDREN {
                rows += file.rows;
            }
            file.close()?;
        }
        Ok(rows)
    }

    fn finish(&self, rows_truth: Open, out: &Path, truth: &Path) -> Result<(), SynthError> {
        rows_truth.close()?;
        let mut config = serde_json::json!({
            "pupils": self.pupils, "seed": self.seed, "days": self.days, "defects": self.defects,
        });
        if self.hard {
            config["hard"] = true.into();
        }
        create(truth, "config.json", &format!("{config:#}\n"))?.close()?;
        self.write_lookups(out)
    }

    fn write_lookups(&self, out: &Path) -> Result<(), SynthError> {
        let mut postcodes = String::from("postcode,ward\n");
        let mut localities = String::from("ward,locality\n");
        let mut constituencies = String::from("ward,constituency\n");
        for (ward, (name, _, locality)) in places::WARDS.iter().enumerate() {
            for number in 0..places::POSTCODES {
                postcodes += &format!("{},{name}\n", places::postcode(ward, number));
            }
            localities += &format!("{name},{locality}\n");
            constituencies += &format!("{name},{}\n", places::constituency(ward));
        }
        let mut schools = String::from("school,phase\n");
        for school in 0..places::schools(self.pupils) {
            let phase = if places::is_secondary(school) { "secondary" } else { "primary" };
            schools += &format!("{},{phase}\n", places::code(school));
        }
        let folder = out.join("lookups");
        create(&folder, "postcode_ward.csv", &postcodes)?.close()?;
        create(&folder, "ward_locality.csv", &localities)?.close()?;
        create(&folder, "ward_constituency.csv", &constituencies)?.close()?;
        create(&folder, "schools.csv", &schools)?.close()?;
        create(&folder, "wards.geojson", &places::boundaries())?.close()
    }

    /// The files of a year; none for a return that the year before has not.
    fn open_files(
        &self,
        out: &Path,
        truth: &Path,
        year: i32,
    ) -> Result<Vec<Option<Open>>, SynthError> {
        let mut files = Vec::new();
        let period = format!("{}-{}", 2024 + year, 25 + year);
        let mut add = |source: &str, period: &str, name: &str, head: &str| {
            let mut open = create(&out.join(source).join(period), name, head)?;
            // Two years have files of one name.
            if self.hard {
                open.name = format!("{source}/{period}/{name}");
            }
            files.push(Some(open));
            Ok(())
        };
        let line = |header: &str| format!("{header}\n");
        for ((term, begins), layouts) in census::NAMES.into_iter().zip(census::TABLES) {
            let term = format!("{}-{term}", begins + year);
            let prefix = term.replace('-', "_");
            for layout in layouts {
                let name = format!("{prefix}_{}.csv", layout.name);
                add("school_census", &term, &name, &line(layout.columns))?;
            }
        }
        add("attendance", &period, "attendance.csv", &line(attendance::HEADER))?;
        for (name, header) in looked_after::FILES {
            let name = format!("SSDA903_{}_{name}.csv", 2025 + year);
            add("ssda903", &period, &name, &line(header))?;
        }
        add("cin", &period, "cin.xml", &cin::head(year))?;
        // The plans' return and the safeguarding dataset are delivered once.
        let once = year == 0;
        let mut add_or_not = |source: &str, name: &str, head: &str, is_there: bool| match is_there {
            true => add(source, &period, name, head),
            false => Ok(()),
        };
        add_or_not("sen2", "sen2.xml", sen2::HEAD, once)?;
        add_or_not("early_help", "early_help.csv", &line(services::EARLY_HELP), true)?;
        add_or_not("missing", "missing_episodes.csv", &line(services::MISSING), true)?;
        for (name, header) in safeguarding::FILES {
            add_or_not("ssd", name, &line(header), once)?;
        }
        if !once {
            files.insert(SEN2, None);
            files.resize_with(CHILDREN, || None);
        }
        let told = if self.hard { TRUTH.len() } else { 1 };
        for (name, header) in TRUTH.into_iter().take(if once { told } else { 0 }) {
            files.push(Some(create(truth, name, &line(header))?));
        }
        Ok(files)
    }
}

fn create(folder: &Path, name: &str, start: &str) -> Result<Open, SynthError> {
    let path = folder.join(name);
    let io = |source| SynthError::Io { path: path.clone(), source };
    fs::create_dir_all(folder).map_err(io)?;
    let writer = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(io)?);
    // The term's folder is part of a census file's name already.
    let mut open = Open { name: name.to_owned(), path, writer, rows: 0 };
    open.put(start.as_bytes())?;
    Ok(open)
}

impl Open {
    fn add(&mut self, piece: &Piece, is_truth: bool, truth: &mut Open) -> Result<(), SynthError> {
        self.put(&piece.bytes)?;
        if !is_truth {
            for (row, child, defect) in &piece.truth {
                let line = format!("{},{},{child},{defect}\n", self.name, self.rows + row);
                truth.put(line.as_bytes())?;
            }
        }
        self.rows += piece.rows;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SynthError> {
        let path = &self.path;
        self.writer.write_all(bytes).map_err(|source| SynthError::Io { path: path.clone(), source })
    }

    fn close(mut self) -> Result<(), SynthError> {
        self.writer.flush().map_err(|source| SynthError::Io { path: self.path, source })
    }
}
