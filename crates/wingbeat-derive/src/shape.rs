//! One shape of a record: a struct with some of its fields.

use crate::attributes::Options;
use crate::field::Field;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Expr, Ident, Meta, Visibility};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Item,
    Data,
    Patch,
}

impl Form {
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Form::Item => "Item",
            Form::Data => "Data",
            Form::Patch => "Patch",
        }
    }
}

pub(crate) struct Shape<'a> {
    pub(crate) form: Form,
    pub(crate) ident: Ident,
    /// The struct that this is a shape of.
    pub(crate) record: &'a Ident,
    pub(crate) visibility: &'a Visibility,
    pub(crate) options: &'a Options,
    /// Serde's attributes of the record that count here too.
    pub(crate) serde: &'a [Meta],
    pub(crate) fields: Vec<&'a Field<'a>>,
}

impl Shape<'_> {
    pub(crate) fn expand(&self) -> TokenStream {
        let Shape { ident, visibility, options, .. } = self;
        let (serde_path, wingbeat) = (options.path_within("__private::serde"), &options.wingbeat);
        let (serde, derives) = (&self.serde, &options.derives);
        // Clients may be older than a record; what they write is known to the last field.
        let strict = (self.form != Form::Item).then(|| quote! { #[serde(deny_unknown_fields)] });
        let schema = options.schema.then(|| {
            let path = options.path_within("schema::schemars");
            quote! { #[derive(#wingbeat::schema::JsonSchema)] #[schemars(crate = #path)] }
        });
        let default = (self.form == Form::Patch).then(|| quote! { #[derive(Default)] });
        let doc = match self.form {
            Form::Item => format!("A [`{}`] as clients see it.", self.record),
            Form::Data => format!("What clients write to make a [`{}`].", self.record),
            Form::Patch => format!("What clients change in a [`{}`]: the fields that are there.", self.record),
        };
        let fields = self.fields.iter().map(|field| self.field(field));
        let (functions, debug, from) = (self.functions(), self.debug(), self.conversion());
        quote! {
            #[doc = #doc]
            #[derive(Clone, #wingbeat::__private::serde::Serialize, #wingbeat::__private::serde::Deserialize)]
            #default
            #(#[derive(#derives)])*
            #schema
            #[serde(crate = #serde_path)]
            #strict
            #(#[serde(#serde)])*
            #visibility struct #ident {
                #(#fields,)*
            }

            #functions
            #debug
            #from
        }
    }

    fn field(&self, field: &Field<'_>) -> TokenStream {
        let Field { ident, ty, visibility, docs, schemars, serde, .. } = field;
        let options = self.options;
        let schemars = if options.schema { schemars.as_slice() } else { &[] };
        if self.form != Form::Patch {
            let attributes = &serde.attributes;
            // What the client leaves out is left out of the record.
            let plain = !serde.has_default && serde.deserialize_with.is_none() && serde.serialize_with.is_none();
            let absent = field.is_optional() && plain && !serde.is_skipped_sometimes && self.form == Form::Data;
            let absent = absent.then(|| quote! { #[serde(skip_serializing_if = "::core::option::Option::is_none")] });
            return quote! { #(#docs)* #(#attributes)* #absent #(#schemars)* #visibility #ident: #ty };
        }
        let names = &serde.names;
        let read = match &serde.deserialize_with {
            Some(_) => format!("{}::{}", self.ident, reader(field)),
            None => options.path_within("__private::present"),
        };
        let write = serde.serialize_with.as_ref().map(|_| {
            let path = format!("{}::{}", self.ident, writer(field));
            quote! { #[serde(serialize_with = #path)] }
        });
        let schema = options.schema.then(|| {
            let ty = quote!(#ty).to_string();
            let is_said = schemars.iter().any(|attribute| says_type(attribute));
            let same = (!is_said).then(|| quote! { #[schemars(with = #ty)] });
            quote! { #(#schemars)* #same }
        });
        quote! {
            #(#docs)*
            #(#[serde(#names)])*
            #[serde(default, deserialize_with = #read, skip_serializing_if = "::core::option::Option::is_none")]
            #write
            #schema
            #visibility #ident: ::core::option::Option<#ty>
        }
    }

    /// In a patch, the functions of the record's fields work on what may be absent.
    fn functions(&self) -> Option<TokenStream> {
        let special =
            |field: &&&Field<'_>| field.serde.deserialize_with.is_some() || field.serde.serialize_with.is_some();
        let fields: Vec<_> = self.fields.iter().filter(special).collect();
        if self.form != Form::Patch || fields.is_empty() {
            return None;
        }
        let wingbeat = &self.options.wingbeat;
        let functions = fields.into_iter().map(|field| {
            let ty = field.ty;
            let read = field.serde.deserialize_with.as_deref().and_then(path).map(|path| {
                let name = reader(field);
                quote! {
                    fn #name<'de, D>(deserializer: D) -> ::core::result::Result<::core::option::Option<#ty>, D::Error>
                    where
                        D: #wingbeat::__private::serde::Deserializer<'de>,
                    {
                        #path(deserializer).map(::core::option::Option::Some)
                    }
                }
            });
            let write = field.serde.serialize_with.as_deref().and_then(path).map(|path| {
                let name = writer(field);
                quote! {
                    fn #name<S>(value: &::core::option::Option<#ty>, serializer: S) -> ::core::result::Result<S::Ok, S::Error>
                    where
                        S: #wingbeat::__private::serde::Serializer,
                    {
                        match value {
                            ::core::option::Option::Some(value) => #path(value, serializer),
                            ::core::option::Option::None => serializer.serialize_none(),
                        }
                    }
                }
            });
            quote! { #read #write }
        });
        let ident = &self.ident;
        Some(quote! { #[automatically_derived] impl #ident { #(#functions)* } })
    }

    /// Shows no secrets: data is what ends in logs.
    fn debug(&self) -> TokenStream {
        let (ident, text) = (&self.ident, self.ident.to_string());
        let fields = self.fields.iter().map(|field| {
            let (ident, name) = (field.ident, field.ident.to_string());
            match field.access.write_only {
                true => quote! { .field(#name, &::core::format_args!("…")) },
                false => quote! { .field(#name, &self.#ident) },
            }
        });
        quote! {
            #[automatically_derived]
            impl ::core::fmt::Debug for #ident {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(#text)#(#fields)*.finish()
                }
            }
        }
    }

    fn conversion(&self) -> Option<TokenStream> {
        let (ident, record) = (&self.ident, self.record);
        let fields: Vec<_> = self.fields.iter().map(|field| field.ident).collect();
        (self.form == Form::Item).then(|| {
            quote! {
                #[automatically_derived]
                impl ::core::convert::From<#record> for #ident {
                    fn from(record: #record) -> #ident {
                        #ident { #(#fields: record.#fields),* }
                    }
                }
            }
        })
    }
}

fn reader(field: &Field<'_>) -> Ident {
    format_ident!("__read_{}", field.ident)
}

fn writer(field: &Field<'_>) -> Ident {
    format_ident!("__write_{}", field.ident)
}

/// What is not a path is an error of serde's own derive.
fn path(text: &str) -> Option<Expr> {
    syn::parse_str(text).ok()
}

/// Whether an attribute of schemars says itself of which type the schema is.
fn says_type(attribute: &syn::Attribute) -> bool {
    let mut says = false;
    // What schemars does not understand is for its own derive to tell.
    let _ = attribute.parse_nested_meta(|option| {
        says |= option.path.is_ident("with") || option.path.is_ident("schema_with");
        if let Ok(value) = option.value() {
            let _: Expr = value.parse()?;
        } else if !option.input.is_empty() && !option.input.peek(syn::Token![,]) {
            let _: proc_macro2::TokenTree = option.input.parse()?;
        }
        Ok(())
    });
    says
}
