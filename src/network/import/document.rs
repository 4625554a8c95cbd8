//! A parsed JSON document whose values know their place, such as
//! `layers[2].weight[0][3]`, and the exact reading of its numbers.
//!
//! A JSON integer is exact at any size. A JSON decimal is the nearest f64: that is
//! how weights travel. A string is exact: `"p/q"` or a decimal as written.

use std::fmt;

use serde_json::Value;

use crate::arithmetic::Number;
use crate::{Error, Result};

/// What a reader calls its input until whoever opened the file names it.
const ORIGIN: &str = "JSON";

/// Parses a document.
///
/// # Errors
/// A syntax error, with its line and column.
pub fn parse(text: &[u8]) -> Result<Value> {
    // Some editors and Python's utf-8-sig put a byte order mark first.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place = format!("line {line} column {column}");
        if let Some(token) = not_finite(text, line, column) {
            return Error::input(
                ORIGIN,
                place,
                format!("{token} is no number; expected a finite one"),
                "find out why the model has it: an exact count needs finite weights",
            );
        }
        let message = error.to_string();
        let message = message
            .strip_suffix(&format!(" at {place}"))
            .unwrap_or(&message);
        Error::input(
            ORIGIN,
            place,
            format!("not JSON: {message}"),
            "correct the file there; docs/formats.md shows what it should look like",
        )
    })
}

/// The token `NaN`, `Infinity` or the like around a syntax error: not JSON, but
/// what Python writes.
fn not_finite(text: &[u8], line: usize, column: usize) -> Option<String> {
    let line = text.split(|&b| b == b'\n').nth(line.checked_sub(1)?)?;
    let at = column.checked_sub(1)?.min(line.len());
    let part = |b: &&u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'+');
    let before = line[..at].iter().rev().take_while(part).count();
    let after = line[at..].iter().take_while(part).count();
    let token = std::str::from_utf8(&line[at - before..at + after]).ok()?;
    let name = token.trim_start_matches(['-', '+']).to_ascii_lowercase();
    ["nan", "inf", "infinity"]
        .contains(&name.as_str())
        .then(|| token.to_string())
}

/// A value and the way to it from the root.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    value: &'a Value,
    parent: Option<&'a Node<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

/// The length that one level of a nested array must have, and why.
pub struct Level {
    /// `None` takes the length of the first array met.
    pub len: Option<usize>,
    /// Ends the sentence "4 entries; expected 3, ...".
    pub why: &'static str,
}

impl Level {
    /// As long as the first array of this level.
    pub fn any() -> Self {
        Level {
            len: None,
            why: "as many as in the first one",
        }
    }

    /// Of a given length.
    pub fn exactly(len: usize, why: &'static str) -> Self {
        Level {
            len: Some(len),
            why,
        }
    }
}

impl<'a> Node<'a> {
    /// The whole document.
    pub fn root(value: &'a Value) -> Self {
        Node {
            value,
            parent: None,
            step: Step::Root,
        }
    }

    /// The value under `key` when this is an object that has it.
    pub fn get<'b>(&'b self, key: &'b str) -> Option<Node<'b>> {
        self.value.get(key).map(|value| Node {
            value,
            parent: Some(self),
            step: Step::Key(key),
        })
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// When this is no object, or has no such key.
    pub fn need<'b>(&'b self, key: &'b str, remedy: &str) -> Result<Node<'b>> {
        self.get(key).ok_or_else(|| {
            let problem = match self.value {
                Value::Object(_) => format!("there is no key {key:?}"),
                _ => format!("{}; expected an object with the key {key:?}", self.kind()),
            };
            self.error(problem, remedy)
        })
    }

    /// Whether this is an object that has `key`.
    pub fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some()
    }

    /// Whether this is an object.
    pub fn is_object(&self) -> bool {
        self.value.is_object()
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// Whether this is an array.
    pub fn is_array(&self) -> bool {
        self.value.is_array()
    }

    /// The entries of an array.
    ///
    /// # Errors
    /// When this is no array; `what` says what was expected.
    pub fn items<'b>(
        &'b self,
        what: &str,
    ) -> Result<impl ExactSizeIterator<Item = Node<'b>> + use<'a, 'b>> {
        let Value::Array(items) = self.value else {
            return Err(self.error(
                format!("{}; expected {what}", self.kind()),
                "write a list in square brackets",
            ));
        };
        Ok(items.iter().enumerate().map(|(index, value)| Node {
            value,
            parent: Some(self),
            step: Step::Index(index),
        }))
    }

    /// A string.
    ///
    /// # Errors
    /// When this is none; `what` says what was expected.
    pub fn text(&self, what: &str) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| {
            self.error(
                format!("{}; expected {what}", self.kind()),
                "write a string in double quotes",
            )
        })
    }

    /// A whole number from `least` on.
    ///
    /// # Errors
    /// When this is none.
    pub fn size(&self, least: usize) -> Result<usize> {
        let size = match self.value {
            Value::Number(number) => number.as_str().parse().ok(),
            _ => None,
        };
        size.filter(|&size| size >= least).ok_or_else(|| {
            self.error(
                format!("{}; expected a whole number from {least} on", self.kind()),
                "write it without sign, point or exponent",
            )
        })
    }

    /// One number for both axes, or a pair.
    ///
    /// # Errors
    /// When this is neither.
    pub fn pair(&self, least: usize) -> Result<[usize; 2]> {
        if !self.is_array() {
            let size = self.size(least)?;
            return Ok([size, size]);
        }
        let sizes = self.sizes(least)?;
        sizes.try_into().map_err(|sizes: Vec<usize>| {
            self.error(
                format!("{} numbers; expected one, or [height, width]", sizes.len()),
                "write one number for both axes or a pair",
            )
        })
    }

    /// An array of whole numbers from `least` on.
    ///
    /// # Errors
    /// When this is none.
    pub fn sizes(&self, least: usize) -> Result<Vec<usize>> {
        self.items("a list of whole numbers")?
            .map(|node| node.size(least))
            .collect()
    }

    /// An exact number.
    ///
    /// # Errors
    /// When this is none, or a decimal beyond every f64.
    pub fn number(&self) -> Result<Number> {
        let (number, expected) = match self.value {
            Value::Number(number) => {
                let text = number.as_str();
                if text.contains(['.', 'e', 'E']) {
                    // std rounds correctly, to the nearest f64, at any length.
                    (
                        text.parse().ok().and_then(Number::from_f64),
                        "a decimal within the range of f64",
                    )
                } else {
                    let small = text.parse::<i32>().ok().map(f64::from);
                    let exact = small.and_then(Number::from_f64);
                    (exact.or_else(|| Number::parse(text)), "a number")
                }
            }
            Value::String(text) => (
                Number::parse(text),
                "an exact number such as \"1/3\" or \"0.25\"",
            ),
            _ => (None, "a number, or an exact one such as \"1/3\""),
        };
        number.ok_or_else(|| {
            self.error(
                format!("{}; expected {expected}", self.kind()),
                "every number has to be finite: write -2, 0.5, 1e-3 or \"p/q\"",
            )
        })
    }

    /// A rectangular array nested as deep as `levels` is long, flattened in
    /// row-major order. Levels without a length get that of the first array met.
    ///
    /// # Errors
    /// When this is none, or a length is not what `levels` asks for.
    pub fn tensor(&self, levels: &mut [Level]) -> Result<Vec<Number>> {
        let mut numbers = Vec::new();
        self.collect(levels, &mut numbers)?;
        Ok(numbers)
    }

    fn collect(&self, levels: &mut [Level], numbers: &mut Vec<Number>) -> Result<()> {
        let Some((level, inner)) = levels.split_first_mut() else {
            numbers.push(self.number()?);
            return Ok(());
        };
        let items = self.items(match inner.len() {
            0 => "a list of numbers",
            1 => "a list of rows, each a list of numbers",
            2 => "lists nested 3 deep",
            _ => "lists nested 4 deep",
        })?;
        let (found, expected) = (items.len(), *level.len.get_or_insert(items.len()));
        if found != expected {
            return Err(self.error(
                format!("{found} entries; expected {expected}, {}", level.why),
                "check the shape of this array against the layer's input and output",
            ));
        }
        for item in items {
            item.collect(inner, numbers)?;
        }
        Ok(())
    }

    /// An error at this place.
    pub fn error(&self, problem: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::input(ORIGIN, self.to_string(), problem, remedy)
    }

    /// What this is, in a few words, for messages.
    fn kind(&self) -> String {
        match self.value {
            Value::Null => "null".into(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => shorten(number.as_str()),
            Value::String(text) => format!("the string {:?}", shorten(text)),
            Value::Array(items) => format!("a list of {} entries", items.len()),
            Value::Object(_) => "an object".into(),
        }
    }
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

impl fmt::Display for Node<'_> {
    /// The place: `layers[2].weight[0][3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent
            && parent.parent.is_some()
        {
            write!(f, "{parent}")?;
            if matches!(self.step, Step::Key(_)) {
                write!(f, ".")?;
            }
        }
        match self.step {
            Step::Root => write!(f, "top level"),
            Step::Key(key) => write!(f, "{key}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<Number> {
        let value = parse(format!("{{\"a\": [[0, {text}]]}}").as_bytes())?;
        let root = Node::root(&value);
        let a = root.get("a").unwrap();
        let row = a.items("rows")?.next().unwrap();
        let entry = row.items("numbers")?.nth(1).unwrap();
        entry.number()
    }

    #[test]
    fn numbers_are_read_as_they_travel() {
        let exact = |text: &str| Number::parse(text).unwrap();
        let cases = [
            ("3", exact("3")),
            ("-0", Number::ZERO),
            ("9007199254740993", exact("9007199254740993")),
            (
                "123456789012345678901234567890123456789",
                exact("123456789012345678901234567890123456789"),
            ),
            ("0.1", Number::from_f64(0.1).unwrap()),
            ("1e3", exact("1000")),
            // Halfway between two f64: to even.
            ("9007199254740993.0", exact("9007199254740992")),
            ("1e-400", Number::ZERO),
            ("\"0.1\"", exact("1/10")),
            ("\"-1/3\"", exact("-1/3")),
        ];
        for (text, value) in cases {
            assert_eq!(number(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_place() {
        for text in [
            "null", "true", "[1]", "{}", "\"a\"", "\"NaN\"", "\"1/0\"", "1e400", "-1e999",
        ] {
            let message = number(text).unwrap_err().to_string();
            assert!(message.contains("a[0][1]: "), "{text}: {message}");
        }
    }

    #[test]
    fn pythons_non_finite_numbers_are_named() {
        for text in ["NaN", "Infinity", "-Infinity", "nan", "inf", "-inf"] {
            let message = number(text).unwrap_err().to_string();
            assert!(
                message.contains(&format!("{text} is no number")),
                "{message}"
            );
            assert!(message.contains("line 1 column"), "{message}");
        }
    }

    #[test]
    fn syntax_errors_keep_line_and_column() {
        let message = parse(b"{\n  \"a\": [1, 2,, 3]\n}").unwrap_err().to_string();
        assert!(message.contains("line 2 column 14: not JSON"), "{message}");
        assert!(parse(b"").is_err());
        assert!(parse(b"{} x").is_err());
        assert!(parse(b"\xff\xfe").is_err());
        assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
        assert!(parse(b"\xef\xbb\xbf{}").is_ok());
    }

    #[test]
    fn ragged_arrays_are_refused_with_their_place() {
        let value = parse(b"{\"w\": [[1, 2], [3]]}").unwrap();
        let root = Node::root(&value);
        let w = root.get("w").unwrap();
        let message = w.tensor(&mut [Level::any(), Level::any()]).unwrap_err();
        assert!(
            message.to_string().contains("w[1]: 1 entries; expected 2"),
            "{message}"
        );
    }
}
