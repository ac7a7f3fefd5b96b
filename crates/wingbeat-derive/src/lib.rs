//! The macros of Wingbeat: `#[derive(Record)]` and `migrations!`. Use them as `wingbeat::Record` and
//! `wingbeat::store::migrations`, where they are documented.

mod attributes;
mod field;
mod migrations;
mod record;
mod serde_attributes;
mod shape;

use proc_macro::TokenStream;
use syn::{DeriveInput, LitStr, parse_macro_input};

/// Makes the shapes of a record; see `wingbeat::Record`.
#[proc_macro_derive(Record, attributes(record, serde, schemars))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// The migrations in a folder; see `wingbeat::store::migrations`.
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    let folder = parse_macro_input!(input as LitStr);
    migrations::expand(&folder).unwrap_or_else(syn::Error::into_compile_error).into()
}
