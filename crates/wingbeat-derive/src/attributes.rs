//! What `#[record(…)]` says of the struct.

use quote::ToTokens as _;
use syn::{Attribute, Path, Result, Token, parenthesized, punctuated::Punctuated};

/// The options of the struct.
pub(crate) struct Options {
    /// Where Wingbeat is.
    pub(crate) wingbeat: Path,
    /// Whether the shapes have JSON Schemas.
    pub(crate) schema: bool,
    /// What else the shapes derive.
    pub(crate) derives: Vec<Path>,
}

impl Options {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Options> {
        let mut options = Options { wingbeat: syn::parse_quote!(::wingbeat), schema: false, derives: Vec::new() };
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("record")) {
            attribute.parse_nested_meta(|option| {
                if option.path.is_ident("crate") {
                    options.wingbeat = option.value()?.call(Path::parse_mod_style)?;
                } else if option.path.is_ident("schema") {
                    options.schema = true;
                } else if option.path.is_ident("derive") {
                    let derives;
                    parenthesized!(derives in option.input);
                    options.derives.extend(Punctuated::<Path, Token![,]>::parse_terminated(&derives)?);
                } else {
                    let name = option.path.to_token_stream();
                    return Err(option.error(format!(
                        "unknown option `{name}` of a record: write `schema`, `derive(…)` or `crate = …`"
                    )));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }

    /// The same path, as serde and schemars want it: as text.
    pub(crate) fn path_within(&self, rest: &str) -> String {
        let wingbeat = self.wingbeat.to_token_stream().to_string().replace(' ', "");
        format!("{wingbeat}::{rest}")
    }
}
