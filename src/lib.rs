//! Counts and lists, exactly, the activation regions of networks of ReLU units: the
//! non-empty sets of inputs on which every unit's pre-activation has one strict sign.
//!
//! ```
//! use chambers::{Domain, Monitor, Options, count, load};
//! # fn main() -> chambers::Result<()> {
//! let network = load("fixtures/networks/digits_cnn.onnx".as_ref())?;
//! let everywhere = Domain::everything(network.input().len());
//! let answer = count(&network, &everywhere, &Options::default(), &Monitor::new())?;
//! assert!(answer.complete);
//! assert_eq!(answer.regions, 16_840);
//! # Ok(())
//! # }
//! ```
//!
//! Networks are also built by hand. Three lines in the plane, and a box in which one
//! of them cuts nothing; every region comes with a point inside:
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use chambers::arithmetic::Number;
//! use chambers::network::{Affine, Layer, Shape};
//! use chambers::{Domain, Monitor, Network, Options, Region, count, enumerate};
//! # fn main() -> chambers::Result<()> {
//! // x = 0, y = 0, x + y = 3/2
//! let weight = [1, 0, 0, 1, 1, 1].map(Number::from).to_vec();
//! let bias = ["0", "0", "-3/2"].map(|text| Number::parse(text).expect("a number"));
//! let mut network = Network::new(Shape::new([2]));
//! network.push(Layer::Affine(Affine::dense(2, 3, weight, bias.to_vec())?))?;
//! network.push(Layer::Relu)?;
//!
//! let (options, monitor) = (Options::default(), Monitor::new());
//! let everywhere = Domain::everything(2);
//! assert_eq!(count(&network, &everywhere, &options, &monitor)?.regions, 7);
//!
//! let square = Domain::parse_box("-1/2,1/2", 2)?;
//! let show = |region: &Region| {
//!     assert_eq!(region.pattern.len(), 3);
//!     assert_eq!(region.witness.len(), 2);
//!     ControlFlow::Continue(())
//! };
//! assert_eq!(enumerate(&network, &square, &options, &monitor, &show)?.regions, 4);
//! # Ok(())
//! # }
//! ```
//!
//! # Exact means exact
//!
//! - A weight is the rational number that its stored bits or its text denote. For
//!   these numbers and the domain, the count is a theorem.
//! - No tolerance decides anything. Floats propose; a rigorous error bound proves;
//!   where it cannot, exact arithmetic decides. Overflow, underflow and weights from
//!   1e-300 to 1e300 are part of the bound.
//! - Every region is proved to exist by a point strictly inside it, and every cell
//!   that is not split by a certificate that nothing cuts it.
//! - The same input gives the same regions, count and [`Digest`](regions::Digest) with
//!   any number of threads.
//! - A search that was stopped says so: [`Answer::complete`] is false, and the count
//!   is a lower bound.
//!
//! The one exception is [`search::engine::reference`], an independent search with
//! floating-point linear programs for cross-checks. It states its tolerance, and its
//! answers are never called exact.
//!
//! # Where things are
//!
//! | module | |
//! |---|---|
//! | [`network`] | shapes, layers with exact weights, evaluation; readers ([`network::import`]), the writer ([`network::export`]), random networks |
//! | [`arrangement`] | domains: all of R^n, boxes, VNN-LIB |
//! | [`search`] | counting and enumerating, progress and stopping, digests |
//! | [`regions`] | patterns, their digest, witnesses |
//! | [`proof`] | proofs of a count as files, and their checker |
//! | [`characteristic`] | regions of one layer without enumerating them: the characteristic polynomial |
//! | [`theory`] | formulas for the number of regions |
//! | [`output`] | lists of regions as files |
//! | [`arithmetic`] | exact numbers and ranks |
#![warn(missing_docs)]

pub mod arithmetic;
pub mod arrangement;
pub mod characteristic;
mod error;
mod file;
pub mod network;
pub mod output;
pub mod proof;
pub mod regions;
pub mod search;
pub mod theory;

pub use arrangement::Domain;
pub use error::{Error, Result};
pub use network::Network;
pub use network::import::load;
pub use regions::Region;
pub use search::{Answer, Monitor, Options, count, enumerate};
