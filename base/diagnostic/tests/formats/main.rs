//! The output formats on a small run, on odd spans and on hostile text.

mod fixture;
mod full;
mod machine;
mod robust;
mod sarif;
