//! Readers: one file a format.

pub mod onnx;
