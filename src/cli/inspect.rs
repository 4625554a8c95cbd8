//! `chambers inspect`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use chambers::arithmetic::rank::{self, SparseRow};
use chambers::arithmetic::{Number, Rank, Rational};
use chambers::arrangement::{Domain, Interval};
use chambers::network::{Affine, AffineKind, Layer, Network};
use chambers::{Error, Result};
use num_traits::Zero;
use serde_json::{Value, json};

use super::model::{DomainArgument, Model, Source};
use super::{EXIT_CODES, Status, note, print, report};

/// The largest matrix, in entries, of which the rank is computed.
const LARGEST_MATRIX: usize = 1 << 24;

/// The most products that composing the first layer may take.
const COMPOSITION_WORK: usize = 1 << 23;

/// The most weights and biases, a convolution's once for each position, of which a digest is taken
/// without being asked.
const LARGEST_LISTING: usize = 1 << 22;

/// Show a network's layers and what would be counted, without counting
///
/// Ranks are exact unless they say "at least".
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    domain: DomainArgument,
    /// Write all weights exactly, as text, which the network digest of a proof is taken
    /// of: to a file, or - for standard output
    #[arg(long, value_name = "FILE")]
    listing: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Status> {
    let model = arguments.source.load()?;
    let domain = arguments.domain.read(&model)?;
    let summary = Summary::new(&model.network, &domain);
    let summary = if arguments.json {
        report::pretty(&summary.json(&model, &domain))
    } else {
        summary.text(&model, &domain)
    };
    match arguments.listing.as_deref() {
        Some(path) if path == Path::new("-") => {
            let mut out = BufWriter::new(io::stdout().lock());
            let written = model.network.write_listing(&mut out);
            written
                .and_then(|()| out.flush())
                .map_err(|source| Error::io("standard output", source))?;
            note(summary.trim_end());
            return Ok(Status::Done);
        }
        Some(path) => write_listing(&model.network, path)?,
        None => {}
    }
    print(&summary)?;
    Ok(Status::Done)
}

fn write_listing(network: &Network, path: &Path) -> Result<()> {
    let write = || {
        let mut out = BufWriter::new(File::create(path)?);
        network.write_listing(&mut out)?;
        out.flush()
    };
    write().map_err(|source| Error::io(path, source))
}

struct Summary {
    layers: Vec<LayerSummary>,
    units: Vec<usize>,
    /// Rank of the first ReLU layer's pre-activations as functions of the inputs that
    /// the domain leaves free.
    first_rank: Option<Rank>,
    /// Inputs that the domain leaves free.
    free: usize,
    bounded: bool,
    /// The network's digest; `None` when it would take long.
    digest: Option<String>,
}

struct LayerSummary {
    kind: String,
    output: String,
    units: Option<usize>,
    parameters: usize,
    /// `None` for a layer without a matrix; the inner `None` for one too large.
    rank: Option<Option<Rank>>,
}

impl Summary {
    fn new(network: &Network, domain: &Domain) -> Self {
        let layers = network.layers().iter().zip(network.shapes());
        let layers = layers.map(|(layer, shape)| LayerSummary {
            kind: kind(layer),
            output: shape.to_string(),
            units: matches!(layer, Layer::Relu).then(|| shape.len()),
            parameters: match layer {
                Layer::Affine(affine) => affine.parameters(),
                _ => 0,
            },
            rank: match layer {
                Layer::Affine(affine) => Some(affine_rank(affine)),
                _ => None,
            },
        });
        let free = |interval: &Interval| interval.point().is_none();
        let unbounded = |interval: &Interval| *interval == Interval::default();
        Summary {
            layers: layers.collect(),
            units: network.units_per_layer(),
            first_rank: first_rank(network, domain),
            free: domain.intervals().iter().filter(|i| free(i)).count(),
            bounded: !domain.intervals().iter().all(unbounded),
            digest: (weights(network) <= LARGEST_LISTING).then(|| network.digest()),
        }
    }

    fn all_units(&self) -> usize {
        self.units.iter().sum()
    }

    /// The dimension in which regions differ: without sides, only the row space of
    /// the first layer matters.
    fn dimension(&self) -> (usize, &'static str) {
        match self.first_rank {
            None if !self.bounded && self.units.is_empty() => (0, "there are no units"),
            Some(Rank::Exactly(rank)) if !self.bounded && rank < self.free => {
                (rank, "the rank of the first layer")
            }
            _ => (self.free, "the inputs that the domain does not fix"),
        }
    }

    fn text(&self, model: &Model, domain: &Domain) -> String {
        let network = &model.network;
        let input = network.input();
        let shown_input = match input.axes() {
            [_] => input.to_string(),
            _ => format!("{input}, {} values", input.len()),
        };
        let (dimension, why) = self.dimension();
        let units = self.all_units();
        let digest = self.digest.as_deref();
        let digest = digest.unwrap_or("not computed: the network is too large");
        let mut text = report::table(&[
            ("model", model.label.clone()),
            ("sha256", model.sha256().unwrap_or("none").to_string()),
            ("network digest", digest.to_string()),
            ("input", shown_input),
            ("output", network.output().to_string()),
            ("parameters", network.parameters().to_string()),
        ]);
        text.push('\n');
        text.push_str(&self.layer_table());
        text.push('\n');
        let relu_layers = report::counted(self.units.len(), "ReLU layer");
        let rank = match self.first_rank {
            None if self.units.is_empty() => "there are no units".into(),
            None => "not computed: the layer is too large".into(),
            Some(rank) => format!("{rank} on {}", report::counted(self.free, "free input")),
        };
        let mut rows = vec![
            (
                "would count",
                "activation regions: sign patterns of all units".to_string(),
            ),
            ("units", format!("{units} in {relu_layers}")),
            ("domain", report::domain(domain)),
            ("first rank", rank),
            ("dimension", format!("{dimension}: {why}")),
            (
                "at most",
                match units {
                    0 => "1 region".to_string(),
                    units => format!("2^{units} regions"),
                },
            ),
        ];
        if domain.is_empty() {
            rows.push(("note", "the domain is empty: 0 regions".into()));
        }
        text.push_str(&report::table(&rows));
        text
    }

    fn layer_table(&self) -> String {
        let rank = |layer: &LayerSummary| match layer.rank {
            None => "-".to_string(),
            Some(None) => "not computed".to_string(),
            Some(Some(rank)) => rank.to_string(),
        };
        let header = ["layer", "kind", "output", "units", "parameters", "rank"].map(String::from);
        let rows = self.layers.iter().enumerate().map(|(k, layer)| {
            [
                (k + 1).to_string(),
                layer.kind.clone(),
                layer.output.clone(),
                layer.units.map_or("-".into(), |units| units.to_string()),
                layer.parameters.to_string(),
                rank(layer),
            ]
        });
        let rows: Vec<[String; 6]> = std::iter::once(header).chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        rows.iter().fold(String::new(), |mut text, row| {
            let _ = writeln!(
                text,
                "{:>w0$}  {:w1$}  {:w2$}  {:>w3$}  {:>w4$}  {:>w5$}",
                row[0],
                row[1],
                row[2],
                row[3],
                row[4],
                row[5],
                w0 = widths[0],
                w1 = widths[1],
                w2 = widths[2],
                w3 = widths[3],
                w4 = widths[4],
                w5 = widths[5],
            );
            text
        })
    }

    fn json(&self, model: &Model, domain: &Domain) -> Value {
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|layer| {
                json!({
                    "kind": layer.kind,
                    "output": layer.output,
                    "units": layer.units,
                    "parameters": layer.parameters,
                    "rank": layer.rank.flatten().map(rank_json),
                })
            })
            .collect();
        json!({
            "model": model.identity,
            "network_digest": self.digest,
            "input": model.network.input().axes(),
            "output": model.network.output().axes(),
            "parameters": model.network.parameters(),
            "layers": layers,
            "units": self.units,
            "domain": report::domain(domain),
            "domain_empty": domain.is_empty(),
            "free_inputs": self.free,
            "first_layer_rank": self.first_rank.map(rank_json),
            "dimension": self.dimension().0,
            "upper_bound": format!("2^{}", self.all_units()),
        })
    }
}

fn rank_json(rank: Rank) -> Value {
    match rank {
        Rank::Exactly(rank) => json!({"value": rank, "exact": true}),
        Rank::AtLeast(rank) => json!({"value": rank, "exact": false}),
    }
}

/// A layer in the words of `--arch`.
fn kind(layer: &Layer) -> String {
    let affine = match layer {
        Layer::Relu => return "relu".into(),
        Layer::Reshape(_) => return "reshape".into(),
        Layer::Affine(affine) => affine,
    };
    let conv = match affine.kind() {
        AffineKind::Dense => return format!("dense {}", affine.output().len()),
        AffineKind::Elementwise => return "scale".into(),
        AffineKind::Permutation => return "permute".into(),
        AffineKind::Sparse => return format!("sparse {}", affine.output().len()),
        AffineKind::Convolution(conv) => conv,
    };
    let pair = |[height, width]: [usize; 2]| format!("{height}x{width}");
    let mut text = format!("conv {}@{}", conv.filters, pair(conv.kernel));
    let mut option = |name: &str, value: [usize; 2], usual: usize| {
        if value == [usual; 2] {
            return;
        }
        let value = if value[0] == value[1] {
            value[0].to_string()
        } else {
            pair(value)
        };
        let _ = write!(text, " {name} {value}");
    };
    option("stride", conv.stride, 1);
    if conv.pad_begin == conv.pad_end {
        option("pad", conv.pad_begin, 0);
    } else {
        option("pad-begin", conv.pad_begin, 0);
        option("pad-end", conv.pad_end, 0);
    }
    option("dilation", conv.dilation, 1);
    option("groups", [conv.groups; 2], 1);
    text
}

fn affine_rank(affine: &Affine) -> Option<Rank> {
    let rows = affine.output().len();
    match affine.kind() {
        AffineKind::Permutation => return Some(Rank::Exactly(rows)),
        AffineKind::Elementwise => {
            let kept = (0..rows).filter(|&r| affine.row(r).1.iter().any(|w| !w.is_zero()));
            return Some(Rank::Exactly(kept.count()));
        }
        AffineKind::Dense | AffineKind::Convolution(_) | AffineKind::Sparse => {}
    }
    fits(rows, affine.input_len()).then(|| {
        let rows: Vec<SparseRow> = (0..rows).map(|r| sparse_row(affine, r)).collect();
        rank::rank(&rows)
    })
}

/// Weights and biases of all layers, a convolution's once for each position.
fn weights(network: &Network) -> usize {
    let weights = network.layers().iter().map(|layer| match layer {
        Layer::Affine(affine) => {
            let rows = affine.output().len();
            rows + (0..rows).map(|r| affine.row(r).0.len()).sum::<usize>()
        }
        _ => 0,
    });
    weights.sum()
}

fn fits(rows: usize, columns: usize) -> bool {
    rows.saturating_mul(columns) <= LARGEST_MATRIX
}

fn sparse_row(affine: &Affine, row: usize) -> SparseRow {
    let (columns, weights) = affine.row(row);
    columns
        .iter()
        .copied()
        .zip(weights.iter().cloned())
        .collect()
}

/// The rank of the map from the free inputs to the first layer of units.
fn first_rank(network: &Network, domain: &Domain) -> Option<Rank> {
    let affines: Vec<&Affine> = network
        .layers()
        .iter()
        .take_while(|layer| !matches!(layer, Layer::Relu))
        .filter_map(|layer| match layer {
            Layer::Affine(affine) => Some(affine),
            _ => None,
        })
        .collect();
    let units = *network.units_per_layer().first()?;
    if !fits(units, network.input().len()) {
        return None;
    }
    let free: Vec<bool> = domain
        .intervals()
        .iter()
        .map(|interval| interval.point().is_none())
        .collect();
    let mut rows: Vec<SparseRow> = match affines.split_first() {
        None => (0..units)
            .map(|unit| vec![(unit as u32, Number::ONE)])
            .collect(),
        Some((first, rest)) => {
            let rows = (0..first.output().len()).map(|r| sparse_row(first, r));
            let mut rows: Vec<SparseRow> = rows.collect();
            let mut work = COMPOSITION_WORK;
            for affine in rest {
                rows = composed(affine, &rows, &mut work)?;
            }
            rows
        }
    };
    for row in &mut rows {
        row.retain(|&(column, _)| free[column as usize]);
    }
    Some(rank::rank(&rows))
}

/// The rows of `affine` after the map with rows `inner`.
fn composed(affine: &Affine, inner: &[SparseRow], work: &mut usize) -> Option<Vec<SparseRow>> {
    let row = |r: usize| {
        let mut sum: BTreeMap<u32, Rational> = BTreeMap::new();
        let (columns, weights) = affine.row(r);
        for (&middle, weight) in columns.iter().zip(weights) {
            if weight.is_zero() {
                continue;
            }
            let entries = &inner[middle as usize];
            *work = work.checked_sub(entries.len())?;
            let weight = weight.to_rational();
            for (column, value) in entries {
                let term = &weight * value.to_rational();
                *sum.entry(*column).or_insert_with(Rational::zero) += term;
            }
        }
        let entries = sum.into_iter().filter(|(_, value)| !value.is_zero());
        Some(
            entries
                .map(|(column, value)| (column, Number::from_rational(value)))
                .collect(),
        )
    };
    (0..affine.output().len()).map(row).collect()
}
