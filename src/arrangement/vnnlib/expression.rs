//! S-expressions with their lines, and the constants of SMT-LIB.

use std::fmt;

use num_traits::Zero;

use super::wrong;
use crate::arithmetic::{Number, Rational};
use crate::{Error, Result};

/// An S-expression and the line on which it starts.
pub struct Expression<'a> {
    /// Counted from 1.
    pub line: usize,
    /// What it is.
    pub form: Form<'a>,
}

/// What an expression is.
pub enum Form<'a> {
    /// A name or a number.
    Atom(&'a str),
    /// A parenthesis.
    List(Vec<Expression<'a>>),
}

/// Deeper nesting is refused, so that recursion over the tree is safe; properties
/// nest about five deep.
const MAX_DEPTH: usize = 400;

/// Reads the top-level expressions.
pub fn parse(text: &str) -> Result<Vec<Expression<'_>>> {
    // Lists that are still open, outermost first; the first is the file itself.
    let mut open: Vec<(usize, Vec<Expression>)> = vec![(1, Vec::new())];
    let mut line = 1;
    let mut rest = text;
    let balance = "check the parentheses";
    while let Some(first) = rest.chars().next() {
        let len = match first {
            ';' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '|' => match rest[1..].find(first) {
                Some(end) => end + 2,
                None => {
                    return Err(wrong(
                        format!("line {line}"),
                        format!("{first} without its partner"),
                        "close the quotation",
                    ));
                }
            },
            _ if first.is_whitespace() || matches!(first, '(' | ')') => first.len_utf8(),
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';' | '"' | '|'))
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(len);
        rest = after;
        match first {
            '(' => {
                if open.len() > MAX_DEPTH {
                    return Err(wrong(
                        format!("line {line}"),
                        format!("more than {MAX_DEPTH} open parentheses"),
                        balance,
                    ));
                }
                open.push((line, Vec::new()));
            }
            ')' => {
                let (line_of_list, list) = open.pop().expect("the file itself stays open");
                let Some((_, outer)) = open.last_mut() else {
                    return Err(wrong(
                        format!("line {line}"),
                        "a closing parenthesis too many",
                        balance,
                    ));
                };
                outer.push(Expression {
                    line: line_of_list,
                    form: Form::List(list),
                });
            }
            ';' => {}
            _ if first.is_whitespace() => {}
            _ => {
                let (_, list) = open.last_mut().expect("the file itself stays open");
                list.push(Expression {
                    line,
                    form: Form::Atom(token),
                });
            }
        }
        line += token.matches('\n').count();
    }
    let (line, list) = open.pop().expect("the file itself stays open");
    if open.is_empty() {
        Ok(list)
    } else {
        Err(wrong(
            format!("line {line}"),
            "the parenthesis that opens here is never closed",
            balance,
        ))
    }
}

impl<'a> Expression<'a> {
    /// The text of an atom.
    pub fn atom(&self) -> Option<&'a str> {
        match self.form {
            Form::Atom(text) => Some(text),
            Form::List(_) => None,
        }
    }

    /// The operator and the arguments of a list that starts with an atom.
    pub fn call(&self) -> Option<(&'a str, &[Expression<'a>])> {
        match &self.form {
            Form::List(items) => {
                let (operator, arguments) = items.split_first()?;
                Some((operator.atom()?, arguments))
            }
            Form::Atom(_) => None,
        }
    }

    /// A constant: a number, or `(- c)`, or `(/ a b)`.
    pub fn constant(&self) -> Option<Rational> {
        if let Some(text) = self.atom() {
            return Number::parse(text).map(|number| number.to_rational());
        }
        match self.call()? {
            ("-", [c]) => Some(-c.constant()?),
            ("/", [a, b]) => {
                let (a, b) = (a.constant()?, b.constant()?);
                (!b.is_zero()).then(|| a / b)
            }
            _ => None,
        }
    }

    /// An error at this line that quotes the expression; `problem` goes on from there.
    pub fn error(&self, problem: impl Into<String>, remedy: &str) -> Error {
        let problem = problem.into();
        let text = self.to_string();
        const SHOWN: usize = 60;
        let text = match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        };
        wrong(
            format!("line {}", self.line),
            format!("{text} {problem}"),
            remedy,
        )
    }
}

impl fmt::Display for Expression<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::Atom(text) => write!(f, "{text}"),
            Form::List(items) => {
                for (k, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if k == 0 { "(" } else { " " })?;
                }
                write!(f, "{})", if items.is_empty() { "(" } else { "" })
            }
        }
    }
}
