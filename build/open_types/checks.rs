//! `x-paid-requires`: what a schema needs beyond what its types say, checked before a request is sent.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::ident;
use crate::generator::model::{Api, Field, Struct, component};
use crate::generator::names;

/// Names of the structs that have requirements, or fields that have.
pub fn checked(api: &Api) -> BTreeSet<String> {
    let requires = |(name, item): (&String, &Struct)| (!item.requires.is_empty()).then(|| name.clone());
    let mut checked: BTreeSet<String> = api.structs.iter().filter_map(requires).collect();
    loop {
        let holds = |item: &Struct| item.fields.iter().any(|field| is_checked(&checked, &field.schema));
        let added: Vec<String> = api
            .structs
            .iter()
            .filter(|(name, item)| !checked.contains(*name) && holds(item))
            .map(|(name, _)| name.clone())
            .collect();
        if added.is_empty() {
            return checked;
        }
        checked.extend(added);
    }
}

/// Whether a schema is a checked struct, or a list of them.
pub fn is_checked(checked: &BTreeSet<String>, schema: &Value) -> bool {
    let wrapped = || schema["allOf"].as_array().into_iter().flatten().any(|part| is_checked(checked, part));
    match component(schema) {
        Some(name) => checked.contains(name),
        None => wrapped() || schema.get("items").is_some_and(|items| is_checked(checked, items)),
    }
}

/// `impl Check` for a struct that has requirements, or whose fields have.
pub fn item(checked: &BTreeSet<String>, name: &str, item: &Struct) -> TokenStream {
    if !checked.contains(name) {
        return quote! {};
    }
    let ty = ident(name);
    let groups = item.requires.iter().map(|group| {
        let given = group.iter().map(|wire| {
            let field = item.fields.iter().find(|field| field.wire == *wire);
            let is_given = field.map_or(quote! { false }, is_given);
            quote! { (#wire, #is_given) }
        });
        quote! { crate::values::one_of(&[#(#given),*])?; }
    });
    // Only where something is required are its texts known to be ids and names.
    let texts = item.fields.iter().filter(|field| !item.requires.is_empty() && is_text(field)).map(|field| {
        let (wire, name) = (&field.wire, ident(&names::ident(&field.wire)));
        let text = match is_optional(field) {
            true => quote! { self.#name.as_ref() },
            false => quote! { ::std::option::Option::Some(&self.#name) },
        };
        quote! { crate::values::not_blank(#wire, #text)?; }
    });
    let inner = item.fields.iter().filter(|field| is_checked(checked, &field.schema)).map(|field| {
        let (wire, name) = (&field.wire, ident(&names::ident(&field.wire)));
        quote! { crate::values::Check::check(&self.#name).map_err(|problem| problem.within(#wire))?; }
    });
    quote! {
        impl crate::values::Check for #ty {
            fn check(&self) -> ::std::result::Result<(), crate::error::InvalidRequest> {
                #(#groups)*
                #(#texts)*
                #(#inner)*
                ::std::result::Result::Ok(())
            }
        }
    }
}

fn is_optional(field: &Field) -> bool {
    !field.required || field.nullable
}

fn is_given(field: &Field) -> TokenStream {
    let name = ident(&names::ident(&field.wire));
    match is_optional(field) {
        true => quote! { self.#name.as_ref().is_some() },
        false => quote! { true },
    }
}

fn is_text(field: &Field) -> bool {
    field.schema["type"] == "string" && field.schema.get("format").is_none()
}
