//! `#[derive(Record)]` of Wingbeat. Use it as `wingbeat::Record`, where it is documented.

mod attributes;
mod field;
mod record;
mod serde_attributes;
mod shape;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes the shapes of a record; see `wingbeat::Record`.
#[proc_macro_derive(Record, attributes(record, serde, schemars))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
