//! The kernels' packaging for Vitis, `hdl/vitis`, agrees with their RTL: the Tcl script is run, what it tells Vivado is
//! compared with the Verilog, and images of simulated cards are built from it.
//!
//! There is no Vivado here: what it makes of the commands is not tested.

#[path = "../common/mod.rs"]
mod common;

mod agreement;
mod images;
mod script;
