//! The file format of proofs, as `docs/proofs.md` defines it: records, varints, the
//! header, the footer and the starts of chunks.

use std::cell::RefCell;
use std::io::{self, Read, Write};

use num_bigint::{BigInt, BigUint, Sign};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zstd::bulk::Compressor;

use crate::arithmetic::{Number, Rational};
use crate::arrangement::{Domain, Interval};

/// What every proof begins with, before the version and a line feed.
pub const MAGIC: &str = "chambers proof ";

/// The version of the format that is written; the only one that is read.
pub const VERSION: &str = "2";

/// The longest body of a record, packed or unpacked, in bytes.
pub const MAX_BODY: usize = 64 << 20;

/// What a record has beside its body, in bytes.
pub const FRAME: usize = 26;

/// The longest varint, in bytes.
pub const MAX_VARINT: usize = 1 << 14;

/// The largest magnitude of a witness's exponent.
pub const MAX_EXPONENT: u64 = 1 << 16;

/// The most hyperplanes of a crossing: a checker visits the patterns of all regions around
/// it, 2^16 at most.
pub const MAX_CROSSING: usize = 16;

/// The fastest of zstd's usual levels; higher ones save a few percent.
const COMPRESSION_LEVEL: i32 = 1;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What is proved; the first record.
    Header = b'H' as isize,
    /// A piece of the walk.
    Chunk = b'C' as isize,
    /// What was found; the last record.
    Footer = b'F' as isize,
}

/// How bodies are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// Not at all: any program can read them.
    Stored,
    /// As zstd frames.
    #[default]
    Zstd,
}

/// The first record's body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of the program that wrote the proof.
    pub chambers: String,
    /// Where the network came from; proves nothing.
    pub model: Value,
    /// The network's digest.
    pub network: String,
    /// The ends of each input's interval, `None` where it is infinite.
    pub domain: Vec<[Option<String>; 2]>,
    /// Whether cells with a unit that is identically zero are left out.
    pub strict: bool,
    /// With charts on rays, the number of the unit of the first layer whose form is
    /// constant on them: positive on the first, negative on the second, which a single layer need
    /// not have. The key may not be missing.
    #[serde(deserialize_with = "Option::deserialize")]
    pub lead: Option<usize>,
    /// The coordinates.
    pub charts: Vec<Chart>,
}

/// Coordinates: the inputs as affine functions of y.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// How many coordinates there are.
    pub dimension: usize,
    /// One for each input.
    pub inputs: Vec<Input>,
}

/// An input as an affine function of y: the constant as text, then pairs of a
/// coordinate and its coefficient as text. Written as one list.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The constant.
    pub constant: String,
    /// The coordinates with their coefficients.
    pub terms: Vec<(usize, String)>,
}

impl Serialize for Input {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(1 + self.terms.len()))?;
        list.serialize_element(&self.constant)?;
        for term in &self.terms {
            list.serialize_element(term)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<Value>::deserialize(deserializer)?;
        let wrong =
            || serde::de::Error::custom("an input is [constant, [coordinate, coefficient], ...]");
        let (constant, terms) = list.split_first().ok_or_else(wrong)?;
        let term = |value: &Value| match value.as_array().map(Vec::as_slice) {
            Some([coordinate, coefficient]) => {
                let coordinate = usize::try_from(coordinate.as_u64()?).ok()?;
                Some((coordinate, coefficient.as_str()?.to_string()))
            }
            _ => None,
        };
        Ok(Input {
            constant: constant.as_str().ok_or_else(wrong)?.to_string(),
            terms: terms
                .iter()
                .map(term)
                .collect::<Option<_>>()
                .ok_or_else(wrong)?,
        })
    }
}

/// The last record's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// How many regions the proof has; a decimal string, as JSON readers round large numbers.
    pub regions: String,
    /// The digest of their patterns.
    pub digest: String,
    /// Whether no leaf is open.
    pub complete: bool,
    /// How many chunks there are.
    pub chunks: u64,
}

/// A domain as the header gives it.
pub fn domain_to_text(domain: &Domain) -> Vec<[Option<String>; 2]> {
    let end = |end: &Option<Number>| end.as_ref().map(Number::to_fraction);
    let intervals = domain.intervals().iter();
    intervals
        .map(|interval| [end(&interval.lower), end(&interval.upper)])
        .collect()
}

/// The domain that a header gives; `None` when an end is no number in its one form.
pub fn domain_from_text(intervals: &[[Option<String>; 2]]) -> Option<Domain> {
    let end = |text: &Option<String>| match text {
        None => Some(None),
        Some(text) => Some(Some(Number::from_rational(rational_from_text(text)?))),
    };
    let interval = |[lower, upper]: &[Option<String>; 2]| {
        Some(Interval {
            lower: end(lower)?,
            upper: end(upper)?,
        })
    };
    let intervals: Option<Vec<Interval>> = intervals.iter().map(interval).collect();
    intervals.map(Domain::new)
}

/// A number `p` or `p/q` in lowest terms, the only form that the format has for it.
pub fn rational_from_text(text: &str) -> Option<Rational> {
    let whole = |part: &str| part.parse::<BigInt>().ok();
    let value = match text.split_once('/') {
        None => Rational::from_integer(whole(text)?),
        Some((numerator, denominator)) => {
            let denominator = whole(denominator)?;
            if denominator.sign() != Sign::Plus {
                return None;
            }
            Rational::new(whole(numerator)?, denominator)
        }
    };
    (value.to_string() == text).then_some(value)
}

/// Writes the first line.
///
/// # Errors
/// When `out` refuses.
pub fn write_magic(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{MAGIC}{VERSION}")
}

/// Writes one record.
///
/// # Errors
/// When `out` refuses, or the body is longer than [`MAX_BODY`].
pub fn write_record(
    kind: Kind,
    packing: Packing,
    body: &[u8],
    out: &mut dyn Write,
) -> io::Result<()> {
    let packed;
    let stored = match packing {
        Packing::Stored => body,
        Packing::Zstd => {
            packed = compress(body)?;
            &packed
        }
    };
    let length = |bytes: &[u8]| match u32::try_from(bytes.len()) {
        Ok(length) if bytes.len() <= MAX_BODY => Ok(length.to_le_bytes()),
        _ => Err(io::Error::other("a record of the proof is too long")),
    };
    let mut head = [0; 10];
    head[..2].copy_from_slice(&[kind as u8, u8::from(packing == Packing::Zstd)]);
    head[2..6].copy_from_slice(&length(stored)?);
    head[6..].copy_from_slice(&length(body)?);
    let checksum = Sha256::new().chain_update(head).chain_update(stored);
    out.write_all(&head)?;
    out.write_all(stored)?;
    out.write_all(&checksum.finalize()[..16])
}

/// Packs a body with the memory that the thread's last one took.
fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|known| {
        let compressor = match known {
            Some(compressor) => compressor,
            None => known.insert(Compressor::new(COMPRESSION_LEVEL)?),
        };
        compressor.compress(body)
    })
}

/// Why a file's framing is not that of a proof.
#[derive(Debug)]
pub enum Flaw {
    /// Reading failed.
    Io(io::Error),
    /// The file does not begin as proofs do; its first bytes.
    NoProof(Vec<u8>),
    /// A version that is not known.
    Version(String),
    /// What is wrong with a record.
    Record(String),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Flaw::Io(error)
    }
}

/// Reads the first line.
///
/// # Errors
/// [`Flaw::NoProof`], [`Flaw::Version`] or [`Flaw::Io`].
pub fn read_magic(input: &mut dyn Read) -> Result<(), Flaw> {
    const LONGEST: u64 = 64;
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && (line.len() as u64) < LONGEST {
        if input.take(1).read_to_end(&mut line)? == 0 {
            break;
        }
        if !line.starts_with(&MAGIC.as_bytes()[..line.len().min(MAGIC.len())]) {
            return Err(Flaw::NoProof(line));
        }
    }
    let text = std::str::from_utf8(&line).ok();
    let version = text.and_then(|text| text.strip_prefix(MAGIC)?.strip_suffix('\n'));
    match version {
        None => Err(Flaw::NoProof(line)),
        Some(VERSION) => Ok(()),
        Some(other) => Err(Flaw::Version(other.to_string())),
    }
}

/// Reads one record, unpacked; `None` at the end of the file.
///
/// # Errors
/// [`Flaw::Record`] or [`Flaw::Io`].
pub fn read_record(input: &mut dyn Read) -> Result<Option<(Kind, Vec<u8>)>, Flaw> {
    let flaw = |text: &str| Err(Flaw::Record(text.to_string()));
    let mut record = Vec::new();
    if input.take(10).read_to_end(&mut record)? == 0 {
        return Ok(None);
    }
    if record.len() < 10 {
        return flaw("the file ends in the middle of a record");
    }
    let number = |at: usize| {
        let bytes = record[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(bytes) as usize
    };
    let (stored, length) = (number(2), number(6));
    if stored > MAX_BODY || length > MAX_BODY {
        return flaw("a record claims to be longer than 64 MiB");
    }
    let kind = match record[0] {
        b'H' => Kind::Header,
        b'C' => Kind::Chunk,
        b'F' => Kind::Footer,
        _ => return flaw("a record is neither header, chunk nor footer"),
    };
    // Only as much memory as there are bytes.
    let rest = stored + 16;
    if input.take(rest as u64).read_to_end(&mut record)? < rest {
        return flaw("the file ends in the middle of a record");
    }
    let (record, checksum) = record.split_at(10 + stored);
    if Sha256::digest(record)[..16] != *checksum {
        return flaw("a record does not have its checksum: the file was changed or damaged");
    }
    let body = match record[1] {
        0 => record[10..].to_vec(),
        1 => {
            // What a frame unpacks to is known to the decoder: it stops one byte late.
            let mut body = Vec::new();
            let decoder = zstd::stream::read::Decoder::new(&record[10..]);
            let read =
                decoder.and_then(|decoder| decoder.take(length as u64 + 1).read_to_end(&mut body));
            if read.is_err() {
                return flaw("a record does not unpack");
            }
            body
        }
        _ => return flaw("a record is packed in an unknown way"),
    };
    if body.len() != length {
        return flaw("a record does not have the length that it claims");
    }
    Ok(Some((kind, body)))
}

/// Appends a varint.
pub fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Appends varints.
pub fn put_all(bytes: &mut Vec<u8>, values: &[u32]) {
    bytes.reserve(values.len());
    values.iter().for_each(|&value| put(bytes, value.into()));
}

/// Appends a number with these bits, 64 in each word, the lowest first, as a varint.
pub fn put_bits(bytes: &mut Vec<u8>, words: &[u64]) {
    if let [word] = words {
        return put(bytes, *word);
    }
    let word = |at: usize| words.get(at).copied().unwrap_or(0);
    let group = |at: usize| {
        let (word_at, low) = (7 * at / 64, 7 * at % 64);
        let bits =
            word(word_at) >> low | word(word_at + 1).checked_shl(64 - low as u32).unwrap_or(0);
        bits as u8 & 0x7f
    };
    let groups = (64 * words.len()).div_ceil(7);
    let last = (0..groups).rev().find(|&at| group(at) != 0).unwrap_or(0);
    bytes.extend((0..last).map(|at| group(at) | 0x80));
    bytes.push(group(last));
}

/// Appends a signed varint: -1 becomes 1, 1 becomes 2.
pub fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends a signed varint of any size.
pub fn put_long(bytes: &mut Vec<u8>, value: &BigInt) {
    let double: BigInt = value << 1;
    let folded = if value.sign() == Sign::Minus {
        -double - 1
    } else {
        double
    };
    let groups = folded.magnitude().to_radix_le(128);
    let last = groups.len() - 1;
    bytes.extend(groups[..last].iter().map(|group| group | 0x80));
    bytes.push(groups[last]);
}

/// Reads what [`put`], [`put_bits`], [`put_signed`] and [`put_long`] write; `None` where it is
/// something else.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    /// Bytes read.
    pub at: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    /// Whether all is read.
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The groups of the next varint.
    fn groups(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
        self.at += length;
        let shortest = length == 1 || rest[length - 1] != 0;
        (shortest && length <= MAX_VARINT).then_some(&rest[..length])
    }

    /// The next varint.
    pub fn number(&mut self) -> Option<u64> {
        let groups = self.groups()?;
        let fits = groups.len() < 10 || groups.len() == 10 && groups[9] <= 1;
        let value = |sum, group: &u8| sum << 7 | u64::from(group & 0x7f);
        fits.then(|| groups.iter().rev().fold(0, value))
    }

    /// The bits of the next varint that are set, the lowest first.
    pub fn bits(&mut self) -> Option<impl Iterator<Item = u64> + 'a> {
        let groups = self.groups()?.iter().zip(0..);
        let bits = |(group, at): (&u8, u64)| {
            let group = *group;
            (0..7)
                .filter(move |bit| group >> bit & 1 == 1)
                .map(move |bit| 7 * at + bit)
        };
        Some(groups.flat_map(bits))
    }

    /// The next varint as a size.
    pub fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// The next signed varint.
    pub fn signed(&mut self) -> Option<BigInt> {
        let groups: Vec<u8> = self.groups()?.iter().map(|group| group & 0x7f).collect();
        let folded = BigUint::from_radix_le(&groups, 128)?;
        let odd = folded.bit(0);
        let half = BigInt::from(folded >> 1u32);
        Some(if odd { -half - 1 } else { half })
    }
}

/// How a unit on a trail was decided; the number is the code in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Decided {
    /// By a side, negative.
    Negative = 0,
    /// By a side, positive.
    Positive = 1,
    /// A split, on the negative side.
    SplitNegative = 2,
    /// A split, on the positive side; the other one is elsewhere.
    SplitPositive = 3,
    /// A split, on the positive side; the other one follows.
    SplitPending = 4,
}

impl Decided {
    /// Whether it is a split.
    pub fn is_split(self) -> bool {
        self as u8 >= Decided::SplitNegative as u8
    }

    /// 1 or -1.
    pub fn sign(self) -> i32 {
        match self {
            Decided::Negative | Decided::SplitNegative => -1,
            Decided::Positive | Decided::SplitPositive | Decided::SplitPending => 1,
        }
    }
}

/// One entry of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The unit's number in the whole network.
    pub unit: u32,
    /// How it was decided.
    pub how: Decided,
}

/// Encodes the start of a chunk; with `settled` all pending splits become settled ones,
/// as in what *elsewhere* promises.
pub fn encode_start(chart: usize, trail: &[Entry], settled: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + 2 * trail.len());
    put_start(&mut bytes, chart, trail, settled);
    bytes
}

/// Appends the same.
pub fn put_start(bytes: &mut Vec<u8>, chart: usize, trail: &[Entry], settled: bool) {
    put(bytes, chart as u64);
    put(bytes, trail.len() as u64);
    for entry in trail {
        let how = match entry.how {
            Decided::SplitPending if settled => Decided::SplitPositive,
            how => how,
        };
        put(bytes, 8 * u64::from(entry.unit) + how as u64);
    }
}

/// Reads the start of a chunk of a network with this many units; `None` where it is none.
pub fn decode_start(cursor: &mut Cursor, units: usize) -> Option<(usize, Vec<Entry>)> {
    let chart = cursor.size()?;
    let entries = cursor.size()?;
    if entries > units {
        return None;
    }
    let mut trail = Vec::with_capacity(entries);
    for _ in 0..entries {
        let code = cursor.number()?;
        let how = match code % 8 {
            0 => Decided::Negative,
            1 => Decided::Positive,
            2 => Decided::SplitNegative,
            3 => Decided::SplitPositive,
            4 => Decided::SplitPending,
            _ => return None,
        };
        let unit = u32::try_from(code / 8).ok()?;
        if unit as usize >= units {
            return None;
        }
        trail.push(Entry { unit, how });
    }
    Some((chart, trail))
}

/// What follows the unit in an event's first varint.
pub mod event {
    /// A split.
    pub const SPLIT: u64 = 0;
    /// A side, positive.
    pub const POSITIVE: u64 = 1;
    /// A side, negative.
    pub const NEGATIVE: u64 = 2;
    /// A leaf, its kind in place of the unit.
    pub const LEAF: u64 = 3;
    /// A region.
    pub const REGION: u64 = 0;
    /// An empty cell.
    pub const EMPTY: u64 = 1;
    /// A cell that was not searched.
    pub const OPEN: u64 = 2;
    /// A cell that another chunk begins with.
    pub const ELSEWHERE: u64 = 3;
    /// A cell that strictness leaves out.
    pub const EXCLUDED: u64 = 4;
    /// A point where the hyperplanes of all undecided units cross.
    pub const CROSSING: u64 = 5;
    /// The regions into which hyperplanes in general position cut a cell, a leaf.
    pub const ARRANGEMENT: u64 = 6;
    /// No leaf: sides of units, each shown by some of several sets of constraints.
    pub const SIDES: u64 = 7;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back_and_have_one_form() {
        let mut bytes = Vec::new();
        let values = [0, 1, 127, 128, 300, 16_383, 16_384, u64::MAX];
        values.iter().for_each(|&value| put(&mut bytes, value));
        let mut cursor = Cursor::new(&bytes);
        values
            .iter()
            .for_each(|&value| assert_eq!(cursor.number(), Some(value)));
        assert!(cursor.is_at_end());
        assert_eq!(cursor.number(), None);
        // Protocol Buffers' example of a varint.
        assert_eq!(Cursor::new(&[0xac, 0x02]).number(), Some(300));
        for wrong in [
            &[0x80, 0x00][..],
            &[0x80],
            &[0xff; 12],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        ] {
            assert_eq!(Cursor::new(wrong).number(), None, "{wrong:?}");
        }
    }

    #[test]
    fn signed_varints_come_back() {
        let big: BigInt = BigInt::from(7) << 200;
        let values = [0, -1, 1, -2, 63, -64, 64, i64::MAX, i64::MIN].map(BigInt::from);
        let values: Vec<BigInt> = values.into_iter().chain([big.clone(), -big - 1]).collect();
        let mut bytes = Vec::new();
        values.iter().for_each(|value| put_long(&mut bytes, value));
        assert_eq!(bytes[..4], [0, 1, 2, 3]);
        let mut short = Vec::new();
        for value in &values[..values.len() - 2] {
            put_signed(&mut short, i64::try_from(value).unwrap());
        }
        assert_eq!(short[..], bytes[..short.len()]);
        let mut cursor = Cursor::new(&bytes);
        values
            .iter()
            .for_each(|value| assert_eq!(cursor.signed().as_ref(), Some(value)));
        assert!(cursor.is_at_end());
    }

    #[test]
    fn bits_come_back() {
        let all: Vec<u64> = (0..192).collect();
        for set in [
            &[][..],
            &[0],
            &[6],
            &[7, 63],
            &[64],
            &[3, 69, 70, 130, 191],
            &all,
        ] {
            let mut words = [0; 3];
            for bit in set {
                words[*bit as usize / 64] |= 1 << (bit % 64);
            }
            let used = set.last().map_or(1, |last| *last as usize / 64 + 1);
            // Words that are zero at the end change nothing.
            for count in used..=3 {
                let mut bytes = Vec::new();
                put_bits(&mut bytes, &words[..count]);
                let mut cursor = Cursor::new(&bytes);
                assert_eq!(&cursor.bits().unwrap().collect::<Vec<_>>(), set);
                assert!(cursor.is_at_end());
                // It is the number that has these bits.
                let number = set.iter().fold(BigUint::ZERO, |sum, bit| {
                    sum + (BigUint::from(1u32) << *bit)
                });
                let groups: Vec<u8> = bytes.iter().map(|group| group & 0x7f).collect();
                assert_eq!(BigUint::from_radix_le(&groups, 128), Some(number));
            }
        }
    }

    #[test]
    fn records_come_back_and_every_bit_counts() {
        for packing in [Packing::Stored, Packing::Zstd] {
            let mut file = Vec::new();
            write_record(Kind::Chunk, packing, b"some body", &mut file).unwrap();
            let (kind, body) = read_record(&mut &file[..]).unwrap().unwrap();
            assert_eq!((kind, &body[..]), (Kind::Chunk, &b"some body"[..]));
            for bit in 0..8 * file.len() {
                let mut changed = file.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(read_record(&mut &changed[..]).is_err(), "bit {bit}");
            }
            for length in 1..file.len() {
                assert!(read_record(&mut &file[..length]).is_err());
            }
        }
        assert!(read_record(&mut &[][..]).unwrap().is_none());
    }

    #[test]
    fn numbers_have_one_form() {
        for text in ["0", "-3", "1/2", "-22/7"] {
            assert_eq!(rational_from_text(text).unwrap().to_string(), text);
        }
        for text in [
            "", "2/4", "1/0", "1/-2", "+1", "01", "1.5", "3/1", "-0", " 1",
        ] {
            assert_eq!(rational_from_text(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_first_line_is_read_and_no_more() {
        let mut file = &b"chambers proof 2\nH"[..];
        read_magic(&mut file).unwrap();
        assert_eq!(file, b"H");
        let flaw = |bytes: &[u8]| read_magic(&mut &bytes[..]).unwrap_err();
        assert!(matches!(flaw(b"chambers proof 27\n"), Flaw::Version(version) if version == "27"));
        for other in [
            &b""[..],
            b"PK",
            b"chambers",
            b"chambers proof 2",
            &[b'c'; 200],
        ] {
            assert!(matches!(flaw(other), Flaw::NoProof(_)));
        }
    }
}
