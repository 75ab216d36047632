//! Structs: progenitor's field types, with our own attributes, constructors and setters.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::ident;
use super::input::{self, Input};
use crate::generator::docs;
use crate::generator::model::{Api, Field, Struct};
use crate::generator::{names, prose};

/// The type that progenitor gave each field, by struct and Rust name.
pub struct Fields(BTreeMap<(String, String), syn::Type>);

impl Fields {
    pub fn read(raw: &syn::File) -> Result<Self, String> {
        let types = raw.items.iter().find_map(|item| match item {
            syn::Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
            _ => None,
        });
        let Some((_, items)) = types else { return Err("progenitor made no module `types`".into()) };
        let mut fields = BTreeMap::new();
        for item in items {
            let syn::Item::Struct(item) = item else { continue };
            for field in &item.fields {
                let Some(name) = &field.ident else { continue };
                let given = renamed(&field.attrs).unwrap_or_else(|| name.to_string());
                fields.insert((item.ident.to_string(), given), field.ty.clone());
            }
        }
        Ok(Fields(fields))
    }

    fn get(&self, name: &str, field: &Field) -> Result<syn::Type, String> {
        let ty = self.0.get(&(name.to_string(), names::ident(&field.wire)));
        ty.cloned().ok_or_else(|| format!("schema {name}: progenitor made no field for `{}`", field.wire))
    }
}

fn renamed(attrs: &[syn::Attribute]) -> Option<String> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // Other keys end the walk early, which is fine: progenitor writes `rename` first.
        let _ = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                found = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
    }
    found
}

/// How a field is held.
enum Form {
    /// Always there.
    Plain(syn::Type),
    /// Always there, may be null.
    OrNull(syn::Type),
    /// May be absent.
    Optional(syn::Type),
    /// May be absent, null or there, and the three differ.
    Nullable(syn::Type),
}

impl Form {
    fn of(field: &Field, in_request: bool, ty: syn::Type) -> Form {
        match (field.required, field.nullable) {
            (true, false) => Form::Plain(ty),
            (true, true) => Form::OrNull(bare(ty)),
            (false, true) if in_request => Form::Nullable(bare(ty)),
            (false, _) => Form::Optional(bare(ty)),
        }
    }

    fn ty(&self) -> TokenStream {
        match self {
            Form::Plain(ty) => quote! { #ty },
            Form::OrNull(ty) | Form::Optional(ty) => quote! { ::std::option::Option<#ty> },
            Form::Nullable(ty) => quote! { crate::Nullable<#ty> },
        }
    }

    fn serde(&self) -> TokenStream {
        match self {
            Form::Plain(_) | Form::OrNull(_) => quote! {},
            Form::Optional(_) => quote! { default, skip_serializing_if = "::std::option::Option::is_none" },
            Form::Nullable(_) => quote! { default, skip_serializing_if = "crate::Nullable::is_omitted" },
        }
    }
}

/// The type without the `Option` that progenitor puts around what may be absent.
fn bare(ty: syn::Type) -> syn::Type {
    match argument(&ty, "Option") {
        Some(inner) => inner,
        None => ty,
    }
}

/// `T` of `Name<T>`.
pub fn argument(ty: &syn::Type, name: &str) -> Option<syn::Type> {
    let syn::Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == name)?;
    // Without arguments it is a component that is called the same.
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().rev().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    })
}

pub fn item(api: &Api, progenitor: &Fields, name: &str, item: &Struct) -> Result<TokenStream, String> {
    let ty = ident(name);
    let doc = docs::attributes(&item.description, name);
    let mut forms = Vec::new();
    for field in &item.fields {
        forms.push((field, Form::of(field, item.in_request, progenitor.get(name, field)?)));
    }
    let fields = forms.iter().map(|(field, form)| {
        let ident = ident(&names::ident(&field.wire));
        let doc = docs::attributes(&field.description, &field.wire);
        let ty = form.ty();
        let rename = rename(field);
        let serde = form.serde();
        let attribute = (rename.is_some() || !serde.is_empty()).then(|| quote! { #[serde(#rename #serde)] });
        quote! { #doc #attribute pub #ident: #ty }
    });
    let read = deserialize(&ty, &forms);
    let default =
        (item.in_request && item.fields.iter().all(|field| !field.required)).then(|| quote! { Default, });
    let methods = if item.in_request {
        methods(api, name, &forms)?
    } else {
        quote! {}
    };
    Ok(quote! {
        #doc
        #[derive(Clone, Debug, #default PartialEq, ::serde::Serialize)]
        #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
        #[non_exhaustive]
        pub struct #ty { #(#fields,)* }

        #read

        #methods
    })
}

fn rename(field: &Field) -> Option<TokenStream> {
    let wire = &field.wire;
    (names::ident(wire) != *wire).then(|| quote! { rename = #wire, })
}

/// `impl Deserialize`: what serde derives, but for objects alone, and with the forms of numbers and times that
/// servers write too.
fn deserialize(ty: &syn::Ident, forms: &[(&Field, Form)]) -> TokenStream {
    let fields = forms.iter().map(|(field, form)| {
        let name = ident(&names::ident(&field.wire));
        let rename = rename(field);
        let default = match form {
            Form::Plain(_) => quote! {},
            _ => quote! { default, },
        };
        let held = form.ty();
        let lenient = is_lenient(&held).then(|| quote! { deserialize_with = "crate::values::lenient" });
        quote! { #[serde(#rename #default #lenient)] #name: #held }
    });
    let name = ty.to_string();
    quote! {
        const _: () = {
            #[derive(::serde::Deserialize)]
            #[serde(remote = #name, rename = #name)]
            struct __Fields { #(#fields,)* }

            impl<'de> ::serde::Deserialize<'de> for #ty {
                fn deserialize<D: ::serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::std::result::Result<Self, D::Error> {
                    __Fields::deserialize(crate::values::ObjectOnly(deserializer))
                }
            }
        };
    }
}

/// Whether a type is, or holds, a whole number or a point in time.
fn is_lenient(held: &TokenStream) -> bool {
    let text = held.to_string();
    // A component may be called `DateTime` too, but never `i64`.
    text.contains("crate :: DateTime")
        || text.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "i64")
}

fn methods(api: &Api, name: &str, forms: &[(&Field, Form)]) -> Result<TokenStream, String> {
    let ty = ident(name);
    let mut taken = BTreeMap::from([("new".to_string(), "the constructor".to_string())]);
    let mut arguments = Vec::new();
    let mut values = Vec::new();
    let mut setters = TokenStream::new();
    for (field, form) in forms {
        let rust = names::ident(&field.wire);
        let ident = ident(&rust);
        let (inner, required) = match form {
            Form::Plain(inner) | Form::OrNull(inner) => (inner, true),
            Form::Optional(inner) | Form::Nullable(inner) => (inner, false),
        };
        let Input { takes, convert } = input::of(inner);
        if required {
            match form {
                Form::OrNull(inner) => {
                    arguments
                        .push(quote! { #ident: impl ::std::convert::Into<::std::option::Option<#inner>> });
                    values.push(quote! { #ident: #ident.into() });
                }
                _ => {
                    arguments.push(quote! { #ident: #takes });
                    let value = convert(quote! { #ident });
                    values.push(quote! { #ident: #value });
                }
            }
            continue;
        }
        values.push(quote! { #ident: ::std::default::Default::default() });
        let mut claim = |method: &str| match taken.insert(method.to_string(), field.wire.clone()) {
            Some(other) => Err(format!(
                "schema {name}: method `{method}` would serve `{other}` and `{}`: rename the property",
                field.wire
            )),
            None => Ok(()),
        };
        claim(&rust)?;
        let set = format!(
            " Sets {}: {}",
            prose::code(&field.wire),
            docs::first_sentence(&field.description, "the value to send.")
        );
        let value = convert(quote! { value });
        let wrapped = match form {
            Form::Nullable(_) => quote! { crate::Nullable::Value(#value) },
            _ => quote! { ::std::option::Option::Some(#value) },
        };
        setters.extend(quote! {
            #[doc = #set]
            #[must_use]
            pub fn #ident(mut self, value: #takes) -> Self {
                self.#ident = #wrapped;
                self
            }
        });
        if matches!(form, Form::Nullable(_)) {
            let clear = format!("clear_{}", rust.trim_end_matches('_'));
            claim(&clear)?;
            let clear = super::ident(&clear);
            let doc = format!(" Sends {} as an explicit null, which clears it.", prose::code(&field.wire));
            setters.extend(quote! {
                #[doc = #doc]
                #[must_use]
                pub fn #clear(mut self) -> Self {
                    self.#ident = crate::Nullable::Null;
                    self
                }
            });
        }
    }
    let doc = match arguments.is_empty() {
        true => format!(" A `{name}` with every field left out."),
        false => format!(" A `{name}` with its required fields, every other left out."),
    };
    let items = list_conversions(api, name, forms);
    Ok(quote! {
        impl #ty {
            #[doc = #doc]
            #[must_use]
            #[allow(clippy::too_many_arguments)]
            pub fn new(#(#arguments),*) -> Self {
                Self { #(#values,)* }
            }

            #setters
        }

        #items
    })
}

/// A body that is nothing but a list can be given as that list.
fn list_conversions(api: &Api, name: &str, forms: &[(&Field, Form)]) -> TokenStream {
    let is_body = api
        .operations
        .iter()
        .any(|operation| operation.body.as_ref().is_some_and(|body| body.component() == Some(name)));
    let [(field, form)] = forms else { return quote! {} };
    let (Form::Plain(list) | Form::OrNull(list) | Form::Optional(list) | Form::Nullable(list)) = form;
    let (true, Some(element)) = (is_body, argument(list, "Vec")) else { return quote! {} };
    let ty = ident(name);
    let ident = ident(&names::ident(&field.wire));
    let value = match form {
        Form::Plain(_) => quote! { items },
        Form::OrNull(_) | Form::Optional(_) => quote! { ::std::option::Option::Some(items) },
        Form::Nullable(_) => quote! { crate::Nullable::Value(items) },
    };
    quote! {
        impl ::std::convert::From<::std::vec::Vec<#element>> for #ty {
            fn from(items: ::std::vec::Vec<#element>) -> Self {
                Self { #ident: #value }
            }
        }

        impl<const __N: usize> ::std::convert::From<[#element; __N]> for #ty {
            fn from(items: [#element; __N]) -> Self {
                Self::from(::std::vec::Vec::from(items))
            }
        }

        impl ::std::iter::FromIterator<#element> for #ty {
            fn from_iter<__I: ::std::iter::IntoIterator<Item = #element>>(items: __I) -> Self {
                Self::from(items.into_iter().collect::<::std::vec::Vec<_>>())
            }
        }
    }
}
