//! What every subcommand asks for: a model, and where and how to look at it.

use std::path::{Path, PathBuf};

use chambers::arrangement::{Domain, vnnlib};
use chambers::network::{Architecture, Network, import, random};
use chambers::search::Options;
use chambers::{Error, Result};
use clap::ArgGroup;
use serde_json::{Value, json};

pub const ARCH_HELP: &str = "\
The architecture in one line, such as \"1x3x1; conv 8@1x2\"

First the input, HxWxC or one number for a vector; then layers, each after a
semicolon: conv 8@3x3 stride 2 pad 1 dilation 1 groups 1, dense 16, flatten.
conv and dense also take nobias. ReLU follows every one of them.";

/// Where the network comes from: exactly one of three.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("source").args(["model", "arch", "arrangement"])))]
pub struct Source {
    /// A network: an ONNX file, or this project's JSON
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// A random network of this architecture, such as "1x3x1; conv 8@1x2"
    #[arg(long, value_name = "TEXT", long_help = ARCH_HELP)]
    arch: Option<String>,
    /// The seed of the weights with --arch [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with_all = ["model", "arrangement"])]
    seed: Option<u64>,
    /// Hyperplanes: {"dim": 2, "hyperplanes": [[1, -1, 0], ["1/3", 0.5, 2]]}, each a_1..a_d, b
    #[arg(long, value_name = "FILE.json")]
    arrangement: Option<PathBuf>,
}

/// The same, where the first name on the command line is another file's.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("source").args(["model", "arch", "arrangement"]).required(true)))]
pub struct NamedSource {
    /// The network: an ONNX file, or this project's JSON
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// A random network of this architecture, such as "1x3x1; conv 8@1x2"
    #[arg(long, value_name = "TEXT", long_help = ARCH_HELP)]
    arch: Option<String>,
    /// The seed of the weights with --arch [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with_all = ["model", "arrangement"])]
    seed: Option<u64>,
    /// Hyperplanes: {"dim": 2, "hyperplanes": [[1, -1, 0], ["1/3", 0.5, 2]]}, each a_1..a_d, b
    #[arg(long, value_name = "FILE.json")]
    arrangement: Option<PathBuf>,
}

impl NamedSource {
    /// Reads or makes the network.
    pub fn load(&self) -> Result<Model> {
        let source = Source {
            model: self.model.clone(),
            arch: self.arch.clone(),
            seed: self.seed,
            arrangement: self.arrangement.clone(),
        };
        source.load()
    }
}

/// A network and what to call it.
pub struct Model {
    /// The network.
    pub network: Network,
    /// For people.
    pub label: String,
    /// For programs: path and SHA-256, or architecture and seed.
    pub identity: Value,
}

impl Source {
    /// Reads or makes the network.
    pub fn load(&self) -> Result<Model> {
        match (&self.model, &self.arch, &self.arrangement) {
            (Some(path), _, _) => Ok(Model::of_file(path, import::load_model(path)?)),
            (_, _, Some(path)) => Ok(Model::of_file(path, import::load_arrangement(path)?)),
            (_, Some(arch), _) => {
                let seed = self.seed.unwrap_or(0);
                Ok(Model {
                    network: random_network(arch, seed)?,
                    label: format!("{arch:?} with seed {seed}"),
                    identity: json!({"arch": arch, "seed": seed}),
                })
            }
            (None, None, None) => Err(Error::input(
                "command line",
                "MODEL",
                "there is no model",
                "name a file, or use --arch or --arrangement",
            )),
        }
    }
}

impl Source {
    /// The architecture of `--arch`, for what needs no weights.
    pub fn architecture(&self) -> Option<&str> {
        self.arch.as_deref()
    }
}

impl Model {
    fn of_file(path: &Path, loaded: import::Model) -> Self {
        Model {
            network: loaded.network,
            label: path.display().to_string(),
            identity: json!({
                "path": path.display().to_string(),
                "sha256": loaded.digest,
            }),
        }
    }

    /// The digest of the model's file, in hexadecimal.
    pub fn sha256(&self) -> Option<&str> {
        self.identity.get("sha256")?.as_str()
    }
}

/// The network of an architecture and a seed.
pub fn random_network(arch: &str, seed: u64) -> Result<Network> {
    random::he(&architecture(arch)?, seed).map_err(|error| error.with_origin("--arch"))
}

/// Reads an architecture.
pub fn architecture(text: &str) -> Result<Architecture> {
    Architecture::parse(text).map_err(|error| error.with_origin("--arch"))
}

/// Each thread reserves a large stack of addresses; no machine of today has more cores.
pub const MAX_THREADS: i64 = 1024;

const DOMAIN_HELP: &str = "\
Where to count: box=LO,HI, or a VNN-LIB file's input box [default: all of R^n]

  box=-1,1                one interval for all inputs
  box=0,1,-inf,2/3,5,5    one for each of three inputs
  property.vnnlib         the input box of a property; its outputs are passed over

Ends are exact: integers, decimals or p/q. A side may be -inf or inf. The open
interior counts; an interval that is one point fixes its input.";

/// Where to count.
#[derive(Debug, clap::Args)]
pub struct DomainArgument {
    /// Where to count: box=LO,HI, or a VNN-LIB file's input box [default: all of R^n]
    #[arg(long_help = DOMAIN_HELP)]
    #[arg(long, value_name = "box=...|FILE.vnnlib", allow_hyphen_values = true)]
    domain: Option<String>,
}

/// Where to count and how.
#[derive(Debug, clap::Args)]
pub struct ScopeArguments {
    #[command(flatten)]
    domain: DomainArgument,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS))]
    threads: Option<u16>,
    /// Leave out cells on which a unit is identically zero (Definition 1 to the letter)
    #[arg(long)]
    strict: bool,
}

/// Where to count and how, read.
pub struct Scope {
    /// Where.
    pub domain: Domain,
    /// Whether no point lies there.
    pub empty: bool,
    /// How.
    pub options: Options,
}

impl DomainArgument {
    /// Reads the domain for a model.
    pub fn read(&self, model: &Model) -> Result<Domain> {
        self.with_inputs(model.network.input().len())
    }

    /// Reads the domain for this many inputs.
    pub fn with_inputs(&self, inputs: usize) -> Result<Domain> {
        match &self.domain {
            None => Ok(Domain::everything(inputs)),
            Some(text) => read_domain(text, inputs),
        }
    }
}

/// Reads a domain as written on the command line.
pub fn read_domain(text: &str, inputs: usize) -> Result<Domain> {
    match text.strip_prefix("box=") {
        Some(sides) => Domain::parse_box(sides, inputs),
        None => vnnlib_box(Path::new(text), inputs),
    }
}

impl ScopeArguments {
    /// Reads the domain alone, for this many inputs.
    pub fn domain(&self, inputs: usize) -> Result<Domain> {
        self.domain.with_inputs(inputs)
    }

    /// Reads the domain for a model.
    pub fn read(&self, model: &Model) -> Result<Scope> {
        let domain = self.domain.read(model)?;
        Ok(Scope {
            empty: domain.is_empty(),
            domain,
            options: Options {
                threads: self.threads.map(usize::from),
                strict: self.strict,
            },
        })
    }
}

fn vnnlib_box(path: &Path, inputs: usize) -> Result<Domain> {
    if path.extension().is_none_or(|e| e != "vnnlib") {
        return Err(Error::input(
            "--domain",
            format!("{:?}", path.display().to_string()),
            "neither box=... nor a file whose name ends in .vnnlib",
            "write --domain box=-1,1, or --domain property.vnnlib, or leave it out for all of R^n",
        ));
    }
    vnnlib::load_box(path, inputs)
}
