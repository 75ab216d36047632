//! One struct per resource, with a method per operation, async and blocking.

use proc_macro2::TokenStream;
use quote::quote;

use super::{tag, type_name};
use crate::generator::model::{Api, Operation};
use crate::generator::open_types::ident;
use crate::generator::{docs, names};

/// The resource and its twin in the module `blocking`.
pub fn items(
    api: &Api,
    group: &[String],
    operations: &[&Operation],
    children: &[&Vec<String>],
) -> TokenStream {
    let asynchronous = resource(api, group, operations, children, false);
    let blocking = resource(api, group, operations, children, true);
    quote! {
        #asynchronous

        /// The same operations on the blocking client.
        #[cfg(feature = "blocking")]
        pub mod blocking {
            use super::*;
            #blocking
        }
    }
}

fn resource(
    api: &Api,
    group: &[String],
    operations: &[&Operation],
    children: &[&Vec<String>],
    blocking: bool,
) -> TokenStream {
    let name = ident(&type_name(group));
    let client = if blocking { quote! { crate::Paid } } else { quote! { crate::AsyncPaid } };
    let call = if blocking { quote! { crate::blocking::Call } } else { quote! { crate::Call } };
    let doc = docs::attributes(&tag(api, group), &group.join("."));
    let methods = operations.iter().map(|operation| method(api, operation, &call, blocking));
    let accessors = children.iter().map(|child| {
        let method = ident(child.last().map(String::as_str).unwrap_or_default());
        let module = ident(&child.join("_"));
        let ty = ident(&type_name(child));
        let doc = docs::attributes(&tag(api, child), &child.join("."));
        let path = match blocking {
            true => quote! { super::super::#module::blocking::#ty },
            false => quote! { super::#module::#ty },
        };
        quote! {
            #doc
            pub fn #method(&self) -> #path {
                #path::new(self.client.clone())
            }
        }
    });
    quote! {
        #doc
        #[derive(Clone, Debug)]
        pub struct #name { client: #client }

        impl #name {
            pub(crate) fn new(client: #client) -> Self {
                Self { client }
            }

            #(#methods)*
            #(#accessors)*
        }
    }
}

fn method(api: &Api, operation: &Operation, call: &TokenStream, blocking: bool) -> TokenStream {
    let name = ident(&operation.method);
    let ty = ident(&operation.type_name());
    let mut takes = Vec::new();
    let mut fields = Vec::new();
    for param in &operation.path_params {
        let argument = ident(&names::ident(&param.wire));
        let (ty, value) = plain(&param.schema);
        takes.push(quote! { #argument: #ty });
        fields.push(if value { quote! { #argument } } else { quote! { #argument: #argument.into() } });
    }
    for param in &operation.query {
        let argument = ident(&names::ident(&param.wire));
        if !param.required {
            fields.push(quote! { #argument: ::std::option::Option::None });
            continue;
        }
        let (ty, value) = plain(&param.schema);
        takes.push(quote! { #argument: #ty });
        fields.push(if value { quote! { #argument } } else { quote! { #argument: #argument.into() } });
    }
    if let Some(body) = &operation.body {
        let body = ident(&body.schema);
        takes.push(quote! { body: impl ::std::convert::Into<types::#body> });
        fields.push(quote! { body: body.into() });
    }
    let doc = docs::method(api, operation, blocking);
    let deprecated = operation.deprecated.then(|| quote! { #[deprecated(note = "The API marks it as deprecated.")] });
    quote! {
        #doc
        #deprecated
        pub fn #name(&self, #(#takes),*) -> #call<#ty> {
            #call::new(self.client.clone(), #ty { #(#fields),* })
        }
    }
}

/// What a method takes for a plain value, and whether that is the value itself.
fn plain(schema: &serde_json::Value) -> (TokenStream, bool) {
    if let Some(target) = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) {
        let target = ident(target);
        return (quote! { impl ::std::convert::Into<types::#target> }, false);
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("integer"), _) => (quote! { i64 }, true),
        (Some("boolean"), _) => (quote! { bool }, true),
        (Some("number"), _) => (quote! { impl ::std::convert::Into<crate::Number> }, false),
        (_, Some("date-time")) => (quote! { impl ::std::convert::Into<crate::DateTime> }, false),
        (Some("array"), _) => {
            let (item, same) = plain(&schema["items"]);
            let item = if same { item } else { quote! { ::std::string::String } };
            (quote! { impl ::std::convert::Into<::std::vec::Vec<#item>> }, false)
        }
        _ => (quote! { impl ::std::convert::Into<::std::string::String> }, false),
    }
}
