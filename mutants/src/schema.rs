//! A file with all of its mutants in it.

use std::{collections::BTreeSet, ops::Range};

use proc_macro2::Span;
use syn::{spanned::Spanned, visit::Visit};

use crate::{LineColumn, Mutant, Outcome};

/// The module that says which mutant is alive, put at the end of each crate.
pub(crate) const MODULE: &str = r#"
#[allow(missing_docs, clippy::all, unused)]
pub(crate) mod mutant {
    use std::{io::Write, sync::{LazyLock, Mutex, atomic::{AtomicBool, Ordering}}};
    const RECORD: usize = usize::MAX;
    static ALIVE: LazyLock<usize> = LazyLock::new(|| match std::env::var("MUTANT") {
        Ok(number) => number.parse().unwrap(),
        Err(_) if std::env::var_os("MUTANTS_REACHED").is_some() => RECORD,
        Err(_) => 0,
    });
    static REACHED: [AtomicBool; 100_000] = [const { AtomicBool::new(false) }; 100_000];
    static FILE: LazyLock<Mutex<std::fs::File>> = LazyLock::new(|| {
        let path = std::env::var_os("MUTANTS_REACHED").unwrap();
        Mutex::new(std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap())
    });
    /// The one that is alive, if it is from `first` to `last`.
    #[inline]
    pub(crate) fn at(first: usize, last: usize) -> usize {
        let alive = *ALIVE;
        if alive == 0 { return 0; }
        if alive == RECORD { reached(first, last); return 0; }
        if alive >= first && alive <= last { alive } else { 0 }
    }
    #[cold]
    fn reached(first: usize, last: usize) {
        if !REACHED[first].swap(true, Ordering::Relaxed) {
            let line = format!("{first} {last}\n");
            FILE.lock().unwrap().write_all(line.as_bytes()).unwrap();
        }
    }
}
"#;

/// A place where mutants stand.
struct Site {
    range: Range<usize>,
    /// Their numbers: those of the list, from 1.
    numbers: Range<usize>,
    kind: Kind,
}

enum Kind {
    /// Left, right.
    Binary(Range<usize>, Range<usize>),
    /// The operand behind the operator.
    Unary(Range<usize>),
    /// Before the first statement of a function.
    Body,
    /// Behind a pattern.
    Arm,
    Guard,
    /// The value of a field; its name, and what stands for all other fields.
    Field {
        name: String,
        rest: Range<usize>,
        is_short: bool,
    },
}

/// The text of a file with its mutants, but for those that are dropped. `numbered` are the mutants of the file.
pub(crate) fn instrument(
    text: &str,
    numbered: &[(usize, &Mutant)],
    dropped: &BTreeSet<usize>,
) -> Outcome<(String, BTreeSet<usize>)> {
    let file = syn::parse_file(text)?;
    let mut finder = Finder { mutants: numbered, sites: Vec::new() };
    finder.visit_file(&file);
    let mut sites = finder.sites;
    sites.sort_by_key(|site| {
        (site.range.start, !site.range.is_empty(), usize::MAX - site.range.end)
    });
    let placed = sites.iter().flat_map(|site| site.numbers.clone()).collect();
    let writer = Writer { text, numbered, sites: &sites, dropped };
    Ok((writer.render(0..text.len()), placed))
}

struct Finder<'a> {
    mutants: &'a [(usize, &'a Mutant)],
    sites: Vec<Site>,
}

impl Finder<'_> {
    /// The numbers of the mutants that stand at a place.
    fn at(&self, genre: &str, span: Span) -> Option<Range<usize>> {
        let start = span.start();
        let start = LineColumn { line: start.line, column: start.column + 1 };
        let here =
            |(_, mutant): &&(usize, &Mutant)| mutant.genre == genre && mutant.span.start == start;
        let mut found = self.mutants.iter().filter(here).map(|(number, _)| *number);
        let first = found.next()?;
        Some(first..found.next_back().unwrap_or(first) + 1)
    }

    fn add(&mut self, genre: &str, at: Span, range: Range<usize>, kind: Kind) {
        if let Some(numbers) = self.at(genre, at) {
            self.sites.push(Site { range, numbers, kind });
        }
    }

    /// A function that returns some iterator has one type, which no other value has.
    fn add_body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let is_hidden = matches!(&signature.output, syn::ReturnType::Type(_, of) if matches!(**of, syn::Type::ImplTrait(_)));
        if let Some(first) = block.stmts.first().filter(|_| !is_hidden) {
            let start = first.span().byte_range().start;
            self.add("FnValue", first.span(), start..start, Kind::Body);
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr_binary(&mut self, it: &'ast syn::ExprBinary) {
        if !has_let(&it.left) && !has_let(&it.right) {
            let kind = Kind::Binary(it.left.span().byte_range(), it.right.span().byte_range());
            self.add("BinaryOperator", it.op.span(), it.span().byte_range(), kind);
        }
        syn::visit::visit_expr_binary(self, it);
    }

    fn visit_expr_unary(&mut self, it: &'ast syn::ExprUnary) {
        let kind = Kind::Unary(it.expr.span().byte_range());
        self.add("UnaryOperator", it.op.span(), it.span().byte_range(), kind);
        syn::visit::visit_expr_unary(self, it);
    }

    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.add_body(&it.sig, &it.block);
        syn::visit::visit_item_fn(self, it);
    }

    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        self.add_body(&it.sig, &it.block);
        syn::visit::visit_impl_item_fn(self, it);
    }

    fn visit_expr_match(&mut self, it: &'ast syn::ExprMatch) {
        let is_last = |arm: &syn::Arm| matches!(arm.pat, syn::Pat::Wild(_)) && arm.guard.is_none();
        // Elsewhere nothing would be left for what the arm matches.
        if it.arms.iter().any(is_last) {
            for arm in it.arms.iter().filter(|arm| !is_last(arm)) {
                let end = arm.pat.span().byte_range().end;
                self.add("MatchArm", arm.span(), end..end, Kind::Arm);
            }
        }
        syn::visit::visit_expr_match(self, it);
    }

    fn visit_arm(&mut self, it: &'ast syn::Arm) {
        if let Some((_, guard)) = it.guard.as_ref().filter(|(_, guard)| !has_let(guard)) {
            self.add("MatchArmGuard", guard.span(), guard.span().byte_range(), Kind::Guard);
        }
        syn::visit::visit_arm(self, it);
    }

    fn visit_expr_struct(&mut self, it: &'ast syn::ExprStruct) {
        if let Some(rest) = &it.rest {
            for field in &it.fields {
                let syn::Member::Named(name) = &field.member else { continue };
                let kind = Kind::Field {
                    name: name.to_string(),
                    rest: rest.span().byte_range(),
                    is_short: field.colon_token.is_none(),
                };
                self.add("StructField", field.span(), field.expr.span().byte_range(), kind);
            }
        }
        syn::visit::visit_expr_struct(self, it);
    }
}

/// Whether a condition binds names: such a one is no expression that can stand by itself.
fn has_let(of: &syn::Expr) -> bool {
    match of {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(it) => has_let(&it.left) || has_let(&it.right),
        _ => false,
    }
}

struct Writer<'a> {
    text: &'a str,
    numbered: &'a [(usize, &'a Mutant)],
    sites: &'a [Site],
    dropped: &'a BTreeSet<usize>,
}

impl Writer<'_> {
    fn render(&self, range: Range<usize>) -> String {
        self.render_within(range, 0)
    }

    /// The text of a range, with the sites from `from` on that lie in it.
    fn render_within(&self, range: Range<usize>, from: usize) -> String {
        let (mut out, mut at) = (String::new(), range.start);
        for (number, site) in self.sites.iter().enumerate().skip(from) {
            let inside = site.range.start >= at && site.range.end <= range.end;
            if !inside || self.numbers(site).is_empty() {
                continue;
            }
            out += &self.text[at..site.range.start];
            out += &self.site(site, number + 1);
            at = site.range.end;
        }
        out + &self.text[at..range.end]
    }

    /// The mutants of a site that are not dropped.
    fn numbers(&self, site: &Site) -> Vec<usize> {
        site.numbers.clone().filter(|number| !self.dropped.contains(number)).collect()
    }

    fn replacement(&self, number: usize) -> &str {
        let found = self.numbered.iter().find(|(of, _)| *of == number);
        found.map_or("", |(_, mutant)| mutant.replacement.as_str())
    }

    fn site(&self, site: &Site, next: usize) -> String {
        let Range { start, end } = site.numbers;
        let alive = format!("crate::mutant::at({start}, {})", end - 1);
        let text = |range: &Range<usize>| &self.text[range.clone()];
        let rendered = |range: &Range<usize>| self.render_within(range.clone(), next);
        let (arm, otherwise): (Box<dyn Fn(usize) -> String>, String) = match &site.kind {
            Kind::Binary(left, right) => {
                let operator = &self.text[left.end..right.start];
                (
                    Box::new(move |number| {
                        format!("({}) {} ({})", text(left), self.replacement(number), text(right))
                    }),
                    format!("{}{operator}{}", rendered(left), rendered(right)),
                )
            }
            Kind::Unary(operand) => (
                Box::new(move |_| text(operand).to_owned()),
                format!("{}{}", &self.text[site.range.start..operand.start], rendered(operand)),
            ),
            Kind::Body => {
                (Box::new(|number| format!("return {}", self.replacement(number))), String::new())
            }
            Kind::Arm => return format!(" if /*<{start}*/ {alive} != {start} /*>{start}*/ "),
            Kind::Guard => {
                (Box::new(|number| self.replacement(number).to_owned()), rendered(&site.range))
            }
            Kind::Field { name, rest, .. } => {
                (Box::new(move |_| format!("({}).{name}", text(rest))), rendered(&site.range))
            }
        };
        let mut out = match &site.kind {
            Kind::Field { name, is_short: true, .. } => format!("{name}: "),
            _ => String::new(),
        };
        let is_body = matches!(site.kind, Kind::Body);
        out += &format!("/*<S{start}-{end}*/{}match {alive} {{", if is_body { "" } else { "(" });
        for number in self.numbers(site) {
            out += &format!("\n/*<{number}*/{number} => ({}),/*>{number}*/", arm(number));
        }
        out += &format!(
            "\n_ => ({otherwise}) }}{}/*>S{start}-{end}*/",
            if is_body { "\n" } else { ")" }
        );
        out
    }
}

/// The mutants whose text holds a place of a file, or failing that, all of the site that does.
pub(crate) fn blamed(text: &str, place: usize) -> Vec<usize> {
    let before = &text[..place.min(text.len())];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = before;
    while let Some(at) = rest.find("/*<").into_iter().chain(rest.find("/*>")).min() {
        let mark = &rest[at + 2..];
        let Some(end) = mark.find("*/") else { break };
        match mark.as_bytes()[0] {
            b'<' => open.push(&mark[1..end]),
            _ => {
                open.pop();
            }
        }
        rest = &mark[end..];
    }
    let Some(innermost) = open.last() else { return Vec::new() };
    match innermost.strip_prefix('S').and_then(|site| site.split_once('-')) {
        Some((first, end)) => match (first.parse(), end.parse()) {
            (Ok(first), Ok(end)) => (first..end).collect(),
            _ => Vec::new(),
        },
        None => innermost.parse().into_iter().collect(),
    }
}
