//! What callers may give where the API takes a value.

use proc_macro2::TokenStream;
use quote::quote;

use super::structs::argument;

/// The type of a parameter, and how what was given becomes the value.
pub struct Input {
    pub takes: TokenStream,
    pub convert: Box<dyn Fn(TokenStream) -> TokenStream>,
}

impl Input {
    fn new(takes: TokenStream, convert: impl Fn(TokenStream) -> TokenStream + 'static) -> Self {
        Input { takes, convert: Box::new(convert) }
    }
}

/// What a constructor, setter or method takes for a value of this type.
pub fn of(ty: &syn::Type) -> Input {
    if is_named(ty, "bool") || is_named(ty, "i64") {
        return Input::new(quote! { #ty }, |given| given);
    }
    if let Some(inner) = argument(ty, "Box") {
        return Input::new(
            quote! { impl ::std::convert::Into<#inner> },
            |given| quote! { ::std::boxed::Box::new(#given.into()) },
        );
    }
    if let Some(item) = argument(ty, "Vec") {
        return match is_named(&item, ":: std :: string :: String") {
            true => converted(&item),
            // An empty list of anything else could not infer its items.
            false => Input::new(
                quote! { impl ::std::iter::IntoIterator<Item = #item> },
                |given| quote! { #given.into_iter().collect() },
            ),
        };
    }
    if let Some(item) = argument(ty, "BTreeMap") {
        return Input::new(
            quote! { impl ::std::iter::IntoIterator<Item = (impl ::std::convert::Into<::std::string::String>, #item)> },
            |given| quote! { #given.into_iter().map(|(key, value)| (key.into(), value)).collect() },
        );
    }
    Input::new(quote! { impl ::std::convert::Into<#ty> }, |given| quote! { #given.into() })
}

/// As `of`, but a list takes anything that converts into its items.
pub fn of_parameter(ty: &syn::Type) -> Input {
    match argument(ty, "Vec") {
        Some(item) if !is_named(&item, "bool") && !is_named(&item, "i64") => converted(&item),
        _ => of(ty),
    }
}

fn converted(item: &syn::Type) -> Input {
    Input::new(
        quote! { impl ::std::iter::IntoIterator<Item = impl ::std::convert::Into<#item>> },
        |given| quote! { #given.into_iter().map(::std::convert::Into::into).collect() },
    )
}

fn is_named(ty: &syn::Type, name: &str) -> bool {
    quote!(#ty).to_string() == name
}
