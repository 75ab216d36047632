//! The types of the API, open to what a later server may send.
//!
//! Enums and unions keep values they don't know; structs are `#[non_exhaustive]`, and those a
//! request can contain have a constructor, setters, and fields that can be cleared.

pub mod checks;
mod enums;
pub mod input;
mod structs;
mod unions;

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Api;
pub use structs::argument;

/// The module `types`, in the order of its names.
pub fn types(api: &Api, raw: &syn::File) -> Result<syn::File, String> {
    let progenitor = structs::Fields::read(raw)?;
    let mut code = TokenStream::new();
    let checked = checks::checked(api);
    for (name, item) in &api.structs {
        code.extend(structs::item(api, &progenitor, name, item)?);
        code.extend(checks::item(&checked, name, item));
    }
    for (name, item) in &api.enums {
        code.extend(enums::item(name, item)?);
    }
    for (name, item) in &api.unions {
        code.extend(unions::item(name, item)?);
    }
    syn::parse2(quote! { #code }).map_err(|error| format!("the types do not parse: {error}"))
}

/// The variant for what is not known: `Unknown`, unless the API uses that name.
fn unknown(is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = "Unknown".to_string();
    while is_taken(&name) {
        name.push_str("Value");
    }
    name
}

/// An identifier; `name` comes from `names`, so it is one.
pub fn ident(name: &str) -> syn::Ident {
    quote::format_ident!("{name}")
}
