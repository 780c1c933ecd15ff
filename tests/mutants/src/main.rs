//! Writes all mutants of a source file into it, each behind a switch, so that one build holds them all.
//!
//! Standard input has the mutants that `cargo mutants --list` names, one a line, its fields divided by tabs: number, kind, line and column of
//! its beginning, of its end, and what it puts there. Standard output is the source in which `crate::mutant::chosen(number)` decides, and
//! standard error the numbers of those that no switch can stand for.
//!
//! `const` goes from the functions, since a switch is read while the program runs: but for those that are named, by which constants are made.

use proc_macro2::LineColumn;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// What `cargo mutants` would write in place of something.
struct Mutant {
    number: u32,
    kind: String,
    replacement: String,
}

/// What stands in a place of the source instead: words, and pieces of the source, which are woven themselves.
struct Edit {
    place: Range<usize>,
    pieces: Vec<Piece>,
}

enum Piece {
    Words(String),
    Source(Range<usize>),
}

struct Weaver<'a> {
    source: &'a str,
    /// Where each line begins, in octets.
    lines: Vec<usize>,
    /// The functions that stay `const`.
    constant: BTreeSet<String>,
    /// By where they begin and end.
    mutants: BTreeMap<(usize, usize), Vec<Mutant>>,
    edits: Vec<Edit>,
    /// Where arms begin of which none can go, since there is none that takes the rest.
    needed: BTreeSet<usize>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a source file");
    let source = std::fs::read_to_string(&path).expect("the source can be read");
    let mut weaver = Weaver {
        source: &source,
        lines: std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect(),
        constant: arguments.collect(),
        mutants: BTreeMap::new(),
        edits: Vec::new(),
        needed: BTreeSet::new(),
    };
    for line in std::io::read_to_string(std::io::stdin()).expect("the mutants can be read").lines() {
        weaver.read(line);
    }
    weaver.visit_file(&syn::parse_file(&source).expect("it is Rust"));
    // The outer one first; of two in one place the one that was found first, which is the outer one.
    weaver.edits.sort_by_key(|edit| (edit.place.start, usize::MAX - edit.place.end));
    print!("{}", weaver.render(0..source.len(), 0));
    for mutant in weaver.mutants.values().flatten() {
        eprintln!("{}", mutant.number);
    }
}

impl Weaver<'_> {
    /// Takes down a mutant as it is listed.
    fn read(&mut self, line: &str) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [number, kind, from_line, from_column, to_line, to_column, replacement] = fields[..] else {
            panic!("{line}: seven fields are a mutant");
        };
        let count = |text: &str| text.parse::<usize>().expect("a number");
        let place = |line: &str, column: &str| LineColumn { line: count(line), column: count(column) - 1 };
        let (start, end) =
            (self.offset(place(from_line, from_column)), self.offset(place(to_line, to_column)));
        let mutant = Mutant {
            number: number.parse().expect("a number"),
            kind: kind.to_owned(),
            replacement: replacement.to_owned(),
        };
        self.mutants.entry((start, end)).or_default().push(mutant);
    }

    fn offset(&self, place: LineColumn) -> usize {
        let start = self.lines[place.line - 1];
        let line = &self.source[start..];
        start + line.char_indices().nth(place.column).map_or(line.len(), |(at, _)| at)
    }

    fn range(&self, node: &impl Spanned) -> Range<usize> {
        self.offset(node.span().start())..self.offset(node.span().end())
    }

    /// The mutants of a kind that lie exactly there, which are taken out of the list.
    fn take(&mut self, kind: &str, place: &Range<usize>) -> Vec<Mutant> {
        let Some(there) = self.mutants.remove(&(place.start, place.end)) else { return Vec::new() };
        let (taken, others) = there.into_iter().partition::<Vec<_>, _>(|mutant| mutant.kind == kind);
        if !others.is_empty() {
            self.mutants.insert((place.start, place.end), others);
        }
        taken
    }

    fn edit(&mut self, place: Range<usize>, pieces: Vec<Piece>) {
        self.edits.push(Edit { place, pieces });
    }

    /// A piece of the source with what is to be woven into it, by the edits from one on.
    fn render(&self, place: Range<usize>, from: usize) -> String {
        let mut text = String::new();
        let mut at = place.start;
        for (index, edit) in self.edits.iter().enumerate().skip(from) {
            if edit.place.start < at || edit.place.end > place.end {
                continue;
            }
            text.push_str(&self.source[at..edit.place.start]);
            for piece in &edit.pieces {
                match piece {
                    Piece::Words(words) => text.push_str(words),
                    Piece::Source(inner) => text.push_str(&self.render(inner.clone(), index + 1)),
                }
            }
            at = edit.place.end;
        }
        text.push_str(&self.source[at..place.end]);
        text
    }

    /// The body of a function, at the beginning of which each of its mutants returns something else.
    fn body(&mut self, block: &syn::Block) {
        let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) else { return };
        let place = self.range(first).start..self.range(last).end;
        let returns: String = self
            .take("FnValue", &place)
            .iter()
            .map(|mutant| {
                let (begin, end) = (begin(mutant), end(mutant));
                format!("if {} {{ {begin}return {};{end} }} ", chosen(mutant), mutant.replacement)
            })
            .collect();
        if !returns.is_empty() {
            let start = self.offset(block.brace_token.span.open().end());
            self.edit(start..start, vec![Piece::Words(format!(" {returns}"))]);
        }
    }

    /// A function is asked while the program runs.
    fn signature(&mut self, signature: &syn::Signature) {
        let Some(word) = &signature.constness else { return };
        if !self.constant.contains(&signature.ident.to_string()) {
            let place = self.range(word);
            self.edit(place, Vec::new());
        }
    }
}

/// The switch of a mutant.
fn chosen(mutant: &Mutant) -> String {
    format!("crate::mutant::chosen({})", mutant.number)
}

/// Where what a mutant writes begins and ends, for whoever reads what the compiler says of it.
fn begin(mutant: &Mutant) -> String {
    format!("/*<{}*/", mutant.number)
}

fn end(mutant: &Mutant) -> String {
    format!("/*{}>*/", mutant.number)
}

fn words(text: impl Into<String>) -> Piece {
    Piece::Words(text.into())
}

/// Whether a pattern is matched in it beside a condition, which no parentheses may stand around.
fn binds(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => binds(&binary.left) || binds(&binary.right),
        _ => false,
    }
}

impl Visit<'_> for Weaver<'_> {
    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        self.signature(&item.sig);
        self.body(&item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &syn::ImplItemFn) {
        self.signature(&item.sig);
        self.body(&item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_binary(&mut self, binary: &syn::ExprBinary) {
        let operator = self.range(&binary.op);
        if !binds(&binary.left) && !binds(&binary.right) {
            let mutants = self.take("BinaryOperator", &operator);
            if !mutants.is_empty() {
                let (left, right) = (self.range(&*binary.left), self.range(&*binary.right));
                let sides = |operator: &str, left: Piece| {
                    vec![
                        words("("),
                        left,
                        words(format!(" {operator} ")),
                        Piece::Source(right.clone()),
                        words(")"),
                    ]
                };
                // What is at the left of a long chain is written once.
                let once = matches!(binary.op, syn::BinOp::And(_) | syn::BinOp::Or(_));
                let side = || if once { words("left") } else { Piece::Source(left.clone()) };
                let mut pieces = vec![words("(")];
                if once {
                    pieces.extend([words("{ let left: bool = "), Piece::Source(left.clone()), words("; ")]);
                }
                for mutant in &mutants {
                    pieces.push(words(format!("if {} {{ {}", chosen(mutant), begin(mutant))));
                    pieces.extend(sides(&mutant.replacement, side()));
                    pieces.push(words(format!("{} }} else ", end(mutant))));
                }
                pieces.push(words("{ "));
                pieces.extend(sides(&self.source[operator], side()));
                pieces.push(words(if once { " } })" } else { " })" }));
                self.edit(left.start..right.end, pieces);
            }
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &syn::ExprUnary) {
        let operator = self.range(&unary.op);
        for mutant in self.take("UnaryOperator", &operator) {
            let (inner, whole) = (self.range(&*unary.expr), self.range(unary));
            let sign = self.source[operator.clone()].to_owned();
            let pieces = vec![
                words(format!("(if {} {{ {}", chosen(&mutant), begin(&mutant))),
                Piece::Source(inner.clone()),
                words(format!("{} }} else {{ {sign}", end(&mutant))),
                Piece::Source(inner),
                words(" })"),
            ];
            self.edit(whole, pieces);
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, expression: &syn::ExprMatch) {
        let takes_all = |arm: &syn::Arm| arm.guard.is_none() && matches!(arm.pat, syn::Pat::Wild(_));
        if !expression.arms.iter().any(takes_all) {
            let starts: Vec<usize> = expression.arms.iter().map(|arm| self.range(arm).start).collect();
            self.needed.extend(starts);
        }
        visit::visit_expr_match(self, expression);
    }

    fn visit_arm(&mut self, arm: &syn::Arm) {
        let (whole, pattern) = (self.range(arm), self.range(&arm.pat));
        let gone =
            if self.needed.contains(&whole.start) { Vec::new() } else { self.take("MatchArm", &whole) };
        let guard = arm.guard.as_ref().map(|(_, guard)| &**guard);
        let condition = guard.map(|guard| self.range(guard));
        let guards = condition
            .as_ref()
            .filter(|_| !guard.is_some_and(binds))
            .map_or_else(Vec::new, |place| self.take("MatchArmGuard", place));
        if guards.is_empty() && (gone.is_empty() || guard.is_some_and(binds)) {
            for mutant in gone {
                self.mutants.entry((whole.start, whole.end)).or_default().push(mutant);
            }
        } else {
            let mut pieces = Vec::new();
            if condition.is_none() {
                pieces.push(words(" if "));
            }
            pieces.extend(gone.iter().map(|mutant| words(format!("!{} && ", chosen(mutant)))));
            pieces.push(words("("));
            for mutant in &guards {
                pieces.push(words(match mutant.replacement.as_str() {
                    "true" => format!("{} || ", chosen(mutant)),
                    _ => format!("!{} && ", chosen(mutant)),
                }));
            }
            pieces.push(words("("));
            pieces.push(condition.clone().map_or_else(|| words("true"), Piece::Source));
            pieces.push(words("))"));
            self.edit(condition.unwrap_or(pattern.end..pattern.end), pieces);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, literal: &syn::ExprStruct) {
        if let Some(rest) = &literal.rest {
            let (base, path) = (self.range(&**rest), self.range(&literal.path));
            for field in &literal.fields {
                let whole = self.range(field);
                let value = if field.colon_token.is_some() { self.range(&field.expr) } else { whole.clone() };
                for mutant in self.take("StructField", &whole) {
                    let name = &self.source[self.range(&field.member)].to_owned();
                    let mut pieces =
                        vec![words(format!("{name}: if {} {{ {}", chosen(&mutant), begin(&mutant)))];
                    if matches!(**rest, syn::Expr::Path(_)) {
                        pieces.extend([Piece::Source(base.clone()), words(format!(".{name}"))]);
                    } else {
                        pieces.extend([words("let base: "), Piece::Source(path.clone()), words(" = ")]);
                        pieces.extend([Piece::Source(base.clone()), words(format!("; base.{name}"))]);
                    }
                    pieces.extend([
                        words(format!("{} }} else {{ ", end(&mutant))),
                        Piece::Source(value.clone()),
                        words(" }"),
                    ]);
                    self.edit(whole.clone(), pieces);
                }
            }
        }
        visit::visit_expr_struct(self, literal);
    }
}
