//! The record as a whole: its shapes, and what it says of itself.

use crate::attributes::Options;
use crate::field::{Access, Field};
use crate::serde_attributes;
use crate::shape::{Form, Shape};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use serde_derive_internals::{Ctxt, Derive, ast};
use syn::{Data, DeriveInput, Error, Fields, Ident, Result};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let options = Options::read(&input.attrs)?;
    let fields = fields(input)?;
    let of_struct = serde_attributes::of_struct(&input.attrs)?;
    let shape = |form: Form, keep: fn(Access) -> bool| Shape {
        ident: format_ident!("{}{}", input.ident, form.suffix()),
        record: &input.ident,
        visibility: &input.vis,
        options: &options,
        serde: &of_struct,
        fields: fields.iter().filter(|field| keep(field.access)).collect(),
        form,
    };
    let data = shape(Form::Data, Access::is_created);
    let patch = shape(Form::Patch, Access::is_patched);
    // A record of which clients may read all is what they are shown.
    let has_secrets = fields.iter().any(|field| field.access.write_only);
    let item = has_secrets.then(|| shape(Form::Item, |access| !access.write_only));

    let (record, wingbeat) = (&input.ident, &options.wingbeat);
    let item_ident = item.as_ref().map_or(record, |item| &item.ident);
    let (data_ident, patch_ident) = (&data.ident, &patch.ident);
    let names = |of: fn(Access) -> bool| {
        let names = fields.iter().filter(move |field| of(field.access)).map(|field| &field.name);
        quote! { &[#(#names),*] }
    };
    let read_only = names(|access| !access.is_created());
    let (immutable, write_only) = (names(|access| access.immutable), names(|access| access.write_only));
    let schemas = options.schema.then(|| {
        quote! {
            fn schemas() -> #wingbeat::service::Schemas {
                #wingbeat::schema::schemas::<#item_ident, #data_ident, #patch_ident, #item_ident>()
            }
        }
    });
    let id = fields.iter().find(|field| field.access.id).map(|field| &field.name);
    let id =
        id.map(|name| quote! { const ID: ::core::option::Option<&'static str> = ::core::option::Option::Some(#name); });
    let shapes = [Some(&data), Some(&patch), item.as_ref()].into_iter().flatten().map(Shape::expand);
    Ok(quote! {
        #(#shapes)*

        #[automatically_derived]
        impl #wingbeat::Record for #record {
            type Item = #item_ident;
            type Data = #data_ident;
            type Patch = #patch_ident;
            #id
            const READ_ONLY: &'static [&'static str] = #read_only;
            const IMMUTABLE: &'static [&'static str] = #immutable;
            const WRITE_ONLY: &'static [&'static str] = #write_only;
            #schemas
        }
    })
}

fn fields(input: &DeriveInput) -> Result<Vec<Field<'_>>> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "a record has no generics: derive it for a struct whose fields have types of their own",
        ));
    }
    let named = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => named,
            _ => return Err(Error::new_spanned(&input.ident, "a record has named fields: `struct … { id: i64, … }`")),
        },
        _ => return Err(Error::new_spanned(&input.ident, "a record is a struct with named fields")),
    };
    let names = json_names(input);
    let mut fields = Vec::new();
    for (at, field) in named.named.iter().enumerate() {
        let Some(ident) = &field.ident else { continue };
        let (written, read) = names.get(at).cloned().unwrap_or_else(|| (ident.to_string(), ident.to_string()));
        if written != read {
            let error = format!("a field of a record has one name: it is read as `{read}` and written as `{written}`");
            return Err(Error::new_spanned(field, error));
        }
        fields.push(Field::read(field, ident, written)?);
    }
    let mut ids = fields.iter().filter(|field| field.access.id).skip(1);
    match ids.next() {
        Some(second) => Err(Error::new_spanned(second.ident, "a record has one `id`: this is the second")),
        None => Ok(fields),
    }
}

/// The names of the fields in JSON: as they are written, as they are read.
fn json_names(input: &DeriveInput) -> Vec<(String, String)> {
    let context = Ctxt::new();
    let container = ast::Container::from_ast(&context, input, Derive::Serialize, &Ident::new("_", Span::call_site()));
    let names = match container.map(|container| container.data) {
        Some(ast::Data::Struct(_, fields)) => {
            let names = fields.iter().map(|field| field.attrs.name());
            names.map(|name| (name.serialize_name().value.clone(), name.deserialize_name().value.clone())).collect()
        }
        _ => Vec::new(),
    };
    // What serde does not understand is for its own derive to tell.
    let _ = context.check();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(struct_: &str) -> String {
        expand(&syn::parse_str(struct_).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_record_is_told() {
        assert_eq!(refused("enum E { A }"), "a record is a struct with named fields");
        assert_eq!(refused("struct E(i64);"), "a record has named fields: `struct … { id: i64, … }`");
        assert!(refused("struct E<T> { t: T }").starts_with("a record has no generics"));
        assert_eq!(
            refused("struct E { #[record(id)] a: i64, #[record(id)] b: i64 }"),
            "a record has one `id`: this is the second"
        );
    }

    #[test]
    fn options_that_mean_nothing_are_errors() {
        let of_field = |options: &str| refused(&format!("struct E {{ #[record({options})] a: i64 }}"));
        let expected = "unknown option `readonly` of a field: write `id`, `read_only`, `write_only` or `immutable`";
        assert_eq!(of_field("readonly"), expected);
        assert!(of_field("id, read_only").starts_with("an `id` is `read_only` already"));
        assert!(of_field("id, write_only").starts_with("an `id` can not be `write_only`"));
        assert!(of_field("id, immutable").contains("write `immutable` alone if clients choose it"));
        assert!(of_field("read_only, write_only").contains("`hooks::protect`"));
        assert!(of_field("read_only, immutable").starts_with("clients never write a `read_only` field"));
        let of_struct = refused("#[record(schemas)] struct E { a: i64 }");
        assert_eq!(of_struct, "unknown option `schemas` of a record: write `schema`, `derive(…)` or `crate = …`");
    }

    #[test]
    fn contradictions_are_seen_across_attributes() {
        assert!(refused("struct E { #[record(id)] #[record(write_only)] a: i64 }").starts_with("an `id` can not"));
    }

    #[test]
    fn attributes_of_serde_that_no_shape_can_have_are_told() {
        let of_field = |attribute: &str| refused(&format!("struct E {{ #[serde({attribute})] a: i64 }}"));
        assert!(of_field("skip_serializing").contains("write `#[record(write_only)]` for what clients do not read"));
        assert!(of_field("flatten").starts_with("a record can not have flattened fields"));
        let two = of_field("rename(serialize = \"x\", deserialize = \"y\")");
        assert_eq!(two, "a field of a record has one name: it is read as `y` and written as `x`");
        let whole = refused("#[serde(default)] struct E { a: i64 }");
        assert!(whole.starts_with("write `#[serde(default)]` on the fields"));
        assert!(refused("#[serde(untagged)] struct E { a: i64 }").starts_with("the shapes of a record can not have"));
    }

    #[test]
    fn names_are_those_of_serde() {
        let record = "#[serde(rename_all = \"SCREAMING-KEBAB-CASE\")]
            struct E { #[record(id)] the_id: i64, #[record(read_only)] #[serde(rename = \"by\")] made_by: i64 }";
        let code = expand(&syn::parse_str(record).unwrap()).unwrap().to_string();
        assert!(code.contains("READ_ONLY : & 'static [& 'static str] = & [\"THE-ID\" , \"by\"]"), "{code}");
    }
}
