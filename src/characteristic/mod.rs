//! The characteristic polynomial of an arrangement: counts regions without
//! enumerating them.
//!
//! The units of a network's only ReLU layer are hyperplanes in R^n. With the lattice of
//! their intersections (flats) F and its Moebius function mu, the characteristic
//! polynomial is `chi(t) = sum over F of mu(R^n, F) t^(dim F)`, and the arrangement has
//! `(-1)^n chi(-1)` regions, `|chi(1)|` of them relatively bounded (Zaslavsky, Facing up
//! to arrangements, 1975, Theorems A and C; the coefficients: Whitney 1932, Rota 1964).
//!
//! Everything is exact, and nothing here is shared with the search: [`crate::search`]
//! is an independent way to the same number of regions.
//!
//! ```
//! use chambers::Monitor;
//! use chambers::arithmetic::Number;
//! use chambers::characteristic::{Found, characteristic};
//! use chambers::network::{Affine, Layer, Network, Shape};
//! # fn main() -> chambers::Result<()> {
//! // x = y, y = z, x = z: the braid arrangement.
//! let weight = [1, -1, 0, 0, 1, -1, 1, 0, -1].map(Number::from).to_vec();
//! let mut network = Network::new(Shape::new([3]));
//! network.push(Layer::Affine(Affine::dense(3, 3, weight, vec![Number::ZERO; 3])?))?;
//! network.push(Layer::Relu)?;
//!
//! let answer = characteristic(&network, &Monitor::new())?;
//! let Found::Polynomial(polynomial) = answer.found else {
//!     panic!("nobody asked to stop");
//! };
//! assert_eq!(polynomial.to_string(), "t^3 - 3 t^2 + 2 t");
//! assert_eq!(polynomial.regions(), 6u32.into());
//! # Ok(())
//! # }
//! ```

mod configuration;
mod deletion;
mod field;
mod polynomial;

pub use polynomial::CharacteristicPolynomial;

use std::time::{Duration, Instant};

use num_bigint::BigUint;
use num_traits::One;

use crate::Result;
use crate::network::Network;
use crate::search::Monitor;
use configuration::Configuration;
use deletion::{Stop, decone};
use field::Large;
use polynomial::product;

/// What was found of an arrangement.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Distinct hyperplanes.
    pub hyperplanes: usize,
    /// The polynomial, or what was known when the monitor asked to stop.
    pub found: Found,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// The polynomial or less: a part cannot pass for the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The whole polynomial.
    Polynomial(CharacteristicPolynomial),
    /// Stopped early: there are at least so many regions.
    AtLeast(BigUint),
}

/// The characteristic polynomial of the hyperplanes of a network's only ReLU layer, on
/// all of R^n.
///
/// A unit whose weights are all zero cuts nothing, and units of the same hyperplane cut
/// once.
///
/// # Errors
/// When the network has no ReLU layer or several, or is too large.
pub fn characteristic(network: &Network, monitor: &Monitor) -> Result<Answer> {
    let start = Instant::now();
    let mut limit = Large::LIMIT;
    loop {
        let configuration = Configuration::of(network, limit, monitor)?;
        let answer = |hyperplanes, found| Answer {
            hyperplanes,
            found,
            elapsed: start.elapsed(),
        };
        let Some(configuration) = configuration else {
            return Ok(answer(0, Found::AtLeast(BigUint::one())));
        };
        match polynomial(&configuration, monitor) {
            Ok(polynomial) => {
                let found = Found::Polynomial(polynomial);
                return Ok(answer(configuration.hyperplanes, found));
            }
            Err((Stop::Asked, regions)) => {
                let found = Found::AtLeast(regions);
                return Ok(answer(configuration.hyperplanes, found));
            }
            Err((Stop::Unlucky, _)) => {
                let primes = configuration.primes.iter().copied();
                limit = primes.min().unwrap_or(limit);
            }
        }
    }
}

/// The product over the components; when it is not whole, a lower bound for the number
/// of regions.
fn polynomial(
    configuration: &Configuration,
    monitor: &Monitor,
) -> std::result::Result<CharacteristicPolynomial, (Stop, BigUint)> {
    // Every component is central and has a factor (t - 1) beside its decone; one of
    // them takes the hyperplane at infinity away.
    let factors =
        configuration.coloops + configuration.components.len() - usize::from(configuration.cone);
    let mut whitney = vec![BigUint::one()];
    for _ in 0..factors {
        whitney = product(&whitney, &[BigUint::one(), BigUint::one()]);
    }
    let mut end = Ok(());
    for component in &configuration.components {
        let decone = decone(component, &configuration.primes, monitor);
        whitney = product(&whitney, &decone.whitney);
        end = end.and(decone.end);
    }
    match end {
        Ok(()) => Ok(CharacteristicPolynomial::new(
            configuration.dimension,
            whitney,
        )),
        Err(stop) => Err((stop, whitney.iter().sum::<BigUint>().max(BigUint::one()))),
    }
}
