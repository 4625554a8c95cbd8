//! The input box of a VNN-LIB file, the properties of the verification competition.
//!
//! VNN-LIB is a small part of SMT-LIB: constants `X_i` (inputs) and `Y_i` (outputs)
//! are declared, and assertions bound them. Numbers are exact decimals. What is
//! asserted of the outputs is not part of the domain and is passed over; what is
//! asserted of the inputs has to be one box, in every case of every disjunction.
//! Regions are counted in the interior of the box, so `<` is read as `<=`.

mod expression;

use std::path::Path;

use self::expression::{Expression, Form, parse};
use super::{Domain, Interval};
use crate::arithmetic::{Number, Rational};
use crate::file::{self, Expected};
use crate::{Error, Result};

const PROPERTY: Expected = Expected {
    what: "a VNN-LIB property",
    max_len: 64 << 20,
    if_too_large: "write the input box as --domain box=..., or into a file of its own",
};

/// Reads the box from a file, see [`read_box`].
///
/// # Errors
/// When the file cannot be read or [`read_box`] refuses it; the error names the file.
pub fn load_box(path: &Path, inputs: usize) -> Result<Domain> {
    let (_, bytes) = file::read(path, &PROPERTY, |_| Ok(()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = format!("byte {}", error.utf8_error().valid_up_to());
        let problem = "not text in UTF-8; expected VNN-LIB";
        wrong(place, problem, "check that this is the file you mean")
    });
    text.and_then(|text| read_box(&text, inputs))
        .map_err(|error| error.with_origin(path.display().to_string()))
}

/// Reads the box. An input without a bound on one side is infinite there.
///
/// # Errors
/// When the text is not VNN-LIB, declares other inputs than `X_0` to
/// `X_{inputs-1}`, bounds its inputs by something else than one box, or leaves no
/// point; the place is a line.
///
/// ```
/// let text = "(declare-const X_0 Real) (declare-const Y_0 Real)
///     (assert (or (and (>= X_0 -1) (<= X_0 0.1) (>= Y_0 100))))";
/// let domain = chambers::arrangement::vnnlib::read_box(text, 1).unwrap();
/// assert_eq!(domain.to_string(), "[-1, 1/10]");
/// ```
pub fn read_box(text: &str, inputs: usize) -> Result<Domain> {
    let mut reader = Reader {
        declared: vec![false; inputs],
        cases: vec![vec![Bounds::default(); inputs]],
    };
    for command in parse(text)? {
        reader.command(&command)?;
    }
    if let Some(missing) = reader.declared.iter().position(|declared| !declared) {
        return Err(wrong(
            "end of the file",
            format!("no X_{missing} is declared, but the network has {inputs} inputs"),
            "use a property made for this network, or --domain box=...",
        ));
    }
    one_box(&reader.cases)
}

fn wrong(place: impl Into<String>, problem: impl Into<String>, remedy: &str) -> Error {
    Error::input("VNN-LIB", place, problem, remedy)
}

/// What is known of one input in one case.
#[derive(Clone, Default, PartialEq)]
struct Bounds {
    lower: Option<Bound>,
    upper: Option<Bound>,
}

#[derive(Clone, PartialEq)]
struct Bound {
    value: Rational,
    strict: bool,
}

impl Bounds {
    fn add(&mut self, relation: Relation, value: &Rational) {
        let strict = matches!(relation, Relation::Less | Relation::Greater);
        if relation != Relation::GreaterOrEqual && relation != Relation::Greater {
            tighten(&mut self.upper, value, strict, |new, old| new < old);
        }
        if relation != Relation::LessOrEqual && relation != Relation::Less {
            tighten(&mut self.lower, value, strict, |new, old| new > old);
        }
    }

    fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Some(l), Some(u)) => {
                l.value > u.value || (l.value == u.value && (l.strict || u.strict))
            }
            _ => false,
        }
    }

    fn interval(&self) -> Interval {
        let number = |bound: &Bound| Number::from_rational(bound.value.clone());
        Interval {
            lower: self.lower.as_ref().map(number),
            upper: self.upper.as_ref().map(number),
        }
    }
}

fn tighten(
    bound: &mut Option<Bound>,
    value: &Rational,
    strict: bool,
    tighter: impl Fn(&Rational, &Rational) -> bool,
) {
    match bound {
        Some(old) if old.value == *value => old.strict |= strict,
        Some(old) if !tighter(value, &old.value) => {}
        _ => {
            *bound = Some(Bound {
                value: value.clone(),
                strict,
            });
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Relation {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Relation {
    fn parse(operator: &str) -> Option<Self> {
        Some(match operator {
            "<" => Relation::Less,
            "<=" => Relation::LessOrEqual,
            "=" => Relation::Equal,
            ">=" => Relation::GreaterOrEqual,
            ">" => Relation::Greater,
            _ => return None,
        })
    }

    /// The relation of b to a.
    fn flipped(self) -> Self {
        match self {
            Relation::Less => Relation::Greater,
            Relation::LessOrEqual => Relation::GreaterOrEqual,
            Relation::Equal => Relation::Equal,
            Relation::GreaterOrEqual => Relation::LessOrEqual,
            Relation::Greater => Relation::Less,
        }
    }
}

/// The bounds of every input in one case of the disjunctions.
type Case = Vec<Bounds>;

/// Disjunctions multiply; a file with more different boxes is refused before they
/// fill the memory.
const MAX_CASES: usize = 1000;

struct Reader {
    /// Which inputs have been declared.
    declared: Vec<bool>,
    /// The cases of everything asserted so far, all different.
    cases: Vec<Case>,
}

const BOUND: &str = "a domain is a box: bound each X_i by constants, or use --domain box=...";

impl Reader {
    fn command(&mut self, command: &Expression) -> Result<()> {
        match command.call() {
            Some(("declare-const", [name, sort])) => self.declare(name, sort),
            Some(("declare-fun", [name, parameters, sort])) if matches!(&parameters.form, Form::List(list) if list.is_empty()) => {
                self.declare(name, sort)
            }
            Some(("assert", [formula])) => {
                let cases = std::mem::take(&mut self.cases);
                self.cases = self.assert(formula, cases)?;
                Ok(())
            }
            Some((
                "set-logic" | "set-info" | "set-option" | "check-sat" | "get-model" | "exit",
                _,
            )) => Ok(()),
            _ => Err(command.error(
                "is no command of VNN-LIB 1; expected declare-const or assert",
                "write (declare-const X_0 Real) or (assert (<= X_0 1))",
            )),
        }
    }

    fn declare(&mut self, name: &Expression, sort: &Expression) -> Result<()> {
        if sort.atom() != Some("Real") {
            return Err(sort.error("is no sort of VNN-LIB; expected Real", "write Real"));
        }
        match name.atom().and_then(variable) {
            Some(Variable::Output) => Ok(()),
            Some(Variable::Input(index)) => {
                let inputs = self.declared.len();
                let declared = self.declared.get_mut(index).ok_or_else(|| {
                    name.error(
                        format!(
                            "is an input beyond the network's, which are {inputs}, from X_0 on"
                        ),
                        "use a property made for this network, or --domain box=...",
                    )
                })?;
                *declared = true;
                Ok(())
            }
            None => Err(name.error(
                "is neither an input X_i nor an output Y_i",
                "name inputs X_0, X_1, ... and outputs Y_0, Y_1, ...",
            )),
        }
    }

    /// Restricts all cases to `formula`.
    fn assert(&self, formula: &Expression, mut cases: Vec<Case>) -> Result<Vec<Case>> {
        let mentioned = self.mentioned(formula)?;
        if !mentioned.inputs && mentioned.outputs {
            return Ok(cases);
        }
        match formula.call() {
            Some(("and", parts)) => {
                for part in parts {
                    cases = self.assert(part, cases)?;
                }
                Ok(cases)
            }
            Some(("or", parts)) => {
                let mut union: Vec<Case> = Vec::new();
                for part in parts {
                    for case in self.assert(part, cases.clone())? {
                        if !union.contains(&case) {
                            union.push(case);
                        }
                    }
                    if union.len() > MAX_CASES {
                        return Err(formula.error(
                            format!("makes more than {MAX_CASES} different boxes of the inputs"),
                            "count one of them at a time, with --domain box=...",
                        ));
                    }
                }
                Ok(union)
            }
            Some((operator, sides)) if Relation::parse(operator).is_some() => {
                // An assertion of outputs against inputs says nothing of the domain.
                if !mentioned.outputs {
                    let relation = Relation::parse(operator).expect("just checked");
                    // SMT-LIB chains relations: (<= -1 X_0 1).
                    for pair in sides.windows(2) {
                        let (index, relation, value) = bound(&pair[0], relation, &pair[1])
                            .ok_or_else(|| {
                                formula.error("does not compare one input with a constant", BOUND)
                            })?;
                        for case in &mut cases {
                            case[index].add(relation, &value);
                        }
                    }
                    if sides.len() < 2 {
                        return Err(formula.error("compares nothing", BOUND));
                    }
                }
                Ok(cases)
            }
            _ => Err(formula.error(
                "is no formula of VNN-LIB; expected and, or, <=, >=, <, > or =",
                BOUND,
            )),
        }
    }

    /// Whether an expression speaks of inputs, of outputs.
    fn mentioned(&self, expression: &Expression) -> Result<Mentioned> {
        let mut mentioned = Mentioned::default();
        match &expression.form {
            Form::Atom(text) => match variable(text) {
                Some(Variable::Output) => mentioned.outputs = true,
                Some(Variable::Input(index)) if self.declared.get(index) == Some(&true) => {
                    mentioned.inputs = true;
                }
                Some(Variable::Input(_)) => {
                    return Err(expression.error(
                        format!(
                            "is not declared before it is used; the network has {} inputs, from X_0 on",
                            self.declared.len()
                        ),
                        "declare it first: (declare-const X_0 Real)",
                    ));
                }
                None if Number::parse(text).is_some() => {}
                None => {
                    return Err(expression.error(
                        "is neither a number, nor an input X_i, nor an output Y_i",
                        "name inputs X_0, X_1, ... and outputs Y_0, Y_1, ...",
                    ));
                }
            },
            Form::List(items) => {
                // The operator is no variable.
                let skipped = usize::from(items.first().is_some_and(|i| i.atom().is_some()));
                for item in &items[skipped..] {
                    let inner = self.mentioned(item)?;
                    mentioned.inputs |= inner.inputs;
                    mentioned.outputs |= inner.outputs;
                }
            }
        }
        Ok(mentioned)
    }
}

#[derive(Default)]
struct Mentioned {
    inputs: bool,
    outputs: bool,
}

enum Variable {
    Input(usize),
    Output,
}

/// `X_3` or `Y_0`.
fn variable(name: &str) -> Option<Variable> {
    let (kind, index) = name.split_once('_')?;
    if index.is_empty() || !index.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // An index beyond usize is beyond every network too.
    let index = index.parse().unwrap_or(usize::MAX);
    match kind {
        "X" => Some(Variable::Input(index)),
        "Y" => Some(Variable::Output),
        _ => None,
    }
}

/// Reads `a relation b` as a bound on one input.
fn bound(
    a: &Expression,
    relation: Relation,
    b: &Expression,
) -> Option<(usize, Relation, Rational)> {
    let input = |side: &Expression| match side.atom().and_then(variable) {
        Some(Variable::Input(index)) => Some(index),
        _ => None,
    };
    match (input(a), input(b)) {
        (Some(index), None) => Some((index, relation, b.constant()?)),
        (None, Some(index)) => Some((index, relation.flipped(), a.constant()?)),
        _ => None,
    }
}

/// The one box of all cases that have a point.
fn one_box(cases: &[Case]) -> Result<Domain> {
    let mut boxes: Vec<Domain> = Vec::new();
    for case in cases {
        if case.iter().any(Bounds::is_empty) {
            continue;
        }
        let domain = Domain::new(case.iter().map(Bounds::interval).collect());
        if !boxes.contains(&domain) {
            boxes.push(domain);
        }
    }
    if boxes.len() > 1 {
        let first: Vec<String> = boxes.iter().take(2).map(shown).collect();
        return Err(wrong(
            "asserts",
            format!(
                "the inputs lie in one of {} different boxes: {}{}",
                boxes.len(),
                first.join(" or "),
                if boxes.len() > 2 { " or ..." } else { "" }
            ),
            "count one of them at a time, with --domain box=...",
        ));
    }
    boxes.pop().ok_or_else(|| {
        let problem = match cases.first() {
            Some(case) => {
                let index = case.iter().position(Bounds::is_empty).unwrap_or(0);
                format!("the bounds on X_{index} leave no point")
            }
            None => "a disjunction without any case leaves no point".into(),
        };
        wrong(
            "asserts",
            problem,
            "correct the bounds, or use --domain box=...",
        )
    })
}

/// A box as `--domain box=` takes it, when it is short.
fn shown(domain: &Domain) -> String {
    let end = |end: &Option<Number>, infinity: &str| match end {
        // Not as a decimal: an f64 shows its shortest, which is not its exact value.
        Some(number) => number.to_rational().to_string(),
        None => infinity.to_string(),
    };
    let sides: Vec<String> = domain
        .intervals()
        .iter()
        .map(|side| format!("{},{}", end(&side.lower, "-inf"), end(&side.upper, "inf")))
        .collect();
    let text = format!("box={}", sides.join(","));
    const SHOWN: usize = 400;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(asserts: &str) -> String {
        format!(
            "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n{asserts}"
        )
    }

    fn shown_box(asserts: &str) -> String {
        read_box(&declared(asserts), 2).unwrap().to_string()
    }

    fn refused(text: &str, expected: &str) {
        match read_box(text, 2) {
            Ok(domain) => panic!("{text}\nwas read as {domain}; expected {expected:?}"),
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains(expected), "{text}\n{message}");
            }
        }
    }

    #[test]
    fn bounds_are_read_in_either_order() {
        let cases = [
            ("", "R^2"),
            (
                "(assert (>= X_0 -1)) ; a comment (\n(assert (<= X_0 0.1))",
                "[-1, 1/10] x [-inf, inf]",
            ),
            (
                "(assert (<= -1 X_0)) (assert (> 2e-1 X_0))",
                "[-1, 1/5] x [-inf, inf]",
            ),
            ("(assert (<= (- 5) X_0 (/ 1 3)))", "[-5, 1/3] x [-inf, inf]"),
            ("(assert (= X_1 0.5))", "[-inf, inf] x [0.5, 0.5]"),
            (
                "(assert (and (<= X_0 3) (and) (<= X_0 2) (<= X_0 4)))",
                "[-inf, 2] x [-inf, inf]",
            ),
            (
                "(set-info :status \"(\") (assert (< X_1 1))",
                "[-inf, inf] x [-inf, 1]",
            ),
        ];
        for (asserts, expected) in cases {
            assert_eq!(shown_box(asserts), expected, "{asserts}");
        }
        let text = "(declare-fun X_0 () Real)(declare-fun X_1 () Real)(assert (<= X_0 1))";
        assert_eq!(
            read_box(text, 2).unwrap().to_string(),
            "[-inf, 1] x [-inf, inf]"
        );
    }

    #[test]
    fn outputs_are_passed_over() {
        let cases = [
            "(assert (<= Y_0 1))",
            "(assert (or (and (<= Y_0 1) (>= Y_0 0)) (and (<= Y_0 (* 2 Y_0)))))",
            "(assert (<= (+ X_0 X_1) Y_0))",
            "(assert (not (<= Y_0 1)))",
        ];
        for asserts in cases {
            assert_eq!(shown_box(asserts), "R^2", "{asserts}");
        }
    }

    #[test]
    fn cases_with_the_same_box_are_one() {
        let cases = [
            (
                "(assert (or (and (>= X_0 -1) (<= X_0 1) (>= Y_0 100))))",
                "[-1, 1]",
            ),
            (
                "(assert (or (and (>= X_0 0) (<= X_0 1) (<= Y_0 1)) (and (<= X_0 1.0) (>= X_0 0) (>= Y_0 2))))",
                "[0, 1]",
            ),
            // The second case contradicts itself; the third is shaped by what follows.
            (
                "(assert (or (<= X_0 1) (and (< X_0 3) (>= X_0 3)) (<= X_0 2))) (assert (<= X_0 0))",
                "[-inf, 0]",
            ),
            ("(assert (or (< X_0 1) (<= X_0 1)))", "[-inf, 1]"),
        ];
        for (asserts, expected) in cases {
            assert_eq!(
                shown_box(asserts),
                format!("{expected} x [-inf, inf]"),
                "{asserts}"
            );
        }
    }

    #[test]
    fn different_boxes_are_counted() {
        refused(
            &declared("(assert (or (<= X_0 1) (<= X_0 2)))\n(assert (or (>= X_1 1) (>= X_1 2)))"),
            "one of 4 different boxes: box=-inf,1,1,inf or box=-inf,2,1,inf or ...",
        );
        let many: String = (0..2000).map(|k| format!("(<= X_0 {k})")).collect();
        refused(
            &declared(&format!("(assert (or {many}))")),
            "more than 1000 different",
        );
    }

    #[test]
    fn what_is_no_box_is_refused_with_its_line() {
        let cases = [
            (
                "(assert (<= (+ X_0 X_1) 3))",
                "line 4: (<= (+ X_0 X_1) 3) does not compare",
            ),
            (
                "\n(assert (and (<= X_0 1)\n (<= X_0 X_1)))",
                "line 6: (<= X_0 X_1) does not",
            ),
            ("(assert (<= 1 2))", "line 4: (<= 1 2) does not compare"),
            ("(assert (<= X_0))", "line 4: (<= X_0) compares nothing"),
            (
                "(assert (not (<= X_0 1)))",
                "line 4: (not (<= X_0 1)) is no formula",
            ),
            ("(assert X_0)", "line 4: X_0 is no formula"),
            ("(assert ())", "line 4: () is no formula"),
            ("(assert (<= X_0 (/ 1 0)))", "does not compare"),
            ("(assert (<= X_0 one))", "line 4: one is neither a number"),
            ("(assert (<= X_2 1))", "line 4: X_2 is not declared"),
            (
                "(assert (<= X_99999999999999999999999 1))",
                "is not declared",
            ),
            (
                "(declare-const X_2 Real)",
                "line 4: X_2 is an input beyond the network's, which are 2",
            ),
            (
                "(declare-const Z_0 Real)",
                "line 4: Z_0 is neither an input",
            ),
            ("(declare-const X_0 Bool)", "line 4: Bool is no sort"),
            ("(assert)", "line 4: (assert) is no command"),
            ("(push 1)", "line 4: (push 1) is no command"),
            ("X_0", "line 4: X_0 is no command"),
            ("(assert (or))", "a disjunction without any case"),
            (
                "(assert (<= X_1 1)) (assert (>= X_1 2))",
                "the bounds on X_1 leave no point",
            ),
            (
                "(assert (< X_1 1)) (assert (>= X_1 1))",
                "the bounds on X_1 leave no point",
            ),
        ];
        for (asserts, expected) in cases {
            refused(&declared(asserts), expected);
        }
        refused("(declare-const X_0 Real)", "no X_1 is declared");
        refused("", "no X_0 is declared");
    }

    #[test]
    fn bad_syntax_is_refused_with_its_line() {
        refused(
            "(assert\n(<= X_0 1)",
            "line 1: the parenthesis that opens here",
        );
        refused("\n(assert))", "line 2: a closing parenthesis too many");
        refused("\n\"abc", "line 2: \" without its partner");
        refused(&"(".repeat(1_000_000), "more than 400 open");
        refused(
            &declared(&format!(
                "(assert {}X_0{})",
                "(".repeat(380),
                ")".repeat(380)
            )),
            "line 4",
        );
        refused("é ü", "is no command");
    }
}
