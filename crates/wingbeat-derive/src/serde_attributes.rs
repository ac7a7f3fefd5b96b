//! Serde's attributes: what of them the shapes have as well.

use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Meta, Result, Token};

/// What `#[serde(…)]` says of a field.
#[derive(Default)]
pub(crate) struct FieldSerde<'a> {
    /// As they were written.
    pub(crate) attributes: Vec<&'a Attribute>,
    /// Those that are about names.
    pub(crate) names: Vec<Meta>,
    pub(crate) has_default: bool,
    pub(crate) is_skipped_sometimes: bool,
    /// The function that reads the field, if it is not the type's own.
    pub(crate) deserialize_with: Option<String>,
    /// The function that writes it.
    pub(crate) serialize_with: Option<String>,
}

impl<'a> FieldSerde<'a> {
    pub(crate) fn read(attributes: impl Iterator<Item = &'a Attribute>) -> Result<FieldSerde<'a>> {
        let mut field = FieldSerde::default();
        for attribute in attributes {
            field.attributes.push(attribute);
            for meta in metas(attribute)? {
                field.add(meta)?;
            }
        }
        Ok(field)
    }

    fn add(&mut self, meta: Meta) -> Result<()> {
        match meta.path().get_ident().map(ToString::to_string).unwrap_or_default().as_str() {
            "rename" | "alias" => self.names.push(meta),
            "default" => self.has_default = true,
            "skip_serializing_if" => self.is_skipped_sometimes = true,
            "with" => {
                let module = text(&meta)?.value();
                self.deserialize_with = Some(format!("{module}::deserialize"));
                self.serialize_with = Some(format!("{module}::serialize"));
            }
            "deserialize_with" => self.deserialize_with = Some(text(&meta)?.value()),
            "serialize_with" => self.serialize_with = Some(text(&meta)?.value()),
            "skip" | "skip_serializing" | "skip_deserializing" => {
                let error = "the shapes of a record can not have this: write `#[record(write_only)]` for what clients \
                             do not read, `#[record(read_only)]` for what they do not write";
                return Err(Error::new_spanned(meta, error));
            }
            "flatten" => {
                let error = "a record can not have flattened fields: clients could write any field there";
                return Err(Error::new_spanned(meta, error));
            }
            _ => return Err(Error::new_spanned(meta, "the shapes of a record can not have this attribute of serde")),
        }
        Ok(())
    }
}

/// What of `#[serde(…)]` on the struct the shapes have as well.
pub(crate) fn of_struct(attributes: &[Attribute]) -> Result<Vec<Meta>> {
    let mut carried = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        for meta in metas(attribute)? {
            match meta.path().get_ident().map(ToString::to_string).unwrap_or_default().as_str() {
                "rename_all" | "expecting" => carried.push(meta),
                // The shapes have these of their own.
                "crate" | "deny_unknown_fields" | "rename" => {}
                "default" => {
                    let error = "write `#[serde(default)]` on the fields that clients may leave out, not on the record";
                    return Err(Error::new_spanned(meta, error));
                }
                _ => {
                    let error = "the shapes of a record can not have this attribute of serde";
                    return Err(Error::new_spanned(meta, error));
                }
            }
        }
    }
    Ok(carried)
}

fn metas(attribute: &Attribute) -> Result<Punctuated<Meta, Token![,]>> {
    attribute.parse_args_with(Punctuated::parse_terminated)
}

fn text(meta: &Meta) -> Result<&LitStr> {
    match &meta.require_name_value()?.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => Err(Error::new_spanned(other, "expected the path of a function or module, as text")),
    }
}
