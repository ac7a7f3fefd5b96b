//! A field: what clients may do with it.

use crate::serde_attributes::FieldSerde;
use quote::ToTokens as _;
use syn::{Attribute, Error, Ident, Result, Type, Visibility};

/// Who writes and who reads a field.
#[derive(Clone, Copy, Default)]
pub(crate) struct Access {
    pub(crate) id: bool,
    pub(crate) read_only: bool,
    pub(crate) write_only: bool,
    pub(crate) immutable: bool,
}

/// A field of the record.
pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) visibility: &'a Visibility,
    pub(crate) docs: Vec<&'a Attribute>,
    pub(crate) schemars: Vec<&'a Attribute>,
    pub(crate) serde: FieldSerde<'a>,
    pub(crate) access: Access,
    /// Its name in JSON.
    pub(crate) name: String,
}

impl<'a> Field<'a> {
    pub(crate) fn read(field: &'a syn::Field, ident: &'a Ident, name: String) -> Result<Field<'a>> {
        let of = |path: &'static str| field.attrs.iter().filter(move |attribute| attribute.path().is_ident(path));
        Ok(Field {
            ident,
            ty: &field.ty,
            visibility: &field.vis,
            docs: of("doc").collect(),
            schemars: of("schemars").collect(),
            serde: FieldSerde::read(of("serde"))?,
            access: Access::read(of("record"))?,
            name,
        })
    }

    /// Whether the type is an `Option`, by its name.
    pub(crate) fn is_optional(&self) -> bool {
        matches!(self.ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
    }
}

impl Access {
    fn read<'a>(attributes: impl Iterator<Item = &'a Attribute>) -> Result<Access> {
        let mut access = Access::default();
        for attribute in attributes {
            attribute.parse_nested_meta(|option| {
                let flag = match option.path.get_ident().map(Ident::to_string).as_deref() {
                    Some("id") => &mut access.id,
                    Some("read_only") => &mut access.read_only,
                    Some("write_only") => &mut access.write_only,
                    Some("immutable") => &mut access.immutable,
                    _ => {
                        let name = option.path.to_token_stream();
                        return Err(option.error(format!(
                            "unknown option `{name}` of a field: write `id`, `read_only`, `write_only` or `immutable`"
                        )));
                    }
                };
                *flag = true;
                Ok(())
            })?;
            access.check(attribute)?;
        }
        Ok(access)
    }

    fn check(self, attribute: &Attribute) -> Result<()> {
        let contradiction = match self {
            Access { id: true, read_only: true, .. } => "an `id` is `read_only` already: leave `read_only` out",
            Access { id: true, write_only: true, .. } => "an `id` can not be `write_only`: clients have to read it",
            Access { id: true, immutable: true, .. } => {
                "an `id` is made by the server: write `immutable` alone if clients choose it when they create a record"
            }
            Access { read_only: true, write_only: true, .. } => {
                "a field that clients neither read nor write: write `read_only`, and hide it with `hooks::protect`"
            }
            Access { read_only: true, immutable: true, .. } => {
                "clients never write a `read_only` field: leave `immutable` out"
            }
            _ => return Ok(()),
        };
        Err(Error::new_spanned(attribute, contradiction))
    }

    /// Whether clients write it when they create a record.
    pub(crate) fn is_created(self) -> bool {
        !self.id && !self.read_only
    }

    /// Whether clients change it in a record that exists.
    pub(crate) fn is_patched(self) -> bool {
        self.is_created() && !self.immutable
    }
}
